"""A batch on its way to the store: what is embedded, what is taken over, and what comes out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ragcli.flows.embedding import Batch
from ragcli.steps.chunking import text_to_embed
from ragcli.types import Chunk, EmbeddedChunk, SourceUpdate, StoredSource
from tests.fakes.embedder import DIMENSION, HashingEmbedder
from tests.fakes.indexed import IDENTITY, update
from tests.fakes.store import MemoryStore

DOCS = Path("/docs")
FLAT = [1.0] + [0.0] * (DIMENSION - 1)


def parts(made: SourceUpdate, *, digest: str) -> tuple[StoredSource, tuple[Chunk, ...]]:
    return replace(made.source, digest=digest), tuple(each.chunk for each in made.chunks)


def stored(made: SourceUpdate, *, digest: str) -> tuple[MemoryStore, dict[str, StoredSource]]:
    """A store with that source, whose vectors no embedder would make."""
    store = MemoryStore()
    source, chunks = parts(made, digest=digest)
    with store.writing(IDENTITY):
        store.replace([SourceUpdate(source, tuple(EmbeddedChunk(chunk, FLAT) for chunk in chunks))])
    return store, {digest: source}


def test_each_text_is_embedded_once_and_the_longest_first() -> None:
    batch, embedder = Batch(), HashingEmbedder()
    batch.add(*parts(update(DOCS / "a", ["short", "a longer text"]), digest="1"))
    batch.add(*parts(update(DOCS / "b", ["short", "other"]), digest="2"))
    texts = batch.texts()
    assert texts == ["a longer text", "short", "other"]
    assert list(batch.embed(texts, embedder)) == [1.0]
    assert batch.embedded == len(embedder.embedded) == 3
    assert [[each.chunk.text for each in made.chunks] for made in batch.finished()] == [
        ["short", "a longer text"],
        ["short", "other"],
    ]
    assert [made.source.chunks for made in batch.finished()] == [2, 2]


def test_the_same_content_takes_over_the_vectors_as_they_are_stored() -> None:
    store, twins = stored(update(DOCS / "old", ["one", "two"]), digest="same")
    batch = Batch()
    batch.add(*parts(update(DOCS / "new", ["one", "two"]), digest="same"), is_new=True)
    batch.take_over(store, twins)
    assert batch.texts() == []
    assert [each.vector for each in batch.finished()[0].chunks] == [FLAT, FLAT]


def test_a_title_that_is_embedded_too_and_differs_takes_over_nothing() -> None:
    store, twins = stored(update(DOCS / "lease.txt", ["one"], title="lease"), digest="same")
    batch = Batch()
    batch.add(*parts(update(DOCS / "contract.txt", ["one"], title="contract"), digest="same"))
    batch.take_over(store, twins)
    assert batch.texts() == ["contract\none"]


def test_a_twin_that_is_no_longer_stored_whole_gives_nothing() -> None:
    made = update(DOCS / "old", ["one", "two"])
    store, twins = stored(made, digest="same")
    store.chunks.pop(made.chunks[1].chunk.id)
    batch = Batch()
    batch.add(*parts(update(DOCS / "new", ["one", "two"]), digest="same"))
    batch.take_over(store, twins)
    assert batch.texts() == [text_to_embed(each.chunk) for each in made.chunks]
