"""Ledgers of earlier releases are read as they are and migrated by the first writer; those of later ones are left alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from ragcli.adapters import ledger_schema
from ragcli.adapters.database import Database
from ragcli.adapters.ledger import Ledger
from ragcli.adapters.ledger_schema import SCHEMA
from ragcli.adapters.store import LanceStore
from ragcli.errors import StoreError
from ragcli.types import Root, Scope
from tests.fakes.indexed import IDENTITY, source_id, stored, unit, update
from tests.fakes.older_ledger import SCHEMAS, make_older

NOTES = Path("/home/ann/notes")
each_older = pytest.mark.parametrize("version", SCHEMAS)


class Cut(BaseException):
    """Stands for the end of the process at this point."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An index of today."""
    index = tmp_path / "index"
    store = LanceStore(index)
    with store.writing(IDENTITY):
        store.remember_roots([Root(NOTES, "main", exclude=("drafts",))])
        store.replace([update(NOTES / "a.md", ["tea and cake"]), update(NOTES / "b.md", ["coffee", "more coffee"])])
        store.finish()
    store.close()
    return index


def told(folder: Path) -> tuple[object, ...]:
    """Everything that the index tells."""
    store = LanceStore(folder)
    try:
        found = [entry.chunk for entry in store.search_meaning(unit(1), limit=9, scope=Scope(types=("md",))).entries]
        levels = {finding.level for finding in store.check(read_data=True)}
        return store.sources(), store.roots(), store.identity(), store.stats().chunks, found, levels
    finally:
        store.close()


def version_of(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "ledger.db")) as database:
        return database.execute("PRAGMA user_version").fetchone()[0]


def columns_of(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(folder / "ledger.db")) as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return {table: [row[1:] for row in database.execute(f"PRAGMA table_info({table})")] for table in tables}


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_version_before_today_can_be_made_and_migrated():
    assert set(SCHEMAS) == set(range(1, SCHEMA)) == set(ledger_schema._MIGRATIONS)


@each_older
def test_an_older_index_is_read_as_one_of_today_and_not_changed(folder, version):
    today = told(folder)
    make_older(folder / "ledger.db", version)
    before = contents(folder)
    assert told(folder) == today
    assert contents(folder) == before
    assert version_of(folder) == version


@each_older
def test_the_next_writer_migrates_it_and_loses_nothing(folder, version):
    today, tables = told(folder), columns_of(folder)
    make_older(folder / "ledger.db", version)
    store = LanceStore(folder)
    with store.writing(IDENTITY):
        assert store.sources() == today[0]
    store.close()
    assert version_of(folder) == SCHEMA
    assert columns_of(folder) == tables
    assert told(folder) == today


@each_older
def test_a_reader_that_was_there_before_goes_on(folder, version):
    make_older(folder / "ledger.db", version)
    reader, writer = LanceStore(folder), LanceStore(folder)
    before = reader.sources()
    with writer.writing(IDENTITY):
        writer.refresh([replace(stored(NOTES / "a.md", chunks=1), changed_ns=5)])
        assert set(reader.sources()) == set(before)
        assert reader.sources()[source_id(NOTES / "a.md")].changed_ns == 5
    reader.close()
    writer.close()


@each_older
@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_migration_that_was_cut_off_goes_on_where_it_stopped(folder, version, step, monkeypatch):
    today = told(folder)
    make_older(folder / "ledger.db", version)
    with monkeypatch.context() as patched, pytest.raises(Cut):
        patched.setattr(ledger_schema, "_run", CutAt(step))
        Ledger.open_for_writing(folder / "ledger.db", IDENTITY)
        raise Cut
    assert told(folder) == today
    Ledger.open_for_writing(folder / "ledger.db", IDENTITY).rest()
    assert version_of(folder) == SCHEMA
    assert told(folder) == today


class CutAt:
    """Does the first steps of a migration, and ends the process at the one of that number."""

    def __init__(self, step: int) -> None:
        self._left = step
        self._run = ledger_schema._run

    def __call__(self, database: Database, script: str) -> None:
        self._left -= 1
        if not self._left:
            raise Cut
        self._run(database, script)


def test_a_newer_index_is_named_and_not_a_byte_of_it_is_written(folder):
    with closing(sqlite3.connect(folder / "ledger.db")) as database:
        database.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    (folder / "writer.lock").write_text("1\n")
    before = contents(folder)
    store = LanceStore(folder)
    for use in (store.sources, lambda: store.writing(IDENTITY).__enter__(), lambda: store.reset(IDENTITY), store.repair):
        with pytest.raises(StoreError, match="newer ragcli") as raised:
            use()
        assert raised.value.slug == "index-newer"
        assert "update ragcli" in raised.value.hint
    store.close()
    assert contents(folder) == before
