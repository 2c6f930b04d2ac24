"""An SQLite file with the manners that the ledger needs: durable transactions, snapshots, and readers that create nothing.

It knows no tables.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ragcli.adapters.durability import digest_file, disk_errors, disk_full, has_no_room, remove_durably, unwritable, write_durably
from ragcli.errors import StoreError

PATIENCE_SECONDS = 10
"""How long to wait for another process that is inside a commit, which takes milliseconds."""
MOST_PARAMETERS = 500
"""In one query; SQLite takes at least 999."""


class Database:
    """One connection. Raises StoreError: ``index-damaged``, ``index-locked``, ``disk-full``, ``unsafe-folder``."""

    def __init__(self, path: Path, mode: str) -> None:
        self._path = path
        address = f"{path.absolute().as_uri()}?{mode}"
        with self._translated():
            self._connection = sqlite3.connect(
                address, uri=True, isolation_level=None, check_same_thread=False, timeout=PATIENCE_SECONDS
            )

    @classmethod
    def open_for_reading(cls, path: Path) -> Database:
        """Creates nothing, not even beside the file, and works on a read-only disk.

        What a crash has left half done is taken back first; where that cannot be written, the file cannot be read.
        """
        try:
            return cls._tried(path, "mode=ro")
        except StoreError as error:
            if error.slug not in ("unsafe-folder", "disk-full"):
                raise
        if _journal(path).exists():
            return cls._tried(path, "mode=rw")
        # In a folder that cannot be written to, SQLite wants the promise that nobody else writes there either.
        return cls(path, "mode=ro&immutable=1")

    @classmethod
    def _tried(cls, path: Path, mode: str) -> Database:
        """Open, and read from."""
        database = cls(path, mode)
        try:
            database.rows("PRAGMA schema_version")
        except StoreError:
            database.close()
            raise
        return database

    @classmethod
    def open_for_writing(cls, path: Path) -> Database:
        """The file exists; nothing is written to one that existed until ``start_writing``."""
        return cls(path, "mode=rwc")

    def start_writing(self) -> None:
        """Others can read while this connection writes, and what it commits survives a power cut.

        Raises StoreError ``index-damaged``, with nothing written, if the file has changed since it came to rest.
        """
        with disk_errors(self._path):
            if not self._rested_well():
                raise damaged("the index's ledger has changed while nobody wrote to it")
            # Gone for good before the first change, or a power cut would make a changed file look like a rotten one.
            remove_durably(_checksum(self._path))
        # secure_delete: what a user has removed from the index shall not stay in the file.
        for setting in ("journal_mode = WAL", "synchronous = FULL", "fullfsync = ON", "secure_delete = ON"):
            self.rows(f"PRAGMA {setting}")

    def rest(self) -> None:
        """The connection is closed, and the file is whole by itself, so that readers need not create others beside it.

        Beside it stands a checksum of it, since SQLite keeps none.
        """
        # It cannot come to rest while another process reads; then the next writer's end does it.
        with suppress(sqlite3.Error, OSError):
            self._connection.execute("PRAGMA busy_timeout = 0")
            at_rest = self._connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0] == "delete"
            # What SQLite could not remove it will apply to the file when that is next opened.
            if at_rest and not any(path.exists() for path in _beside(self._path)):
                write_durably(_checksum(self._path), digest_file(self._path))
        self.close()

    def is_whole(self) -> bool:
        """SQLite finds its file in order, and if no writer has touched it since it came to rest, not a bit has changed."""
        return self._rested_well() and self.rows("PRAGMA integrity_check(1)") == [("ok",)]

    def _rested_well(self) -> bool:
        checksum = _checksum(self._path)
        with suppress(FileNotFoundError):
            if checksum.read_bytes() != digest_file(self._path):
                return not checksum.is_file()  # a writer has begun between the two looks
        return True

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything read inside belongs to one commit, whatever a writer does meanwhile."""
        if self._connection.in_transaction:
            yield
            return
        self.rows("BEGIN")
        try:
            yield
        finally:
            self._connection.rollback()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside is on disk afterwards, or nothing of it if an error comes."""
        self.rows("BEGIN IMMEDIATE")
        try:
            yield
            self.rows("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.rollback()
            raise

    def revision(self) -> tuple[int, int]:
        """Another one after every change, by this connection or by others; comparable only within one connection."""
        return self.rows("PRAGMA data_version")[0][0], self._connection.total_changes

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        with self._translated():
            return self._connection.execute(sql, parameters).fetchall()

    def rows_among(self, sql: str, values: Sequence[str]) -> list[Any]:
        """The query's rows, with ``(*)`` standing for the values, a bounded number at a time."""
        found: list[Any] = []
        for first in range(0, len(values), MOST_PARAMETERS):
            part = values[first : first + MOST_PARAMETERS]
            found += self.rows(sql.replace("(*)", f"({','.join('?' * len(part))})"), part)
        return found

    def each(self, sql: str, rows: Iterable[Any]) -> None:
        """The statement is done for each of the rows of parameters."""
        with self._translated():
            self._connection.executemany(sql, rows)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _explain(error, self._path) from error


def set_aside(path: Path) -> None:
    """There is no such file any more; what it held can still be looked at beside its place."""
    with disk_errors(path):
        remove_durably(_checksum(path))
        for part in (path, *_beside(path)):
            with suppress(FileNotFoundError):
                part.replace(part.with_name(f"damaged-{part.name}"))


def _checksum(path: Path) -> Path:
    return path.with_suffix(".checksum")


def _beside(path: Path) -> list[Path]:
    """What SQLite keeps beside its file while that is in use."""
    return [*(path.with_name(path.name + part) for part in ("-wal", "-shm")), _journal(path)]


def _journal(path: Path) -> Path:
    """What was in the file before a change that is not complete."""
    return path.with_name(f"{path.name}-journal")


def _explain(error: sqlite3.Error, path: Path) -> StoreError:
    name = getattr(error, "sqlite_errorname", "") or ""
    # What SQLite could not create beside its file, it says, it could not open.
    if name == "SQLITE_FULL" or (name.startswith("SQLITE_CANTOPEN") and has_no_room(path.parent)):
        return disk_full(path)
    if name.startswith("SQLITE_IOERR"):
        return unwritable(path, OSError(errno.EIO, os.strerror(errno.EIO)))
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreError("index-locked", "another process is busy writing to the index", hint="wait until it has finished")
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM")):
        return StoreError("unsafe-folder", f"{path} cannot be opened", hint="check its permissions, or set RAGCLI_HOME")
    return damaged("the index's ledger cannot be read")


def damaged(message: str) -> StoreError:
    return StoreError("index-damaged", message, hint="ragcli index --force builds the index anew")
