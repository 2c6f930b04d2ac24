"""A splitter without a tokenizer: a piece is a line, or so many words of it; a token is a word."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ragcli.types import Piece

PIECE_WORDS = 12


def split_words(text: str, kind: str) -> Sequence[Piece]:
    """Fits the port ``Split``."""
    pieces = []
    for line in re.finditer(r"\S[^\n]*", text):
        words = [(line.start() + word.start(), line.start() + word.end()) for word in re.finditer(r"\S+", line[0])]
        for first in range(0, len(words), PIECE_WORDS):
            run = words[first : first + PIECE_WORDS]
            pieces.append(Piece(run[0][0], run[-1][1], len(run)))
    return pieces
