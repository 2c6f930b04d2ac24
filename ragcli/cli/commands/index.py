"""Indexing and looking after the index: index, status, ls, show, forget, check, optimize."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ragcli.cli.commands.privacy import tell_of_sync
from ragcli.cli.completing import complete_collection
from ragcli.cli.options import (
    Collection,
    Force,
    Json,
    Ndjson,
    Null,
    Paths,
    Profile,
    Quiet,
    Types,
    endings_of,
    reasons_of,
    session_of,
)
from ragcli.cli.session import PATIENCE_SECONDS
from ragcli.cli.showing import json_shapes, render
from ragcli.cli.showing.following import follow_changes, follow_index, show_findings
from ragcli.cli.showing.places import choose_sources, split_place, touches
from ragcli.errors import DONE_WITH_SKIPS, StoreError, UsageError

commands = typer.Typer()
PANEL = "Index"
Include = Annotated[list[str] | None, typer.Option("--include", metavar="GLOB", help="Only files that match.")]
Exclude = Annotated[list[str] | None, typer.Option("--exclude", metavar="GLOB", help="No files that match.")]
Wait = Annotated[
    bool | None, typer.Option("--wait/--no-wait", help="Wait for another ragcli that writes, however long; or not at all.")
]
Into = Annotated[
    str | None,
    typer.Option(
        "--collection", "-c", metavar="NAME", help="Put the files into this collection.", autocompletion=complete_collection
    ),
]


@commands.command(rich_help_panel=PANEL)
def index(
    context: typer.Context,
    paths: Paths = None,
    collection: Into = None,
    include: Include = None,
    exclude: Exclude = None,
    force: Force = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Read skipped files again, changed or not.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Stay, and follow changes.")] = False,
    wait: Wait = None,
    profile: Profile = None,
    json: Json = False,
    ndjson: Ndjson = False,
    quiet: Quiet = False,
) -> None:
    """Make files findable, or bring the index up to date.

    Only what changed is read. Without a PATH every folder indexed before is looked at again. Files that cannot be
    read are skipped and named, and the exit status is then 10; they are tried again when they change.

    \b
    Examples:
      ragcli index ~/Documents
      ragcli index ~/code --include '*.md' --collection docs
      ragcli index
    """
    session = session_of(context)
    named = session.paths(paths)
    globs: dict[str, Any] = {"include": include or (), "exclude": exclude or ()}
    with session.open(patience=PATIENCE_SECONDS[wait]) as assistant:
        tell_of_sync(session, assistant)
        assistant.give_way()
        # Who stays gives the memory back that indexing took: it is done elsewhere.
        run = assistant.index_apart_events if watch else assistant.index_events
        events = run(named, collection=collection, force=force, dry_run=dry_run, retry_failed=retry_failed, **globs)
        report = follow_index(session, events, dry_run=dry_run)
        if watch and not dry_run:
            follow_changes(session, assistant.watch_events(named, collection=collection, **globs))
    if report.skipped:
        session.leave(DONE_WITH_SKIPS)


@commands.command(rich_help_panel=PANEL)
def setup(context: typer.Context) -> None:
    """Choose folders and models, see what would be indexed, and begin.

    ragcli alone does the same while nothing is indexed.

    \b
    Example:
      ragcli setup
    """
    from ragcli.cli.first_run import set_up

    session = session_of(context)
    if not session.interactive:
        hint = "ragcli models pull NAME, then ragcli index FOLDER"
        raise UsageError("bad-argument", "there is no terminal to ask on", hint=hint)
    set_up(session)
    session.dismiss_puller()


@commands.command(rich_help_panel=PANEL)
def status(context: typer.Context, json: Json = False) -> None:
    """Say what is indexed and skipped, and since when.

    \b
    Example:
      ragcli status
    """
    session = session_of(context)
    with session.open() as assistant:
        stats, roots = assistant.stats(), assistant.roots()
        health, watcher = assistant.watch_health(), assistant.watch_finding()
        flagged = assistant.sources_with_secrets()
        tell_of_sync(session, assistant)
    folder = session.locations.index
    lines = render.status_lines(stats, roots, folder, watcher, session.paper, session.now(), flagged)
    session.result(json_shapes.status_shape(stats, roots, folder, health, flagged), lines)
    if watcher.level != "ok":
        session.notice(watcher.hint)
    if not stats.sources:
        session.notice("Nothing is indexed yet: ragcli index FOLDER")


@commands.command("ls", rich_help_panel=PANEL)
def list_sources(
    context: typer.Context,
    paths: Paths = None,
    skipped: Annotated[bool, typer.Option("--skipped", help="The files that could not be read, and why.")] = False,
    reason: Annotated[
        list[str] | None, typer.Option("--reason", metavar="CODE", help="Those skipped for it, as encrypted.")
    ] = None,
    secrets: Annotated[bool, typer.Option("--secrets", help="The files that seem to hold keys or passwords.")] = False,
    types: Types = None,
    collection: Collection = None,
    null: Null = False,
    json: Json = False,
) -> None:
    """List the indexed files, or those that were skipped.

    \b
    Examples:
      ragcli ls --type pdf
      ragcli ls --skipped ~/Documents
      ragcli ls --reason encrypted,no_text_layer
      ragcli ls -0 --type md | xargs -0 wc -w
    """
    session = session_of(context)
    wanted = {"skipped": skipped, "reasons": reasons_of(reason), "types": endings_of(types)}
    with session.open() as assistant:
        sources = assistant.sources_with_secrets() if secrets else assistant.sources().values()
    chosen = choose_sources(sources, folders=session.paths(paths), collection=collection, **wanted)
    if null and not session.json:
        session.say_names([source.path for source in chosen], null=True)
        return
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
