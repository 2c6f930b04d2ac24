"""Small sources, chunks and vectors for tests of whatever holds an index."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from ragcli.types import Chunk, EmbeddedChunk, IndexIdentity, Locator, SourceUpdate, StoredSource

DIMENSION = 8
IDENTITY = IndexIdentity("test-embedder", "0" * 64, DIMENSION, ("query: ", "passage: "), "test", 1)


def unit(*numbers: float) -> list[float]:
    """A unit vector that begins with these numbers' direction."""
    padded = [*numbers, *[0.0] * (DIMENSION - len(numbers))]
    length = math.hypot(*padded)
    return [number / length for number in padded]


def source_id(path: Path) -> str:
    return sha256(os.fsencode(path)).hexdigest()[:32]


def stored(path: Path, *, chunks: int = 0, collection: str = "main", modified_ns: int = 0, reason: str = "") -> StoredSource:
    return StoredSource(source_id(path), path, collection, 100, modified_ns, 7, "d" * 64, "f" * 64, chunks, reason)


def update(
    path: Path,
    texts: Sequence[str],
    *,
    vectors: Sequence[Sequence[float]] | None = None,
    heading: tuple[str, ...] = (),
    title: str = "",
    collection: str = "main",
    modified_ns: int = 0,
) -> SourceUpdate:
    """A source with one chunk for each text, which stand on a line each."""
    source = stored(path, chunks=len(texts), collection=collection, modified_ns=modified_ns)
    directions = vectors or [unit(1, ordinal) for ordinal in range(len(texts))]
    chunks: list[EmbeddedChunk] = []
    start = 0
    for ordinal, (text, vector) in enumerate(zip(texts, directions, strict=True)):
        chunk_id = sha256(f"{source.id}\0{texts}\0{ordinal}".encode("utf-8", "replace")).hexdigest()[:32]
        end = start + len(text)
        digest = sha256(text.encode("utf-8", "replace")).hexdigest()
        locator = Locator((ordinal + 1, ordinal + 1), page=None, label="")
        chunk = Chunk(chunk_id, source.id, path, title, heading, ordinal, start, end, text, locator, digest)
        chunks.append(EmbeddedChunk(chunk, vector))
        start = end + 1
    return SourceUpdate(source, tuple(chunks))
