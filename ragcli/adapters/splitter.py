"""semantic-text-splitter: texts cut at natural boundaries into pieces, with their sizes in the embedder's tokens."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from semantic_text_splitter import MarkdownSplitter, TextSplitter
from tokenizers import Tokenizer

from ragcli.types import Piece

PIECE_TOKENS = 40
"""Longest piece: about a long sentence, so that whoever packs pieces into chunks can make the chunks even."""


class TokenSplitter:
    """Cuts texts into pieces of a sentence or a few lines. Fits the port ``Split`` when called."""

    def __init__(self, tokenizer_file: Path) -> None:
        counting = _counting_tokenizer(tokenizer_file)
        self._plain = TextSplitter.from_huggingface_tokenizer_str(counting, PIECE_TOKENS)
        self._markdown = MarkdownSplitter.from_huggingface_tokenizer_str(counting, PIECE_TOKENS)
        self._tokenizer = Tokenizer.from_str(counting)

    def __call__(self, text: str, kind: str) -> Sequence[Piece]:
        """Pieces in order, with character offsets; between them stands nothing but white space."""
        splitter = self._markdown if kind == "markdown" else self._plain
        pieces = splitter.chunk_indices(text)
        encodings = self._tokenizer.encode_batch_fast([piece for _, piece in pieces], add_special_tokens=False)
        return [
            Piece(start, start + len(piece), len(encoding)) for (start, piece), encoding in zip(pieces, encodings, strict=True)
        ]


def _counting_tokenizer(tokenizer_file: Path) -> str:
    """The tokenizer without truncation and padding: with them every long text would count as exactly the limit."""
    description = json.loads(tokenizer_file.read_text(encoding="utf-8"))
    return json.dumps({**description, "truncation": None, "padding": None})
