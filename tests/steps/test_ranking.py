"""Two rankings become one order, the same whatever order things came in."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.steps.ranking import (
    LEADS,
    MARKS_WEIGHT,
    NAMES_PULL,
    Lead,
    blend_neighbours,
    follow_names,
    fuse_rankings,
    leading_hits,
    lift_named,
    without_repeats,
)
from ragcli.types import Ranking, ScoredChunk
from tests.fakes.passages import chunk, hit

NO_WORDS = Ranking("words", ())
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


@given(meaning=entries, words=entries)
def test_a_score_is_the_sum_of_its_parts(meaning: dict[int, float], words: dict[int, float]) -> None:
    rankings = [ranking("meaning", meaning), ranking("words", words)]
    for each in fuse_rankings(rankings, similarities={}, words_weight=0.3, marks=("text",)):
        assert each.score == pytest.approx(sum(part.raw * part.weight for part in each.parts))
        assert ("marks", 1.0, MARKS_WEIGHT) in [(part.name, part.raw, part.weight) for part in each.parts]


def test_what_the_query_says_outright_counts_only_where_both_ways_of_searching_are_weighed() -> None:
    (only,) = fuse_rankings([ranking("words", {3: 8.0})], similarities={}, words_weight=0.3, marks=("text",))
    assert only.score == 8.0


def test_chunks_that_only_names_brought_count_by_their_cosine() -> None:
    rankings = [ranking("meaning", {0: 0.9}), ranking("words", {0: 4.0}), ranking("names", {5: 7.0})]
    _, brought = fuse_rankings(rankings, similarities={CHUNKS[5].id: 0.3}, words_weight=0.3)
    assert (brought.chunk, brought.score, brought.meaning_rank, brought.words_rank) == (CHUNKS[5], 0.3, None, None)


def test_leads_are_the_best_hits_of_different_files() -> None:
    hits = fuse_rankings([ranking("meaning", {place: 1 - place / 100 for place in range(12)})], similarities={}, words_weight=0.3)
    doubled = [hits[0], replace(hits[0], chunk=CHUNKS[4]), *hits[1:]]
    assert [(rank, each.chunk.path.name) for rank, each in leading_hits(doubled)] == [(1, "0.md"), (3, "1.md"), (4, "2.md")]
    assert len(leading_hits(doubled)) == LEADS


def test_what_a_lead_names_moves_towards_it_by_the_names_they_share() -> None:
    band = hit("The band was formed by James Hetfield.", path=Path("/f/band.txt"))
    other, third = hit("Born in Downey.", path=Path("/f/person.txt")), hit("Metal.", path=Path("/f/third.txt"))
    found = Ranking("names", (ScoredChunk(band.chunk, 10.0), ScoredChunk(other.chunk, 5.0)))
    lead = follow_names(1, replace(band, score=0.9), found, NO_WORDS, [])
    assert lead.shares == {band.chunk.id: 1.0, other.chunk.id: 0.5}
    first, second, last = lift_named([lead.hit, replace(third, score=0.6), replace(other, score=0.5)], [lead])
    assert (first, last.score) == (lead.hit, 0.6)
    assert second.chunk == other.chunk
    assert second.score == pytest.approx(0.5 + NAMES_PULL * 0.5 * (0.9 - 0.5))
    assert second.parts[-1].rank == 1


def test_names_that_weigh_less_than_the_question_s_words_link_less() -> None:
    lead, other = hit("Myc is a gene.", path=Path("/f/lead.txt")), hit("Myc, again.", path=Path("/f/other.txt"))
    found = Ranking("names", (ScoredChunk(lead.chunk, 5.0), ScoredChunk(other.chunk, 5.0)))
    words = Ranking("words", (ScoredChunk(lead.chunk, 20.0), ScoredChunk(other.chunk, 1.0)))
    assert follow_names(1, lead, found, words, []).shares == {lead.chunk.id: 0.25, other.chunk.id: 0.25}


def test_a_file_that_is_named_by_title_or_name_is_named_wholly() -> None:
    band = hit("As Mercyful Fate did, see water.md; no Band, though.", path=Path("/f/a.txt"))
    named = [
        replace(hit("1"), chunk=chunk("1", path=Path("/f/b.txt"), title="Mercyful Fate (band)")),
        replace(hit("2"), chunk=chunk("2", path=Path("/f/water.md"), title="Water")),
    ]
    others = [
        replace(hit("3"), chunk=chunk("3", path=Path("/f/c.txt"), title="Mercyful")),
        replace(hit("4"), chunk=chunk("4", path=Path("/f/d.txt"), title="Fat")),
    ]
    shares = follow_names(1, band, Ranking("names", ()), NO_WORDS, [band, *named, *others]).shares
    assert shares == {named[0].chunk.id: 1.0, named[1].chunk.id: 1.0, others[0].chunk.id: 1.0}


def test_a_title_that_many_files_have_names_none_of_them() -> None:
    lead = hit("Read the README first.", path=Path("/f/lead.txt"))
    many = [replace(hit("x"), chunk=chunk("x", path=Path(f"/f/{place}/a.md"), title="README")) for place in range(20)]
    assert follow_names(1, lead, Ranking("names", ()), NO_WORDS, many).shares == {}
    assert len(follow_names(1, lead, Ranking("names", ()), NO_WORDS, many[:3]).shares) == 3


shares = st.dictionaries(st.integers(0, 11), st.floats(0, 1))


@given(meaning=st.dictionaries(st.integers(0, 11), st.floats(0, 1), min_size=1), named=st.lists(shares, max_size=3))
def test_no_hit_is_lifted_past_the_lead_that_names_it(meaning: dict[int, float], named: list[dict[int, float]]) -> None:
    hits = fuse_rankings([ranking("meaning", meaning)], similarities={}, words_weight=0.3)
    leads = [
        Lead(rank, lead, {CHUNKS[place].id: share for place, share in given_shares.items()})
        for (rank, lead), given_shares in zip(leading_hits(hits), named, strict=False)
    ]
    lifted = lift_named(hits, leads)
    before = {each.chunk.id: each.score for each in hits}
    assert {each.chunk.id for each in lifted} == set(before)
    assert lifted[0].score == hits[0].score
    assert all(before[each.chunk.id] <= each.score <= hits[0].score for each in lifted)
    assert all(each.score == pytest.approx(sum(part.raw * part.weight for part in each.parts)) for each in lifted)


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
    assert [*map(list, blend_neighbours([(1.0, 0.0), (0.0, 1.0)], weight=0.0))] == [[1.0, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize(
    ("better", "worse", "is_copy"),
    [
        ("## The lease\n\nIt ends on 31 May 2027.", "The lease it ends\non 31 May 2027", True),
        ("The lease ends in May. Dinner is at seven.", "dinner is at seven", True),
        ("A bed costs 32 euros.", "A bed costs 30 euros.", False),
        ("Never below -18 degrees", "Never below 18 degrees", False),
        ("The lease ends in May.", "The lease never ends in May.", False),
        ("Signed by Ines", "Signed by Rufus", False),
        ("---", "***", False),
    ],
)
def test_a_copy_in_another_format_counts_once_and_a_version_that_differs_twice(better: str, worse: str, is_copy: bool) -> None:
    first, second = hit(better, ordinal=1), hit(worse, ordinal=2)
    assert without_repeats([first, second]) == ((first,) if is_copy else (first, second))
