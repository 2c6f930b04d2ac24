"""Answers that are data: the JSON on standard output, and beside it where each of its values stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from ragcli.cli.record_shapes import record_answer_shape
from ragcli.cli.session import Session
from ragcli.cli.showing import json_shapes, passages
from ragcli.cli.showing.answering import await_answer
from ragcli.cli.showing.paper import Paper
from ragcli.cli.streams import named_file, piped_text, read_named
from ragcli.errors import NO_EVIDENCE
from ragcli.types import Answer, AnswerEvent, AnswerFinished, Delta, FieldValue, Record

ShapeOption = Annotated[
    str | None,
    typer.Option("--schema", metavar="SCHEMA", help="Answer as JSON: 'name: str, total: number', or a file with a JSON Schema."),
]


def given_shape(text: str) -> str:
    """The text, or what is in the file that it names. Raises SourceError ``path-missing``, ``path-unreadable``."""
    file = named_file(text) or (Path(text).expanduser() if text.endswith(".json") else None)
    return piped_text(read_named(file)) if file else text


def run_record(session: Session, events: Iterable[AnswerEvent]) -> int:
    """The record is on standard output, in the form that was asked for. Gives the exit status."""
    answer = _as_events(session, events) if session.ndjson else await_answer(session, events)
    if session.json:
        session.say_json(record_answer_shape(answer))
    elif not session.ndjson:
        _say_record(session, answer)
    return NO_EVIDENCE if answer.record is None else 0


def _as_events(session: Session, events: Iterable[AnswerEvent]) -> Answer:
    for event in events:
        if isinstance(event, AnswerFinished):
            session.say_json({"schema": json_shapes.SCHEMA, "event": "finished", **record_answer_shape(event.answer)})
            return event.answer
        if not isinstance(event, Delta) or event.text:
            session.say_json(json_shapes.event_shape(event))
    raise RuntimeError("the answer never finished")


def _say_record(session: Session, answer: Answer) -> None:
    """Nothing but the JSON is on standard output, so that another program can take it as it is."""
    if answer.record is None:
        session.notice(passages.NOT_IN_FILES)
        session.aside(passages.nearest_lines(answer, session.side_paper))
        return
    session.say([json_shapes.dump(answer.record.data, ascii_only=not session.out.unicode)])
    session.aside(field_lines(answer.record, session.side_paper))


def field_lines(record: Record, paper: Paper) -> Iterator[str]:
    """Each field with the place of its value and the words around it, or a warning that it stands nowhere."""
    width = max((len(_name(each)) for each in record.fields), default=0)
    for each in record.fields:
        name = paper.line(_name(each)).ljust(width)
        if each.citation is not None:
            place = paper.place(each.citation.path, each.citation.locator)
            quote = paper.quote(each.citation.quote, paper.width - width - len(place) - 4)
            yield f"{paper.bold(name)}  {paper.path_style(place)}  {paper.dim(quote)}"
        elif each.supported is False:
            yield f"{paper.bold(name)}  {paper.odd('stands in none of the passages: check it')}"


def _name(value: FieldValue) -> str:
    return value.field.lstrip("/").replace("/", ".") or "value"
