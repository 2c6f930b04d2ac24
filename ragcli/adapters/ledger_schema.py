"""The ledger's tables, and how the ledger of an earlier release becomes one of today.

The version stands in the database itself. A writer migrates under its lock, one version after the other, each in one
transaction: cut off anywhere, the next writer goes on from there. A reader migrates nothing; it is shown the old tables
as today's. Knows nothing of what the values mean.
"""

from __future__ import annotations

from collections.abc import Mapping

from ragcli.adapters.database import Database

SCHEMA = 3
_TABLES = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE roots (path BLOB NOT NULL, collection TEXT NOT NULL, include TEXT NOT NULL, exclude TEXT NOT NULL,
    PRIMARY KEY (path, collection)) WITHOUT ROWID;
CREATE TABLE sources (
    id TEXT PRIMARY KEY, path BLOB NOT NULL, collection TEXT NOT NULL, size INTEGER NOT NULL, modified_ns INTEGER NOT NULL,
    inode TEXT NOT NULL, digest TEXT NOT NULL, fingerprint TEXT NOT NULL, chunks INTEGER NOT NULL, reason TEXT NOT NULL,
    detail TEXT NOT NULL, title TEXT NOT NULL, changed_ns INTEGER NOT NULL DEFAULT 0,
    secrets TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
CREATE TABLE chunks (id TEXT PRIMARY KEY, source_id TEXT NOT NULL, seal BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX chunks_by_source ON chunks (source_id);
CREATE TABLE files (name TEXT PRIMARY KEY, size INTEGER NOT NULL, digest BLOB NOT NULL) WITHOUT ROWID;
"""
_MIGRATIONS: Mapping[int, str] = {
    1: "ALTER TABLE sources ADD COLUMN changed_ns INTEGER NOT NULL DEFAULT 0",
    2: "ALTER TABLE sources ADD COLUMN secrets TEXT NOT NULL DEFAULT ''",
}
"""What makes a ledger of that version one of the next. A text that was released never changes."""
_SHOWN: Mapping[int, str] = {
    1: "CREATE TEMP VIEW sources AS SELECT *, 0 AS changed_ns, '' AS secrets FROM main.sources",
    2: "CREATE TEMP VIEW sources AS SELECT *, '' AS secrets FROM main.sources",
}
"""What lets a reader take a ledger of that version for one of today: views that live in its connection alone."""


def schema_of(database: Database) -> int:
    """The version; 0 while nothing was written."""
    return database.rows("PRAGMA user_version")[0][0]


def create(database: Database) -> None:
    """The tables of today are there, empty. Inside a transaction."""
    _run(database, _TABLES)
    _run(database, f"PRAGMA user_version = {SCHEMA}")


def migrate(database: Database) -> None:
    """The tables are those of today. The caller holds the writer's lock; a ledger without tables stays without."""
    while 0 < (version := schema_of(database)) < SCHEMA:
        with database.transaction():
            _run(database, _MIGRATIONS[version])
            _run(database, f"PRAGMA user_version = {version + 1}")


def show_as_today(database: Database) -> None:
    """Queries for today's tables work; nothing is written."""
    shown = _SHOWN.get(schema_of(database))
    if shown:
        _run(database, f"PRAGMA temp_store = MEMORY; {shown}")


def _run(database: Database, script: str) -> None:
    for statement in filter(str.strip, script.split(";")):
        database.rows(statement)
