"""Indexing and looking after the index: index, watch, status, ls, show, forget, check, optimize."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ragcli.cli import json_shapes, render
from ragcli.cli.following import follow_changes, follow_index, show_findings
from ragcli.cli.options import Collection, Force, Json, Ndjson, Paths, Quiet, session_of
from ragcli.cli.places import choose_sources, split_place, touches
from ragcli.errors import DONE_WITH_SKIPS, StoreError

commands = typer.Typer()
PANEL = "Index"
Include = Annotated[list[str] | None, typer.Option("--include", metavar="GLOB", help="Only files that match.")]
Exclude = Annotated[list[str] | None, typer.Option("--exclude", metavar="GLOB", help="No files that match.")]
Into = Annotated[str | None, typer.Option("--collection", "-c", metavar="NAME", help="Put the files into this collection.")]


@commands.command(rich_help_panel=PANEL)
def index(
    context: typer.Context,
    paths: Paths = None,
    collection: Into = None,
    include: Include = None,
    exclude: Exclude = None,
    force: Force = False,
    retry_skipped: Annotated[bool, typer.Option("--retry-skipped", help="Try skipped files again.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Stay, and follow changes.")] = False,
    json: Json = False,
    ndjson: Ndjson = False,
    quiet: Quiet = False,
) -> None:
    """Make files findable, or bring the index up to date.

    Only what changed is read. Without a PATH every folder indexed before is looked at again. Files that cannot be
    read are skipped and named, and the exit status is then 10.

    \b
    Examples:
      ragcli index ~/Documents
      ragcli index ~/code --include '*.md' --collection docs
      ragcli index
    """
    session = session_of(context)
    named, globs = session.paths(paths), {"include": include or (), "exclude": exclude or ()}
    with session.open() as assistant:
        events = assistant.index_events(
            named, collection=collection, force=force, dry_run=dry_run, retry_failed=retry_skipped, **globs
        )
        report = follow_index(session, events, dry_run=dry_run)
        if watch and not dry_run:
            follow_changes(session, assistant.watch_events(named))
    if report.skipped:
        session.leave(DONE_WITH_SKIPS)


@commands.command(rich_help_panel=PANEL)
def watch(context: typer.Context, paths: Paths = None, ndjson: Ndjson = False, quiet: Quiet = False) -> None:
    """Keep the index up to date until Ctrl-C.

    \b
    Examples:
      ragcli watch
      ragcli watch ~/notes
    """
    session = session_of(context)
    with session.open() as assistant:
        follow_changes(session, assistant.watch_events(session.paths(paths)))


@commands.command(rich_help_panel=PANEL)
def status(context: typer.Context, json: Json = False) -> None:
    """Say what is indexed, how much, and since when.

    \b
    Example:
      ragcli status
    """
    session = session_of(context)
    with session.open() as assistant:
        stats, roots = assistant.stats(), assistant.roots()
    folder = session.locations.index
    lines = render.status_lines(stats, roots, folder, session.paper, session.now())
    session.result(json_shapes.status_shape(stats, roots, folder), lines)
    if not stats.sources:
        session.notice("Nothing is indexed yet: ragcli index FOLDER")


@commands.command("ls", rich_help_panel=PANEL)
def list_sources(
    context: typer.Context,
    paths: Paths = None,
    skipped: Annotated[bool, typer.Option("--skipped", help="The files that could not be read, and why.")] = False,
    collection: Collection = None,
    json: Json = False,
) -> None:
    """List the indexed files, or those that were skipped.

    \b
    Examples:
      ragcli ls
      ragcli ls --skipped ~/Documents
    """
    session = session_of(context)
    with session.open() as assistant:
        sources = assistant.sources().values()
    chosen = choose_sources(sources, folders=session.paths(paths), collection=collection, skipped=skipped)
    session.result(json_shapes.sources_shape(chosen), render.source_lines(chosen, session.paper))


@commands.command(rich_help_panel=PANEL)
def show(
    context: typer.Context,
    place: Annotated[str, typer.Argument(metavar="PATH[:LINE]", help="A file, or a line or lines of it.")],
    json: Json = False,
) -> None:
    """Print an indexed file as ragcli sees it: its passages in order.

    \b
    Examples:
      ragcli show notes/setup.md
      ragcli show notes/setup.md:12
    """
    session = session_of(context)
    path, lines = split_place(place)
    with session.open() as assistant:
        chunks = [chunk for chunk in assistant.chunks_of(path) if touches(chunk.locator, lines)]
    session.result(json_shapes.chunks_shape(path, chunks), render.chunk_lines(chunks, session.paper))
    if not chunks:
        session.notice("No passage stands there.")


@commands.command(rich_help_panel=PANEL)
def forget(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Files or folders; - reads names from standard input.")],
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Take files out of the index; the files themselves stay.

    \b
    Examples:
      ragcli forget ~/Documents/taxes
      ragcli ls | grep draft | ragcli forget -
    """
    session = session_of(context)
    with session.open() as assistant:
        follow_index(session, assistant.forget_events(session.paths(paths)), forgetting=True)


@commands.command(rich_help_panel=PANEL)
def check(
    context: typer.Context,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended.")] = False,
    read_data: Annotated[bool, typer.Option("--read-data", help="Read and verify every passage.")] = False,
    json: Json = False,
) -> None:
    """Look for damage in the index; exits with 4 if there is some.

    \b
    Examples:
      ragcli check
      ragcli check --read-data --repair
    """
    session = session_of(context)
    with session.open() as assistant:
        whole = show_findings(session, assistant.check(read_data=read_data, repair=repair))
    if not whole:
        session.leave(StoreError.status)


@commands.command(rich_help_panel=PANEL)
def optimize(context: typer.Context, quiet: Quiet = False) -> None:
    """Make the index small and fast again.

    \b
    Example:
      ragcli optimize
    """
    session = session_of(context)
    with session.open() as assistant:
        assistant.optimize()
        size = assistant.stats().bytes_on_disk
    session.notice(f"The index takes {render.size(size)} now.")
