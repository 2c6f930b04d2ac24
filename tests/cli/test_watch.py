"""ragcli watch, and index --watch: each change in a line, an end in good order, a service for who wants one."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import InProcess, Processes

NOTICES = "Watching for changes; Ctrl-C ends it.\nthe system watches no more folders\n"


def test_each_change_is_told_and_what_is_wrong_is_told_aside(run: InProcess) -> None:
    result = run("watch")
    assert result.stdout.splitlines() == [
        "indexed /files/new.md (3 passages)",
        "removed /files/old.md",
        "skipped /files/x.bin: no reader for this kind of file",
    ]
    assert result.stderr == NOTICES


def test_changes_as_events(run: InProcess) -> None:
    events = [json.loads(line) for line in run("watch", "--ndjson", "--quiet").stdout.splitlines()]
    assert [event["event"] for event in events] == ["indexed", "removed", "skipped", "noticed"]
    assert events[-1]["message"] == "the system watches no more folders"


def test_index_can_stay_and_watch(run: InProcess, tmp_path: Path) -> None:
    (tmp_path / "clean").mkdir()
    lines = run("index", str(tmp_path / "clean"), "--watch").stdout.splitlines()
    assert lines[0].startswith("Indexed in")
    assert lines[-1].startswith("skipped /files/x.bin")


@pytest.mark.parametrize("command", [["watch"], ["index", "--watch"]], ids=" ".join)
@pytest.mark.parametrize(
    ("number", "status", "word"),
    [
        (signal.SIGINT, 130, "Stopped; what was done is kept."),
        (signal.SIGTERM, 0, "Asked to end; what was done is kept."),
        (signal.SIGHUP, 0, "Asked to end; what was done is kept."),
    ],
    ids=["Ctrl-C", "SIGTERM", "a closed terminal"],
)
def test_it_ends_in_good_order(
    process: Processes, tmp_path: Path, command: list[str], number: signal.Signals, status: int, word: str
) -> None:
    # The fake watches for ever what is called slow, and indexing that would take for ever too.
    folder = tmp_path / ("slow" if command == ["watch"] else "clean slow watch")
    folder.mkdir()
    started = process.start([*command, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert started.stdout
    while b"skipped /files/x.bin" not in started.stdout.readline():
        pass
    started.send_signal(number)
    _, said = started.communicate(timeout=30)
    assert started.returncode == status
    assert said.decode().splitlines()[-1] == word


def test_what_nohup_ignores_stays_ignored(process: Processes, tmp_path: Path) -> None:
    (tmp_path / "slow").mkdir()
    line = ["bash", "-c", 'trap "" HUP; exec "$@"', "bash"]
    started = subprocess.Popen(
        [*line, *process.command(["watch", str(tmp_path / "slow")])],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **process.place(),
    )
    assert started.stdout
    while b"skipped" not in started.stdout.readline():
        pass
    started.send_signal(signal.SIGHUP)
    started.send_signal(signal.SIGINT)
    started.communicate(timeout=30)
    assert started.returncode == 130


def test_a_service_is_written_and_its_start_left_to_the_user(run: InProcess, tmp_path: Path) -> None:
    assert run("watch", "--install").stdout.splitlines() == [
        "Wrote /units/ragcli-watch.service",
        "Start it, now and with every session: start it",
    ]
    again = run("watch", "--install", str(tmp_path)).stdout
    assert again.startswith("/units/ragcli-watch.service is as it should be\n")


def test_a_service_is_taken_away(run: InProcess) -> None:
    assert run("watch", "--uninstall").stdout == "Removed /units/ragcli-watch.service\n"


def test_to_install_and_to_uninstall_exclude_each_other(run: InProcess) -> None:
    assert run("watch", "--install", "--uninstall").exit_code == 2


@pytest.mark.parametrize(("option", "seconds"), [([], 30.0), (["--wait"], float("inf")), (["--no-wait"], 0.0)])
def test_indexing_waits_for_another_writer_as_long_as_one_wants(tmp_path: Path, option: list[str], seconds: float) -> None:
    from typer.testing import CliRunner

    from ragcli.cli.app import app
    from ragcli.config import Config, Locations
    from tests.cli.fake_assistant import FakeAssistant

    made: list[FakeAssistant] = []

    def make(config: Config, locations: Locations) -> FakeAssistant:
        made.append(FakeAssistant(config, locations))
        return made[-1]

    (tmp_path / "clean").mkdir()
    environment = {"RAGCLI_HOME": str(tmp_path / "home")}
    result = CliRunner(env=environment).invoke(app, ["index", str(tmp_path / "clean"), *option], obj=make)
    assert result.exit_code == 0
    assert made[0].patience == seconds
