"""Sessions of the shell on disk, only where the user asked for it: one line of JSON a turn, or Markdown to read."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ragcli.cli.showing.paper import Paper
from ragcli.cli.showing.passages import NOT_IN_FILES
from ragcli.errors import SourceError, UsageError
from ragcli.types import Answer, Turn

NAME = re.compile(r"[\w][\w .-]{0,80}")


def session_file(folder: Path, name: str) -> Path:
    """Where the session of that name is kept. Raises UsageError ``bad-argument`` for what is no name."""
    if not NAME.fullmatch(name):
        raise UsageError("bad-argument", f"{name!r} is no name for a session", hint="letters, digits, blanks, dots and dashes")
    return folder / f"{name}.jsonl"


def read_session(file: Path) -> list[Turn]:
    """The turns that were kept, oldest first; none if there is no such session. A line that is no turn is left out."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError("path-unreadable", f"{file} cannot be read", hint=f"ls -l '{file}'") from error
    return [turn for turn in map(_turn, lines) if turn]


def _turn(line: str) -> Turn | None:
    try:
        told = json.loads(line)
        return Turn(str(told["question"]), str(told["standalone"]), str(told["answer"]))
    except (ValueError, KeyError, TypeError):
        return None


def append_turns(file: Path, turns: Iterable[tuple[Turn, Answer]]) -> None:
    """The turns stand in the file, behind those that did, readable by their owner alone. Raises SourceError."""
    lines = [
        json.dumps(
            {
                "question": turn.question,
                "standalone": turn.standalone,
                "answer": answer.text,
                "outcome": answer.outcome,
                "sources": [f"{citation.path}, {citation.locator.describe()}" for citation in answer.citations],
            },
        )
        for turn, answer in turns
    ]
    _write(file, "".join(f"{line}\n" for line in lines), os.O_APPEND)


def write_markdown(file: Path, turns: Sequence[tuple[Turn, Answer]], paper: Paper) -> None:
    """The conversation is in a new file, to read. Raises SourceError ``path-unreadable`` if there is one of that name."""
    _write(file, "".join(f"{line}\n" for line in markdown_lines(turns, paper)), os.O_EXCL)


def markdown_lines(turns: Sequence[tuple[Turn, Answer]], paper: Paper) -> Iterator[str]:
    for turn, answer in turns:
        yield f"## {paper.line(turn.question)}"
        yield ""
        yield paper.text(answer.text) if answer.outcome == "answered" else NOT_IN_FILES
        yield ""
        for citation in answer.citations:
            yield f"- [{citation.number}] {paper.place(citation.path, citation.locator)}: {paper.quote(citation.quote, 10_000)}"
        yield ""


def _write(file: Path, content: str, how: int) -> None:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_CREAT | os.O_WRONLY | how, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content.encode("utf-8", "backslashreplace"))
    except OSError as error:
        message = f"{file} cannot be written: {error.strerror}"
        raise SourceError("path-unreadable", message, hint="give another name: /save NAME, or /save FILE.md") from error
