"""The flows behind ``search`` and ``ask``: embed, search, rank, pack, stream, cite; asking is told as events.

With no passage close enough to the question the language model is never loaded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ragcli.chunking import text_to_embed
from ragcli.citing import MarkerFilter, find_citations, may_become_not_found, says_not_found, settle_markers
from ragcli.errors import StoreError, UsageError
from ragcli.judging import answerability, build_judgement, choose_evidence, read_verdict
from ragcli.piping import cut_piped_text, rank_by_words
from ragcli.ports import Embedder, LanguageModel, Store
from ragcli.prompting import build_prompt, pack_context, wants_more_than_a_fact
from ragcli.querying import marks_in, names_in
from ragcli.ranking import CANDIDATES, NAMED_CANDIDATES, follow_names, fuse_rankings, leading_hits, lift_named
from ragcli.sentences import find_loop
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
    Ranking,
    Retrieved,
    ScoredChunk,
    SearchResult,
    Stop,
    Usage,
    Vector,
)

PIPED_CANDIDATES = 64
"""Chunks of a piped text that are embedded: a second's work."""
PIPED_SHARE = 0.75
"""What a piped text may take of the context beside an index: whoever pipes a text asks about it."""


@dataclass(frozen=True, slots=True)
class AskPorts:
    """What asking needs of the machine; each is loaded when it is first called for. ``store`` is None without an index."""

    store: Store | None
    embedder: Callable[[], Embedder]
    model: Callable[[], LanguageModel]


@dataclass(frozen=True, slots=True)
class AskOptions:
    words_weight: float
    context_tokens: int
    max_tokens: int
    min_similarity: float
    min_confidence: float


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


def fits(stored: IndexIdentity, now: IndexIdentity) -> bool:
    """Whether questions and stored chunks become vectors of one space."""
    return (stored.embedder, stored.embedder_digest, stored.prefixes) == (now.embedder, now.embedder_digest, now.prefixes)


def search_chunks(question: Question, ports: AskPorts, *, words_weight: float) -> SearchResult:
    """The best hits for the question. The embedder is not loaded for ``words``. Raises StoreError, ModelError."""
    if ports.store is None:
        return SearchResult(question, ())
    watch = _Stopwatch()
    store, fuse = ports.store, partial(fuse_rankings, words_weight=words_weight, marks=marks_in(question.text))
    rankings: list[Ranking] = []
    if question.mode != "meaning":
        rankings.append(store.search_words(question.text, limit=CANDIDATES, scope=question.scope))
        watch.lap("words")
    if question.mode == "words":
        return SearchResult(question, fuse(rankings, similarities={}, limit=question.limit), watch.total())
    vector = ports.embedder().embed_query(question.text)
    watch.lap("embed")
    rankings.append(store.search_meaning(vector, limit=CANDIDATES, scope=question.scope))
    cosines = {entry.chunk.id: entry.score for entry in rankings[-1].entries}
    add_cosines(cosines, rankings[0], vector, store)
    watch.lap("meaning")
    hits = fuse(rankings, similarities=cosines)
    if question.mode == "hybrid":
        leads = leading_hits(hits)
        named = [search_names(lead, question, store, vector, cosines) for _, lead in leads]
        hits = fuse([*rankings, *named], similarities=cosines)
        hits = lift_named(hits, [follow_names(*lead, names, hits) for lead, names in zip(leads, named, strict=True)])
        watch.lap("names")
    return SearchResult(question, hits[: question.limit], watch.total())


def search_names(lead: Hit, question: Question, store: Store, vector: Vector, cosines: dict[str, float]) -> Ranking:
    """The chunks that share names with the lead which the question does not have; their cosines are known then."""
    names = names_in(lead.chunk.text, besides=question.text)
    if not names:
        return Ranking("names", ())
    found = store.search_words(" ".join(names), limit=NAMED_CANDIDATES, scope=question.scope)
    add_cosines(cosines, found, vector, store)
    return replace(found, name="names")


def add_cosines(cosines: dict[str, float], ranking: Ranking, vector: Vector, store: Store) -> None:
    """The cosine of each chunk is known. Asked right after a search by words: the store has its vectors at hand."""
    missing = [entry.chunk.id for entry in ranking.entries if entry.chunk.id not in cosines]
    if missing:
        cosines.update(store.similarities(vector, missing))


def ask_question(question: Question, ports: AskPorts, options: AskOptions, *, piped: str | None = None) -> Iterator[AnswerEvent]:
    """Hits, context, the answer piece by piece, and the whole Answer last."""
    watch = _Stopwatch()
    piped_hits = search_piped(question, piped, ports.embedder, options.words_weight) if piped else ()
    result = search_chunks(question, ports, words_weight=options.words_weight)
    hits = piped_hits + result.hits
    watch.lap("search")
    yield Retrieved(hits)
    if not piped_hits and not is_close_enough(hits, question.mode, options.min_similarity):
        yield AnswerFinished(Answer(question, "", "no_evidence", 0.0, hits=hits, took_ms=watch.total()))
        return
    model = ports.model()
    watch.lap("load")
    sure = _judge(question, hits, model, None if piped_hits or question.mode == "words" else ports.embedder())
    watch.lap("judge")
    # What no single sentence can state, or what the user put there to be asked about, is always tried.
    is_fact = not piped_hits and not wants_more_than_a_fact(question.text)
    if is_fact and sure < options.min_confidence:
        unsaid = Answer(question, "", "no_evidence", sure, hits=hits, model=model.identity, took_ms=watch.total())
        yield AnswerFinished(unsaid)
        return
    context = _pack(piped_hits, result.hits, options, model)
    yield Packed(context)
    prompt = build_prompt(question.text, context, short=is_fact)
    text, stop = yield from _stream(question, context, _until_it_loops(model, prompt, options.max_tokens), watch)
    answer = Answer(
        question,
        text,
        "answered",
        sure,
        context=context,
        hits=hits,
        model=model.identity,
        usage=stop.usage,
        took_ms=watch.total(),
    )
    yield AnswerFinished(conclude(answer))


def _judge(question: Question, hits: Sequence[Hit], model: LanguageModel, embedder: Embedder | None) -> float:
    """How probable it is that the files answer, by what the model says of the nearest sentences."""
    cosines = partial(cosines_with, embedder=embedder) if embedder else None
    evidence = choose_evidence(question.text, hits, cosines)
    verdict = read_verdict(model.first_tokens(build_judgement(question.text, evidence)))
    return round(answerability(verdict, evidence.closeness), 3)


def cosines_with(question: str, texts: Sequence[str], *, embedder: Embedder) -> list[float]:
    """The cosine of the question with each of the texts."""
    vector = embedder.embed_query(question)
    others = embedder.embed_passages(texts)
    return [sum(float(a) * float(b) for a, b in zip(vector, other, strict=True)) for other in others]


def _stream(
    question: Question, context: Context, events: Iterator[Delta | Stop], watch: _Stopwatch
) -> Generator[AnswerEvent, None, tuple[str, Stop]]:
    """Shows the answer as it comes, except while it may still turn out to say that the files do not say."""
    filtered = MarkerFilter(context, question.text)
    said, shown = "", False
    stop = Stop("stop", Usage())
    for event in events:
        if isinstance(event, Stop):
            stop = event
            continue
        if event.text and not said:
            watch.lap("first_token")
        said += event.text
        if not shown and may_become_not_found(said):
            continue
        piece = filtered.feed(event.text if shown else said.lstrip())
        shown = True
        if piece:
            yield Delta(piece)
    # An answer of one word, such as "No", may have been held back to its end.
    held = "" if shown or says_not_found(said) else filtered.feed(said.lstrip())
    rest = held + filtered.flush()
    if rest:
        yield Delta(rest)
    watch.lap("answer")
    return settle_markers(said[: find_loop(said)].strip(), context, question.text), stop


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


def is_close_enough(hits: Sequence[Hit], mode: str, min_similarity: float) -> bool:
    """Whether a passage is near enough to be worth asking a model about. Words alone cannot tell: any hit is enough."""
    if mode == "words":
        return bool(hits)
    return any((hit.similarity or 0.0) >= min_similarity for hit in hits)


def search_piped(question: Question, piped: str, embedder: Callable[[], Embedder], words_weight: float) -> tuple[Hit, ...]:
    """The chunks of a piped text, best first; in their own order if there are few."""
    chunks = cut_piped_text(piped)
    words = rank_by_words(question.text, chunks, limit=PIPED_CANDIDATES)
    candidates = [entry.chunk for entry in words.entries]
    if len(chunks) <= 1:
        return tuple(Hit(chunk, 1.0) for chunk in candidates)
    near = cosines_with(question.text, [text_to_embed(chunk) for chunk in candidates], embedder=embedder())
    scored = [ScoredChunk(chunk, cosine) for chunk, cosine in zip(candidates, near, strict=True)]
    meaning = Ranking("meaning", tuple(sorted(scored, key=lambda entry: -entry.score)))
    marks = marks_in(question.text)
    return fuse_rankings([meaning, words], similarities={}, words_weight=words_weight, marks=marks, limit=question.limit)


def _pack(piped: Sequence[Hit], found: Sequence[Hit], options: AskOptions, model: LanguageModel) -> Context:
    if not piped:
        return pack_context(found, budget=options.context_tokens, count_tokens=model.count_tokens)
    share = options.context_tokens if not found else int(options.context_tokens * PIPED_SHARE)
    first = pack_context(piped, budget=share, count_tokens=model.count_tokens)
    near = [hit for hit in found if (hit.similarity or 0.0) >= options.min_similarity]
    taken = [passage.hit for passage in first.passages]
    packed = pack_context([*taken, *near], budget=options.context_tokens, count_tokens=model.count_tokens)
    return replace(packed, left_out=first.left_out + packed.left_out)


class _Stopwatch:
    def __init__(self) -> None:
        self._started = self._last = time.monotonic()
        self._laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        """The time since the last lap was ``name``'s; a name's first lap counts."""
        now = time.monotonic()
        self._laps.setdefault(name, round(1000 * (now - self._last), 1))
        self._last = now

    def total(self) -> dict[str, float]:
        return {**self._laps, "total": round(1000 * (time.monotonic() - self._started), 1)}
