"""Serving other programs: mcp, serve, schema."""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from json import dumps as to_json
from pathlib import Path
from typing import IO, Annotated

import typer

from ragcli.cli import interrupts
from ragcli.cli.options import Json, Model, Profile, Quiet, session_of
from ragcli.cli.session import Session
from ragcli.errors import UsageError

commands = typer.Typer()
PANEL = "Serve"
LONGEST_SOCKET_PATH = 100
"""Bytes; systems allow 104 to 108."""


@commands.command(rich_help_panel=PANEL)
def mcp(context: typer.Context, model: Model = None, profile: Profile = None) -> None:
    """Serve search, ask, read and list to a program that speaks MCP.

    It talks on standard input and output, and opens no socket. The other program can read what is indexed, and change nothing.

    \b
    Example, for a program that takes a list of servers:
      {"mcpServers": {"files": {"command": "ragcli", "args": ["mcp"]}}}
    """
    session = session_of(context)
    with extra_needed("mcp"):
        from ragcli.cli.serving.mcp_server import serve as serve_mcp
    with session.open({"answer.model": model}) as assistant:
        serve_mcp(assistant)


@commands.command(rich_help_panel=PANEL)
def serve(
    context: typer.Context,
    socket_path: Annotated[Path | None, typer.Option("--socket", metavar="PATH", help="Listen on this unix socket.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65535, metavar="N", help="Listen on this loopback port.")
    ] = None,
    model: Model = None,
    profile: Profile = None,
    quiet: Quiet = False,
) -> None:
    """Answer programs that were made for the OpenAI API.

    On a unix socket that only you can open, or a port of this machine. Each request needs the token that is kept in a file for
    you. Clients use the model name ragcli.

    \b
    Examples:
      ragcli serve
      ragcli serve --port 8080
    """
    session = session_of(context)
    with extra_needed("serve"):
        from ragcli.cli.serving.openai_server import serve as serve_openai
    token, file = read_token(session)
    with _listener(session, socket_path, port) as (listener, address), session.open({"answer.model": model}) as assistant:

        def announce() -> None:
            session.notice(f"Serving at {address}; the token is in {file}. Ctrl-C ends it.")

        with suppress(interrupts.EndRequestedError), interrupts.requests_to_end(), interrupts.patient_interrupts():
            serve_openai(assistant, listener, token, announce)
        session.notice("Asked to end.")


@contextmanager
def extra_needed(name: str) -> Iterator[None]:
    """Raises UsageError ``bad-argument`` where the extra of that name is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("ragcli"):
            raise
        message = f"ragcli {name} needs a library that is not installed: {error.name}"
        raise UsageError("bad-argument", message, hint=f"pip install 'ragcli[{name}]'") from error


def read_token(session: Session) -> tuple[str, Path]:
    """The secret that clients must know, made when it is first needed, in a file that only the user can read."""
    file = session.locations.data / "serve-token"
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with open(file, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as fresh:
            fresh.write(secrets.token_urlsafe(32) + "\n")
    except FileExistsError:
        file.chmod(0o600)
    token = file.read_text(encoding="ascii", errors="replace").strip()
    if len(token) < 16:
        raise UsageError("bad-argument", f"{file} holds no token", hint=f"remove it and start again: rm '{file}'")
    return token, file


@contextmanager
def _listener(session: Session, path: Path | None, port: int | None) -> Iterator[tuple[socket.socket, str]]:
    if port is not None:
        if path is not None:
            raise UsageError("bad-argument", "--socket and --port cannot be had together", hint="start ragcli serve twice")
        with _opened_port(port) as listener:
            yield listener, f"http://127.0.0.1:{port}/v1"
        return
    with opened_socket(path or session.locations.run / "serve.sock") as (listener, real):
        yield listener, f"unix:{real}"


def _opened_port(port: int) -> socket.socket:
    """Raises UsageError ``bad-argument`` where nothing listens there for us."""
    from ragcli.adapters.listening import take_port

    if sys.platform == "darwin":
        raise UsageError("bad-argument", "the sandbox of macOS lets no port be served", hint="ragcli serve --socket PATH")
    try:
        return take_port(port)
    except OSError as error:
        message = f"port {port} of this machine cannot be listened on: {error.strerror}"
        raise UsageError("bad-argument", message, hint="choose another --port, or none for a unix socket") from error


@contextmanager
def opened_socket(path: Path) -> Iterator[tuple[socket.socket, Path]]:
    """A socket that only the user can open listens at the path. Raises UsageError ``bad-argument``."""
    path = path.expanduser().absolute()
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        raise UsageError(
            "bad-argument", "the path of the socket is too long for the system", hint="ragcli serve --socket /tmp/me/s"
        )
    lock, listener = _bind(path)
    with lock, listener:
        try:
            yield listener, path
        finally:
            path.unlink(missing_ok=True)


def _bind(path: Path) -> tuple[IO[bytes], socket.socket]:
    """The lock that says that we serve there, and the socket that listens."""
    lock = listener = None
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = path.with_name(f"{path.name}.lock").open("ab")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.is_socket():
            path.unlink()  # left behind by one that was killed: nobody holds its lock
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen()
    except OSError as error:
        for opened in (lock, listener):
            if opened is not None:
                opened.close()
        if isinstance(error, BlockingIOError):
            message, hint = f"another ragcli serves at {path}", "use that one, or choose another --socket"
        else:
            message, hint = f"{path} cannot be listened on: {error.strerror}", "choose another place with --socket"
        raise UsageError("bad-argument", message, hint=hint) from error
    return lock, listener


@commands.command(rich_help_panel=PANEL)
def schema(
    context: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="COMMAND", help="As 'ask', 'models list', 'ask --ndjson'.")] = None,
    json: Json = False,
) -> None:
    """Print the JSON Schema of what a command prints as JSON.

    Without a COMMAND it lists those that have one; with --json it prints them all.

    \b
    Examples:
      ragcli schema ask
      ragcli schema 'index --ndjson'
      ragcli schema --json > ragcli-schemas.json
    """
    from ragcli.cli.showing.json_schemas import names_of_outputs, output_schema

    session = session_of(context)
    if words:
        session.say([to_json(output_schema(" ".join(words)), indent=2)])
    elif session.json:
        session.say_json({name: output_schema(name) for name in names_of_outputs()})
    else:
        session.say(names_of_outputs())
