"""An embedder that needs no model: texts that share words are near each other, and only those."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

DIMENSION = 64
COMMON = frozenset(
    ["a", "an", "and", "are", "at", "by", "does", "for", "from", "in", "is", "it", "of", "on", "that", "the", "to", "was"]
)


class HashingEmbedder:
    """Each word has a direction of its own, the same in every run; a text is the sum of its words. Fits ``Embedder``."""

    def __init__(self, *, name: str = "hashing", digest: str = "a" * 64, token_limit: int = 128) -> None:
        self.name = name
        self.digest = digest
        self.dimension = DIMENSION
        self.prefixes = ("", "")
        self.token_limit = token_limit
        self.embedded: list[str] = []
        """Every passage that was embedded, in order."""

    def embed_passages(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        self.embedded.extend(texts)
        return [embed(text) for text in texts]

    def embed_query(self, text: str) -> Sequence[float]:
        return embed(text)


def embed(text: str) -> list[float]:
    words = [word for word in re.findall(r"\w+", text.lower()) if word not in COMMON] or ["nothing"]
    summed = [0.0] * DIMENSION
    for word, count in Counter(words).items():
        weight = math.sqrt(count)
        summed = [total + weight * part for total, part in zip(summed, direction_of(word), strict=True)]
    length = math.hypot(*summed)
    return [part / length for part in summed]


@lru_cache(maxsize=20_000)
def direction_of(word: str) -> tuple[float, ...]:
    bits = int.from_bytes(hashlib.sha256(word.encode("utf-8", "replace")).digest()[: DIMENSION // 8])
    return tuple(1.0 if bits >> place & 1 else -1.0 for place in range(DIMENSION))
