"""Two rankings become one order, the same whatever order things came in."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.ranking import blend_neighbours, fuse_rankings, without_repeats
from ragcli.types import Ranking, ScoredChunk
from tests.fakes.passages import chunk, hit

CHUNKS = [chunk(f"text {place}", path=Path(f"/files/{place % 4}.md"), ordinal=place) for place in range(12)]
entries = st.dictionaries(st.integers(0, 11), st.sampled_from([0.1, 0.5, 0.9, 3.0]))


def ranking(name: str, scores: dict[int, float]) -> Ranking:
    ordered = sorted(scores, key=lambda place: -scores[place])
    return Ranking(name, tuple(ScoredChunk(CHUNKS[place], scores[place]) for place in ordered))  # type: ignore[arg-type]


@given(meaning=entries, words=entries, seed=st.integers(0, 99), limit=st.integers(1, 12))
def test_the_order_does_not_depend_on_the_order_of_what_came_in(
    meaning: dict[int, float], words: dict[int, float], seed: int, limit: int
) -> None:
    cosines = {CHUNKS[place].id: 0.2 for place in words if place not in meaning}
    rankings = [ranking("meaning", meaning), ranking("words", words)]
    fused = fuse_rankings(rankings, similarities=cosines, words_weight=0.3, limit=limit)
    mixed = list(cosines.items())
    random.Random(seed).shuffle(mixed)
    assert fused == fuse_rankings(rankings[::-1], similarities=dict(mixed), words_weight=0.3, limit=limit)
    assert len(fused) == min(limit, len({*meaning, *words}))
    assert [each.score for each in fused] == sorted((each.score for each in fused), reverse=True)
    assert len({each.chunk.id for each in fused}) == len(fused)


@given(meaning=entries, words=entries)
def test_a_hit_says_what_found_it(meaning: dict[int, float], words: dict[int, float]) -> None:
    fused = fuse_rankings([ranking("meaning", meaning), ranking("words", words)], similarities={}, words_weight=0.3, limit=99)
    for each in fused:
        place = CHUNKS.index(each.chunk)
        assert (each.meaning_rank is not None) == (place in meaning)
        assert (each.words_rank is not None) == (place in words)
        assert each.similarity == meaning.get(place)


def test_a_word_match_adds_to_the_cosine_by_its_share_of_the_best_one() -> None:
    fused = fuse_rankings(
        [ranking("meaning", {0: 0.5, 1: 0.6}), ranking("words", {0: 8.0, 2: 4.0})],
        similarities={CHUNKS[2].id: 0.4},
        words_weight=0.3,
        limit=3,
    )
    assert [(each.chunk.ordinal, round(each.score, 3)) for each in fused] == [(0, 0.8), (1, 0.6), (2, 0.55)]


def test_words_alone_keep_their_own_scores_and_have_no_cosine() -> None:
    (only,) = fuse_rankings([ranking("words", {3: 8.0})], similarities={}, words_weight=0.3, limit=3)
    assert (only.score, only.words_rank, only.similarity) == (8.0, 1, None)


def test_copies_of_a_text_count_once_and_the_best_one_stays() -> None:
    first, second, third = hit("same", ordinal=1), hit("other", ordinal=2), hit("same", ordinal=3)
    assert without_repeats([first, second, third]) == (first, second)


angles = st.lists(st.floats(0, 2 * math.pi), min_size=1, max_size=8)


@given(angles)
def test_blended_vectors_stay_unit_vectors(turns: list[float]) -> None:
    blended = blend_neighbours([(math.cos(turn), math.sin(turn)) for turn in turns])
    assert len(blended) == len(turns)
    assert all(math.hypot(*vector) == pytest.approx(1) for vector in blended)


def test_a_vector_is_drawn_towards_its_neighbours_and_a_lone_one_stays() -> None:
    assert blend_neighbours([(1.0, 0.0)]) == [(1.0, 0.0)]
    first, middle, _ = blend_neighbours([(1.0, 0.0), (0.0, 1.0), (1.0, 0.0)])
    assert first == pytest.approx((1 / math.hypot(1, 0.5), 0.5 / math.hypot(1, 0.5)))
    assert middle[0] > 0.4
    assert blend_neighbours([(1.0, 0.0), (0.0, 1.0)], weight=0.0) == [[1.0, 0.0], [0.0, 1.0]]
