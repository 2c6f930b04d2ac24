"""A survey as it goes on: what it will read, how far it is, what it found, and how much of the files that stands on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ragcli.cli.session import Session
from ragcli.cli.showing import json_shapes, passages, render
from ragcli.cli.showing.paper import Paper, duration, plural
from ragcli.errors import DONE_WITH_SKIPS, NO_EVIDENCE
from ragcli.types import Question, Reach, Survey, SurveyEvent, SurveyFinished, SurveyPlanned, SurveyProgressed

if TYPE_CHECKING:
    from ragcli.assistant import Assistant

UNASKED_LIMIT = 40
"""Chunks that a survey reads which nobody asked for by ``--all``: some minutes on a slow machine."""


def run_survey(session: Session, events: Iterable[SurveyEvent]) -> int:
    """The survey is on standard output, in the form that was asked for, with how much it stands on. Gives the exit status."""
    survey = _follow(session, events)
    if not session.ndjson:
        session.result(survey_shape(survey), survey_lines(survey, session.paper))
    if survey.answer.outcome == "no_evidence":
        return NO_EVIDENCE
    return 0 if survey.coverage.read == survey.coverage.matching else DONE_WITH_SKIPS


def survey_wanted(
    session: Session, assistant: Assistant, question: Question, *, every: bool, summarize: Path | None, limit: int | None
) -> Iterator[SurveyEvent] | None:
    """The events of the survey that the options ask for, or the question's own words; None if it is a question as others are.

    One that only the words ask for ends early, and that is said first.
    """
    if summarize is not None:
        return assistant.summarize_events(summarize, focus=question.text, limit=limit, scope=question.scope)
    if every:
        return assistant.survey_events(question, limit=limit)
    if not assistant.recognise_survey(question):
        return None
    session.notice(
        f"This asks for everything that matches: up to {limit or UNASKED_LIMIT} passages are read, with --all every one."
    )
    return assistant.survey_events(question, limit=limit or UNASKED_LIMIT)


def _follow(session: Session, events: Iterable[SurveyEvent]) -> Survey:
    survey = None
    with session.progress("Reading", "items") as progress:
        for event in events:
            if session.ndjson:
                session.say_json(event_shape(event))
            match event:
                case SurveyPlanned():
                    session.notice(plan_line(event))
                    progress.update(0, event.steps, plural(event.to_read, "passage"))
                case SurveyProgressed(steps_done, steps_total, chunks_done, chunks_total, path):
                    name = session.side_paper.line(path.name) if path else "putting it together"
                    progress.update(steps_done, steps_total, f"{chunks_done:,} of {plural(chunks_total, 'passage')}, {name}")
                case SurveyFinished():
                    survey = event.survey
    if survey is None:
        raise RuntimeError("the survey never finished")
    return survey


def plan_line(plan: SurveyPlanned) -> str:
    """What will be read, and about how long it takes."""
    of = "" if plan.to_read == plan.matching else f" of {plan.matching:,} that match"
    known = f", {plan.steps_known:,} of them known from before" if plan.steps_known else ""
    left = plan.steps - plan.steps_known
    takes = f"; about {duration(plan.seconds)}" if plan.seconds is not None and left else ""
    return (
        f"Reading {plural(plan.to_read, 'passage')}{of} ({plan.chunks:,} in all) of {plural(plan.files, 'file')} "
        f"in {plural(plan.steps, 'step')}{known}{takes}. Ctrl-C stops; the same command goes on."
    )


def survey_lines(survey: Survey, paper: Paper) -> Iterator[str]:
    answer = survey.answer
    yield from paper.text(answer.text).splitlines() if answer.text else [passages.NOT_IN_FILES]
    yield ""
    lines = list(passages.citation_lines(answer, paper))
    yield from lines
    if lines:
        yield ""
    yield from coverage_lines(survey.coverage, paper)


def coverage_lines(coverage: Reach, paper: Paper) -> Iterator[str]:
    """How much was read of what, and what is missing."""
    passages = f"{coverage.read:,} of {plural(coverage.matching, 'passage')}"
    files = f"{coverage.files_read:,} of {plural(coverage.files, 'file')}"
    floor = (
        f" that match ({coverage.chunks:,} in all; nearer than {coverage.floor:g}, or with the words)" if coverage.floor else ""
    )
    whole = coverage.read == coverage.matching
    yield (paper.dim if whole else paper.odd)(f"Read {passages}{floor}, {files} whole.")
    missing = coverage.matching - coverage.read - coverage.failed
    if missing:
        yield paper.odd(f"Not read: {plural(missing, 'passage')}. --all without -k reads them; what was read is not read again.")
    if coverage.failed:
        yield paper.odd(f"The model failed at {plural(coverage.failed, 'passage')}.")
    if coverage.damaged:
        yield paper.odd(f"Left out as damaged: {plural(coverage.damaged, 'passage')} (ragcli check --repair).")
    if coverage.unsupported:
        yield paper.dim(f"Left out: {plural(coverage.unsupported, 'statement')} of the model that no passage bears out.")
    if coverage.skipped:
        yield from render.skipped_lines(coverage.skipped, paper)


def survey_shape(survey: Survey) -> json_shapes.Shape:
    """As an answer, with the things that were found and what was read of what."""
    coverage = asdict(survey.coverage) | {
        "complete": survey.coverage.complete,
        "skipped": [json_shapes.skipped_shape(source) for source in survey.coverage.skipped],
    }
    items = [{"text": item.text, "citations": list(item.numbers)} for item in survey.items]
    count = {"count": len(items)} if survey.kind == "count" else {}
    return {**json_shapes.answer_shape(survey.answer), "kind": survey.kind, **count, "items": items, "coverage": coverage}


def event_shape(event: SurveyEvent) -> json_shapes.Shape:
    """One line of ``--ndjson``; the last says what ``--json`` prints."""
    if isinstance(event, SurveyFinished):
        return {"schema": json_shapes.SCHEMA, "event": "finished", **survey_shape(event.survey)}
    name = "planned" if isinstance(event, SurveyPlanned) else "progressed"
    return {"schema": json_shapes.SCHEMA, "event": name, **asdict(event)}
