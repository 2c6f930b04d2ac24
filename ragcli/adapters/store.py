"""The store: sources in a ledger, their chunks in a table.

The ledger decides what is true: readers look only at the version of the table that it names, within one snapshot of it, and
believe a chunk only if it bears the ledger's seal. What needs no chunks is answered from the ledger alone, without the
table's library being loaded. Here is the reading; the writing is the writer's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ragcli.adapters import durability
from ragcli.adapters.chunk_rows import Row, as_chunk, seal, stored_vector
from ragcli.adapters.inspection import Inspection, inspect_ledger
from ragcli.adapters.lance_files import lance_folder
from ragcli.adapters.ledger import Ledger, TableState
from ragcli.adapters.reaching import Reach, Reaching
from ragcli.adapters.store_writer import StoreWriter
from ragcli.errors import StoreError
from ragcli.types import (
    Chunk,
    EmbeddedChunk,
    Finding,
    IndexIdentity,
    Ranking,
    Root,
    Scope,
    ScoredChunk,
    SourceUpdate,
    StoredSource,
    StoreStats,
    Vector,
)

if TYPE_CHECKING:
    from ragcli.adapters.chunk_table import ChunkTable
    from ragcli.adapters.writer_lock import Patience

Find = Callable[["ChunkTable", Reach], Mapping[int, float]]
"""The scores of places in a table, given what of it may be found."""
T = TypeVar("T")


class LanceStore:
    """An index in a folder of its own, which is made by the first ``writing``. It fits the port ``Store``."""

    def __init__(self, folder: Path, *, patience: Patience | None = None) -> None:
        """``patience`` says how long to wait for another writer, and who is told; without it, not at all."""
        durability.refuse_remote(folder)
        self._folder = folder
        self._patience = patience
        self._ledger: Ledger | None = None
        self._table: tuple[TableState, ChunkTable] | None = None
        self._writer: StoreWriter | None = None
        self._reaching = Reaching()
        self._damaged: set[str] = set()

    # ---- the ledger alone ------------------------------------------------------------------------

    def identity(self) -> IndexIdentity | None:
        ledger = self._open_ledger()
        return ledger.identity() if ledger else None

    def sources(self) -> Mapping[str, StoredSource]:
        ledger = self._open_ledger()
        return ledger.sources() if ledger else {}

    def roots(self) -> tuple[Root, ...]:
        ledger = self._open_ledger()
        return ledger.roots() if ledger else ()

    def stats(self) -> StoreStats:
        ledger = self._open_ledger()
        if ledger is None:
            return StoreStats(0, 0, 0, 0, None, None)
        with ledger.snapshot():
            return ledger.stats(sum(durability.list_files(self._folder).values()))

    @property
    def holds_chunks(self) -> bool:
        return self.identity() is not None and self._require_ledger().holds_chunks()

    @property
    def unfinished(self) -> bool:
        """A run was cut off before its ``finish``: everything is found, but slower than it could be."""
        ledger = self._open_ledger()
        return ledger is not None and ledger.identity() is not None and not ledger.is_tidy()

    # ---- writing ---------------------------------------------------------------------------------

    @contextmanager
    def writing(self, identity: IndexIdentity) -> Iterator[None]:
        """Inside, this process is the one writer, and what an interrupted one left behind is mended.

        Raises StoreError: ``index-locked``, ``index-mismatch``, ``index-newer``, ``unsafe-folder``, ``disk-full``.
        """
        with self._writing(lambda ledger_path: Ledger.open_for_writing(ledger_path, identity), identity):
            yield

    @contextmanager
    def _writing(self, open_ledger: Callable[[Path], Ledger], identity: IndexIdentity) -> Iterator[StoreWriter]:
        # Loaded here because a reader never locks.
        from ragcli.adapters.writer_lock import Patience, writer_lock

        if self._writer is not None:
            raise StoreError("index-locked", "this store is already being written to", hint="wait until it has finished")
        durability.check_private(self._folder)
        Ledger.refuse_newer(self._folder / "ledger.db")
        durability.make_private(self._folder)
        with durability.private_files(), writer_lock(self._folder / "writer.lock", self._patience or Patience()):
            self.close()
            ledger = open_ledger(self._folder / "ledger.db")
            self._writer = StoreWriter(self._folder, ledger, identity.dimension)
            try:
                self._writer.recover()
                yield self._writer
            finally:
                self._writer.close()
                self._writer = None

    def remember_roots(self, roots: Sequence[Root]) -> None:
        self._active_writer().remember_roots(roots)

    def forget_roots(self, roots: Sequence[Root]) -> None:
        self._active_writer().forget_roots(roots)

    def replace(self, updates: Sequence[SourceUpdate]) -> None:
        self._active_writer().replace(updates)

    def refresh(self, sources: Sequence[StoredSource]) -> None:
        self._active_writer().refresh(sources)

    def remove(self, sources: Sequence[StoredSource]) -> None:
        self._active_writer().remove(sources)

    def finish(self, *, quick: bool = False) -> None:
        self._active_writer().finish(quick=quick)

    def reset(self, identity: IndexIdentity) -> None:
        """Nothing is indexed, and the index is of this identity; the roots stay. It mends even an index that cannot be opened."""
        if self._writer is not None:
            self._writer.clear(identity)
            return
        with self._writing(lambda ledger_path: Ledger.open_anew(ledger_path, identity), identity):
            pass

    def repair(self) -> tuple[StoredSource, ...]:
        """Every chunk is as it was written; the sources that had others, which the next run reads again."""
        if self._writer is not None:
            return self._writer.repair()
        identity = self.identity()
        if identity is None:
            return ()
        with self._writing(lambda ledger_path: Ledger.open_for_writing(ledger_path, identity), identity) as writer:
            return writer.repair()

    def _active_writer(self) -> StoreWriter:
        if self._writer is None:
            raise RuntimeError("the store is written to only inside writing()")
        return self._writer

    # ---- reading chunks --------------------------------------------------------------------------

    @property
    def damaged(self) -> int:
        """How many chunks were left out of what was read because they are not as they were written."""
        return len(self._damaged)

    def chunks_of(self, source_id: str) -> tuple[Chunk, ...]:
        return tuple(each.chunk for each in self.embedded_chunks([source_id]).get(source_id, ()))

    def embedded_chunks(self, source_ids: Sequence[str]) -> Mapping[str, tuple[EmbeddedChunk, ...]]:
        def work(ledger: Ledger, table: ChunkTable) -> dict[str, tuple[EmbeddedChunk, ...]]:
            rows = table.rows_of(ledger.have_chunks(source_ids))
            vectors = {row["id"]: stored_vector(row) for row in rows}
            whole = self._whole(ledger, dict(enumerate(rows)))
            by_source = groupby(whole.values(), key=lambda chunk: chunk.source_id)
            return {source: tuple(EmbeddedChunk(chunk, vectors[chunk.id]) for chunk in own) for source, own in by_source}

        return self._read(work, {})

    def search_meaning(self, vector: Vector, *, limit: int, scope: Scope) -> Ranking:
        return Ranking("meaning", self._search(limit, scope, _nearest(vector, limit))[0])

    def search_words(self, text: str, *, limit: int, scope: Scope) -> Ranking:
        return Ranking("words", self._search(limit, scope, _matching(text, limit))[0])

    def search_both(self, text: str, vector: Vector, *, limit: int, scope: Scope) -> tuple[Ranking, Ranking]:
        words, meaning = self._search(limit, scope, _matching(text, limit), _nearest(vector, limit))
        return Ranking("words", words), Ranking("meaning", meaning)

    def similarities(self, vector: Vector, chunk_ids: Sequence[str]) -> Mapping[str, float]:
        def work(ledger: Ledger, table: ChunkTable) -> dict[str, float]:
            known = ledger.known_chunks(chunk_ids)
            return table.cosines(vector, list(known)) if known else {}

        return self._read(work, {})

    def check(self, *, read_data: bool = False) -> Iterator[Finding]:
        """What is wrong with the index, if anything; with ``read_data`` every byte of it is compared."""
        try:
            yield from self._inspect(read_data=read_data)
        except StoreError as error:
            yield Finding("ledger", "error", error.message, error.hint)

    def _inspect(self, *, read_data: bool) -> list[Finding]:
        ledger = self._open_ledger()
        if ledger is None:
            return [Finding("index", "warning", "there is no index yet", "ragcli index PATH makes one")]
        with ledger.snapshot():
            state = ledger.table()
            if state is None:
                return [inspect_ledger(ledger)]
            table_folder = lance_folder(self._folder, state.name)
            inspection = Inspection(table_folder, ledger, state, lambda: self._table_at(state))
            findings = list(inspection.findings(read_data=read_data))
        # A writer may have cleared away what was looked at: then look at what it made of it.
        return findings if ledger.table() == state else self._inspect(read_data=read_data)

    def close(self) -> None:
        """Everything that was opened for reading is closed; the store can be used again."""
        self._drop_table()
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None

    def _search(self, limit: int, scope: Scope, *finds: Find) -> list[tuple[ScoredChunk, ...]]:
        """What each finds within the scope, in one version of the index; they look at the same time."""

        def work(ledger: Ledger, table: ChunkTable) -> list[tuple[ScoredChunk, ...]]:
            reach = self._reaching.of(scope, ledger)
            if reach is None:
                return nothing
            with ThreadPoolExecutor(len(finds)) as pool:
                found = list(pool.map(lambda find: find(table, reach), finds))
            chunks = self._whole(ledger, table.rows_at(place for scores in found for place in scores))
            return [_by_score(scores, chunks) for scores in found]

        nothing: list[tuple[ScoredChunk, ...]] = [()] * len(finds)
        return self._read(work, nothing) if limit > 0 else nothing

    def _whole(self, ledger: Ledger, rows: Mapping[int, Row]) -> dict[int, Chunk]:
        """The chunks that the ledger knows and that bear its seal, in order; the others are counted and left out."""
        known = ledger.known_chunks(row["id"] for row in rows.values())
        whole = {place: row for place, row in rows.items() if row["id"] in known and known[row["id"]][0] == seal(row)}
        self._damaged.update(row["id"] for place, row in rows.items() if place not in whole)
        return {place: as_chunk(row, known[row["id"]][1]) for place, row in whole.items()}

    def _read(self, work: Callable[[Ledger, ChunkTable], T], nothing: T) -> T:
        """What ``work`` finds in one version of the index; ``nothing`` if it holds no chunks yet."""
        ledger = self._require_ledger()
        while True:
            with ledger.snapshot():
                state = ledger.table()
                if state is None:
                    return nothing
                try:
                    return work(ledger, self._table_at(state))
                except StoreError as error:
                    if error.slug != "index-damaged":
                        raise
                    failure = error
            # A writer may have cleared that version away meanwhile: the error counts only if it is still the true one.
            self._drop_table()
            if ledger.table() == state:
                raise failure

    def _table_at(self, state: TableState) -> ChunkTable:
        if self._writer is not None:
            return self._writer.open_table(state)
        if self._table is None or self._table[0] != state:
            from ragcli.adapters.chunk_table import ChunkTable

            self._drop_table()
            self._table = (state, ChunkTable.open_for_reading(self._folder, state))
        return self._table[1]

    def _drop_table(self) -> None:
        if self._table is not None:
            self._table[1].close()
            self._table = None

    def _require_ledger(self) -> Ledger:
        ledger = self._open_ledger()
        if ledger is None or ledger.identity() is None:
            raise StoreError("index-missing", f"there is no index in {self._folder}", hint="ragcli index PATH makes one")
        return ledger

    def _open_ledger(self) -> Ledger | None:
        """The writer's ledger, or one for reading; None while there is no index. Creates nothing."""
        if self._writer is not None:
            return self._writer.ledger
        if self._ledger is None:
            durability.check_private(self._folder)
            path = self._folder / "ledger.db"
            if path.is_file():
                self._ledger = Ledger.open_for_reading(path)
        return self._ledger


def _by_score(scores: Mapping[int, float], chunks: Mapping[int, Chunk]) -> tuple[ScoredChunk, ...]:
    """Best first, in the same order each time."""
    entries = [ScoredChunk(chunks[place], score) for place, score in scores.items() if place in chunks]
    return tuple(sorted(entries, key=lambda entry: (-entry.score, entry.chunk.id)))


def _nearest(vector: Vector, limit: int) -> Find:
    return lambda table, reach: table.nearest(vector, limit=limit, reach=reach)


def _matching(text: str, limit: int) -> Find:
    return lambda table, reach: table.matching(text, limit=limit, reach=reach)
