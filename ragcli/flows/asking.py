"""The flow behind ``ask``: search, pack, answer, judge, cite; told as events.

With no passage close enough to the question the language model is never loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ragcli.errors import StoreError, UsageError
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
from ragcli.steps.dissenting import build_comparison, find_dissenters, is_about, may_differ, tell_dissent
from ragcli.steps.judging import (
    LONGEST_GUESS,
    answerability,
    build_guess,
    build_judgement,
    choose_evidence,
    find_surprise,
    read_verdict,
    settled_surprise,
)
from ragcli.steps.languages import is_taken_for_english
from ragcli.steps.prompting import build_prompt, pack_context
from ragcli.steps.querying import ask_directly
from ragcli.steps.sentences import find_loop
from ragcli.steps.tasks import Task, choose_task
from ragcli.steps.withholding import withhold
from ragcli.steps.wording import choose_wording, find_own_words
from ragcli.types import (
    Answer,
    AnswerEvent,
    AnswerFinished,
    Context,
    Delta,
    Hit,
    IndexIdentity,
    Packed,
    Prompt,
    Question,
    Retrieved,
    Stop,
    Usage,
)

SENTENCE_TOKENS = 80
"""Of the answer in a sentence: three times what most take."""
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
    defused = defuse_context(context, question.text) if options.defended else Defused(context)
    pieces = _say(question, defused, model, options.max_tokens, task=task)
    text, stop, shown = yield from _stream(question, context, pieces, watch, held_pieces=HELD_PIECES[task])
    is_held = task != "full" and not shown
    if is_held:
        text = settle_wording(text, task, question, defused, model)
        watch.lap("wording")
    sure = 0.0 if says_not_found(text) else judge_answer(question.text, text, defused.context, model, options.min_confidence)
    watch.lap("judge")
    unsaid = replace(unsaid, confidence=sure, usage=stop.usage, took_ms=watch.total())
    if is_held and sure < options.min_confidence:
        yield AnswerFinished(unsaid)
        return
    text = text if shown else add_markers(text, context, question.text)
    answer = conclude(replace(unsaid, text=text, outcome="answered"))
    if answer.text and not shown:
        yield Delta(answer.text)
    if is_held and (dissent := hear_dissent(answer, defused, model, options.min_confidence)):
        yield Delta(dissent)
        answer = conclude(replace(unsaid, text=answer.text + dissent, outcome="answered"))
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


def settle_wording(said: str, task: Task, question: Question, defused: Defused, model: LanguageModel) -> str:
    """What was said to the task, or the better of it and a second wording. The model has read all but its task already."""
    passages = defused.context.passages
    if task == "sentence":
        if own := find_own_words(SPACED_MARKER.sub("", said), question.text, passages):
            return own
        short = _say_whole("short", question, defused, model)
        return find_own_words(short, question.text, passages) or short
    if says_not_found(said):
        return said
    return choose_wording(said, _say_whole("sentence", question, defused, model), question.text, passages)


def _say_whole(task: Task, question: Question, defused: Defused, model: LanguageModel, most: int = SENTENCE_TOKENS) -> str:
    """All that the model says to the task, without markers."""
    events = _say(question, defused, model, most, task=task)
    said = "".join(event.text for event in events if isinstance(event, Delta))
    return SPACED_MARKER.sub("", said[: find_loop(said)]).strip()


def judge_answer(question: str, answer: str, context: Context, model: LanguageModel, floor: float) -> float:
    """How probable it is that the passages answer, by what the model makes of the sentences that the answer was taken from.

    It is asked to guess the question only where that can decide, and only in English: of other languages small models know too
    little to be surprised by a word.
    """
    if not context.passages:
        return 0.0
    evidence = choose_evidence(question, answer, context)
    verdict = read_verdict(model.first_tokens(build_judgement(question, evidence)))
    surprise = None
    if is_taken_for_english(question) and is_taken_for_english(evidence.text):
        surprise = settled_surprise(verdict, evidence, floor)
        if surprise is None:
            surprise = find_surprise(model.likelihoods(build_guess(answer, evidence), ask_directly(question)[:LONGEST_GUESS]))
    return round(answerability(verdict, surprise, evidence), 3)


def hear_dissent(answer: Answer, defused: Defused, model: LanguageModel, floor: float) -> str:
    """What another file says instead, as it is told below the answer; empty if none does.

    The sentences that may are asked alone. What they say has to be as probable as an answer that is shown, to stand in one of
    them, and to mean something else.
    """
    question = answer.question.text
    said, cited = SPACED_MARKER.sub("", answer.text), {citation.number for citation in answer.citations}
    others = find_dissenters(question, said, cited, defused.context.passages) if cited else ()
    if not others:
        return ""
    heard = replace(defused, context=replace(defused.context, passages=others))
    other = _say_whole("short", answer.question, heard, model, DISSENT_TOKENS)
    source = cite_statement(other, others, question)
    if source is None or not is_about(question, other, source.quote) or not may_differ(said, other, question):
        return ""
    if judge_answer(question, other, heard.context, model, floor) < floor:
        return ""
    sameness = read_verdict(model.first_tokens(build_comparison(question, said, other)))
    return "" if sameness >= LEAST_SAMENESS else tell_dissent(other, source.number, question)


def _say(question: Question, defused: Defused, model: LanguageModel, max_tokens: int, *, task: Task) -> Iterator[Delta | Stop]:
    """What the model says to the task, without what a file told it to say."""
    prompt = build_prompt(question.text, defused.context, task=task, fence=defused.fence)
    most = min(max_tokens, SENTENCE_TOKENS) if task == "sentence" else max_tokens
    return withhold(_until_it_loops(model, prompt, most), defused, question.text)


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


def _until_it_loops(model: LanguageModel, prompt: Prompt, max_tokens: int) -> Iterator[Delta | Stop]:
    """What the model says, ended where it begins to say the same again and again, as the smallest ones do."""
    said, pieces = "", 0
    for event in model.stream(prompt, max_tokens=max_tokens):
        yield event
        if isinstance(event, Delta) and event.text:
            said, pieces = said + event.text, pieces + 1
            if find_loop(said) is not None:
                tokens = sum(model.count_tokens(message.content) for message in prompt.messages)
                yield Stop("loop", Usage(tokens, pieces))
                return


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
