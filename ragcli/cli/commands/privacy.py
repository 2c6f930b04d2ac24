"""Who else could see what ragcli keeps of a person's files, and how it goes: purge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ragcli.cli.options import Json, Quiet, session_of
from ragcli.cli.session import Session
from ragcli.cli.showing import json_shapes
from ragcli.errors import UsageError

if TYPE_CHECKING:
    from ragcli.assistant import Assistant

commands = typer.Typer()


@commands.command(rich_help_panel="Index")
def purge(
    context: typer.Context,
    models: Annotated[bool, typer.Option("--models", help="The models too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Remove all that ragcli made of your files; the files stay.

    The index, what surveys and evaluations read, and the questions typed in the shell. Settings stay, and models unless
    --models is given.

    \b
    Examples:
      ragcli purge
      ragcli purge --models --yes
    """
    session = session_of(context)
    with session.open() as assistant:
        kept = assistant.kept_paths(models=models)
        if kept and not yes:
            if not session.interactive:
                raise UsageError("bad-argument", "nobody can be asked whether to remove it all", hint="ragcli purge --yes")
            session.aside(["This goes, and cannot be brought back:", *(f"  {session.side_paper.path(path)}" for path in kept)])
            if not session.confirm("Remove it?"):
                session.notice("Nothing was removed.")
                return
        removed = [event.path for event in assistant.purge_events(models=models)]
    session.result(json_shapes.purged_shape(removed), (session.paper.path(path) for path in removed))
    session.notice("Nothing is left of what ragcli made of your files." if removed else "There was nothing to remove.")


def tell_of_sync(session: Session, assistant: Assistant) -> None:
    """A notice if a sync client would upload the index."""
    finding = assistant.place_finding()
    if finding.level != "ok":
        session.notice(session.side_paper.line(finding.message))
        session.notice(finding.hint)
