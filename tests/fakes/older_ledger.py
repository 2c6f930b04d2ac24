"""Ledgers as earlier releases wrote them, made from one of today. The texts of old schemas never change."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

SCHEMA_1 = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE roots (path BLOB NOT NULL, collection TEXT NOT NULL, include TEXT NOT NULL, exclude TEXT NOT NULL,
    PRIMARY KEY (path, collection)) WITHOUT ROWID;
CREATE TABLE sources (
    id TEXT PRIMARY KEY, path BLOB NOT NULL, collection TEXT NOT NULL, size INTEGER NOT NULL, modified_ns INTEGER NOT NULL,
    inode TEXT NOT NULL, digest TEXT NOT NULL, fingerprint TEXT NOT NULL, chunks INTEGER NOT NULL, reason TEXT NOT NULL,
    detail TEXT NOT NULL, title TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE chunks (id TEXT PRIMARY KEY, source_id TEXT NOT NULL, seal BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX chunks_by_source ON chunks (source_id);
CREATE TABLE files (name TEXT PRIMARY KEY, size INTEGER NOT NULL, digest BLOB NOT NULL) WITHOUT ROWID;
"""
SCHEMA_2 = SCHEMA_1.replace("title TEXT NOT NULL)", "title TEXT NOT NULL, changed_ns INTEGER NOT NULL DEFAULT 0)")
SCHEMAS = {1: SCHEMA_1, 2: SCHEMA_2}
"""By schema version, as the release that had it first wrote it."""


def make_older(ledger: Path, version: int) -> None:
    """The ledger, at rest, is of that earlier schema and tells the same, as far as that schema can."""
    old = ledger.with_name("older.db")
    with closing(sqlite3.connect(old, isolation_level=None)) as database:
        database.executescript(SCHEMAS[version])
        database.execute("ATTACH ? AS today", (str(ledger),))
        tables = "SELECT name FROM main.sqlite_master WHERE type = 'table'"
        for (table,) in database.execute(tables).fetchall():
            columns = ",".join(row[1] for row in database.execute(f"PRAGMA main.table_info({table})"))
            database.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM today.{table}")
        database.execute("DETACH today")
        database.execute(f"PRAGMA user_version = {version}")
    ledger.with_suffix(".checksum").unlink(missing_ok=True)
    old.replace(ledger)
