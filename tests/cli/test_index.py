"""ragcli index, watch, forget: progress beside, the summary on standard output."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

from tests.cli.conftest import InProcess, Processes


def folder(tmp_path: Path, name: str) -> str:
    (tmp_path / name).mkdir()
    return str(tmp_path / name)


def test_summary_names_counts_and_skips(run: InProcess, tmp_path: Path) -> None:
    result = run("index", folder(tmp_path, "notes"))
    lines = result.stdout.splitlines()
    assert result.exit_code == 10
    assert lines[0].startswith("Indexed in ")
    assert lines[0].endswith(": 2 added, 1 changed, 4 unchanged; 15 passages embedded.")
    assert lines[1:3] == ["Left out by rule: 2 hidden.", "Skipped 12 files: 12 no_text_layer."]
    assert lines[3] == "  /files/scan00.pdf: it holds only pictures of text (a scan)"
    assert lines[-1] == "  and 2 more (ragcli ls --skipped names all, --reason CODE those of one reason)"
    assert result.stderr == ""


def test_without_skips_all_is_well(run: InProcess, tmp_path: Path) -> None:
    result = run("index", folder(tmp_path, "clean"))
    assert result.exit_code == 0
    assert "Skipped" not in result.stdout


def test_failed_files_are_read_again_when_asked_for(run: InProcess, tmp_path: Path) -> None:
    assert run("index", folder(tmp_path, "notes"), "--retry-failed").exit_code == 0


def test_dry_run_speaks_of_what_would_be(run: InProcess, tmp_path: Path) -> None:
    assert run("index", folder(tmp_path, "clean"), "--dry-run").stdout.startswith("Would index: 2 added, 1 changed")


def test_json_has_the_promised_keys(run: InProcess, tmp_path: Path) -> None:
    report = run.json("index", folder(tmp_path, "notes"))
    promised = ["schema", "added", "changed", "removed", "unchanged", "chunks", "skipped", "took_ms"]
    assert [key for key in report if key in promised] == promised
    assert report["skipped"][0] == {"path": "/files/scan00.pdf", "reason": "no_text_layer", "detail": ""}


def test_ndjson_is_the_events(run: InProcess, tmp_path: Path) -> None:
    result = run("index", folder(tmp_path, "clean"), "--ndjson")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    kinds = ["planned", "indexed", "progressed", "indexed", "progressed", "indexed", "progressed", "finished"]
    assert [event["event"] for event in events] == kinds
    assert all(event["schema"] == 1 for event in events)
    assert events[1] == {"schema": 1, "event": "indexed", "path": "/files/1.md", "chunks": 5}


def test_a_missing_path_is_an_error_of_the_source(run: InProcess) -> None:
    result = run("index", "/nowhere/at/all")
    assert result.exit_code == 6
    assert result.stderr.splitlines()[0] == "error: there is no /nowhere/at/all"


def test_paths_come_from_standard_input(run: InProcess, tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9 clean"
    Path(os.fsdecode(name)).mkdir()
    assert run("index", "-", input=name + b"\n").exit_code == 0
    assert run("index", "-", input=name + b"\0").exit_code == 0
    assert run("index", "-", input=name + b"-not\n").exit_code == 6


def test_forgetting_counts(run: InProcess) -> None:
    assert run("forget", "/files/a.md", "/files/b.md").stdout == "Forgot 2 files.\n"
    assert run.json("forget", "/files/a.md")["removed"] == 1


def test_ctrl_c_stops_at_once_and_says_that_work_is_kept(process: Processes, tmp_path: Path) -> None:
    started = process.start(["index", folder(tmp_path, "slow"), "--ndjson"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert started.stdout
    while b"progressed" not in started.stdout.readline():
        pass
    before = time.monotonic()
    started.send_signal(signal.SIGINT)
    _, said = started.communicate(timeout=30)
    assert started.returncode == 130
    assert said == b"Stopped; what was done is kept.\n"
    assert time.monotonic() - before < 20  # the work would have gone on for a minute
