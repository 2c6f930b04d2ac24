"""The flow behind ``ask``: search, pack, answer, judge, cite; told as events.

With no passage close enough to the question the language model is never loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ragcli.errors import StoreError, UsageError
from ragcli.flows.saying import SENTENCE_TOKENS, judge_answer, say, say_whole, settle_wording
from ragcli.flows.searching import SearchPorts, Stopwatch, fits, is_close_enough, search_chunks, search_piped
from ragcli.ports import LanguageModel, Store
from ragcli.steps.citing import (
    SPACED_MARKER,
    MarkerFilter,
    add_markers,
    cite_statement,
    find_citations,
    may_become_not_found,
    says_not_found,
    settle_markers,
)
from ragcli.steps.defusing import Defused, defuse_context
from ragcli.steps.dissenting import (
    add_passage,
    build_comparison,
    find_dissenters,
    is_about,
    may_differ,
    tell_dissent,
    widen_context,
)
from ragcli.steps.judging import read_verdict
from ragcli.steps.prompting import pack_context
from ragcli.steps.sentences import find_loop
from ragcli.steps.tasks import Task, choose_task
from ragcli.types import (
    Answer,
    AnswerEvent,
    AnswerFinished,
    Context,
    Delta,
    Hit,
    IndexIdentity,
    Packed,
    Question,
    Retrieved,
    Stop,
    Usage,
)

DISSENT_TOKENS = 24
"""Of what another file says: a name, a date, an amount. What is longer is cut, and then no answer of that kind."""
LEAST_SAMENESS = 0.5
"""The probability from which on two answers are taken for the same: of 24 pairs 20 were told rightly, and no two that differ
were taken for one."""
HELD_PIECES: Mapping[Task, int] = {"short": 48, "sentence": SENTENCE_TOKENS, "full": 0}
"""Tokens of an answer that are held until it has been judged; a longer one is shown as it comes."""
PIPED_SHARE = 0.75
"""What a piped text may take of the context beside an index: whoever pipes a text asks about it."""


@dataclass(frozen=True, slots=True)
class AskPorts(SearchPorts):
    """What asking needs of the machine; each is loaded when it is first called for."""

    model: Callable[[], LanguageModel]


@dataclass(frozen=True, slots=True)
class AskOptions:
    words_weight: float
    context_tokens: int
    max_tokens: int
    min_similarity: float
    min_confidence: float
    defended: bool = True
    """Whether what files say to a model is defused first; measurements do without, to tell what it is worth."""


def check_question(text: str) -> None:
    """Raises UsageError ``empty-question``."""
    if not text.strip():
        raise UsageError("empty-question", "the question is empty", hint='ragcli ask "When does the lease end?"')


def check_index(question: Question, store: Store, identity: Callable[[], IndexIdentity]) -> None:
    """The index has something to find and was made with the embedder that would be asked; words need none.

    Raises StoreError: ``index-missing``, ``index-empty``, ``index-mismatch``.
    """
    stored = store.identity()
    if stored is None:
        raise StoreError("index-missing", "nothing has been indexed yet", hint="ragcli index ~/Documents")
    if not store.holds_chunks:
        raise StoreError("index-empty", "the index holds no text", hint="ragcli index PATH; ragcli ls shows what was skipped")
    if question.mode != "words" and not fits(stored, identity()):
        own = identity().embedder
        by = f"{stored.embedder}, the settings say {own}" if stored.embedder != own else f"other files of {own}"
        hint = "ragcli index --force, or ragcli config set models.embedder"
        raise StoreError("index-mismatch", f"the index was made with {by}", hint=hint)


def ask_question(
    question: Question, ports: AskPorts, options: AskOptions, *, piped: str | Iterable[str] | None = None
) -> Iterator[AnswerEvent]:
    """Hits, context, the answer piece by piece, and the whole Answer last. ``piped`` may come in blocks."""
    watch = Stopwatch()
    unsaid, model, task = yield from find_context(question, ports, options, piped, watch)
    if model is None:
        yield AnswerFinished(replace(unsaid, took_ms=watch.total()))
        return
    context = unsaid.context
    defused = _defuse(context, question.text, options)
    pieces = say(question, defused, model, options.max_tokens, task=task)
    text, stop, shown = yield from _stream(question, context, pieces, watch, held_pieces=HELD_PIECES[task])
    is_held = task != "full" and not shown
    if is_held:
        text = settle_wording(text, task, question, defused, model)
        watch.lap("wording")
    sure = 0.0 if says_not_found(text) else judge_answer(question.text, text, defused.context, model, options.min_confidence)
    watch.lap("judge")
    unsaid = replace(unsaid, confidence=sure, usage=stop.usage, took_ms=watch.total())
    if is_held and sure < options.min_confidence:
        closest = None if says_not_found(text) else cite_statement(text, context.passages, question.text)
        yield AnswerFinished(replace(unsaid, closest=closest))
        return
    text = text if shown else add_markers(text, context, question.text)
    answer = conclude(replace(unsaid, text=text, outcome="answered"))
    if answer.text and not shown:
        yield Delta(answer.text)
    if is_held:
        heard = hear_dissent(answer, model, options)
        if dissent := heard.text.removeprefix(answer.text):
            yield Delta(dissent)
            answer = conclude(replace(heard, confidence=sure))
    watch.lap("dissent")
    yield AnswerFinished(replace(answer, took_ms=watch.total()))


def find_context(
    question: Question, ports: AskPorts, options: AskOptions, piped: str | Iterable[str] | None, watch: Stopwatch
) -> Generator[AnswerEvent, None, tuple[Answer, LanguageModel | None, Task]]:
    """Tells the hits and the context. Gives an Answer with both that says nothing yet, the model to ask, and for what;
    no model if nothing is close enough.

    Of what the user put there to be asked about no fact is asked, as of what no single sentence can state: it is always tried.
    """
    piped_hits = search_piped(question, piped, ports, options.words_weight) if piped else ()
    found = search_chunks(question, ports, words_weight=options.words_weight).hits
    unsaid = Answer(question, "", "no_evidence", 0.0, hits=piped_hits + found)
    watch.lap("search")
    yield Retrieved(unsaid.hits)
    if not piped_hits and not is_close_enough(found, question, options.min_similarity):
        return unsaid, None, "full"
    model = ports.model()
    watch.lap("load")
    context = _pack(question.text, piped_hits, found, options, model)
    yield Packed(context)
    task = "full" if piped_hits else choose_task(question.text)
    return replace(unsaid, context=context, model=model.identity), model, task


def hear_dissent(answer: Answer, model: LanguageModel, options: AskOptions) -> Answer:
    """The answer, and below it what another file says instead, if one does: that is not cited yet.

    The sentences that may are asked alone. What they say has to be as probable as an answer that is shown, to stand in one of
    them, and to mean something else.
    """
    question, said = answer.question.text, SPACED_MARKER.sub("", answer.text)
    found = widen_context(answer.context)
    wide = _defuse(found, question, options)
    others = find_dissenters(question, said, answer.citations, wide.context.passages) if answer.citations else ()
    if not others:
        return answer
    heard = replace(wide, context=replace(wide.context, passages=others))
    other = say_whole("short", answer.question, heard, model, DISSENT_TOKENS)
    source = cite_statement(other, others, question)
    if source is None or not is_about(question, other, source.quote) or not may_differ(said, other, question):
        return answer
    if judge_answer(question, other, heard.context, model, options.min_confidence) < options.min_confidence:
        return answer
    if read_verdict(model.first_tokens(build_comparison(question, said, other))) >= LEAST_SAMENESS:
        return answer
    context, number = add_passage(answer.context, found.passages[source.number - 1])
    return replace(answer, text=answer.text + tell_dissent(other, number, question), context=context)


def _defuse(context: Context, question: str, options: AskOptions) -> Defused:
    return defuse_context(context, question) if options.defended else Defused(context)


def _stream(
    question: Question, context: Context, events: Iterator[Delta | Stop], watch: Stopwatch, *, held_pieces: int
) -> Generator[AnswerEvent, None, tuple[str, Stop, bool]]:
    """Shows the answer as it comes, from when it is longer than ``held_pieces`` and cannot turn out to be a refusal.

    Gives the whole text, why it ended, and whether it was shown.
    """
    filtered = MarkerFilter(context, question.text)
    said, count, shown = "", 0, False
    stop = Stop("stop", Usage())
    for event in events:
        if isinstance(event, Stop):
            stop = event
            continue
        if event.text and not said:
            watch.lap("first_token")
        said += event.text
        count += bool(event.text)
        if not shown and (count <= held_pieces or may_become_not_found(said)):
            continue
        piece = filtered.feed(event.text if shown else said.lstrip())
        shown = True
        if piece:
            yield Delta(piece)
    if shown and (rest := filtered.flush()):
        yield Delta(rest)
    watch.lap("answer")
    return settle_markers(said[: find_loop(said)].strip(), context, question.text), stop, shown


def conclude(answer: Answer) -> Answer:
    """The answer with its citations, or with the outcome that the files do not say.

    ``confidence`` is halved where no passage supports what was said.
    """
    if says_not_found(answer.text):
        return replace(answer, text="", outcome="no_evidence", confidence=0.0)
    citations = find_citations(answer.text, answer.context, answer.question.text)
    support = sum(citation.supported for citation in citations) / len(citations) if citations else 0.0
    return replace(answer, citations=citations, confidence=round(answer.confidence * (0.5 + 0.5 * support), 3))


def _pack(question: str, piped: Sequence[Hit], found: Sequence[Hit], options: AskOptions, model: LanguageModel) -> Context:
    pack = partial(pack_context, count_tokens=model.count_tokens, question=question)
    if not piped:
        return pack(found, budget=options.context_tokens)
    share = options.context_tokens if not found else int(options.context_tokens * PIPED_SHARE)
    first = pack(piped, budget=share)
    near = [hit for hit in found if (hit.similarity or 0.0) >= options.min_similarity]
    taken = [passage.hit for passage in first.passages]
    packed = pack([*taken, *near], budget=options.context_tokens)
    return replace(packed, left_out=first.left_out + packed.left_out)
