"""A piped text is cut by its lines, and the chunks that share words with the question come first."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.steps.piping import CHUNK_CHARACTERS, choose_piped, cut_piped_text, rank_by_words
from ragcli.types import STANDARD_INPUT, Chunk

lines = st.text(st.sampled_from("ab c\t漢\r\f\x85\u2028"), max_size=90) | st.integers(600, 1500).map(lambda size: "x" * size)
texts = st.lists(lines | st.sampled_from(["", "   "]), max_size=30).map("\n".join)


def check(text: str, chunks: tuple[Chunk, ...]) -> None:
    file, position = text.split("\n"), 0
    for ordinal, each in enumerate(chunks):
        assert each.ordinal == ordinal
        assert each.path == STANDARD_INPUT
        assert text[each.start : each.end] == each.text
        assert each.text.strip()
        assert len(each.text) <= CHUNK_CHARACTERS
        assert not text[position : each.start].strip()
        position = each.end
        assert each.locator.lines is not None
        first, last = each.locator.lines
        assert each.text in "\n".join(file[first - 1 : last])
        assert last - first == each.text.count("\n")
        assert first == text.count("\n", 0, each.start) + 1
    assert not text[position:].strip()
    assert len({each.id for each in chunks}) == len(chunks)


@given(texts)
def test_chunks_cover_the_text_with_the_lines_they_stand_on(text: str) -> None:
    check(text, cut_piped_text(text))


@pytest.mark.parametrize("text", ["", "\n\n\n", "  \r\n \t\n"])
def test_a_blank_text_has_no_chunks(text: str) -> None:
    assert cut_piped_text(text) == ()


def test_lines_may_end_as_windows_ends_them() -> None:
    text = "".join(f"line {number}\r\n" for number in range(1, 400))
    chunks = cut_piped_text(text)
    check(text, chunks)
    assert chunks[-1].locator.lines is not None
    assert chunks[-1].locator.lines[1] == 399


def test_only_a_newline_ends_a_line() -> None:
    (only,) = cut_piped_text("10 %\r20 %\rdone\f\x85\nfailed")
    assert only.locator.lines == (1, 2)


def test_one_line_of_two_hundred_thousand_characters_is_cut() -> None:
    text = "word " * 40_000
    chunks = cut_piped_text(text)
    check(text, chunks)
    assert {each.locator.lines for each in chunks} == {(1, 1)}


def test_blank_lines_around_a_chunk_are_not_its_lines() -> None:
    (only,) = cut_piped_text("\n \n  first\nlast\n\n")
    assert (only.text, only.locator.lines) == ("  first\nlast", (3, 4))


LOG = cut_piped_text(
    "\n".join(f"{number:04} info: the step {number} went well and nothing else happened here" for number in range(200))
    + "\n0200 error: the linker ran out of memory\n"
    + "\n".join(f"{number:04} info: cleaning up" for number in range(201, 300))
)


def test_the_chunk_with_the_rare_words_comes_first() -> None:
    ranking = rank_by_words("Which error did the linker report?", LOG, limit=3)
    assert ranking.name == "words"
    assert "linker ran out of memory" in ranking.entries[0].chunk.text
    assert [entry.score for entry in ranking.entries] == sorted((entry.score for entry in ranking.entries), reverse=True)
    assert len(ranking.entries) == 3


def test_chunks_that_share_no_word_follow_in_order() -> None:
    ranking = rank_by_words("zebra", LOG, limit=99)
    assert [entry.chunk.ordinal for entry in ranking.entries] == list(range(len(LOG)))
    assert {entry.score for entry in ranking.entries} == {0}
    assert rank_by_words("zebra", (), limit=5).entries == ()


@given(texts, st.lists(st.integers(1, 40), min_size=1))
def test_blocks_of_any_size_give_the_same_chunks(text: str, sizes: list[int]) -> None:
    blocks, at = [], 0
    while at < len(text):
        size = sizes[len(blocks) % len(sizes)]
        blocks.append(text[at : at + size])
        at += size
    assert cut_piped_text(iter(blocks)) == cut_piped_text(text)


words = st.lists(st.sampled_from(["error", "Errors", "linker", "memory", "step", "7", "漢", "x" * 300, "\n"]), max_size=400)


@given(words.map(" ".join), st.integers(1, 20))
def test_choosing_on_the_way_is_choosing_at_the_end(text: str, limit: int) -> None:
    """Nothing that belongs among the best is dropped before the whole text is known."""
    question = "Which error did the linker report, 漢 or memory?"
    chunks = cut_piped_text(text)
    assert choose_piped(question, iter([text]), limit=limit) == (rank_by_words(question, chunks, limit=limit), len(chunks))


def test_a_needle_in_a_long_log_is_found_without_keeping_the_log() -> None:
    line = "2026-11-22 info: the step went well and nothing else happened here\n"

    def blocks() -> Iterator[str]:
        for number in range(120):
            yield line * 1000 if number != 50 else line * 500 + "the linker ran out of memory\n" + line * 500

    tracemalloc.start()
    ranking, count = choose_piped("What did the linker report?", blocks(), limit=5)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    best = ranking.entries[0].chunk
    assert "linker ran out of memory" in best.text
    assert best.locator.lines is not None
    assert best.locator.lines[0] <= 50_501 <= best.locator.lines[1]
    assert count > 10_000
    assert peak < 1_500_000
