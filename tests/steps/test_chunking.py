"""Documents become chunks that are spans of them, in order, each in one place, with exact lines."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.steps.chunking import (
    HEADING_TOKENS,
    LONGEST_HEADING,
    SMALL_SECTION,
    chunk_document,
    digest_of,
    locate_span,
    pack_pieces,
    text_to_embed,
)
from ragcli.types import Block, Chunk, Document, Locator, Piece
from tests.fakes.passages import chunk, count_words
from tests.fakes.split import PIECE_WORDS, split_words

LIMIT = 64
ROOM = LIMIT - HEADING_TOKENS

words = st.text(st.sampled_from("abcdefgé漢🎉."), min_size=1, max_size=9)
lines = st.lists(words, max_size=40).map(" ".join)
bodies = st.lists(lines, min_size=1, max_size=8).map("\n".join).filter(str.strip)
headings = st.sampled_from([(), ("Setup",), ("Setup", "Linux"), ("Use",)])


@st.composite
def documents(draw: st.DrawFn, kind: Literal["lines", "pages"] = "lines") -> Document:
    """A file as a reader gives it: blocks with the lines they stand on, or one block or more for each page."""
    text, blocks, page = draw(st.sampled_from(["", "\n\n"])), [], 1
    for body in draw(st.lists(bodies, min_size=1, max_size=6)):
        body = body.strip("\n ")
        first = text.count("\n") + 1
        page += draw(st.integers(0, 1))
        place = Locator(lines=(first, first + body.count("\n"))) if kind == "lines" else Locator(page=page)
        blocks.append(Block(len(text), len(text) + len(body), place, draw(headings)))
        text += body + draw(st.sampled_from(["\n", "\n\n", "\n \n\n"]))
    return Document(Path("/files/a.md"), "A title", text, digest_of(text), "prose", tuple(blocks))


def chunks_of(document: Document, limit: int = LIMIT) -> tuple[Chunk, ...]:
    return chunk_document(document, source_id="s", split=split_words, token_limit=limit)


@given(documents() | documents("pages"))
def test_chunks_are_spans_in_order_that_leave_out_only_white_space(document: Document) -> None:
    position = 0
    for ordinal, each in enumerate(chunks_of(document)):
        assert each.ordinal == ordinal
        assert document.text[each.start : each.end] == each.text == each.text.strip()
        assert each.text
        assert each.digest == digest_of(each.text)
        assert not document.text[position : each.start].strip()
        position = each.end
    assert not document.text[position:].strip()


@given(documents(), st.integers(0, 120))
def test_no_chunk_is_longer_than_the_embedder_can_see_unless_one_piece_is(document: Document, limit: int) -> None:
    room = max(HEADING_TOKENS, limit - HEADING_TOKENS)
    assert room >= PIECE_WORDS
    assert all(count_words(each.text) <= room for each in chunks_of(document, limit))


@given(documents())
def test_the_lines_of_a_chunk_are_those_of_the_file(document: Document) -> None:
    file = document.text.split("\n")
    for each in chunks_of(document):
        assert each.locator.lines is not None
        first, last = each.locator.lines
        mine = each.text.split("\n")
        assert len(mine) == last - first + 1
        assert mine[0] in file[first - 1]
        assert mine[-1] in file[last - 1]
        assert each.text in "\n".join(file[first - 1 : last])
        assert locate_span(document, each.start, each.end) == each.locator


@given(documents("pages"))
def test_no_chunk_crosses_two_pages(document: Document) -> None:
    for each in chunks_of(document):
        pages = {block.locator.page for block in document.blocks if block.start < each.end and block.end > each.start}
        assert pages == {each.locator.page}
        assert each.locator.lines is None


@given(documents())
def test_the_heading_is_what_all_of_a_chunk_stands_below(document: Document) -> None:
    for each in chunks_of(document):
        for block in document.blocks:
            if block.start < each.end and block.end > each.start:
                assert block.heading[: len(each.heading)] == each.heading


@given(documents())
def test_ids_are_the_same_in_every_run_and_follow_the_content(document: Document) -> None:
    ids = [each.id for each in chunks_of(document)]
    assert len(set(ids)) == len(ids)
    assert ids == [each.id for each in chunks_of(document)]
    assert set(ids).isdisjoint(each.id for each in chunks_of(replace(document, digest="other")))


def two_sections(first: str, second: str, *, exact: bool = True) -> Document:
    text = f"{first}\n{second}"
    line = first.count("\n") + 2
    places = (Locator(lines=(1, line - 1)), Locator(lines=(line, line + second.count("\n")))) if exact else (Locator(), Locator())
    blocks = (
        Block(0, len(first), places[0], ("Guide", "One")),
        Block(len(first) + 1, len(text), places[1], ("Guide", "Two")),
    )
    return Document(Path("/files/a.md"), "Guide", text, "d", "markdown", blocks)


def test_small_neighbouring_sections_share_a_chunk_below_their_common_heading() -> None:
    (both,) = chunks_of(two_sections("one line", "another line"))
    assert (both.text, both.heading, both.locator.lines) == ("one line\nanother line", ("Guide",), (1, 2))


def test_sections_are_kept_apart_when_they_are_long_or_their_lines_unknown() -> None:
    assert len(chunks_of(two_sections("one line", "x" * SMALL_SECTION))) == 2
    assert len(chunks_of(two_sections("one line", "another line", exact=False))) == 2


@pytest.mark.parametrize("tokens", [0, 1, 20, 31, 32, 33])
def test_a_limit_below_the_heading_still_makes_chunks(tokens: int) -> None:
    document = two_sections("word " * 100, "word " * 100)
    assert all(0 < count_words(each.text) <= HEADING_TOKENS for each in chunks_of(document, tokens))


# ---- packing ----

pieces = st.lists(st.integers(0, 50), max_size=40).map(
    lambda sizes: [Piece(10 * place, 10 * place + 9, size) for place, size in enumerate(sizes)]
)


@given(pieces, st.integers(1, 60))
def test_packing_keeps_every_piece_whole_in_order_and_within_the_limit(given_pieces: list[Piece], limit: int) -> None:
    spans = list(pack_pieces(given_pieces, limit))
    runs = [[piece for piece in given_pieces if start <= piece.start < end] for start, end in spans]
    assert [piece for run in runs for piece in run] == given_pieces
    assert [(run[0].start, run[-1].end) for run in runs] == spans
    assert all(sum(piece.tokens for piece in run) <= limit or len(run) == 1 for run in runs)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=60), st.integers(30, 60))
def test_runs_of_small_pieces_are_few_and_of_even_size(sizes: list[int], limit: int) -> None:
    made = [Piece(10 * place, 10 * place + 9, size) for place, size in enumerate(sizes)]
    runs = [sum(p.tokens for p in made if start <= p.start < end) for start, end in pack_pieces(made, limit)]
    assert len(runs) <= math.ceil(sum(sizes) / limit) + 1
    assert len(runs) == 1 or max(runs) - min(runs) <= limit // 2


# ---- what is embedded ----


def test_a_chunk_is_embedded_below_its_title_and_headings() -> None:
    made = replace(chunk("Press the red button.", title="Manual"), heading=("Alarm", "Test"))
    assert text_to_embed(made) == "Manual > Alarm > Test\nPress the red button."


def test_what_the_text_says_itself_is_not_repeated_and_long_titles_are_cut() -> None:
    assert text_to_embed(chunk("Manual\nPress.", title="Manual")) == "Manual\nPress."
    made = text_to_embed(chunk("Press.", title="T" * 500))
    assert made == f"{'T' * LONGEST_HEADING}\nPress."


@pytest.mark.parametrize(("name", "telling"), [("scan0012", False), ("a00_p00", False), ("2024", False), ("lease-2024", True)])
def test_a_title_that_is_only_a_file_name_of_codes_is_not_embedded(name: str, telling: bool) -> None:
    made = replace(chunk("Press.", title=name), path=Path(f"/files/{name}.txt"))
    assert text_to_embed(made) == (f"{name}\nPress." if telling else "Press.")
    assert text_to_embed(replace(made, path=Path("/files/other.txt"))) == f"{name}\nPress."
