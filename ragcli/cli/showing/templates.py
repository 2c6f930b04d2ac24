"""One line for each result, as the user writes it: ``{path}:{line} {score:.2f}``. Names only: no attributes, no indexing."""

from __future__ import annotations

import difflib
import string
from collections.abc import Mapping

from ragcli.cli.showing.paper import Paper
from ragcli.cli.showing.passages import NOT_IN_FILES
from ragcli.errors import UsageError
from ragcli.types import Answer, Hit

HIT_FIELDS = ("rank", "score", "path", "name", "line", "page", "place", "title", "heading", "text")
ANSWER_FIELDS = ("answer", "outcome", "confidence", "sources", "quotes", "model", "question")
ESCAPES = {"\\t": "\t", "\\n": "\n"}


class LineTemplate:
    """Raises UsageError ``bad-argument`` for a field that there is not, or a format that does not fit it."""

    def __init__(self, text: str, fields: tuple[str, ...]) -> None:
        for typed, meant in ESCAPES.items():
            text = text.replace(typed, meant)
        self._text = text
        try:
            named = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
        except ValueError as error:
            raise _refusal(f"--template cannot be read: {error}", fields) from None
        for name in named:
            if name not in fields:
                raise _refusal(f"--template has no field {name!r}", difflib.get_close_matches(name, fields, n=1) or fields)

    def fill(self, values: Mapping[str, object]) -> str:
        try:
            return string.Formatter().vformat(self._text, (), values)
        except (ValueError, KeyError) as error:
            raise _refusal(f"--template: {error}", tuple(values)) from None


def _refusal(message: str, fields: tuple[str, ...] | list[str]) -> UsageError:
    return UsageError("bad-argument", message, hint=f"fields are {', '.join(f'{{{name}}}' for name in fields)}")


def hit_values(rank: int, hit: Hit, paper: Paper) -> Mapping[str, object]:
    """What a template can say of a hit; texts are one line each."""
    chunk = hit.chunk
    return {
        "rank": rank,
        "score": hit.score,
        "path": paper.path(chunk.path),
        "name": paper.line(chunk.path.name),
        "line": chunk.locator.lines[0] if chunk.locator.lines else "",
        "page": chunk.locator.page if chunk.locator.page is not None else "",
        "place": paper.place(chunk.path, chunk.locator),
        "title": paper.line(chunk.title),
        "heading": paper.line(" › ".join(chunk.heading)),
        "text": " ".join(paper.text(chunk.text).split()),
    }


def answer_values(answer: Answer, paper: Paper) -> Mapping[str, object]:
    """What a template can say of an answer; texts are one line each."""
    cited = {citation.number: citation for citation in reversed(answer.citations)}
    citations = [cited[number] for number in sorted(cited)]
    return {
        "answer": " ".join(paper.text(answer.text).split()) if answer.outcome == "answered" else NOT_IN_FILES,
        "outcome": answer.outcome,
        "confidence": answer.confidence,
        "sources": "; ".join(paper.place(citation.path, citation.locator) for citation in citations),
        "quotes": "; ".join(paper.quote(citation.quote) for citation in citations),
        "model": paper.line(answer.model.name) if answer.model else "",
        "question": paper.line(answer.question.text),
    }
