"""Signals and streams at any moment, in real processes: how the program ends, and that it says no more than it must."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from ragcli.cli import interrupts
from ragcli.errors import BROKEN_PIPE, INTERRUPTED
from tests.cli.conftest import PATIENCE, PROMPT, Processes, StartTerminal
from tests.tallying import count

MOMENTS = 24
LATEST = 2.5
"""Seconds after which the slow command is well at work."""
ARMED = """
import sys, signal
import ragcli.__main__ as program
arm = program._leave_quietly_if_interrupted
def told():
    arm()
    print("armed", flush=True)
program._leave_quietly_if_interrupted = told
import ragcli.cli.app as app
from tests.cli.fake_assistant import FakeAssistant
run = app.run
app.run = lambda **given: run(FakeAssistant)
sys.argv = ["ragcli", *sys.argv[1:]]
program.main()
"""
"""The whole program from its first line, on the fake assistant; it says when Ctrl-C is its own to handle."""


def test_ctrl_c_ends_it_at_any_moment(process: Processes) -> None:
    """From the first import to the endless answer: ended, with the status of Ctrl-C, and with one line or none."""
    chance = random.Random(7)
    for moment in range(MOMENTS):
        command = [sys.executable, "-c", ARMED, "ask", "slow", "lease"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **process.place()) as started:
            assert started.stdout
            assert started.stdout.readline() == b"armed\n"
            time.sleep(chance.random() * LATEST * moment / MOMENTS)
            started.send_signal(signal.SIGINT)
            _, said = started.communicate(timeout=PATIENCE)
        assert started.returncode == INTERRUPTED, said
        assert said.strip() in (b"", interrupts.STOPPED.encode()), said
    count("moments at which Ctrl-C ended it", MOMENTS)


def test_ctrl_c_twice_at_once_ends_it_too(process: Processes) -> None:
    """Whether the second press comes with the first, while the program stops, or while Python clears up after it."""
    for pause in (0, 0, 0, 0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1):
        started = process.start(["ask", "slow", "lease"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert started.stdout
        assert started.stdout.read(1)
        started.send_signal(signal.SIGINT)
        time.sleep(pause)
        started.send_signal(signal.SIGINT)
        _, said = started.communicate(timeout=PATIENCE)
        assert started.returncode == INTERRUPTED
        assert b"Traceback" not in said
        assert said.count(interrupts.STOPPED.encode()) <= 1
        count("moments at which Ctrl-C ended it")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("command", [["ask", "slow", "lease"], ["index", "slow"]], ids=["ask", "index"])
def test_a_request_to_end_ends_it_without_a_word(process: Processes, number: signal.Signals, command: list[str]) -> None:
    started = process.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    source = started.stdout if command[0] == "ask" else started.stderr
    assert source
    assert source.read(1)
    started.send_signal(number)
    _, said = started.communicate(timeout=PATIENCE)
    assert started.returncode == -number
    assert b"Traceback" not in said
    count("requests to end that were obeyed")


def test_a_request_to_end_gives_the_terminal_back_as_it_was(terminal: StartTerminal) -> None:
    """Ended while the shell reads keys one by one, which it does with the terminal changed."""
    shell = terminal()
    echoes = termios.tcgetattr(shell.descriptor)[3] & termios.ECHO
    shell.wait_for("/help lists the commands")
    shell.wait_for(PROMPT)
    os.kill(shell.process.pid, signal.SIGTERM)
    assert shell.finish() == 128 + signal.SIGTERM
    assert echoes
    assert (termios.tcgetattr(shell.descriptor)[3] & termios.ECHO) == echoes
    count("requests to end that were obeyed")


READER_GONE = (
    "$R ask lease | head -c 0",
    "$R ask slow lease | head -c 5",
    "$R search marmalade --json | head -c 1",
    "$R ls | true",
    "$R status | true",
    "$R config list | head -n 1",
    "$R models list --json | head -c 3",
    "$R index . 2>&1 | head -c 3",
    "$R --help | head -n 1",
)


@pytest.mark.parametrize("line", READER_GONE)
def test_a_reader_that_leaves_is_no_news(process: Processes, line: str) -> None:
    """Short outputs may have been written before the reader left."""
    done = process.shell(f"{line}; exit ${{PIPESTATUS[0]}}")
    assert done.returncode in (0, 10, BROKEN_PIPE)
    assert b"Traceback" not in done.stderr
    assert b"rror" not in done.stderr
    count("readers that left without a complaint")


STREAMS = (
    ("$R status <&-", {0}),
    ("$R status 2>&-", {0}),
    ("$R status >&-", {BROKEN_PIPE}),
    ("$R status <&- >&- 2>&-", {BROKEN_PIPE}),
    ("$R ask lease <&- 2>&-", {0}),
    ("$R nonsense 2>&-", {2}),
    ("$R nonsense 2>/dev/full", {2, 4}),
    ("$R index . 2>/dev/full", {0, 4, 10}),
    ("$R status --json >/dev/full", {4}),
    ("$R ask lease --ndjson >/dev/full", {4}),
    ("$R models list >/dev/full 2>/dev/full", {4}),
    ("$R config list >/dev/full 2>&-", {4}),
)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(("line", "statuses"), STREAMS)
def test_streams_that_are_full_or_closed_are_one_error_at_most(process: Processes, line: str, statuses: set[int]) -> None:
    done = process.shell(line)
    assert done.returncode in statuses, done.stderr
    assert b"Traceback" not in done.stdout + done.stderr
    assert done.stderr.count(b"error:") <= 1
    count("full or closed streams met with one error at most")


ENDLESS = (
    "yes | $R ask lease",
    "yes tea | $R ask -",
    "yes 'a lease' | $R search -",
    "yes /nowhere/at/all | $R forget -",
    "cat /dev/zero | $R ask lease",
    "$R ask lease < /dev/zero",
    "$R ask lease < /dev/urandom",
    "cat /dev/urandom | $R ask lease",
)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("line", ENDLESS)
def test_an_input_without_an_end_is_cut(process: Processes, line: str) -> None:
    done = process.shell(line, patience=250)
    assert done.returncode in (0, 2, 6, 11), done.stderr[-500:]
    assert b"Traceback" not in done.stderr
    count("endless inputs that were cut")
