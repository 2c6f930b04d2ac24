"""Rankings become hits: one order out of what meaning and words found."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ragcli.steps.querying import named_in, share_of_marks
from ragcli.types import Chunk, Hit, Ranking, ScorePart, Vector

CANDIDATES = 100
"""How many chunks each way of searching brings. Twice as many raised the recall of no development set, and cost half as much
time again in a million chunks."""

MARKS_WEIGHT = 0.2
"""What a chunk gains that has every code and quoted phrase of the question: nDCG@10 of scientific claims rose by 0.013 with
it and fell on no development set. benchmarks/fit_fusion.py fits it, and NAMES_PULL."""

OTHER_LANGUAGES = 3.0
"""How many times as much words weigh where the embedder does not know the question's language, but words do: what the model is
shown then held the answer to 69 of 75 questions in five languages, and to 65 with the usual weight."""

LEADS = 3
"""Hits of different files whose names are followed. Five brought no more, and each costs a search."""
NAMES_PULL = 0.85
"""How far what a lead names is drawn towards it. Questions that need two files found 13 in 100 more of them among the first
five, questions that web snippets answer together 10 in 100 more; scientific claims lost nothing. The first hit stays."""
NAMED_CANDIDATES = 50
"""How many chunks each lead's names bring."""

RERANKED = 24
"""Hits that a reranker looks at: half a second's work, and what is answered from is hardly ever further down."""
RERANKER_WEIGHT = 1.0
"""A cross-encoder that is sure outweighs any cosine. Not fitted: it depends on which one the user brings."""

TOLD = re.compile(r"[-−+]?\d+(?:[.,]\d+)*|[^\W_]+")
"""What a copy has to say too: words and signed numbers. Marks of a format and line ends are no part of it."""
MOST_COMPARED = 64
"""Hits in which a worse one's words are looked for: more are not shown to a model at once."""

NEIGHBOUR_WEIGHT = 0.5
"""How much the mean of a chunk's neighbours counts beside the chunk's own vector. On scientific abstracts cut into
chunks it raised nDCG@10 of the fused order by 0.007 and changed other sets by less than 0.003."""


@dataclass(frozen=True, slots=True)
class Lead:
    """A hit that was found early, and how far other chunks are what it names: by chunk id, 0 to 1."""

    rank: int
    hit: Hit
    shares: Mapping[str, float]


def fuse_rankings(
    rankings: Sequence[Ranking],
    *,
    similarities: Mapping[str, float],
    words_weight: float,
    marks: Sequence[str] = (),
    marks_weight: float = MARKS_WEIGHT,
    limit: int | None = None,
) -> tuple[Hit, ...]:
    """The best hits: with both rankings ``cosine + words_weight * words / best words + marks``, with one its own scores.

    A convex sum of scores, unlike reciprocal ranks, keeps how much better one chunk is than the next
    (Bruch, Gai, Ingber: An Analysis of Fusion Functions for Hybrid Retrieval, 2022).
    ``similarities`` are cosines of chunks that meaning did not find, and ``names`` rankings only bring chunks. Ties fall
    in order of path and place, so the order depends on no accident.
    """
    chunks: dict[str, Chunk] = {entry.chunk.id: entry.chunk for ranking in rankings for entry in ranking.entries}
    scores = {ranking.name: {entry.chunk.id: entry.score for entry in ranking.entries} for ranking in rankings}
    ranks = {ranking.name: {entry.chunk.id: rank for rank, entry in enumerate(ranking.entries, 1)} for ranking in rankings}
    meaning = {**similarities, **scores.get("meaning", {})}
    words = scores.get("words", {})
    is_hybrid = "meaning" in scores and "words" in scores
    words_share = words_weight / (max(words.values(), default=0.0) or 1.0) if is_hybrid else 1.0

    def hit(chunk: Chunk) -> Hit:
        parts = []
        if chunk.id in meaning:
            parts.append(ScorePart("meaning", meaning[chunk.id], 1.0, ranks.get("meaning", {}).get(chunk.id)))
        if chunk.id in words:
            parts.append(ScorePart("words", words[chunk.id], words_share, ranks["words"][chunk.id]))
        if is_hybrid and (share := share_of_marks(marks, chunk)):
            parts.append(ScorePart("marks", share, marks_weight))
        return Hit(
            chunk=chunk,
            score=sum(part.raw * part.weight for part in parts),
            meaning_rank=ranks.get("meaning", {}).get(chunk.id),
            words_rank=ranks.get("words", {}).get(chunk.id),
            similarity=meaning.get(chunk.id),
            parts=tuple(parts),
        )

    return tuple(sorted(map(hit, chunks.values()), key=_order)[:limit])


def leading_hits(hits: Iterable[Hit]) -> tuple[tuple[int, Hit], ...]:
    """The best hits of different files, as many as are followed, each with its rank."""
    first: dict[str, tuple[int, Hit]] = {}
    for rank, hit in enumerate(hits, 1):
        first.setdefault(hit.chunk.source_id, (rank, hit))
        if len(first) == LEADS:
            break
    return tuple(first.values())


def follow_names(rank: int, lead: Hit, names: Ranking, words: Ranking, hits: Iterable[Hit]) -> Lead:
    """How far each hit is what the lead names: all of the way where the lead names its file, else by the names they share.

    ``names`` are the chunks found by the lead's own names, ``words`` those by the question's words. The lead has all of its
    names, so its score there is the measure; or the best score of the question's words, if that is more: two files that share
    a name or two which many have are not linked by them.
    """
    scores = {entry.chunk.id: entry.score for entry in names.entries}
    own = scores.get(lead.chunk.id, 0.0)
    most = max([own, *(entry.score for entry in words.entries)])
    shares = {chunk_id: min(1.0, score / most) for chunk_id, score in scores.items()} if own else {}
    return Lead(rank, lead, {**shares, **dict.fromkeys(named_in(lead.chunk.text, (hit.chunk for hit in hits)), 1.0)})


def lift_named(hits: Iterable[Hit], leads: Sequence[Lead], *, pull: float = NAMES_PULL) -> tuple[Hit, ...]:
    """Each hit moves towards the score of the lead that names it, and never past it."""
    return tuple(sorted((_lifted(hit, leads, pull) for hit in hits), key=_order))


def _lifted(hit: Hit, leads: Sequence[Lead], pull: float) -> Hit:
    ways = [
        ScorePart("names", share, pull * (lead.hit.score - hit.score), lead.rank)
        for lead in leads
        if (share := lead.shares.get(hit.chunk.id))
        and lead.hit.score > hit.score
        # Its own file's other chunks share its names anyhow.
        and lead.hit.chunk.source_id != hit.chunk.source_id
    ]
    if not ways:
        return hit
    best = max(ways, key=lambda part: part.raw * part.weight)
    return replace(hit, score=hit.score + best.raw * best.weight, parts=(*hit.parts, best))


def _order(hit: Hit) -> tuple[float, str, int, str]:
    return -hit.score, str(hit.chunk.path), hit.chunk.ordinal, hit.chunk.id


def add_reranking(hits: Sequence[Hit], scores: Sequence[float]) -> tuple[Hit, ...]:
    """The hits, those that have a score of the reranker in the order of the sums; ``scores`` are of the first hits, in order.

    The others stay behind them.
    """
    judged = [
        replace(hit, score=hit.score + score * RERANKER_WEIGHT, parts=(*hit.parts, ScorePart("reranker", score, RERANKER_WEIGHT)))
        for hit, score in zip(hits, scores, strict=False)
    ]
    return (*sorted(judged, key=_order), *hits[len(judged) :])


def without_repeats(hits: Iterable[Hit]) -> tuple[Hit, ...]:
    """The hits without those whose words all stand, in their order, in a better one: copies of a text answer a question once,
    in whatever format they are. A version that differs in a word or a number is no copy.
    """
    kept: list[Hit] = []
    texts: list[str] = []
    seen: set[str] = set()
    for hit in hits:
        text = f" {' '.join(TOLD.findall(hit.chunk.text.casefold()))} "
        is_told = text.strip() and any(text in other for other in texts[:MOST_COMPARED])
        if hit.chunk.digest in seen or text in seen or is_told:
            continue
        seen |= {hit.chunk.digest, text} if text.strip() else {hit.chunk.digest}
        kept.append(hit)
        texts.append(text)
    return tuple(kept)


def blend_neighbours(vectors: Sequence[Vector], weight: float = NEIGHBOUR_WEIGHT) -> list[Vector]:
    """The vectors of one source's chunks in order, each drawn towards the mean of its neighbours; of unit length.

    A chunk cut out of the middle of an argument does not say what the argument is about; its neighbours do.
    """
    if len(vectors) < 2:
        return list(vectors)
    plain = [array("f", map(float, vector)) for vector in vectors]
    nothing = array("f", bytes(4 * len(plain[0])))
    befores, afters = [nothing, *plain[:-1]], [*plain[1:], nothing]
    blended: list[Vector] = []
    for place, (before, own, after) in enumerate(zip(befores, plain, afters, strict=True)):
        share = weight / (2 if 0 < place < len(plain) - 1 else 1)
        summed = [mine + share * (left + right) for mine, left, right in zip(own, before, after, strict=True)]
        length = math.hypot(*summed) or 1.0
        blended.append(array("f", [value / length for value in summed]))
    return blended
