"""Real processes on a real pseudo-terminal: what the program draws there, the shell and its history, and a paste."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ragcli.cli.showing.answering import _Writer
from ragcli.cli.streams import Output
from ragcli.steps.cleaning import StreamCleaner, clean
from tests.cli.conftest import PROMPT, REPOSITORY, Terminal, clean_environment
from tests.hostile_text.payloads import OURS, PAYLOADS, forbidden_in
from tests.hostile_text.poisoned import MARK, MARKED
from tests.hostile_text.surfaces import MemoryStream
from tests.tallying import count

SHELL = re.compile(r"\x1b\[(?:[0-9;]*[mKABCDGJH]|\?(?:25|2004|12|1)[hl]|\?7[hl])|\x1b[=>]|[\r\x08]")
"""What prompt_toolkit draws its line with. That much is in some payloads too, so beside it these are looked for as they are."""
UNMISTAKABLE = [payload for payload in PAYLOADS.values() if not SHELL.search(payload) and forbidden_in(payload)]


class Started(Terminal):
    def drawn(self) -> str:
        return self.seen.decode("utf-8", "surrogateescape").replace("\r\n", "\n")


Start = Callable[..., Started]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Started] = []

    def run(*arguments: str) -> Started:
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (50, 100))
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.hostile_text.program", *arguments],
            cwd=REPOSITORY,
            env=clean_environment(tmp_path / "home"),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        started.append(Started(process, ours))
        return started[-1]

    yield run
    for each in started:
        each.process.kill()
        each.process.wait()
        os.close(each.descriptor)


@pytest.mark.parametrize(
    "arguments", [("ask", "x"), ("search", "x"), ("ls",), ("show", "/x"), ("status",), ("watch",), ("ask", "fails")]
)
def test_a_real_terminal_is_sent_no_forbidden_byte(start: Start, arguments: tuple[str, ...]) -> None:
    shown = start(*arguments)
    shown.finish()
    assert not forbidden_in(OURS.sub("", shown.drawn()))
    assert len(set(MARK.findall(shown.drawn()))) == len(PAYLOADS)
    count("hostile texts shown", len(PAYLOADS))


def test_the_shell_shows_its_history_without_obeying_it(start: Start, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    lines = [marked for marked in MARKED if not set(marked) & set("\n\r\x85\u2028\u2029\x0b\x0c\x1c\x1d\x1e")]
    entries = "".join(f"\n# 2026-01-01\n+{line}\n" for line in lines)
    (tmp_path / "home" / "history").write_bytes(
        entries.encode("utf-8", "surrogateescape" if "\ud83d" not in entries else "replace")
    )
    shown = start()
    shown.wait_for(PROMPT)
    for _ in range(40):
        shown.send("\x1b[A")
    shown.wait_for("«")
    assert_nothing_obeyed(shown)


def test_the_shell_shows_answers_and_passages_without_obeying_them(start: Start) -> None:
    shown = start()
    for line in ("what?", "/search x", "/open 7", "/sources", "/model", "/status", f"/{MARKED[0][:5]}"):
        shown.wait_for(PROMPT)
        shown.send(line + "\r")
    shown.wait_for("There is no command")
    shown.wait_for(PROMPT)
    shown.send("\x04")
    shown.finish()
    assert_nothing_obeyed(shown)


def test_a_paste_cannot_leave_the_paste(start: Start) -> None:
    """What stands in the clipboard is shown, and sent by nobody but the user."""
    shown = start()
    shown.wait_for(PROMPT)
    shown.send("\x1b[200~pasted \u202egpj\x9b2J\rfirst\rsecond\x1b[201~")
    shown.wait_for("second")
    shown.send("\x03\x04")
    shown.finish()
    assert "It says" not in shown.drawn()
    assert "‹U+202E›gpj‹U+009B›2J" in shown.drawn()
    assert_nothing_obeyed(shown)


def assert_nothing_obeyed(shown: Started) -> None:
    drawn = shown.drawn()
    assert not [payload for payload in UNMISTAKABLE if payload in drawn]
    assert not forbidden_in(SHELL.sub("", drawn))
    count("hostile texts shown", len(UNMISTAKABLE))


def test_a_payload_cut_at_every_offset_of_an_answer_is_written_as_the_whole() -> None:
    cuts = 0
    for payload in PAYLOADS.values():
        for cut in range(len(payload) + 1):
            stream = MemoryStream(terminal=False)
            with _Writer(Output(stream, {})) as writer:
                writer.write("> " + payload[:cut])
                writer.write(payload[cut:])
            assert not forbidden_in(stream.text)
            cuts += 1
    assert cuts > 2500
    count("hostile texts cut in a stream", cuts)


def test_every_payload_is_shown_whole_by_the_cleaner() -> None:
    """Nothing is dropped: what is dangerous has a visible form, and what follows it is plain text."""
    for payload in PAYLOADS.values():
        cleaner = StreamCleaner()
        shown = cleaner.feed(payload) + cleaner.flush()
        assert shown == clean(payload)
        assert len(shown) >= len(payload)
