"""The ledger: what is indexed, since when, and which version of the chunk table is the true one.

It is the last thing written in every commit, so what it says is whole and on disk. It never reads chunks.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ragcli.adapters.database import Database, damaged, set_aside
from ragcli.adapters.ledger_rows import SOURCE_COLUMNS, as_path, as_source, source_row
from ragcli.adapters.ledger_schema import SCHEMA, create, migrate, schema_of, show_as_today
from ragcli.errors import StoreError
from ragcli.types import IndexIdentity, Root, StoredSource, StoreStats

TIDY, CLEANING, UNTIDIED = "tidy", "cleaning", "untidied"
"""Names of facts that the writer marks."""


@dataclass(frozen=True, slots=True)
class TableState:
    """The version of the chunk table that belongs to this ledger, with a copy of the file that defines it."""

    name: str
    version: int
    manifest: bytes


class Ledger:
    """Writes are made inside ``transaction``; reads that belong together inside ``snapshot``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.snapshot = database.snapshot
        self.transaction = database.transaction
        self.revision = database.revision
        self.is_whole = database.is_whole
        self.rest = database.rest
        self.close = database.close

    # ---- opening ---------------------------------------------------------------------------------

    @classmethod
    def open_for_reading(cls, path: Path) -> Ledger:
        """Raises StoreError ``index-newer`` or ``index-damaged``."""
        with _closed_on_error(cls(Database.open_for_reading(path))) as ledger:
            ledger._refuse_newer()
            show_as_today(ledger._database)
            return ledger

    @classmethod
    def refuse_newer(cls, path: Path) -> None:
        """Raises StoreError ``index-newer`` if a later release wrote it. Nothing is written, and nothing else is looked for."""
        try:
            if path.is_file():
                cls.open_for_reading(path).close()
        except StoreError as error:
            if error.slug == "index-newer":
                raise

    @classmethod
    def open_for_writing(cls, path: Path, identity: IndexIdentity) -> Ledger:
        """The ledger exists and is of this identity. The caller holds the writer's lock.

        Raises StoreError ``index-mismatch``, ``index-newer`` or ``index-damaged``, each before anything was written.
        """
        with _closed_on_error(cls(Database.open_for_writing(path))) as ledger:
            ledger._refuse_newer()
            ledger._refuse_other(identity)
            ledger._start_writing(identity)
            return ledger

    @classmethod
    def open_anew(cls, path: Path, identity: IndexIdentity) -> Ledger:
        """The ledger exists and nothing is indexed; the roots stay if they can be read. The caller holds the writer's lock."""
        try:
            with _closed_on_error(cls(Database.open_for_writing(path))) as ledger:
                ledger._refuse_newer()
                ledger._start_writing(identity)
                with ledger.transaction():
                    ledger.clear(identity)
                return ledger
        except StoreError as error:
            if error.slug != "index-damaged":
                raise
        set_aside(path)
        return cls.open_for_writing(path, identity)

    def _refuse_newer(self) -> None:
        if self._schema() > SCHEMA:
            raise _newer()

    def _refuse_other(self, identity: IndexIdentity) -> None:
        stored = self.identity()
        if stored is None or stored == identity:
            return
        if stored.schema > identity.schema:
            raise _newer()
        message = f"this index was made with {_differences(stored, identity)}"
        raise StoreError("index-mismatch", message, hint="ragcli index --force builds it anew")

    def _start_writing(self, identity: IndexIdentity) -> None:
        self._database.start_writing()
        migrate(self._database)
        if not self._schema():
            with self.transaction():
                create(self._database)
                self._set("identity", json.dumps(asdict(identity)))

    def _schema(self) -> int:
        return schema_of(self._database)

    # ---- reading ---------------------------------------------------------------------------------

    def identity(self) -> IndexIdentity | None:
        """None while the first writer has not come to write it."""
        if not self._schema():
            return None
        with _intact():
            fields = json.loads(self._get("identity"))
            return IndexIdentity(**{**fields, "prefixes": tuple(fields["prefixes"])})

    def sources(self) -> dict[str, StoredSource]:
        rows = self._database.rows(f"SELECT {','.join(SOURCE_COLUMNS)} FROM sources ORDER BY path") if self._schema() else []
        with _intact():
            return {row[0]: as_source(row) for row in rows}

    def roots(self) -> tuple[Root, ...]:
        query = "SELECT path, collection, include, exclude FROM roots ORDER BY path, collection"
        rows = self._database.rows(query) if self._schema() else []
        with _intact():
            return tuple(Root(as_path(row[0]), row[1], tuple(json.loads(row[2])), tuple(json.loads(row[3]))) for row in rows)

    def stats(self, bytes_on_disk: int) -> StoreStats:
        identity = self.identity()
        if identity is None:
            return StoreStats(0, 0, 0, bytes_on_disk, None, None)
        told = ("sum(reason = '')", "sum(chunks)", "sum(reason != '')", "sum(secrets != '')")
        counts = f"SELECT {','.join(f'coalesce({each}, 0)' for each in told)} FROM sources"
        sources, chunks, skipped, secrets = self._database.rows(counts)[0]
        by_reason = "SELECT reason, count(*) FROM sources WHERE reason != '' GROUP BY reason ORDER BY count(*) DESC, reason"
        reasons = dict(self._database.rows(by_reason)) if skipped else {}
        return StoreStats(sources, chunks, skipped, bytes_on_disk, self._get("last_indexed_ns"), identity, reasons, secrets)

    def table(self) -> TableState | None:
        """The chunk table that belongs to this ledger; None while no chunk was ever stored."""
        name = self._get("table")
        return TableState(name, self._get("version"), self._get("manifest")) if name else None

    def files(self) -> dict[str, tuple[int, bytes]]:
        """Size and checksum of every file of the chunk table that must not change."""
        return {name: (size, digest) for name, size, digest in self._database.rows("SELECT name, size, digest FROM files")}

    def is_tidy(self) -> bool:
        """Nothing was committed since a run last ended as it should."""
        return self._get("table") is None or bool(self._get(TIDY))

    def is_cleaning(self) -> bool:
        """Old files are being removed, or their removal was cut off."""
        return bool(self._get(CLEANING))

    def untidied(self) -> int:
        """How much was committed since old files were last cleared away, in rows."""
        return (self._get(UNTIDIED) or int(not self.is_tidy())) if self._get("table") else 0

    def holds_chunks(self) -> bool:
        return bool(self._database.rows("SELECT EXISTS (SELECT 1 FROM chunks)")[0][0])

    def chunk_count(self) -> int:
        return self._database.rows("SELECT count(*) FROM chunks")[0][0]

    def have_chunks(self, source_ids: Iterable[str]) -> list[str]:
        """Those of the sources that have chunks."""
        query = "SELECT DISTINCT source_id FROM chunks WHERE source_id IN (*)"
        return [row[0] for row in self._database.rows_among(query, list(source_ids))]

    def known_chunks(self, chunk_ids: Iterable[str]) -> dict[str, tuple[bytes, Path]]:
        """The seal and the source's path of each chunk that belongs to the index."""
        query = "SELECT c.id, c.seal, s.path FROM chunks c JOIN sources s ON s.id = c.source_id WHERE c.id IN (*)"
        return {row[0]: (row[1], as_path(row[2])) for row in self._database.rows_among(query, list(chunk_ids))}

    def searchable(self) -> Iterator[tuple[str, str, str, int]]:
        """Id, path, collection and time of change of every source that has chunks."""
        query = "SELECT id, path, collection, modified_ns FROM sources WHERE chunks > 0"
        for source_id, path, *others in self._database.rows(query):
            yield source_id, os.fsdecode(path), *others

    def incomplete_sources(self, present: Iterable[str]) -> list[StoredSource]:
        """The sources that have a chunk whose id is not among those present."""
        gone = {row[0] for row in self._database.rows("SELECT id FROM chunks")}.difference(present)
        query = "SELECT DISTINCT source_id FROM chunks WHERE id IN (*)"
        owners = {row[0] for row in self._database.rows_among(query, sorted(gone))}
        return [source for source in self.sources().values() if source.id in owners]

    # ---- writing ---------------------------------------------------------------------------------

    def put_sources(self, sources: Sequence[StoredSource]) -> None:
        marks = ",".join("?" * len(SOURCE_COLUMNS))
        statement = f"INSERT OR REPLACE INTO sources ({','.join(SOURCE_COLUMNS)}) VALUES ({marks})"
        self._database.each(statement, map(source_row, sources))

    def refresh_sources(self, sources: Sequence[StoredSource]) -> None:
        """What is known of the sources is this, but for their chunks; sources that are not known stay unknown."""
        settings = ",".join(f"{name} = :{name}" for name in SOURCE_COLUMNS if name != "chunks")
        rows = [dict(zip(SOURCE_COLUMNS, source_row(source), strict=True)) for source in sources]
        self._database.each(f"UPDATE sources SET {settings} WHERE id = :id", rows)

    def put_seals(self, seals: Iterable[tuple[str, str, bytes]]) -> None:
        """Chunk id, source id and seal of chunks that were stored."""
        self._database.each("INSERT OR REPLACE INTO chunks (id, source_id, seal) VALUES (?, ?, ?)", seals)

    def forget_chunks(self, source_ids: Iterable[str]) -> None:
        self._database.each("DELETE FROM chunks WHERE source_id = ?", ((source_id,) for source_id in source_ids))

    def forget_sources(self, source_ids: Sequence[str]) -> None:
        self.forget_chunks(source_ids)
        self._database.each("DELETE FROM sources WHERE id = ?", ((source_id,) for source_id in source_ids))

    def put_roots(self, roots: Sequence[Root]) -> None:
        rows = [(os.fsencode(r.path), r.collection, json.dumps(r.include), json.dumps(r.exclude)) for r in roots]
        self._database.each("INSERT OR REPLACE INTO roots VALUES (?, ?, ?, ?)", rows)

    def drop_roots(self, roots: Sequence[Root]) -> None:
        keys = ((os.fsencode(root.path), root.collection) for root in roots)
        self._database.each("DELETE FROM roots WHERE path = ? AND collection = ?", keys)

    def set_table(self, state: TableState) -> None:
        self._set("table", state.name)
        self._set("version", state.version)
        self._set("manifest", state.manifest)

    def add_files(self, files: Mapping[str, tuple[int, bytes]]) -> None:
        self._database.each("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", [(name, *facts) for name, facts in files.items()])

    def drop_files(self, names: Iterable[str]) -> None:
        self._database.each("DELETE FROM files WHERE name = ?", ((name,) for name in names))

    def mark(self, mark: str, value: int) -> None:
        self._set(mark, int(value))

    def set_last_indexed(self, moment_ns: int) -> None:
        self._set("last_indexed_ns", moment_ns)

    def clear(self, identity: IndexIdentity) -> None:
        """Nothing is indexed, and the index is of this identity; the roots stay."""
        for table in ("sources", "chunks", "files", "facts"):
            self._database.rows(f"DELETE FROM {table}")
        self._set("identity", json.dumps(asdict(identity)))

    def _get(self, name: str) -> Any:
        rows = self._database.rows("SELECT value FROM facts WHERE name = ?", (name,))
        return rows[0][0] if rows else None

    def _set(self, name: str, value: str | int | bytes) -> None:
        self._database.rows("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))


@contextmanager
def _closed_on_error(ledger: Ledger) -> Iterator[Ledger]:
    try:
        yield ledger
    except BaseException:
        ledger.close()
        raise


@contextmanager
def _intact() -> Iterator[None]:
    """Values that cannot be understood mean that the ledger has rotted."""
    try:
        yield
    except (ValueError, TypeError, KeyError) as error:
        raise damaged("the index's ledger cannot be understood") from error


def _newer() -> StoreError:
    hint = "update ragcli, or set RAGCLI_HOME to another folder"
    return StoreError("index-newer", "this index was written by a newer ragcli", hint=hint)


def _differences(stored: IndexIdentity, wanted: IndexIdentity) -> str:
    if stored.embedder != wanted.embedder:
        return f"the embedder {stored.embedder}, not {wanted.embedder}"
    names = [name.replace("_", " ") for name, value in asdict(stored).items() if asdict(wanted)[name] != value]
    return f"another {' and '.join(names)}"
