"""The program: its commands by group, and the one place where an error becomes a message and an exit status."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from ragcli.cli import interrupts, streams
from ragcli.cli.commands import ask, config, health, index, models, privacy, records, serving, watch
from ragcli.cli.options import Quiet
from ragcli.cli.session import MakeAssistant, Session, real_assistant
from ragcli.cli.showing import json_shapes
from ragcli.errors import BROKEN_PIPE, INTERRUPTED, RagError, StoreError, UsageError

if TYPE_CHECKING:
    from ragcli.adapters.puller import Puller

JSON_FLAGS = frozenset({"--json", "--ndjson"})


class RagGroup(TyperGroup):
    """The root command: every failure below it ends here."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        self.wants_json = asks_for_json(args)
        with failures_told(self.wants_json):
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: Any) -> Any:
        with failures_told(self.wants_json):
            return super().invoke(ctx)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The commands by group, as plain text."""
        groups: dict[str, list[tuple[str, str]]] = {}
        room = formatter.width - 6 - max(map(len, self.commands))
        for name, command in self.commands.items():
            groups.setdefault(getattr(command, "rich_help_panel", "Commands"), []).append(
                (name, command.get_short_help_str(room))
            )
        for panel, rows in groups.items():
            with formatter.section(panel):
                formatter.write_dl(rows)


app = typer.Typer(
    name="ragcli",
    cls=RagGroup,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS = (*(ask, records, index, privacy, watch, models, config, serving, health),)
for module in COMMANDS:
    app.add_typer(module.commands)


def asks_for_json(arguments: Sequence[str]) -> bool:
    """Whether errors are wanted as JSON. Read here, since an error may come before the options are."""
    before_texts = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return not JSON_FLAGS.isdisjoint(before_texts)


@contextmanager
def failures_told(as_json: bool) -> Iterator[None]:
    """Any failure but a bug is told in a line, and ends the program with its status."""
    try:
        yield
    except RagError as error:
        raise typer.Exit(tell(error, as_json)) from error
    except typer.TyperException as error:
        raise typer.Exit(tell(as_usage_error(error), as_json)) from error
    except streams.OutputClosedError as error:
        raise typer.Exit(BROKEN_PIPE) from error
    except KeyboardInterrupt as error:
        interrupts.stop_was_told()
        typer.echo(interrupts.STOPPED, err=True)
        raise typer.Exit(INTERRUPTED) from error


def as_usage_error(error: typer.TyperException) -> UsageError:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "ragcli"
    message = error.format_message().replace("Value error, ", "").rstrip(".")
    return UsageError("bad-argument", message, hint=f"{command} --help")


def tell(error: RagError, as_json: bool) -> int:
    """The error is told on standard error, or as JSON on standard output; gives its status."""
    if as_json:
        typer.echo(json_shapes.dump(json_shapes.error_shape(error), ascii_only=True))
    if not as_json or error.slug == "disk-full":  # then standard output may be what is full
        with suppress(streams.OutputClosedError, StoreError):  # there is nowhere left to tell it
            Session().tell(error)
    return error.status


def _print_version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(f"ragcli {version('ragcli')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", "-V", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Ask your own files: answers with their sources, made on this machine.

    Alone on a terminal it is a shell for questions. Results go to standard output, everything else to standard
    error; --json prints one object for scripts.

    \b
    Examples:
      ragcli index ~/Documents
      ragcli ask "when does the lease end?"
      git log -n 50 | ragcli ask "what changed in the parser?"
    """
    session = context.obj if isinstance(context.obj, Session) else Session(make_assistant=context.obj or real_assistant)
    session.quiet = quiet
    context.obj = session
    if context.invoked_subcommand is None:
        _without_command(context, session)


def _without_command(context: typer.Context, session: Session) -> None:
    if session.out.terminal and sys.stdin is not None and sys.stdin.isatty():
        from ragcli.cli.first_run import is_first_run, set_up
        from ragcli.cli.shell.prompt import run_repl

        if is_first_run(session) and not set_up(session):
            return
        session.dismiss_puller()
        run_repl(session, model=None)
    else:
        typer.echo(context.get_help(), err=True)
        session.leave(UsageError.status)


def run(make_assistant: MakeAssistant | None = None, *, puller: Puller | None = None) -> None:
    """The program runs with the process's arguments and ends the process with the exit status.

    ``puller`` can get models although this process is sealed; it is there only where nothing may be set up yet.
    """
    streams.take_standard_streams()
    try:
        interrupts.stop_on_interrupt()
        app(prog_name="ragcli", obj=Session(make_assistant=make_assistant or real_assistant, puller=puller))
    except KeyboardInterrupt:  # before or after a command could take it
        interrupts.leave_now()
    finally:
        interrupts.program_ended()
