"""The chunk table as it grows: appended to, edited over and over, and with a vector index from some size on."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragcli.adapters import chunk_table, store_writer
from ragcli.adapters.durability import list_files
from ragcli.adapters.store import LanceStore
from ragcli.types import Scope, SourceUpdate
from tests.fakes.indexed import DIMENSION, IDENTITY, source_id, update

NOTES = Path("/home/ann/notes")
FILES, CHUNKS_EACH = 60, 5
ANYWHERE = Scope()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LanceStore]:
    """A store that takes a few hundred chunks for many."""
    monkeypatch.setattr(chunk_table, "VECTOR_INDEX_FROM", 256)
    monkeypatch.setattr(chunk_table, "MOST_SEGMENTS", 3)
    monkeypatch.setattr(store_writer, "LARGE_INDEX", 256)
    monkeypatch.setattr(store_writer, "UNTIDIED_BEFORE_TIDYING", 5 * store_writer.LEAST_OF_A_COMMIT)
    made = LanceStore(tmp_path / "index")
    yield made
    made.close()


def edition(number: int, edited: int = 0) -> SourceUpdate:
    """A file of some chunks, each about a thing that no other file and no other edition speaks of."""
    chance = random.Random(f"{number}:{edited}")
    texts = [f"thing{number}x{edited} at place{place} {'word ' * 30}" for place in range(CHUNKS_EACH)]
    vectors = [[chance.gauss(0, 1) for _ in range(DIMENSION)] for _ in texts]
    return update(NOTES / f"{number}.txt", texts, vectors=[[x / math.hypot(*vector) for x in vector] for vector in vectors])


def fill(store: LanceStore) -> None:
    with store.writing(IDENTITY):
        for first in range(0, FILES, 20):
            store.replace([edition(number) for number in range(first, first + 20)])
        store.finish()


def edit(store: LanceStore, number: int, edited: int) -> None:
    with store.writing(IDENTITY):
        store.replace([edition(number, edited)])
        store.finish(quick=True)


def table_of(store: LanceStore) -> chunk_table.ChunkTable:
    store.chunks_of(source_id(NOTES / "0.txt"))
    assert store._table is not None
    return store._table[1]


def nearest_names(store: LanceStore, made: SourceUpdate) -> list[str]:
    return [store.search_meaning(each.vector, limit=1, scope=ANYWHERE).entries[0].chunk.text for each in made.chunks]


def test_the_vector_index_is_built_when_there_are_enough_chunks(store: LanceStore) -> None:
    with store.writing(IDENTITY):
        store.replace([edition(number) for number in range(FILES // 2)])
        store.finish()
    assert not table_of(store)._has_vector_index
    fill(store)
    assert table_of(store)._has_vector_index
    made = edition(FILES - 1)
    assert nearest_names(store, made) == [each.chunk.text for each in made.chunks]


def test_edits_one_by_one_are_found_at_once_and_leave_nothing_behind(store: LanceStore, tmp_path: Path) -> None:
    fill(store)
    fresh = sum(list_files(tmp_path).values())
    largest = segments = 0
    for edited in range(1, 41):
        number = edited % 7
        edit(store, number, edited)
        made = edition(number, edited)
        assert nearest_names(store, made) == [each.chunk.text for each in made.chunks]
        words = store.search_words(f"thing{number}x{edited}", limit=9, scope=ANYWHERE)
        assert {entry.chunk.source_id for entry in words.entries} == {made.source.id}
        assert len(words.entries) == CHUNKS_EACH
        segments = max(segments, table_of(store)._vector_segments())
        largest = max(largest, sum(list_files(tmp_path).values()))
        assert not store.unfinished
    assert largest <= 3 * fresh
    assert segments <= 3
    assert store.stats().chunks == FILES * CHUNKS_EACH


def test_a_large_index_is_not_made_anew_for_one_edit_unless_told_to(store: LanceStore) -> None:
    fill(store)
    edit(store, 1, 1)
    assert unindexed(store) == CHUNKS_EACH
    with store.writing(IDENTITY):
        store.finish()
    assert unindexed(store) == 0


def unindexed(store: LanceStore) -> int:
    statistics = table_of(store)._table.index_stats("words_idx")
    assert statistics is not None
    return statistics.num_unindexed_rows


def test_cosines_of_what_words_found_are_those_of_the_rows(store: LanceStore) -> None:
    fill(store)
    wanted = edition(3).chunks[0].vector
    found = [entry.chunk.id for entry in store.search_words("thing3x0 thing4x0", limit=9, scope=ANYWHERE).entries]
    beside = [each.chunk.id for each in edition(9).chunks]
    remembered = store.similarities(wanted, [*found, *beside])
    store.close()
    assert store.similarities(wanted, [*found, *beside]) == pytest.approx(remembered)
    assert set(remembered) == {*found, *beside}
