"""What commands of the shell do with an answer, a file, a clipboard: without a terminal, on the fake assistant."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragcli.cli.editing import arguments_at_line
from ragcli.cli.shell.looking import highlighted
from ragcli.cli.shell.transcripts import append_turns, read_session, session_file
from ragcli.cli.showing.paper import Paper
from ragcli.errors import RagError, UsageError
from ragcli.types import Answer, Question, Turn


@pytest.mark.parametrize(
    ("editor", "arguments"),
    [
        ("vi", ["+7", "/a b.md"]),
        ("/usr/bin/nano -w", ["+7", "/a b.md"]),
        ("code --wait", ["--goto", "/a b.md:7"]),
        ("hx", ["/a b.md:7"]),
        ("", ["+7", "/a b.md"]),
    ],
)
def test_editors_are_told_the_line_in_their_own_way(editor: str, arguments: list[str]) -> None:
    assert arguments_at_line(editor, Path("/a b.md"), 7) == arguments


def test_the_quote_is_marked_where_it_stands_once_whatever_the_white_space() -> None:
    text = "The lease ends\n  on 31 May. The lease ends on 31 May."
    assert highlighted(text, ["The lease ends on 31 May."], Paper()) == f">>{text.split('. ')[0]}.<< The lease ends on 31 May."
    marked = highlighted(text, ["lease ends on"], Paper(color=True)).splitlines()
    assert marked[0] == "The \x1b[7mlease ends\x1b[0m"
    assert marked[1].startswith("\x1b[7m  on\x1b[0m 31 May")
    assert highlighted(text, ["not there", "", "("], Paper()) == text


def an_answer(text: str) -> Answer:
    return Answer(Question(text), "said", "answered", 0.9)


def test_a_session_is_added_to_and_read_back(tmp_path: Path) -> None:
    file = session_file(tmp_path / "sessions", "my letters")
    assert read_session(file) == []
    turns = [Turn(f"q{number}\n\u2028", f"q{number}", "said") for number in range(3)]
    append_turns(file, [(turns[0], an_answer("q0"))])
    append_turns(file, [(turn, an_answer("q")) for turn in turns[1:]])
    assert read_session(file) == turns
    assert [file.stem for file in (tmp_path / "sessions").iterdir()] == ["my letters"]


def test_a_broken_line_of_a_session_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text('{"question": "a", "standalone": "a", "answer": ""}\nnonsense\n[1]\n')
    assert [turn.question for turn in read_session(file)] == ["a"]
    file.write_bytes(b"\xff")
    with pytest.raises(RagError):
        read_session(file)


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "x\n", "x" * 100])
def test_a_session_has_a_plain_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        session_file(tmp_path, name)
