"""The flow behind ``search``: a question becomes hits in an index, or in a text that was piped in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from ragcli.ports import Embedder, Reranker, Store
from ragcli.steps.chunking import text_to_embed
from ragcli.steps.languages import guess_language, is_taken_for_english, telling_words
from ragcli.steps.piping import choose_piped
from ragcli.steps.querying import marks_in, names_in, write_out_years
from ragcli.steps.ranking import (
    CANDIDATES,
    NAMED_CANDIDATES,
    OTHER_LANGUAGES,
    RERANKED,
    add_reranking,
    follow_names,
    fuse_rankings,
    leading_hits,
    lift_named,
)
from ragcli.steps.sentences import words_of
from ragcli.types import Hit, IndexIdentity, Question, Ranking, ScoredChunk, SearchResult, Vector

PIPED_CANDIDATES = 64
"""Chunks of a piped text that are embedded: a second's work."""

LEAST_HELD = 0.5
"""Of a question's telling words: the best match by words had as many for 135 of 165 questions in the language of their files, and
for none of 22 in another."""
LONG_WORD = 5
"""Letters: shorter ones stand in any text."""


@dataclass(frozen=True, slots=True)
class SearchPorts:
    """What searching needs of the machine. ``store`` is None without an index; the embedder is loaded when first called for."""

    store: Store | None
    embedder: Callable[[], Embedder]
    reranker: Callable[[], Reranker] | None = field(default=None, kw_only=True)
    """None where there is none: then nothing is loaded."""
    knows_only_english: bool = field(default=False, kw_only=True)
    """Whether the embedder does."""


def fits(stored: IndexIdentity, now: IndexIdentity) -> bool:
    """Whether questions and stored chunks become vectors of one space."""
    return (stored.embedder, stored.embedder_digest, stored.prefixes) == (now.embedder, now.embedder_digest, now.prefixes)


def search_chunks(question: Question, ports: SearchPorts, *, words_weight: float) -> SearchResult:
    """The best hits for the question. The embedder is not loaded for ``words``. Raises StoreError, ModelError."""
    if ports.store is None:
        return SearchResult(question, ())
    watch = Stopwatch()
    store, text = ports.store, write_out_years(question.text)
    fuse = partial(fuse_rankings, words_weight=words_weight, marks=marks_in(text))
    where = {"limit": CANDIDATES, "scope": question.scope}
    if question.mode == "words":
        hits = fuse([store.search_words(text, **where)], similarities={}, limit=question.limit)
        return SearchResult(question, hits, watch.total())
    vector = ports.embedder().embed_query(text)
    watch.lap("embed")
    if question.mode == "meaning":
        rankings = [store.search_meaning(vector, **where)]
    else:
        rankings = [*store.search_both(text, vector, **where)]
        fuse = partial(fuse, words_weight=words_weight * trust_in_words(rankings[0], text, ports))
    cosines = {entry.chunk.id: entry.score for entry in rankings[-1].entries}
    add_cosines(cosines, rankings[0], vector, store)
    watch.lap("find")
    hits = fuse(rankings, similarities=cosines)
    if question.mode == "hybrid":
        leads = leading_hits(hits)
        named = [search_names(lead, question, store, vector, cosines) for _, lead in leads]
        hits = fuse([*rankings, *named], similarities=cosines)
        words = rankings[0]
        hits = lift_named(hits, [follow_names(*lead, names, words, hits) for lead, names in zip(leads, named, strict=True)])
        watch.lap("names")
    if ports.reranker is not None and hits:
        texts = [text_to_embed(hit.chunk) for hit in hits[:RERANKED]]
        hits = add_reranking(hits, ports.reranker().score(text, texts))
        watch.lap("rerank")
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


def is_close_enough(hits: Sequence[Hit], question: Question, min_similarity: float) -> bool:
    """Whether a passage is near enough to be worth asking a model about. Words alone cannot tell: any hit is enough."""
    if question.mode == "words":
        return bool(hits)
    return any((hit.similarity or 0.0) >= min_similarity for hit in hits) or _has_foreign_word(hits, question.text)


def _has_foreign_word(hits: Sequence[Hit], question: str) -> bool:
    """Whether a passage has a long word of a question that is not plainly English: the embedder may not know its language."""
    if guess_language(question) == "en":
        return False
    long = frozenset(word for word in telling_words(question) if len(word) >= LONG_WORD)
    return any(long & words_of(hit.chunk.text) for hit in hits)


def trust_in_words(words: Ranking, question: str, ports: SearchPorts) -> float:
    """How many times its usual weight a match of words has: more where the embedder does not know the question's language, if
    the best match has half of its telling words. Else it is in another language than the question, or knows nothing of it.
    """
    if not ports.knows_only_english or not words.entries or is_taken_for_english(question):
        return 1.0
    chunk, asked = words.entries[0].chunk, telling_words(question)
    held = asked & words_of(f"{chunk.title}\n{chunk.text}")
    return OTHER_LANGUAGES if len(held) >= LEAST_HELD * len(asked) else 1.0


def search_piped(question: Question, piped: str | Iterable[str], ports: SearchPorts, words_weight: float) -> tuple[Hit, ...]:
    """The chunks of a piped text, best first; in their own order if there are few."""
    text = write_out_years(question.text)
    words, count = choose_piped(text, piped, limit=PIPED_CANDIDATES)
    candidates = [entry.chunk for entry in words.entries]
    if count <= 1:
        return tuple(Hit(chunk, 1.0) for chunk in candidates)
    near = cosines_with(text, [text_to_embed(chunk) for chunk in candidates], embedder=ports.embedder())
    scored = [ScoredChunk(chunk, cosine) for chunk, cosine in zip(candidates, near, strict=True)]
    meaning = Ranking("meaning", tuple(sorted(scored, key=lambda entry: -entry.score)))
    weight, marks = words_weight * trust_in_words(words, text, ports), marks_in(text)
    return fuse_rankings([meaning, words], similarities={}, words_weight=weight, marks=marks, limit=question.limit)


def cosines_with(question: str, texts: Sequence[str], *, embedder: Embedder) -> list[float]:
    """The cosine of the question with each of the texts."""
    vector = embedder.embed_query(question)
    others = embedder.embed_passages(texts)
    return [sum(float(a) * float(b) for a, b in zip(vector, other, strict=True)) for other in others]


class Stopwatch:
    """Milliseconds by name, as events tell them."""

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
