"""Writing an index: one commit after the other, and mending on the way in what a crash or a bad disk left behind.

A commit is: the chunk table's new version, then all its new files flushed to the disk, then the ledger, which names that
version. What happens in between never happened. The caller holds the writer's lock.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ragcli.adapters import durability, lance_files
from ragcli.adapters.copies import leave_out_of_copies
from ragcli.adapters.inspection import Inspection, whole_rows
from ragcli.adapters.ledger import CLEANING, TIDY, UNTIDIED, Ledger, TableState
from ragcli.adapters.manners import lean_memory
from ragcli.errors import StoreError
from ragcli.types import IndexIdentity, Root, SourceUpdate, StoredSource

if TYPE_CHECKING:
    from ragcli.adapters.chunk_table import ChunkTable

COMMITS_BEFORE_TIDYING = 64
"""Each commit leaves files behind that make the next one and every query slower."""
LARGE_INDEX = 50_000
"""Chunks from which tidying takes seconds, because it writes the whole word index anew: too much for one edited file."""
UNTIDIED_BEFORE_TIDYING = 1_024
"""Rows that the indexes of a large index may leave out: searching looks at each of them."""
LEAST_OF_A_COMMIT = 16
"""A commit counts as so many rows at least, for the files that it leaves."""


class StoreWriter:
    """The one writer of an index, from the moment that it has the lock. Begin with ``recover``."""

    def __init__(self, folder: Path, ledger: Ledger, dimension: int) -> None:
        self.ledger = ledger
        self._folder = folder
        leave_out_of_copies(folder)
        self._dimension = dimension
        self._table: ChunkTable | None = None
        self._commits = 0
        self._sure = False

    # ---- what was left behind --------------------------------------------------------------------

    def recover(self) -> None:
        """The table is as the ledger says. Sources that lost chunks are forgotten, so that they are read again."""
        state = self.ledger.table()
        with durability.disk_errors(self._folder):
            for folder in lance_files.table_folders(self._folder):
                if state is None or folder != self._table_folder(state):
                    shutil.rmtree(folder)
            if state is not None:
                self._return_to(state)
        self._sure = True

    def _return_to(self, state: TableState) -> None:
        folder = self._table_folder(state)
        lance_files.return_to(folder, state)
        if self.ledger.is_cleaning():
            self._end_cleaning(state, tidy=False)
        if durability.changed_files(folder, self.ledger.files()):
            self._salvage(state)

    def repair(self) -> tuple[StoredSource, ...]:
        """Whatever is whole is kept in a new table if anything is not; the sources that lost chunks, and are forgotten."""
        state = self.ledger.table()
        if state is None:
            return ()
        inspection = Inspection(self._table_folder(state), self.ledger, state, lambda: self._open(state))
        if all(finding.level == "ok" for finding in inspection.findings(read_data=True)):
            return ()
        return self._salvage(state)

    def _salvage(self, state: TableState) -> tuple[StoredSource, ...]:
        from ragcli.adapters.chunk_table import ChunkTable

        self.close_table()
        with self._undone_on_error():
            table = ChunkTable.create(self._folder, lance_files.next_table(state.name), self._dimension)
            kept = self._copy_whole_rows(state, table)
            lost = self.ledger.incomplete_sources(kept)
            lost_ids = [source.id for source in lost]
            if lost:
                table.replace(lost_ids, ())
            self._acknowledge(table, lambda: self.ledger.forget_sources(lost_ids))
        self._table = table
        shutil.rmtree(self._table_folder(state), ignore_errors=True)
        return tuple(lost)

    def _copy_whole_rows(self, state: TableState, table: ChunkTable) -> set[str]:
        kept: set[str] = set()
        try:
            for rows in whole_rows(self._open(state), self.ledger):
                fresh = [row for row in rows if row["id"] not in kept]
                if fresh:
                    table.append(fresh)
                    kept.update(row["id"] for row in fresh)
        except StoreError as error:
            if error.slug != "index-damaged":
                raise
        return kept

    # ---- commits ---------------------------------------------------------------------------------

    def replace(self, updates: Sequence[SourceUpdate]) -> None:
        sources = [replace(update.source, chunks=len(update.chunks)) for update in updates]
        chunks = [chunk for update in updates for chunk in update.chunks]
        ids = [source.id for source in sources]
        if len({each.chunk.id for each in chunks}) != len(chunks) or len(set(ids)) != len(ids):
            raise ValueError("a source or a chunk comes twice in one commit")

        def record(seals: Sequence[tuple[str, str, bytes]] = ()) -> None:
            self.ledger.forget_chunks(ids)
            self.ledger.put_seals(seals)
            self.ledger.put_sources(sources)

        replaced = self.ledger.have_chunks(ids)
        if chunks or replaced:
            with self._undone_on_error():
                table = self._open_or_create()
                seals = table.replace(replaced, chunks)
                self._acknowledge(table, lambda: record(seals), rows=len(chunks))
            self._tidy_now_and_then()
        else:
            with self.ledger.transaction():
                record()

    def remove(self, sources: Sequence[StoredSource]) -> None:
        ids = [source.id for source in sources]
        stored = self.ledger.have_chunks(ids)
        if stored:
            with self._undone_on_error():
                table = self._open_or_create()
                table.replace(stored, ())
                self._acknowledge(table, lambda: self.ledger.forget_sources(ids))
            self._tidy_now_and_then()
        else:
            with self.ledger.transaction():
                self.ledger.forget_sources(ids)

    def refresh(self, sources: Sequence[StoredSource]) -> None:
        with self.ledger.transaction():
            self.ledger.refresh_sources(sources)

    def remember_roots(self, roots: Sequence[Root]) -> None:
        with self.ledger.transaction():
            self.ledger.put_roots(roots)

    def forget_roots(self, roots: Sequence[Root]) -> None:
        with self.ledger.transaction():
            self.ledger.drop_roots(roots)

    def clear(self, identity: IndexIdentity) -> None:
        """Nothing is indexed, and the index is of this identity; the roots stay."""
        self.close_table()
        with self.ledger.transaction():
            self.ledger.clear(identity)
        self._dimension = identity.dimension
        self.recover()

    def finish(self, *, quick: bool) -> None:
        left = self.ledger.untidied()
        if left and not (quick and left < UNTIDIED_BEFORE_TIDYING and self.ledger.stats(0).chunks >= LARGE_INDEX):
            self._tidy()
        if not quick:
            self._scour()
        with self.ledger.transaction():
            self.ledger.mark(TIDY, True)
            self.ledger.set_last_indexed(time.time_ns())

    def _scour(self) -> None:
        """What was removed is in no file any more: the table's library leaves it there until a tenth of the rows has gone."""
        state = self.ledger.table()
        if state and lance_files.hides_rows(self._table_folder(state)):
            self._salvage(state)
            self._tidy()

    def _tidy_now_and_then(self) -> None:
        self._commits += 1
        if self._commits >= COMMITS_BEFORE_TIDYING:
            self._tidy()

    def _tidy(self) -> None:
        with self._undone_on_error():
            table = self._open_or_create()
            try:
                _tidy_to_the_end(table)
            except StoreError as error:
                if error.slug != "index-damaged":
                    raise
                # A broken word index can be made again from the rows; if that fails too, the run ends with the error.
                table.rebuild_word_index()
                _tidy_to_the_end(table)
            self._acknowledge(table, lambda: self.ledger.mark(CLEANING, True))
            table.clean()
            state = table.state()
            if state != self.ledger.table():
                self._acknowledge(table, lambda: None)
            lance_files.remove_set_aside(self._table_folder(state))
            self._end_cleaning(state, tidy=True)
        self._commits = 0

    def _end_cleaning(self, state: TableState, *, tidy: bool) -> None:
        present = durability.list_files(self._table_folder(state))
        with self.ledger.transaction():
            self.ledger.drop_files(name for name in self.ledger.files() if name not in present)
            self.ledger.mark(CLEANING, False)
            self.ledger.mark(TIDY, tidy)
            if tidy:
                self.ledger.mark(UNTIDIED, 0)

    def _acknowledge(self, table: ChunkTable, record: Callable[[], None], *, rows: int = 0) -> None:
        """The table's newest version is on disk, and the ledger says so together with what ``record`` writes."""
        state, before = table.state(), self.ledger.table()
        folder = self._table_folder(state)
        known = self.ledger.files() if before and before.name == state.name else {}
        present = durability.list_files(folder)
        with durability.disk_errors(self._folder):
            lasting = [name for name in present if name not in known and lance_files.is_lasting(name)]
            durability.flush(folder, lasting)
            files = {name: (present[name], durability.digest_file(folder / name)) for name in lasting}
        with self.ledger.transaction():
            if not known:
                self.ledger.drop_files(list(self.ledger.files()))
            self.ledger.set_table(state)
            self.ledger.add_files(files)
            self.ledger.mark(UNTIDIED, self.ledger.untidied() + max(rows, LEAST_OF_A_COMMIT))
            self.ledger.mark(TIDY, False)
            record()

    # ---- the table -------------------------------------------------------------------------------

    def open_table(self, state: TableState) -> ChunkTable:
        """The table, for reading what this writer has committed."""
        if not self._sure:
            self.recover()
        return self._open(state)

    def _open_or_create(self) -> ChunkTable:
        if not self._sure:
            self.recover()
        state = self.ledger.table()
        return self._open(state) if state else self._create()

    def _create(self) -> ChunkTable:
        from ragcli.adapters.chunk_table import ChunkTable

        self._table = ChunkTable.create(self._folder, lance_files.next_table(None), self._dimension)
        return self._table

    def _open(self, state: TableState) -> ChunkTable:
        if self._table is None:
            from ragcli.adapters.chunk_table import ChunkTable

            self._table = ChunkTable.open_for_writing(self._folder, state)
        return self._table

    def close(self) -> None:
        self.close_table()
        self.ledger.rest()

    def close_table(self) -> None:
        if self._table is not None:
            self._table.close()
            self._table = None

    def _table_folder(self, state: TableState) -> Path:
        return lance_files.lance_folder(self._folder, state.name)

    @contextmanager
    def _undone_on_error(self) -> Iterator[None]:
        """If an error comes, the next use begins again with what the ledger says."""
        try:
            with durability.disk_errors(self._folder):
                yield
        except BaseException:
            self.close_table()
            self._sure = False
            raise


def _tidy_to_the_end(table: ChunkTable) -> None:
    """Nothing is left to tidy: ``clean`` would do it otherwise, and then remove files of the version that the ledger names."""
    version = -1
    while version != (version := table.state().version):
        with lean_memory():  # of a large table it takes a gigabyte otherwise, and keeps hundreds of megabytes
            table.tidy()
