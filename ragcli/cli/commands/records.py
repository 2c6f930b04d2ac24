"""Data from many files: extract."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import typer

from ragcli.cli.options import Collection, In, Model, Paths, Profile, Quiet, Since, Types, scope_of, session_of
from ragcli.cli.record_files import RecordFile, job_of, open_output
from ragcli.cli.records import given_shape
from ragcli.cli.session import Session
from ragcli.cli.showing.paper import plural
from ragcli.errors import DONE_WITH_SKIPS
from ragcli.steps.shaping import parse_shape
from ragcli.types import Extracted, ExtractionEvent, ExtractionFinished, ExtractionPlanned, ExtractionReport

commands = typer.Typer()
PANEL = "Find"


@commands.command(rich_help_panel=PANEL)
def extract(
    context: typer.Context,
    shape: Annotated[
        str, typer.Option("--schema", metavar="SCHEMA", help="What to extract: 'name: str, total: number', or a JSON Schema.")
    ],
    paths: Paths = None,
    about: Annotated[str, typer.Option("--about", metavar="TEXT", help="What the data is about, in words.")] = "",
    form: Annotated[
        Literal["ndjson", "csv"], typer.Option("--format", metavar="FORMAT", help="ndjson or csv.", show_choices=False)
    ] = "ndjson",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write here; a later run goes on where this stopped."),
    ] = None,
    model: Model = None,
    globs: In = None,
    types: Types = None,
    since: Since = None,
    collection: Collection = None,
    profile: Profile = None,
    quiet: Quiet = False,
) -> None:
    """Make a record of each file: data that fits a schema.

    Of the PATHs as they are now, or of all indexed files that the options admit. Each file has a record, those too that
    could not be read or say nothing of it; at the end it is told how many there were, and the exit status is 10 if any failed.

    \b
    Examples:
      ragcli extract --schema 'vendor: str, date: date, total: number' invoices/
      ragcli extract --schema @cv.json --in '*/jobs/*' --format csv > all.csv
      ragcli extract --schema 'parties: [str], until?: date' -o all.ndjson leases/
    """
    session = session_of(context)
    schema = parse_shape(given_shape(shape))
    with (
        open_output(session, output, form, schema, job_of(schema, about)) as target,
        session.open({"answer.model": model}) as assistant,
    ):
        scope = scope_of(collection, globs, types, since)
        events = assistant.extract_events(schema, session.paths(paths), question=about, scope=scope, done=target.done)
        report = _follow(session, events, target)
    tell_report(session, report)
    if not report.is_whole:
        session.leave(DONE_WITH_SKIPS)


def _follow(session: Session, events: Iterable[ExtractionEvent], target: RecordFile) -> ExtractionReport:
    report, total, done = ExtractionReport(), 0, 0
    with session.progress("Extracting", "items") as progress:
        for event in events:
            match event:
                case ExtractionPlanned(files, resumed):
                    total = files
                    if resumed:
                        session.notice(f"Going on: {plural(resumed, 'record')} of an earlier run.")
                case Extracted():
                    target.add(event)
                    done += 1
                    progress.update(done, total, f"{done:,} of {plural(total, 'file')}")
                case ExtractionFinished():
                    report = event.report
    return report


def tell_report(session: Session, report: ExtractionReport) -> None:
    """How much was covered is on standard error."""
    read = report.filled + report.nothing
    parts = [f"{read} of {plural(report.files, 'file')} read", f"{report.filled} with data", f"{report.nothing} without"]
    parts += [f"{report.resumed} done before"] if report.resumed else []
    parts += [f"{report.partly} too long to be read whole"] if report.partly else []
    parts += [f"{report.failed} failed"] if report.failed else []
    parts += [f"{count} skipped ({reason})" for reason, count in report.skipped.items()]
    left_out = sum(report.left_out.values())
    session.notice(", ".join(parts) + (f"; {left_out} left out by rule." if left_out else "."))
