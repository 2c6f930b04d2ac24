"""Streams of events shown as they come: indexing, watching, findings, pulling a model, evaluating."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from time import monotonic
from typing import TypeVar

from ragcli.cli import interrupts
from ragcli.cli.session import Session
from ragcli.cli.showing import json_shapes, render
from ragcli.cli.showing.paper import plural, size
from ragcli.types import (
    EvaluationEvent,
    EvaluationFinished,
    EvaluationProgressed,
    Finding,
    IndexFinished,
    IndexReport,
    Noticed,
    Planned,
    Progressed,
    PullEvent,
    PullFinished,
    PullPlanned,
    PullProgressed,
    WatchEvent,
)

Told = TypeVar("Told", bound=json_shapes.Event)


def follow_index(
    session: Session, events: Iterable[WatchEvent], *, dry_run: bool = False, forgetting: bool = False
) -> IndexReport:
    """The work is done, its progress was told, and its report is on standard output. Gives the report."""
    started = monotonic()
    report = IndexReport()
    with session.progress("Forgetting" if forgetting else "Indexing", "bytes") as progress:
        progress.update(0, 0, "looking at files")
        for event in told(session, events):
            match event:
                case Planned(added, changed, _, _, bytes_to_read):
                    progress.update(0, bytes_to_read, _files(0, added + changed))
                case Progressed(files_done, files_total, bytes_done, bytes_total, chunks):
                    label = f"{_files(files_done, files_total)}, {plural(chunks, 'passage')}"
                    progress.update(bytes_done, bytes_total, label)
                case Noticed(message):
                    session.notice(message)
                case IndexFinished():
                    report = event.report
    if not session.ndjson:
        seconds = None if forgetting else monotonic() - started
        lines = render.report_lines(report, session.paper, dry_run=dry_run, seconds=seconds)
        session.result(json_shapes.report_shape(report), render.forgotten_lines(report) if forgetting else lines)
    return report


def _files(done: int, total: int) -> str:
    return f"{done:,} of {plural(total, 'file')}"


def told(session: Session, events: Iterable[Told]) -> Iterator[Told]:
    """The same events; with ``--ndjson`` each is on standard output first."""
    for event in events:
        if session.ndjson:
            session.say_json(json_shapes.event_shape(event))
        yield event


def follow_changes(session: Session, events: Iterable[WatchEvent]) -> None:
    """Each change is told in a line, until the events end or somebody asks the process to end."""
    session.notice("Watching for changes; Ctrl-C ends it.")
    try:
        with interrupts.requests_to_end():
            for event in told(session, events):
                _tell_change(session, event)
    except interrupts.EndRequestedError:
        session.notice("Asked to end; what was done is kept.")


def _tell_change(session: Session, event: WatchEvent) -> None:
    if isinstance(event, Noticed):
        session.notice(event.message)
        return
    line = None if session.ndjson else render.change_line(event, session.paper)
    if line is not None:
        session.say([line])


def show_findings(session: Session, findings: Iterable[Finding]) -> bool:
    """The findings are on standard output, each as soon as it is known. Gives whether none is an error."""
    seen = []
    for finding in findings:
        seen.append(finding)
        if not session.json:
            session.say(render.finding_lines([finding], session.paper))
    if session.json:
        session.say_json(json_shapes.findings_shape(seen))
    return all(finding.level != "error" for finding in seen)


def follow_pull(session: Session, events: Iterable[PullEvent]) -> None:
    """Size, source and licence were told before the first byte, then progress, then where the model is."""
    with session.progress("Pulling", "bytes") as progress:
        for event in told(session, events):
            match event:
                case PullPlanned(name, total, source, licence):
                    fetched = f"{size(total)} from {source}" if total else "nothing to fetch, it is only converted"
                    session.notice(session.side_paper.line(f"{name}: {fetched}; licence {licence or 'not known'}"))
                case PullProgressed(done, total, step):
                    progress.update(done, total, step)
                case PullFinished(model, already_here) if not session.ndjson:
                    state = "is here already" if already_here else "is installed"
                    lines = [f"{session.paper.line(model.name)} {state} ({size(model.size)}, {session.paper.path(model.folder)})"]
                    session.result(json_shapes.event_shape(event), lines)


def follow_evaluation(session: Session, events: Iterable[EvaluationEvent]) -> None:
    """The report is on standard output, its making was told on standard error."""
    report: Mapping[str, object] = {}
    with session.progress("Evaluating", "items") as progress:
        for event in told(session, events):
            match event:
                case EvaluationProgressed(done, total, label):
                    progress.update(done, total, f"{done:,}/{total:,} {session.side_paper.line(label)}")
                case EvaluationFinished():
                    report = event.report
    if not session.ndjson:
        session.result(json_shapes.evaluation_shape(report), render.evaluation_lines(report, session.paper))
