"""Finding: search, ask, chat."""

from __future__ import annotations

from typing import Annotated

import typer

from ragcli.cli import json_shapes, render
from ragcli.cli.answering import show_answer
from ragcli.cli.options import (
    Collection,
    In,
    Json,
    Limit,
    Model,
    ModeOption,
    Ndjson,
    Query,
    Quiet,
    Since,
    Types,
    Words,
    required,
    scope_of,
    session_of,
)
from ragcli.cli.streams import piped_text
from ragcli.errors import NO_EVIDENCE
from ragcli.types import Question

commands = typer.Typer()
PANEL = "Find"


@commands.command(rich_help_panel=PANEL)
def ask(
    context: typer.Context,
    words: Words = None,
    limit: Limit = None,
    model: Model = None,
    max_tokens: Annotated[int | None, typer.Option("--max-tokens", min=1, metavar="N", help="Longest answer.")] = None,
    globs: In = None,
    types: Types = None,
    since: Since = None,
    collection: Collection = None,
    no_stream: Annotated[bool, typer.Option("--no-stream", help="Print the answer when it is whole.")] = False,
    json: Json = False,
    ndjson: Ndjson = False,
    quiet: Quiet = False,
) -> None:
    """Answer a question from your files, with the places that say so.

    What is piped in counts as one more file. When the files do not hold the answer, it says so and exits with 11.

    \b
    Examples:
      ragcli ask "when does the lease end?"
      ragcli ask --in '*/contracts/*' --since 1y "who may cancel?"
      tail -n 500 build.log | ragcli ask "what failed first?"
    """
    session = session_of(context)
    text = required(session.words(words), 'ragcli ask "QUESTION"; piped text is context beside it')
    piped = session.piped() if words != ["-"] else None
    settings = {"answer.model": model, "search.limit": limit}
    with session.open(settings) as assistant:
        found = assistant.config.search
        question = Question(text, scope_of(collection, globs, types, since), found.limit, session.mode(found.mode))
        events = assistant.ask_events(question, piped=piped_text(piped) if piped else None, max_tokens=max_tokens)
        answer = show_answer(session, events, stream=not no_stream)
    if answer.outcome == "no_evidence":
        session.leave(NO_EVIDENCE)


@commands.command(rich_help_panel=PANEL)
def search(
    context: typer.Context,
    words: Query,
    limit: Limit = None,
    mode: ModeOption = None,
    globs: In = None,
    types: Types = None,
    since: Since = None,
    collection: Collection = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show what each score is the sum of.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Print whole passages.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show the passages nearest to a query, best first.

    hybrid looks for the meaning and for the words, then follows the names in what it found; meaning and words look for one
    of the two. Quoted phrases, codes, dates and file names in the query weigh more.

    \b
    Examples:
      ragcli search power of attorney
      ragcli search --mode words --type pdf -k 3 deadline
      ragcli search --json "error budget" | jq -r '.hits[].path'
    """
    session = session_of(context)
    text = required(session.words(words), "ragcli search QUERY")
    with session.open({"search.limit": limit, "search.mode": mode}) as assistant:
        found = assistant.config.search
        question = Question(text, scope_of(collection, globs, types, since), found.limit, session.mode(found.mode))
        result = assistant.search(question)
    shape = json_shapes.search_shape(result, explain=explain)
    session.result(shape, render.search_lines(result, session.paper, explain=explain, full=full))
    if not result.hits:
        session.notice("Nothing found.")


@commands.command(rich_help_panel=PANEL)
def chat(context: typer.Context, model: Model = None) -> None:
    """Ask question after question; the same as ragcli alone.

    \b
    Examples:
      ragcli chat
      ragcli chat --model smollm2-135m
    """
    from ragcli.cli.repl import run_repl

    run_repl(session_of(context), model)
