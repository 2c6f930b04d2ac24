"""Everything that ragcli prints of what others wrote: the commands, and how each is run in this process on a screen or a pipe."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from ragcli.cli.app import app
from tests.hostile_text.payloads import PAYLOADS
from tests.hostile_text.poisoned import ARGUMENT, UNICODE_ARGUMENT, PoisonedAssistant, poisoned


@dataclass(frozen=True, slots=True)
class Surface:
    """A command whose output holds ``shown`` of the payloads at least."""

    arguments: tuple[str, ...]
    shown: int = len(PAYLOADS)
    stdin: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    assistant: type[PoisonedAssistant] = PoisonedAssistant

    @property
    def is_json(self) -> bool:
        return "--json" in self.arguments or "--ndjson" in self.arguments


def _of(*arguments: str, **more: Any) -> Surface:
    return Surface(arguments, **more)


ALL_BUT_NUL = len([payload for payload in PAYLOADS.values() if "\0" not in payload])
SURFACES: Mapping[str, Surface] = {
    "an answer, one character at a time": _of("ask", "x"),
    "an answer in pieces of 2": _of("ask", "x", assistant=poisoned(2)),
    "an answer in pieces of 3": _of("ask", "x", assistant=poisoned(3)),
    "an answer in pieces of 7": _of("ask", "x", assistant=poisoned(7)),
    "an answer at once": _of("ask", "x", "--no-stream"),
    "an answer as JSON": _of("ask", "x", "--json"),
    "an answer as events": _of("ask", "x", "--ndjson"),
    "the nearest passages": _of("ask", "nowhere", shown=3),
    "no answer as JSON": _of("ask", "nowhere", "--json"),
    "an error of ask": _of("ask", "fails"),
    "an error of ask as JSON": _of("ask", "fails", "--json"),
    "a question, told again as JSON": _of("ask", ARGUMENT, "--json"),
    "a question from a pipe": _of("ask", "-", "--json", stdin=ARGUMENT),
    "a piped text": _of("ask", "x", stdin=ARGUMENT),
    "a piped text as JSON": _of("ask", "x", "--json", stdin=ARGUMENT),
    "hits": _of("search", "x"),
    "hits in full": _of("search", "x", "--full"),
    "hits explained": _of("search", "x", "--explain"),
    "hits as JSON": _of("search", "x", "--json"),
    "an error of search": _of("search", "fails"),
    "a file": _of("show", "/files/x"),
    "a file as JSON": _of("show", "/files/x", "--json"),
    "names": _of("ls"),
    "names of skipped files": _of("ls", "--skipped"),
    "names as JSON": _of("ls", "--json"),
    "names of files with secrets": _of("ls", "--secrets"),
    "records": _of("extract", "--schema", "name: str", "/files", shown=0),
    "records as a table": _of("extract", "--schema", "name: str", "--format", "csv", "/files", shown=1),
    "what is purged": _of("purge", "--yes"),
    "what is purged, as JSON": _of("purge", "--yes", "--json"),
    "trusted folders": _of("trust", "--list", shown=0),
    "status": _of("status"),
    "status as JSON": _of("status", "--json"),
    "an index run": _of("index", "/"),
    "an index run as JSON": _of("index", "/", "--json"),
    "an index run as events": _of("index", "/", "--ndjson"),
    "an index run on trial": _of("index", "/", "--dry-run"),
    "an index run that stays": _of("index", "/", "--watch"),
    "changes": _of("watch"),
    "changes as events": _of("watch", "--ndjson"),
    "a service installed": _of("watch", "--install"),
    "a service taken away": _of("watch", "--uninstall"),
    "forgetting": _of("forget", "/files"),
    "forgetting as JSON": _of("forget", "/files", "--json"),
    "findings": _of("check"),
    "findings as JSON": _of("check", "--json"),
    "an index made small": _of("optimize", shown=0),
    "the doctor": _of("doctor"),
    "the doctor as JSON": _of("doctor", "--json"),
    "the proof": _of("doctor", "--offline-proof"),
    "models": _of("models", "list"),
    "models as JSON": _of("models", "list", "--json"),
    "a model": _of("models", "show", "x"),
    "a model as JSON": _of("models", "show", "x", "--json"),
    "models in use": _of("models", "default"),
    "models in use as JSON": _of("models", "default", "--json"),
    "a model pulled": _of("models", "pull", "x"),
    "a pull as events": _of("models", "pull", "x", "--ndjson"),
    "a model imported": _of("models", "import", "/x"),
    "a model imported, as JSON": _of("models", "import", "/x", "--json"),
    "a model removed": _of("models", "remove", ARGUMENT),
    "an evaluation": _of("eval", "/"),
    "an evaluation as JSON": _of("eval", "/", "--json"),
    "an evaluation as events": _of("eval", "/", "--ndjson"),
    "settings": _of("config", "list", environment={"RAGCLI_ANSWER_MODEL": ARGUMENT}, shown=ALL_BUT_NUL),
    "settings as JSON": _of("config", "list", "--json", environment={"RAGCLI_ANSWER_MODEL": ARGUMENT}, shown=ALL_BUT_NUL),
    "a setting": _of("config", "get", "answer.model", environment={"RAGCLI_ANSWER_MODEL": ARGUMENT}, shown=ALL_BUT_NUL),
    "a wrong setting": _of("config", "list", environment={"RAGCLI_SEARCH_MODE": ARGUMENT}, shown=ALL_BUT_NUL),
    "a setting taken out": _of("config", "unset", ARGUMENT),
    "an unknown setting": _of("config", "get", ARGUMENT),
    "an unknown setting as JSON": _of("config", "get", ARGUMENT, "--json"),
    "an unknown command": _of(ARGUMENT),
    "an unknown option": _of("search", f"--{ARGUMENT}", shown=30),
    "an unknown option as JSON": _of("search", "--json", f"--{ARGUMENT}", shown=30),
    "a wrong value": _of("search", "x", "-k", UNICODE_ARGUMENT, shown=0),
    "a wrong choice": _of("search", "x", "--mode", UNICODE_ARGUMENT),
    "a wrong date": _of("search", "x", "--since", ARGUMENT),
    "a wrong reason": _of("ls", "--reason", ARGUMENT, shown=1),
    "too many arguments": _of("optimize", ARGUMENT),
}

SCREENS: Mapping[str, Mapping[str, str] | None] = {
    "a terminal": {"TERM": "xterm-256color"},
    "a terminal without colour": {"TERM": "dumb"},
    "a pipe": None,
}
"""What the environment says of the terminal; None where there is none."""


class MemoryStream(io.TextIOWrapper):
    """Standard output or error as ``streams.take_standard_streams`` makes them, kept in memory."""

    def __init__(self, *, terminal: bool) -> None:
        self.kept = io.BytesIO()
        super().__init__(self.kept, "utf-8", "backslashreplace", newline="")
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    @property
    def text(self) -> str:
        self.flush()
        return self.kept.getvalue().decode()


def run_surface(surface: Surface, home: Path, screen: Mapping[str, str] | None) -> tuple[str, str]:
    """What came out on standard output and standard error."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAGCLI_")}
    environment = {**kept, "TERM": "dumb", **(screen or {}), "RAGCLI_HOME": str(home), **surface.environment}
    for name in ("NO_COLOR", "FORCE_COLOR"):
        environment.pop(name, None)
    out, err = (MemoryStream(terminal=screen is not None) for _ in range(2))
    stdin = io.TextIOWrapper(
        io.BytesIO(surface.stdin.encode("utf-8", "surrogateescape" if surface.stdin.isascii() else "replace"))
    )
    with (
        mock.patch.multiple(sys, stdin=stdin, stdout=out, stderr=err),
        mock.patch.dict(os.environ, environment, clear=True),
        contextlib.suppress(SystemExit),
    ):
        app(list(surface.arguments), prog_name="ragcli", obj=surface.assistant)
    return out.text, err.text


def texts_in(output: str) -> str:
    """Every text in lines of JSON, loaded."""
    found: list[str] = []

    def collect(value: Any) -> None:
        if isinstance(value, dict):
            found.extend(value)
            list(map(collect, value.values()))
        elif isinstance(value, list):
            list(map(collect, value))
        elif isinstance(value, str):
            found.append(value)

    for line in output.split("\n"):
        if line:
            collect(json.loads(line))
    return "\x00\x00".join(found)
