"""Settings: config list, get, set, unset, path, edit; trust."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ragcli.cli.completing import complete_setting
from ragcli.cli.editing import edit_settings
from ragcli.cli.options import Collection, Json, Profile, Quiet, session_of
from ragcli.cli.showing import json_shapes, render
from ragcli.config import base_of, get_setting
from ragcli.errors import SourceError, UsageError

commands = typer.Typer()
config = typer.Typer(rich_markup_mode=None)
commands.add_typer(config, name="config", rich_help_panel="Models and settings")
Key = Annotated[str, typer.Argument(metavar="KEY", help="A setting's name, as search.limit.", autocompletion=complete_setting)]


@config.callback(invoke_without_command=True)
def config_root(context: typer.Context) -> None:
    """Show and change settings.

    Lowest first: defaults, your settings file, a project's .ragcli.toml that you trust, RAGCLI_SECTION_KEY in the
    environment, options of a command.

    \b
    Examples:
      ragcli config
      ragcli config set search.limit 12
      ragcli config set profile.quick.answer.model smollm2-135m
      ragcli config set collection.work.roots '~/work,~/minutes'
    """
    if context.invoked_subcommand is None:
        list_settings(context)


@config.command("list")
def list_settings(context: typer.Context, collection: Collection = None, profile: Profile = None, json: Json = False) -> None:
    """List every setting, its value, and where that comes from.

    \b
    Example:
      ragcli config list
    """
    session = session_of(context)
    shape = json_shapes.settings_shape(session.config, session.locations.config_file)
    session.result(shape, render.setting_lines(session.config, session.paper))


@config.command("get")
def get(context: typer.Context, key: Key, json: Json = False) -> None:
    """Print a setting's value.

    \b
    Example:
      ragcli config get answer.model
    """
    session = session_of(context)
    value = get_setting(session.config, key)
    session.result(json_shapes.setting_shape(key, session.config), [session.paper.line(render.setting_text(value))])


@config.command("set", context_settings={"ignore_unknown_options": True})
def set_value(context: typer.Context, key: Key, value: Annotated[str, typer.Argument(metavar="VALUE")]) -> None:
    """Write a setting; lists are written with commas.

    \b
    Examples:
      ragcli config set search.mode words
      ragcli config set index.exclude 'build,*.log'
    """
    session = session_of(context)
    session.write_setting(key, _absolute_roots(value) if base_of(key) == "roots" else value)
    origin = session.config.origins.get(key, "")
    if origin == "environment":
        session.notice(f"It is written, but RAGCLI_{key.replace('.', '_').upper()} in the environment overrules it.")
    elif origin.startswith("project"):
        session.notice(session.side_paper.line(f"It is written, but the {origin} overrules it."))


def _absolute_roots(value: str) -> str:
    """The folders as any later command will find them."""
    return ",".join(root if root.startswith("~") else str(Path(root).absolute()) for root in value.split(","))


@config.command("unset")
def unset(context: typer.Context, key: Key) -> None:
    """Take a setting out of the settings file: the default holds again.

    \b
    Example:
      ragcli config unset search.limit
    """
    from ragcli.adapters.settings import remove_setting

    session = session_of(context)
    if not remove_setting(session.locations.config_file, key):
        session.notice(session.side_paper.line(f"{key} is not set in {session.locations.config_file}."))


@config.command("path")
def path(context: typer.Context) -> None:
    """Print where the settings file is, or would be.

    \b
    Example:
      ragcli config path
    """
    session = session_of(context)
    session.say([session.paper.text(str(session.locations.config_file))])


@config.command("edit")
def edit(context: typer.Context) -> None:
    """Edit the settings file, which is checked before it is kept.

    The editor is $VISUAL, or $EDITOR, or vi.

    \b
    Example:
      EDITOR=nano ragcli config edit
    """
    session = session_of(context)
    if not (session.out.terminal and session.interactive):
        raise UsageError("bad-argument", "there is no terminal to edit on", hint="ragcli config set KEY VALUE")
    edit_settings(session)


@commands.command(rich_help_panel="Models and settings")
def trust(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The project, or any folder in it.")] = Path(),
    revoke: Annotated[bool, typer.Option("--revoke", help="Trust it no longer.")] = False,
    show_all: Annotated[bool, typer.Option("--list", help="Print the files that you trust.")] = False,
    quiet: Quiet = False,
) -> None:
    """Show the settings that a project brings, and use them.

    A project's .ragcli.toml comes from whoever made the project, so it is not used until you trust it. When it changes,
    it has to be trusted again.

    \b
    Examples:
      ragcli trust
      ragcli trust ~/src/parser --revoke
    """
    from ragcli.adapters import settings
    from ragcli.layering import check_project_settings, read_project_settings

    session, folder = session_of(context), folder.absolute()
    trusted = session.locations.trusted
    if show_all:
        session.say(session.paper.path(Path(name)) for name in sorted(settings.trusted_files(trusted)))
        return
    project = settings.find_project_file(folder, trusted)
    if revoke:
        settings.distrust_project(project.path if project else folder / settings.PROJECT_NAME, trusted)
    elif project is None:
        message = f"there is no {settings.PROJECT_NAME} in {folder} or above"
        raise SourceError("path-missing", message, hint="make one there, with the same keys as in your settings file")
    else:
        for key, value in check_project_settings(read_project_settings(project), str(project.path)):
            session.say([f"{session.paper.line(key)} = {session.paper.line(render.setting_text(value))}"])
        settings.trust_project(project, trusted)
        session.notice(session.side_paper.line(f"{project.path} is trusted until it changes."))
