"""semantic-text-splitter: texts cut at natural boundaries into pieces, with their sizes in the embedder's tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from semantic_text_splitter import MarkdownSplitter, TextSplitter
from tokenizers import Tokenizer

from ragcli.types import Piece

PIECE_CHARACTERS = 160
"""Longest piece: about a long sentence, so that whoever packs pieces into chunks can make the chunks even.

Measured in characters because tokenizing every candidate for a cut took a fifth of the time of a whole index run.
"""
PIECE_TOKENS = 100
"""A piece with more (of signs that take several tokens each) is cut again by its tokens."""

WINDOW = 16_384
"""Characters that the splitter is shown at once: its time grows with the square of a run that has no line ends."""
BOUNDARIES = ("\n\n", "\n", " ")


class TokenSplitter:
    """Cuts texts into pieces of a sentence or a few lines. Fits the port ``Split`` when called."""

    def __init__(self, tokenizer_file: Path) -> None:
        counting = _counting_tokenizer(tokenizer_file)
        self._plain = TextSplitter(PIECE_CHARACTERS)
        self._markdown = MarkdownSplitter(PIECE_CHARACTERS)
        self._tokenizer = Tokenizer.from_str(counting)

    def __call__(self, text: str, kind: str) -> Sequence[Piece]:
        """Pieces in order, with character offsets; between them stands nothing but white space."""
        splitter = self._markdown if kind == "markdown" else self._plain
        pieces = [(first + start, piece) for first, window in _windows(text) for start, piece in splitter.chunk_indices(window)]
        return [small for piece, words in self._counted(pieces) for small in self._bounded(piece, words)]

    def _counted(self, pieces: Sequence[tuple[int, str]]) -> Iterator[tuple[Piece, str]]:
        encodings = self._tokenizer.encode_batch_fast([text for _, text in pieces], add_special_tokens=False)
        for (start, text), encoding in zip(pieces, encodings, strict=True):
            yield Piece(start, start + len(text), len(encoding)), text

    def _bounded(self, piece: Piece, text: str) -> Iterator[Piece]:
        """The piece, or the smaller ones it is cut into, as long in characters as its own density allows."""
        if piece.tokens <= PIECE_TOKENS or len(text) == 1:
            yield piece
            return
        smaller = TextSplitter(len(text) * PIECE_TOKENS // piece.tokens or 1)
        for small, words in self._counted(smaller.chunk_indices(text)):
            yield from self._bounded(replace(small, start=piece.start + small.start, end=piece.start + small.end), words)


def _windows(text: str) -> Iterator[tuple[int, str]]:
    """The text in runs of at most WINDOW characters, each with its start, cut at the best boundary that is near the end."""
    start = 0
    while len(text) - start > WINDOW:
        nearest = start + WINDOW // 2
        found = (text.rfind(boundary, nearest, start + WINDOW) for boundary in BOUNDARIES)
        end = next((place + 1 for place in found if place >= 0), start + WINDOW)
        yield start, text[start:end]
        start = end
    yield start, text[start:]


def _counting_tokenizer(tokenizer_file: Path) -> str:
    """The tokenizer without truncation and padding: with them every long text would count as exactly the limit."""
    description = json.loads(tokenizer_file.read_text(encoding="utf-8"))
    return json.dumps({**description, "truncation": None, "padding": None})
