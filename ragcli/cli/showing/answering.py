"""An answer as it comes: told while it is found, written piece by piece, then its sources. The shell and `ask` share it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from ragcli.cli.session import Session
from ragcli.cli.showing import json_shapes, passages
from ragcli.cli.showing.cautions import caution_lines
from ragcli.cli.showing.paper import Paper, plural
from ragcli.cli.streams import Output, OutputClosedError
from ragcli.steps.cleaning import StreamCleaner
from ragcli.steps.linking import LinkFilter
from ragcli.types import Answer, AnswerEvent, AnswerFinished, Delta, Packed, Retrieved


class Waiting:
    """One dim line on a terminal's standard error that says what is going on, and goes when there is something to show."""

    def __init__(self, err: Output, quiet: bool) -> None:
        self._err, self._live, self._shown = err, err.live and not quiet, False

    def say(self, text: str) -> None:
        if self._live:
            self._err.write(f"\r\x1b[K\x1b[2m{text}\x1b[0m" if self._err.color else f"\r\x1b[K{text}")
            self._err.flush()
            self._shown = True

    def end(self) -> None:
        if self._shown:
            self._err.write("\r\x1b[K")
            self._err.flush()
            self._shown = False


@contextmanager
def waiting(session: Session) -> Iterator[Waiting]:
    line = Waiting(session.err, session.quiet)
    try:
        yield line
    finally:
        line.end()


def show_answer(session: Session, events: Iterable[AnswerEvent], *, stream: bool) -> Answer:
    """The answer is on standard output, in the form that was asked for. Gives it back."""
    if session.ndjson:
        return _as_events(session, events)
    answer = _as_text(session, events, stream=stream and not session.json)
    if session.json:
        session.say_json(json_shapes.answer_shape(answer))
    else:
        say_outcome(session, answer)
    return answer


def say_outcome(session: Session, answer: Answer) -> None:
    """Behind the answer's text: its sources, or that there is none."""
    if answer.outcome == "no_evidence":
        _say_there_is_none(session, answer)
    else:
        _say_sources(session, answer)


def await_answer(session: Session, events: Iterable[AnswerEvent]) -> Answer:
    """The whole answer, when it is there; nothing is on standard output."""
    with waiting(session) as line:
        line.say("Searching…")
        return _the(next((event.answer for event in events if isinstance(event, AnswerFinished)), None))


def _as_events(session: Session, events: Iterable[AnswerEvent]) -> Answer:
    answer = None
    for event in events:
        session.say_json(json_shapes.event_shape(event))
        answer = event.answer if isinstance(event, AnswerFinished) else answer
    return _the(answer)


def _as_text(session: Session, events: Iterable[AnswerEvent], *, stream: bool) -> Answer:
    answer = None
    with waiting(session) as line, _Writer(session.out) as writer:
        line.say("Searching…")
        for event in events:
            match event:
                case Retrieved():
                    line.say("Choosing passages…")
                case Packed(context):
                    line.say(f"Reading {plural(len(context.passages), 'passage')}…")
                case Delta(text) if stream and text:
                    line.end()
                    writer.write(text)
                case AnswerFinished():
                    line.end()
                    answer = event.answer
        if answer and answer.outcome == "answered" and not (writer.begun or session.json):
            writer.write(answer.text.strip())
    return _the(answer)


def _the(answer: Answer | None) -> Answer:
    if answer is None:
        raise RuntimeError("the answer never finished")
    return answer


class _Writer:
    """Writes pieces cleaned, links told, without blank space before the first.

    On leaving, what was held back is written and the last line ended, if there was anything to write.
    """

    def __init__(self, out: Output) -> None:
        self._out, self._last, self.begun = out, "", False
        self._links, self._cleaner = LinkFilter(), StreamCleaner()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.begun and not isinstance(error, OutputClosedError):
            rest = self._cleaner.feed(self._links.flush()) + self._cleaner.flush()
            self._put(rest if (rest or self._last).endswith("\n") else rest + "\n")

    def write(self, piece: str) -> None:
        piece = piece if self.begun else piece.lstrip()
        self.begun = self.begun or bool(piece)
        self._put(self._cleaner.feed(self._links.feed(piece)))

    def _put(self, safe: str) -> None:
        if safe:
            self._last = safe[-1]  # first, since Ctrl-C may come as soon as it is written
            self._out.write(safe)
            self._out.flush()


def _say_sources(session: Session, answer: Answer) -> None:
    lines = list(passages.citation_lines(answer, session.paper))
    if lines:
        session.say(["", *lines, *doubt_lines(answer, session.paper)])
        session.aside(caution_lines(answer, session.side_paper))
        return
    session.notice("No passage was cited: check this answer against the files.")
    session.aside(passages.nearest_lines(answer, session.side_paper))


def doubt_lines(answer: Answer, paper: Paper) -> Iterator[str]:
    """The sentences that no passage bears out, which ``--strict`` would have dropped; not where it is the only one, and cited:
    then its citation says so."""
    doubtful = [claim for claim in answer.claims if not claim.supported]
    if doubtful and (len(answer.claims) > 1 or not answer.citations):
        yield paper.odd(f"No passage bears out {'this' if len(doubtful) == 1 else 'these'}:")
        yield from (f"  {paper.struck(paper.quote(claim.text, paper.width - 4))}" for claim in doubtful)


def _say_there_is_none(session: Session, answer: Answer) -> None:
    session.say([passages.NOT_IN_FILES])
    session.aside(passages.nearest_lines(answer, session.side_paper))
