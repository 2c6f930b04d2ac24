"""On a real pseudo-terminal: colour and moving lines where they belong, and nowhere else."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ragcli.cli import interrupts
from tests.cli.conftest import REPOSITORY, StartTerminal, clean_environment

SGR = re.compile(r"\x1b\[[0-9;]*m")
OURS = re.compile(r"\x1b\[(?:[0-9;]*m|\?25[hl]|[0-9]*[AKG]|2K)|\r")
"""All that we ever send to a terminal: styles, the cursor shown and hidden, the moves of a line that is drawn again."""
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def test_an_answer_has_colour_and_says_what_goes_on(terminal: StartTerminal) -> None:
    shown = terminal("ask", "lease")
    assert shown.finish() == 0
    assert "\x1b[1m[1]\x1b[0m \x1b[36m/files/lease.md:1-2\x1b[0m" in shown.text
    assert "Reading 1 passage…" in shown.text
    assert SGR.sub("", shown.text).replace("\r", "").endswith("[1] /files/lease.md:1-2  “The lease ends on 31 May 2027.”\n")


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colour_can_be_declined(terminal: StartTerminal, environment: dict[str, str]) -> None:
    shown = terminal("ask", "lease", env=environment)
    assert shown.finish() == 0
    assert not SGR.search(shown.text)


def test_a_dumb_terminal_gets_plain_lines(terminal: StartTerminal) -> None:
    shown = terminal("ask", "lease", env={"TERM": "dumb"})
    shown.finish()
    assert "\x1b" not in shown.text
    assert "Searching" not in shown.text


def test_quiet_draws_nothing_beside_the_result(terminal: StartTerminal) -> None:
    shown = terminal("ask", "lease", "--quiet")
    shown.finish()
    assert "Searching" not in shown.text


def test_a_piped_answer_is_plain_though_errors_go_to_a_terminal(terminal: StartTerminal, tmp_path: Path) -> None:
    with (tmp_path / "answer").open("wb") as file:
        assert terminal("ask", "lease", stdout=file).finish() == 0
    assert (tmp_path / "answer").read_text().startswith("It says: The lease")
    assert "\x1b" not in (tmp_path / "answer").read_text()


def test_indexing_draws_a_line_that_vanishes(terminal: StartTerminal, tmp_path: Path) -> None:
    shown = terminal("index", str(tmp_path))
    assert shown.finish() == 10
    assert "Indexing" in shown.text
    assert "3 of 3 files" in shown.text
    drawn, _, summary = shown.text.rpartition("\x1b[2K")  # the line is erased, then the summary comes
    assert "Indexing" in drawn
    assert "Indexed" in summary
    assert shown.text.count("\x1b[?25l") == shown.text.count("\x1b[?25h")


def test_indexing_into_a_file_draws_nothing(terminal: StartTerminal, tmp_path: Path) -> None:
    with (tmp_path / "errors").open("wb") as file:
        shown = terminal("index", str(tmp_path), stderr=file)
        assert shown.finish() == 10
    assert (tmp_path / "errors").read_text() == ""
    assert SGR.sub("", shown.text).startswith("Indexed in")


@pytest.mark.parametrize(
    "arguments", [("search", "dragon"), ("ask", "evil dragon"), ("ls",), ("show", "/files/evil\x1b[2J\nname.txt")]
)
def test_nothing_foreign_commands_the_terminal(terminal: StartTerminal, arguments: tuple[str, ...]) -> None:
    shown = terminal(*arguments)
    assert shown.finish() == 0
    assert not CONTROL.search(OURS.sub("", shown.text))
    assert "␛" in shown.text


def test_ctrl_c_while_indexing_gives_the_cursor_back(terminal: StartTerminal, tmp_path: Path) -> None:
    (tmp_path / "slow").mkdir()
    shown = terminal("index", str(tmp_path / "slow"))
    shown.wait_for("0 of 3 files")
    shown.process.send_signal(signal.SIGINT)
    assert shown.finish() == 130
    assert SGR.sub("", shown.text).rstrip().endswith(interrupts.STOPPED)
    assert shown.text.rindex("\x1b[?25h") > shown.text.rindex("\x1b[?25l")


STUCK = """
import sqlite3
from ragcli.cli import interrupts
interrupts.stop_on_interrupt()
endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
while True:
    try:
        print("ready", flush=True)
        sqlite3.connect(":memory:").execute(endless).fetchall()
    except BaseException:  # should the signal come before the loop in C has begun
        pass
"""


def test_ctrl_c_ends_work_that_is_deep_in_native_code(tmp_path: Path) -> None:
    """The loop in C never comes back to Python, so no handler of Python's would ever run."""
    stuck = subprocess.Popen(
        [sys.executable, "-c", STUCK],
        cwd=REPOSITORY,
        env=clean_environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert stuck.stdout
    assert stuck.stdout.readline() == b"ready\n"
    os.kill(stuck.pid, signal.SIGINT)
    _, said = stuck.communicate(timeout=30)
    assert stuck.returncode == 130
    assert said == f"\r{interrupts.STOPPED}\n".encode()
