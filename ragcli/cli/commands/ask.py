"""Finding: search, ask, chat."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragcli.cli.continuing import ContinuedQuestion
from ragcli.cli.options import (
    Anew,
    AnswerTemplate,
    Collection,
    Every,
    GoOn,
    HitTemplate,
    In,
    Json,
    Limit,
    Model,
    ModeOption,
    Ndjson,
    Null,
    Profile,
    Query,
    Quiet,
    Since,
    Strict,
    Summarize,
    Types,
    Words,
    required,
    scope_of,
    session_of,
)
from ragcli.cli.records import ShapeOption, given_shape, run_record
from ragcli.cli.session import Session
from ragcli.cli.showing import json_shapes, passages
from ragcli.cli.showing.answering import await_answer, show_answer
from ragcli.cli.showing.templates import ANSWER_FIELDS, HIT_FIELDS, LineTemplate, answer_values, hit_values
from ragcli.cli.surveys import run_survey, survey_wanted
from ragcli.config import Config
from ragcli.errors import NO_EVIDENCE, UsageError
from ragcli.types import AnswerEvent, Question, Scope

if TYPE_CHECKING:
    from ragcli.assistant import Assistant

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
    profile: Profile = None,
    only_stdin: Annotated[bool, typer.Option("--only-stdin", help="Answer from what is piped in, not from your files.")] = False,
    every: Every = False,
    summarize: Summarize = None,
    shape: ShapeOption = None,
    strict: Strict = False,
    go_on: GoOn = False,
    anew: Anew = False,
    no_stream: Annotated[bool, typer.Option("--no-stream", help="Print the answer when it is whole.")] = False,
    template: AnswerTemplate = None,
    json: Json = False,
    ndjson: Ndjson = False,
    quiet: Quiet = False,
) -> None:
    """Answer a question from your files, with the places that say so.

    What is piped in, however long, counts as one more file, cited as stdin:LINE. When the files do not hold the answer, it
    says so and exits with 11.

    \b
    Examples:
      ragcli ask --in '*/contracts/*' --since 1y "who may cancel?"
      cat build.log | ragcli ask --only-stdin "what failed first?"
      ragcli ask --template '{answer} ({sources})' @question.txt
      ragcli ask --schema 'tenant: str, rent: number, until?: date' "the lease"
    """
    session = session_of(context)
    text, pipe = session.words(words), _pipe(session, words, only_stdin)
    with session.open({"answer.model": model, "search.limit": limit}) as assistant:
        turn = ContinuedQuestion(session, assistant, text, go_on=go_on, anew=anew)
        question = _question(session, assistant.config, turn.understood, scope_of(collection, globs, types, since))
        _go_another_way(session, assistant, question, shape, pipe, every=every, summarize=summarize, limit=limit)
        events = assistant.ask_events(question, max_tokens=max_tokens, strict=strict, **pipe)
        _answer(session, turn.listen(events, keep_answer=not pipe["piped"]), template, stream=not no_stream)


def _go_another_way(
    session: Session, assistant: Assistant, question: Question, shape: str | None, pipe: dict[str, Any], **wanted: Any
) -> None:
    """A record or a survey, where one is wanted, is printed and ends the command. Raises UsageError ``empty-question``."""
    if shape is not None:
        session.leave(run_record(session, assistant.record_events(question, given_shape(shape), **pipe)))
    if wanted["summarize"] is None:
        required(question.text, 'ragcli ask "QUESTION"; piped text is context beside it')
    survey = None if pipe["piped"] else survey_wanted(session, assistant, question, **wanted)
    if survey is not None:
        session.leave(run_survey(session, survey))


def _question(session: Session, config: Config, text: str, scope: Scope) -> Question:
    return Question(text, scope, config.search.limit, session.mode(config.search.mode))


def _answer(session: Session, events: Iterator[AnswerEvent], template: str | None, *, stream: bool) -> None:
    """The answer is on standard output; without evidence the command ends with its status."""
    line = LineTemplate(template, ANSWER_FIELDS) if template else None
    answer = await_answer(session, events) if line else show_answer(session, events, stream=stream)
    if line:
        session.say([line.fill(answer_values(answer, session.paper))])
    if answer.outcome == "no_evidence":
        session.leave(NO_EVIDENCE)


def _pipe(session: Session, words: list[str] | None, only_stdin: bool) -> dict[str, Any]:
    """What is piped in, as the assistant takes it. Raises UsageError ``bad-argument`` if it is all that counts and not there."""
    piped = session.piped_blocks() if words != ["-"] else None
    if only_stdin and piped is None:
        raise UsageError("bad-argument", "nothing is piped in", hint='cat build.log | ragcli ask --only-stdin "QUESTION"')
    return {"piped": piped, "only_piped": only_stdin}


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
    profile: Profile = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show what each score is the sum of.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Print whole passages.")] = False,
    files: Annotated[bool, typer.Option("--files", help="Print the files alone, each once, best first.")] = False,
    null: Null = False,
    template: HitTemplate = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show the passages nearest to a query, best first.

    hybrid looks for the meaning and for the words, then follows the names in what it found; meaning and words look for one
    of the two. Quoted phrases, codes, dates and file names in the query weigh more.

    \b
    Examples:
      ragcli search --mode words --type pdf -k 3 deadline
      ragcli search --template '{path}:{line} {score:.2f}' "error budget"
      ragcli search --files -0 invoice | xargs -0 ls -l
    """
    session = session_of(context)
    text = required(session.words(words), "ragcli search QUERY")
    line = LineTemplate(template, HIT_FIELDS) if template else None
    with session.open({"search.limit": limit, "search.mode": mode}) as assistant:
        result = assistant.search(_question(session, assistant.config, text, scope_of(collection, globs, types, since)))
    if session.json:
        session.say_json(json_shapes.search_shape(result, explain=explain))
    elif files or null:
        session.say_names(dict.fromkeys(hit.chunk.path for hit in result.hits), null=null)
    elif line:
        session.say(line.fill(hit_values(rank, hit, session.paper)) for rank, hit in enumerate(result.hits, 1))
    else:
        session.say(passages.search_lines(result, session.paper, explain=explain, full=full))
    if not result.hits:
        session.notice("Nothing found.")


@commands.command(rich_help_panel=PANEL)
def chat(
    context: typer.Context,
    model: Model = None,
    collection: Collection = None,
    profile: Profile = None,
    name: Annotated[
        str | None, typer.Option("--session", metavar="NAME", help="Keep the questions and answers, and go on with them.")
    ] = None,
) -> None:
    """Ask question after question; the same as ragcli alone.

    Nothing of it is kept but the lines that you typed, unless you ask for it with --session or /save.

    \b
    Examples:
      ragcli chat
      ragcli chat --model smollm2-135m
      ragcli chat --session contracts
    """
    from ragcli.cli.shell.prompt import run_repl

    run_repl(session_of(context), model, name=name or "")
