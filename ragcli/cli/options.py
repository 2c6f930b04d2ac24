"""The options that commands share, each declared once, and the texts among them turned into values."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from ragcli.cli.completing import complete_collection, complete_model, complete_profile
from ragcli.cli.session import Session
from ragcli.errors import UsageError
from ragcli.types import REASONS, Mode, Scope

_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}


def session_of(context: typer.Context) -> Session:
    session = context.find_object(Session)
    if session is None:  # the root callback made it; without one there is no command either
        raise LookupError("no session")
    return session


def _remember(name: str) -> Callable[[typer.Context, Any], Any]:
    """An option's callback: the session knows it too, so that command bodies need not pass it on."""

    def remember(context: typer.Context, value: Any) -> Any:
        session = context.find_object(Session)
        if value and session is not None:
            setattr(session, name, value)
        return value

    return remember


Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.", callback=_remember("json"), is_eager=True)]
Ndjson = Annotated[
    bool, typer.Option("--ndjson", help="Print events, one JSON object a line.", callback=_remember("ndjson"), is_eager=True)
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Say nothing but the result.", callback=_remember("quiet"), is_eager=True)
]

Null = Annotated[bool, typer.Option("--null", "-0", help="Print bare file names, each ended by NUL, for xargs -0.")]
HitTemplate = Annotated[
    str | None, typer.Option("--template", metavar="TEXT", help="Print a line of this form for each passage, as {path}:{line}.")
]
AnswerTemplate = Annotated[
    str | None, typer.Option("--template", metavar="TEXT", help="Print one line of this form, as {answer} ({sources}).")
]

Paths = Annotated[
    list[Path] | None,
    typer.Argument(metavar="PATH", help="Folders or files; - or @FILE reads their names."),
]
Query = Annotated[list[str], typer.Argument(metavar="QUERY", help="What to look for; - or @FILE reads it.")]
Words = Annotated[list[str] | None, typer.Argument(metavar="QUESTION", help="The question; - or @FILE reads it.")]
Limit = Annotated[int | None, typer.Option("-k", "--limit", min=1, max=1000, metavar="N", help="How many passages to find.")]
Model = Annotated[
    str | None,
    typer.Option("--model", "-m", metavar="NAME", help="The language model (ragcli models list).", autocompletion=complete_model),
]
Collection = Annotated[
    str | None,
    typer.Option(
        "--collection",
        "-c",
        metavar="NAME",
        help="Only this collection.",
        callback=_remember("collection"),
        autocompletion=complete_collection,
    ),
]
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile", metavar="NAME", help="With these settings.", callback=_remember("profile"), autocompletion=complete_profile
    ),
]
In = Annotated[list[str] | None, typer.Option("--in", metavar="GLOB", help="Only files that match, as '*/notes/*'.")]
Types = Annotated[list[str] | None, typer.Option("--type", "-t", metavar="EXT", help="Only this type of file, as pdf.")]
Since = Annotated[str | None, typer.Option("--since", metavar="DATE", help="Only files changed since 2026-01-31, 7d, 2w, today.")]
ModeOption = Annotated[Mode | None, typer.Option("--mode", metavar="MODE", help="hybrid, meaning or words.", show_choices=False)]
Every = Annotated[bool, typer.Option("--all", help="Read every passage that matches, for lists and numbers; -k ends it early.")]
Summarize = Annotated[
    Path | None, typer.Option("--summarize", metavar="PATH", help="Summarise an indexed file or folder; QUESTION narrows it.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Drop every sentence of the answer that no passage bears out.")]
GoOn = Annotated[bool, typer.Option("--continue", help="Go on with the last conversation, which this turn is added to.")]
Anew = Annotated[bool, typer.Option("--new", help="Begin a conversation for --continue to go on with; forgets the last.")]
Force = Annotated[bool, typer.Option("--force", help="Read every file again, and rebuild the index if need be.")]


def scope_of(collection: str | None, globs: list[str] | None, types: list[str] | None, since: str | None) -> Scope:
    """The options as a scope. Raises UsageError ``bad-argument``."""
    since_ns = parse_since(since, time.time()) if since else None
    return Scope(collection, tuple(globs or ()), endings_of(types), since_ns)


def endings_of(types: Iterable[str] | None) -> tuple[str, ...]:
    """The name endings that ``--type`` names, without dots, in lower case."""
    return _not_empty(ending.strip().lstrip(".").lower() for given in types or () for ending in given.split(","))


def reasons_of(given: Iterable[str] | None) -> tuple[str, ...]:
    """The reasons that ``--reason`` names. Raises UsageError ``bad-argument`` for one that there is not."""
    reasons = _not_empty(name.strip().lower() for each in given or () for name in each.split(","))
    for reason in reasons:
        if reason not in REASONS:
            near = difflib.get_close_matches(reason, REASONS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"choose one of: {', '.join(REASONS)}"
            raise UsageError("bad-argument", f"there is no reason {reason!r}", hint=hint)
    return reasons


def _not_empty(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(text for text in texts if text)


def parse_since(text: str, now: float) -> int:
    """The moment as nanoseconds since 1970: a local date or time, ``today``, ``yesterday``, or an age as ``7d 2w 3m 1y``.

    Raises UsageError ``bad-argument``.
    """
    wanted = text.strip().lower()
    today = date.fromtimestamp(now)
    try:
        if wanted in ("today", "yesterday"):
            start = today - timedelta(days=wanted == "yesterday")
            moment = datetime(start.year, start.month, start.day)
        elif wanted[-1:] in _DAYS and wanted[:-1].isdecimal():
            moment = datetime.fromtimestamp(now) - timedelta(days=int(wanted[:-1]) * _DAYS[wanted[-1]])
        else:
            moment = datetime.fromisoformat(wanted)
        return int(moment.timestamp() * 1_000_000_000)
    except (ValueError, OverflowError):
        message = f"--since cannot read the date {text!r}"
        raise UsageError("bad-argument", message, hint="give a date as 2026-01-31, or an age as 7d, 2w, 3m or 1y") from None


def required(text: str, usage: str) -> str:
    """The text, which is not empty. Raises UsageError ``empty-question``."""
    if not text:
        raise UsageError("empty-question", "there is no question", hint=usage)
    return text
