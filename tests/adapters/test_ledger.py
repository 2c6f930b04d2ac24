"""The ledger by itself: transactions, snapshots, and a file that rests alone."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from ragcli.adapters.ledger import Ledger, TableState
from ragcli.errors import StoreError
from ragcli.types import Root
from tests.fakes.indexed import IDENTITY, source_id, stored

NOTES = Path("/home/ann/notes")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path):
    opened = Ledger.open_for_writing(path, IDENTITY)
    yield opened
    opened.close()


def put(ledger: Ledger, *names: str, chunks: int = 1) -> list[str]:
    sources = [stored(NOTES / name, chunks=chunks) for name in names]
    seals = [(f"{source.id}{number:04x}", source.id, bytes([number % 256])) for source in sources for number in range(chunks)]
    with ledger.transaction():
        ledger.put_sources(sources)
        ledger.put_seals(seals)
    return [seal[0] for seal in seals]


def test_a_failed_transaction_leaves_nothing(ledger):
    with pytest.raises(ZeroDivisionError), ledger.transaction():
        ledger.put_sources([stored(NOTES / "a")])
        ledger.set_last_indexed(1 // 0)
    assert ledger.sources() == {}


def test_a_snapshot_stays_what_it_was_while_a_writer_goes_on(ledger, path):
    put(ledger, "a")
    reader = Ledger.open_for_reading(path)
    with reader.snapshot():
        assert len(reader.sources()) == 1
        put(ledger, "b")
        with reader.snapshot():
            assert len(reader.sources()) == 1
    assert len(reader.sources()) == 2
    reader.close()


def test_at_rest_it_is_one_file_that_readers_leave_alone(ledger, path):
    put(ledger, "a")
    ledger.rest()
    names = {"ledger.db", "ledger.checksum"}
    assert {each.name for each in path.parent.iterdir()} == names
    reader = Ledger.open_for_reading(path)
    assert len(reader.sources()) == 1
    assert {each.name for each in path.parent.iterdir()} == names
    reader.close()


def test_a_ledger_that_changed_while_at_rest_is_not_written_to(ledger, path):
    put(ledger, "a")
    ledger.rest()
    path.write_bytes(path.read_bytes().replace(b"/home/ann/notes/a", b"/home/ann/notes/b"))
    reader = Ledger.open_for_reading(path)
    assert not reader.is_whole()
    reader.close()
    with pytest.raises(StoreError) as raised:
        Ledger.open_for_writing(path, IDENTITY)
    assert raised.value.slug == "index-damaged"
    anew = Ledger.open_anew(path, IDENTITY)
    assert anew.sources() == {}
    anew.close()


def test_it_can_be_opened_after_a_writer_that_never_came_to_rest(ledger, path):
    put(ledger, "a")
    ledger.close()
    again = Ledger.open_for_writing(path, IDENTITY)
    assert len(again.sources()) == 1
    assert again.is_whole()
    again.close()


@pytest.mark.parametrize("column", ["identity", "roots", "sources"])
def test_values_that_make_no_sense_are_damage(ledger, column):
    put(ledger, "a")
    with ledger.transaction():
        ledger.put_roots([Root(NOTES, "main")])
    rot = {
        "identity": "UPDATE facts SET value = '{\"embedder\": 1' WHERE name = 'identity'",
        "roots": "UPDATE roots SET include = '['",
        "sources": "UPDATE sources SET inode = 'x'",
    }
    ledger._database.rows(rot[column])
    with pytest.raises(StoreError) as raised:
        getattr(ledger, column)()
    assert raised.value.slug == "index-damaged"


def test_every_commit_waits_for_the_disk(ledger):
    database = ledger._database
    assert database.rows("PRAGMA synchronous")[0][0] == 2
    assert database.rows("PRAGMA journal_mode")[0][0] == "wal"


def test_an_empty_file_is_no_index_yet(path):
    path.touch()
    reader = Ledger.open_for_reading(path)
    assert reader.identity() is None
    assert (reader.sources(), reader.roots()) == ({}, ())
    assert reader.stats(0).identity is None
    reader.close()


def test_what_is_no_database_is_damaged(path):
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError) as raised:
        Ledger.open_for_reading(path)
    assert raised.value.slug == "index-damaged"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"embedder": "other"}, "the embedder test-embedder, not other"),
        ({"embedder_digest": "1" * 64}, "another embedder digest"),
        ({"dimension": 9}, "another dimension"),
        ({"prefixes": ("", "")}, "another prefixes"),
        ({"chunking": "other"}, "another chunking"),
        ({"schema": 2}, "another schema"),
    ],
)
def test_another_identity_is_refused_and_named(ledger, path, change, words):
    before = path.read_bytes()
    with pytest.raises(StoreError, match=words) as raised:
        Ledger.open_for_writing(path, replace(IDENTITY, **change))
    assert raised.value.slug == "index-mismatch"
    assert path.read_bytes() == before


def test_known_chunks_are_told_with_their_source(ledger):
    ids = put(ledger, "a", "b", chunks=700)
    known = ledger.known_chunks([*ids, "not there", "' OR 1=1"])
    assert set(known) == set(ids)
    assert known[ids[0]] == (b"\0", NOTES / "a")


def test_forgetting_chunks_leaves_the_source(ledger):
    put(ledger, "a", "b")
    with ledger.transaction():
        ledger.forget_chunks([source_id(NOTES / "a")])
    assert ledger.chunk_count() == 1
    assert ledger.have_chunks([source_id(NOTES / "a"), source_id(NOTES / "b")]) == [source_id(NOTES / "b")]
    assert len(ledger.sources()) == 2


def test_sources_that_miss_a_chunk_are_found(ledger):
    ids = put(ledger, "a", "b", chunks=3)
    assert [source.path.name for source in ledger.incomplete_sources(ids[1:])] == ["a"]
    assert ledger.incomplete_sources(ids) == []


def test_only_sources_that_have_chunks_can_be_searched(ledger):
    put(ledger, "a.md")
    put(ledger, "empty.md", chunks=0)
    assert [(found, path) for found, path, *_ in ledger.searchable()] == [(source_id(NOTES / "a.md"), str(NOTES / "a.md"))]


def test_every_change_makes_another_revision(ledger):
    before = ledger.revision()
    assert ledger.revision() == before
    put(ledger, "a")
    assert ledger.revision() != before


def test_the_table_and_its_files_are_remembered(ledger):
    state = TableState("chunks-1", 2**40, b"\0manifest")
    with ledger.transaction():
        ledger.set_table(state)
        ledger.add_files({"data/a": (1, b"x"), "data/b": (2, b"y")})
        ledger.drop_files(["data/a"])
        ledger.mark("tidy", True)
    assert ledger.table() == state
    assert ledger.files() == {"data/b": (2, b"y")}
    assert ledger.is_tidy()
    with ledger.transaction():
        ledger.clear(IDENTITY)
    assert (ledger.table(), ledger.files()) == (None, {})


def test_a_writer_that_waits_too_long_says_so(ledger, path, monkeypatch):
    monkeypatch.setattr("ragcli.adapters.database.PATIENCE_SECONDS", 0)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    second = Ledger.open_for_writing(path, IDENTITY)
    with pytest.raises(StoreError) as raised, second.transaction():
        raise AssertionError("it was let in")
    assert raised.value.slug == "index-locked"
    other.close()
    second.close()


def test_what_a_crash_left_half_done_is_taken_back_by_the_next_reader(ledger, path, tmp_path):
    put(ledger, *map(str, range(300)))
    ledger.rest()
    copied = tmp_path / "copied.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as careless:
        careless.execute("PRAGMA cache_size = 1")  # so that pages of a change go to the file before its end
        careless.execute("BEGIN")
        careless.execute("UPDATE sources SET title = 'changed'")
        shutil.copy(path, copied)
        shutil.copy(f"{path}-journal", f"{copied}-journal")
    assert b"changed" in copied.read_bytes()
    reader = Ledger.open_for_reading(copied)
    assert len(reader.sources()) == 300
    assert not any(source.title == "changed" for source in reader.sources().values())
    reader.close()
