"""Settings: config list, get, set, path, edit."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import Annotated

import typer

from ragcli.cli import json_shapes, render
from ragcli.cli.options import Json, session_of
from ragcli.cli.paper import plural
from ragcli.cli.session import Session
from ragcli.config import get_setting
from ragcli.errors import ConfigError, UsageError

commands = typer.Typer()
config = typer.Typer(rich_markup_mode=None)
commands.add_typer(config, name="config", rich_help_panel="Models and settings")
Key = Annotated[str, typer.Argument(metavar="KEY", help="A setting's name, as search.limit.")]


@config.callback(invoke_without_command=True)
def config_root(context: typer.Context) -> None:
    """Show and change settings.

    Lowest first: defaults, the settings file, RAGCLI_SECTION_KEY in the environment, options of a command.

    \b
    Examples:
      ragcli config
      ragcli config set search.limit 12
    """
    if context.invoked_subcommand is None:
        list_settings(context)


@config.command("list")
def list_settings(context: typer.Context, json: Json = False) -> None:
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
    """Write a setting to the settings file; lists are written with commas.

    \b
    Examples:
      ragcli config set search.mode words
      ragcli config set index.exclude 'build,*.log'
    """
    session = session_of(context)
    session.write_setting(key, value)
    overruling = session.config.origins.get(key, "")
    if overruling == "environment":
        session.notice(f"It is written, but RAGCLI_{key.replace('.', '_').upper()} in the environment overrules it.")


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
    """Open the settings file in your editor, then check it.

    The editor is $VISUAL, or $EDITOR, or vi.

    \b
    Example:
      EDITOR=nano ragcli config edit
    """
    session = session_of(context)
    if not (session.out.terminal and sys.stdin.isatty()):
        raise UsageError("bad-argument", "there is no terminal to edit on", hint="ragcli config set KEY VALUE")
    run_editor(session)
    count = len(session.config.origins)
    session.notice(f"{plural(count, 'setting is', 'settings are')} not the default.")


def run_editor(session: Session) -> None:
    """The settings file was edited. Raises ConfigError ``bad-config`` if there is no such editor."""
    editor = session.environment.get("VISUAL") or session.environment.get("EDITOR") or "vi"
    file = session.locations.config_file
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))
    try:
        subprocess.run([*shlex.split(editor), str(file)], check=False)
    except OSError as error:
        message = f"the editor {editor!r} cannot be started: {error.strerror}"
        raise ConfigError("bad-config", message, hint="set EDITOR to the name of an editor, as nano") from error
