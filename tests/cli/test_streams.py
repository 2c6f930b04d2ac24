"""Pipes behave, in real processes: readers that leave, disks that are full, input that is endless or absent."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ragcli.cli.streams import Output, named_file, names_in, piped_text, read_blocks, read_piped
from tests.cli.conftest import Processes

FULL = "/dev/full"
needs_full = pytest.mark.skipif(not os.path.exists(FULL), reason="this system has no /dev/full")  # noqa: PTH110


def status_of(process: Processes, line: str) -> tuple[int, bytes]:
    done = process.shell(f"{line}; exit ${{PIPESTATUS[0]}}")
    return done.returncode, done.stderr


@pytest.mark.parametrize("unbuffered", ["", "PYTHONUNBUFFERED=1"])
@pytest.mark.parametrize(
    "line", ["$R ask slow lease | head -c 5", "$R ask lease >&-", "$R --help >&-", "$R status >&-", "$R ls --json >&-"]
)
def test_a_reader_that_left_is_no_news(process: Processes, line: str, unbuffered: str) -> None:
    assert status_of(process, f"{unbuffered} {line}") == (141, b"")


@needs_full
@pytest.mark.parametrize("unbuffered", ["", "PYTHONUNBUFFERED=1"])
@pytest.mark.parametrize("line", ["$R ask lease", "$R --help", "$R models pull --help", "$R --version", "$R search lease --json"])
def test_a_full_disk_is_one_error(process: Processes, line: str, unbuffered: str) -> None:
    status, said = status_of(process, f"{unbuffered} {line} > {FULL}")
    assert status == 4
    assert said.splitlines() == [
        b"error: the output could not be written: No space left on device",
        b"hint: free some space, or send the output elsewhere",
    ]


@pytest.mark.parametrize("stdin", ["< /dev/null", "<&-", "< /dev/zero"])
def test_nothing_is_awaited_from_a_device_or_a_closed_input(process: Processes, stdin: str) -> None:
    done = process.shell(f"$R ask lease {stdin}")
    assert done.returncode == 0
    assert b"stdin" not in done.stdout


def test_standard_error_may_be_closed(process: Processes) -> None:
    assert process.shell("$R ask lease 2>&-").stdout.startswith(b"It says")


def test_a_file_and_a_pipe_are_both_piped_text(process: Processes) -> None:
    assert b"[1] stdin:1-2" in process.shell("$R ask lease < LICENSE").stdout
    assert b"[1] stdin:1-2" in process.shell("cat LICENSE | $R ask lease").stdout


def test_a_text_to_answer_from_may_be_of_any_length(process: Processes) -> None:
    done = process.shell("head -c 100000000 /dev/zero | tr '\\0' x | $R ask lease")
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_question_that_never_ends_is_cut_and_said(process: Processes) -> None:
    done = process.shell("yes lease | $R ask --quiet -")
    assert done.returncode == 0
    assert process.shell("yes lease | $R ask -").stderr == b"standard input is longer than 1 MiB: only that much of it is used\n"


def test_a_silent_pipe_is_named_while_it_is_awaited(process: Processes) -> None:
    with process.start(["ask", "lease"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as started:
        assert started.stderr
        assert b"waiting for standard input to end" in started.stderr.readline()
        out, _ = started.communicate(b"at last", timeout=30)
    assert b"at last" in out


class FromBytes(io.TextIOWrapper):
    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content), "utf-8")


@pytest.mark.parametrize("content", [b"", b" \n\t\n"])
def test_blank_input_is_none(content: bytes) -> None:
    assert read_piped(FromBytes(content), pytest.fail, limit=10) is None


def test_absent_or_closed_input_is_none() -> None:
    closed = FromBytes(b"text")
    closed.close()
    assert read_piped(None, pytest.fail, limit=10) is None
    assert read_piped(closed, pytest.fail, limit=10) is None


@pytest.mark.parametrize(("length", "notices"), [(9, 0), (10, 0), (11, 1)])
def test_the_limit_is_exact(length: int, notices: int) -> None:
    said: list[str] = []
    content = read_piped(FromBytes(b"x" * length), said.append, limit=10)
    assert content == b"x" * min(length, 10)
    assert len(said) == notices


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert piped_text(b"\xef\xbb\xbfa\xffb") == "a\ufffdb"


@pytest.mark.parametrize(
    ("environment", "terminal", "color", "live"),
    [
        ({"TERM": "xterm"}, True, True, True),
        ({"TERM": "xterm"}, False, False, False),
        ({"TERM": "dumb"}, True, False, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, False, True),
        ({"TERM": "xterm", "FORCE_COLOR": "1"}, False, True, False),
        ({"TERM": "xterm", "FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False, False),
    ],
)
def test_what_can_be_drawn(environment: dict[str, str], terminal: bool, color: bool, live: bool) -> None:
    stream = io.StringIO()
    stream.isatty = lambda: terminal  # type: ignore[method-assign]
    output = Output(stream, environment)
    assert (output.color, output.live) == (color, live)


def test_a_latin_terminal_gets_json_in_ascii(process: Processes) -> None:
    environment = process.place()["env"] | {"PYTHONIOENCODING": "latin-1"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.cli.fake_ragcli", "search", "marmalade", "--json"],
        **{**process.place(), "env": environment},
        capture_output=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.stdout.isascii()
    assert b"caf\\udce9.txt" in done.stdout


def blocks_of(content: bytes) -> str | None:
    stream = FromBytes(content)
    blocks = read_blocks(stream, pytest.fail)
    return None if blocks is None else "".join(blocks)


@pytest.mark.parametrize("content", [b"", b" \n\t\n", b" " * 200_000])
def test_blank_blocks_are_none(content: bytes) -> None:
    assert blocks_of(content) is None


def test_blocks_are_the_text_with_every_line_in_its_place() -> None:
    umlauts = "ä" * 100_000  # two bytes each: one of them stands across the end of a block
    assert blocks_of(b"\xef\xbb\xbf" + b"\n" * 70_001 + umlauts.encode()) == "\n" * 70_001 + umlauts
    assert blocks_of(b"a\xffb\xe4") == "a\ufffdb\ufffd"


@pytest.mark.parametrize("argument", ["@", "@ann when?", "ann@example.org", "", "lease"])
def test_what_is_no_name_of_a_file_is_a_word(argument: str) -> None:
    assert named_file(argument) is None


def test_a_list_of_names_is_lines_or_ends_with_nul() -> None:
    assert list(names_in(b"a b\n\nc\xff\n")) == [Path("a b"), Path("c\udcff")]
    assert list(names_in(b"a\nb\0c\0")) == [Path("a\nb"), Path("c")]
