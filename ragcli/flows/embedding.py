"""What is stored in one commit: sources with their chunks, and the vectors that the chunks get.

No text is embedded twice that need not be: a file that was moved or copied takes over the vectors of the one before, and
a text that comes twice in a batch is embedded once. It knows nothing of reading and of what is reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ragcli.ports import Embedder, Store
from ragcli.steps.chunking import text_to_embed
from ragcli.steps.ranking import blend_neighbours
from ragcli.types import Chunk, EmbeddedChunk, SourceUpdate, StoredSource, Vector

BATCH_CHUNKS = 512
"""Chunks per commit: some seconds of embedding, which is the most that an interrupted run does again."""
BATCH_FILES = 512
"""Files per commit, where they have few chunks or are as they were."""
SLICE_CHUNKS = 64
"""Chunks between two signs of progress."""


@dataclass(slots=True)
class Batch:
    updates: list[tuple[StoredSource, tuple[Chunk, ...]]] = field(default_factory=list)
    touched: list[StoredSource] = field(default_factory=list)
    """Sources whose chunks stay: their files have other times and the same content."""
    added: set[str] = field(default_factory=set)
    """Ids of the sources that are new."""
    moved: dict[str, StoredSource] = field(default_factory=dict)
    """By the id of a new source, the one that is gone and had its content."""
    bytes: int = 0
    chunks: int = 0
    embedded: int = 0
    _taken_over: dict[str, Sequence[Vector]] = field(default_factory=dict)
    """By source: the vectors of its chunks in order, as they are stored."""
    _vectors: dict[str, Vector] = field(default_factory=dict)
    """By text."""

    @property
    def files(self) -> int:
        return len(self.updates) + len(self.touched)

    @property
    def is_full(self) -> bool:
        return self.chunks >= BATCH_CHUNKS or self.files >= BATCH_FILES

    def add(
        self, source: StoredSource, chunks: tuple[Chunk, ...], *, is_new: bool = False, origin: StoredSource | None = None
    ) -> None:
        """The source is to be stored; ``origin`` is one with the same content whose file is gone."""
        self.updates.append((source, chunks))
        self.chunks += len(chunks)
        if is_new:
            self.added.add(source.id)
        if origin is not None:
            self.moved[source.id] = origin

    def take_over(self, store: Store, twins: Mapping[str, StoredSource]) -> None:
        """Sources have the vectors of stored ones with the same content; ``twins`` are those by digest.

        Only if the same texts would be embedded: title and headings are part of them, and another reader may find others.
        """
        wanted = {source.id: twins[source.digest].id for source, chunks in self.updates if chunks and source.digest in twins}
        stored = store.embedded_chunks(sorted(set(wanted.values()))) if wanted else {}
        for source, chunks in self.updates:
            twin = stored.get(wanted.get(source.id, ""), ())
            if chunks and [text_to_embed(each.chunk) for each in twin] == [text_to_embed(chunk) for chunk in chunks]:
                self._taken_over[source.id] = [each.vector for each in twin]

    def texts(self) -> list[str]:
        """What is to be embedded, longest first: slices pad little, and the slowest comes before the estimate is believed."""
        missing = (chunks for source, chunks in self.updates if source.id not in self._taken_over)
        return sorted(dict.fromkeys(text_to_embed(chunk) for chunks in missing for chunk in chunks), key=len, reverse=True)

    def embed(self, texts: Sequence[str], embedder: Embedder) -> Iterator[float]:
        """The texts have vectors; after each slice, how much of the work is done, up to 1."""
        for start in range(0, len(texts), SLICE_CHUNKS):
            some = texts[start : start + SLICE_CHUNKS]
            self._vectors.update(zip(some, embedder.embed_passages(some), strict=True))
            self.embedded = len(self._vectors)
            yield self.embedded / len(texts)

    def finished(self) -> list[SourceUpdate]:
        """What the store is to hold."""
        return [self._finished(source, chunks) for source, chunks in self.updates]

    def _finished(self, source: StoredSource, chunks: Sequence[Chunk]) -> SourceUpdate:
        vectors = self._taken_over.get(source.id) or blend_neighbours([self._vectors[text_to_embed(chunk)] for chunk in chunks])
        embedded = tuple(EmbeddedChunk(chunk, vector) for chunk, vector in zip(chunks, vectors, strict=True))
        return SourceUpdate(replace(source, chunks=len(chunks)), embedded)
