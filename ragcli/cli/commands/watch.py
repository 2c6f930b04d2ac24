"""The command that stays: watch, by itself or as a service of the system."""

from __future__ import annotations

from typing import Annotated

import typer

from ragcli.cli.options import Ndjson, Paths, Quiet, session_of
from ragcli.cli.session import Session
from ragcli.cli.showing.following import follow_changes
from ragcli.errors import UsageError
from ragcli.types import ServiceFile

commands = typer.Typer()
PANEL = "Index"


@commands.command(rich_help_panel=PANEL)
def watch(
    context: typer.Context,
    paths: Paths = None,
    install: Annotated[bool, typer.Option("--install", help="Make this a service that starts with your session.")] = False,
    uninstall: Annotated[bool, typer.Option("--uninstall", help="Take that service away.")] = False,
    ndjson: Ndjson = False,
    quiet: Quiet = False,
) -> None:
    """Keep the index up to date until Ctrl-C.

    Without a PATH every indexed folder is watched, and those too that are indexed meanwhile. What happened while nobody
    watched is found at the start.

    \b
    Examples:
      ragcli watch
      ragcli watch ~/notes
      ragcli watch --install
    """
    session = session_of(context)
    if install and uninstall:
        raise UsageError("bad-argument", "--install and --uninstall exclude each other", hint="ragcli watch --help")
    with session.open() as assistant:
        if install:
            _tell_installed(session, assistant.install_service(session.paths(paths)), has_roots=bool(paths or assistant.roots()))
        elif uninstall:
            _tell_uninstalled(session, assistant.uninstall_service(), is_watched=assistant.watch_health() is not None)
        else:
            assistant.give_way()
            follow_changes(session, assistant.watch_events(session.paths(paths)))


def _tell_installed(session: Session, service: ServiceFile, *, has_roots: bool) -> None:
    file = session.paper.path(service.file)
    session.say([f"Wrote {file}" if service.action == "written" else f"{file} is as it should be"])
    session.say([f"Start it, now and with every session: {session.paper.line(service.command)}"])
    if not has_roots:
        session.notice("Nothing is indexed yet, so that it would end at once: ragcli index FOLDER comes first.")


def _tell_uninstalled(session: Session, service: ServiceFile, *, is_watched: bool) -> None:
    file = session.paper.path(service.file)
    session.say([f"Removed {file}" if service.action == "removed" else f"There is no {file}"])
    if is_watched:
        session.say([f"If the service still runs, end it: {session.paper.line(service.command)}"])
