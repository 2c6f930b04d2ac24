"""What every splitter keeps to: the fake one that flows are tested with, and the real one."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from ragcli.ports import Split
from tests.conftest import MODELS
from tests.fakes.split import split_words

NAME = "all-minilm-l6-v2"


def real() -> Split:
    from ragcli.adapters.splitter import TokenSplitter

    return TokenSplitter(tokenizer_file())


def tokenizer_file() -> Path:
    file = MODELS / NAME / "tokenizer.json"
    if not file.is_file():
        pytest.skip(f"{MODELS} holds no {NAME}: run scripts/test")
    return file


@pytest.fixture(scope="module", params=[lambda: split_words, pytest.param(real, marks=pytest.mark.model)], ids=["fake", "real"])
def split(request: pytest.FixtureRequest) -> Split:
    return request.param()


parts = st.sampled_from(
    [
        "word",
        "naïve",
        "漢字かな。",
        "🎉👩\u200d👩\u200d👧",
        "# Title",
        "- item",
        "```",
        "|a|b|",
        "x" * 300,
        "e\u0301",
        "\u2028",
        "\x0c",
    ]
)
texts = st.lists(st.tuples(parts, st.sampled_from([" ", "\n", "\n\n", "\r\n", "\t"])), max_size=40).map(
    lambda pairs: "".join(map("".join, pairs))
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=texts, kind=st.sampled_from(["prose", "markdown", "code", "table"]))
def test_pieces_are_in_order_and_leave_out_only_white_space(split: Split, text: str, kind: str) -> None:
    position = 0
    for piece in split(text, kind):
        assert position <= piece.start < piece.end <= len(text)
        assert not text[position : piece.start].strip()
        assert piece.tokens >= 0
        position = piece.end
    assert not text[position:].strip()


@pytest.mark.parametrize("kind", ["prose", "markdown"])
def test_a_blank_text_has_no_pieces(split: Split, kind: str) -> None:
    assert not split("", kind)
    assert not [piece for piece in split(" \n\n ", kind) if piece.tokens]


# ---- the real one's own ----


@pytest.mark.model
def test_tokens_are_counted_in_full_although_the_tokenizer_would_cut() -> None:
    from ragcli.adapters.splitter import PIECE_TOKENS

    assert json.loads(tokenizer_file().read_text())["truncation"], "if this changes, the test below proves nothing"
    pieces = real()("word " * 5000, "prose")
    assert sum(piece.tokens for piece in pieces) == 5000
    assert all(0 < piece.tokens <= PIECE_TOKENS for piece in pieces)


@pytest.mark.model
def test_the_tokens_of_the_pieces_are_those_of_the_text() -> None:
    text = "The hostel's 34 beds (naïve, 漢字) cost 18,50 EUR.\n\nNothing else does: see https://example.org/a?b=c. " * 9
    whole = Tokenizer.from_file(str(tokenizer_file()))
    whole.no_truncation()
    whole.no_padding()
    assert sum(piece.tokens for piece in real()(text, "prose")) == len(whole.encode(text, add_special_tokens=False))


@pytest.mark.model
def test_markdown_is_cut_at_its_headings() -> None:
    text = "# One\n\n" + "A line of words. " * 12 + "\n\n# Two\n\n" + "Another line of words. " * 12
    assert text.index("# Two") in {piece.start for piece in real()(text, "markdown")}


@pytest.mark.parametrize("line", ["x" * 50_000, "two words " * 5_000, "天气" * 20_000])
def test_a_line_without_end_is_cut_and_nothing_of_it_is_lost(split: Split, line: str) -> None:
    pieces = split(line, "prose")
    assert all(left.end <= right.start for left, right in pairwise(pieces))
    assert "".join(line[piece.start : piece.end] for piece in pieces).replace(" ", "") == line.replace(" ", "")
