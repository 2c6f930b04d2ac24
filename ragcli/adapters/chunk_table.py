"""The chunk table: text, word index and vectors of all chunks, in LanceDB.

It opens exactly the version it is told to and reports the version it has reached. It does not know which version is the
true one, which sources exist or what may be searched: the ledger does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ragcli.adapters.chunk_arrow import COLUMNS, as_rows, as_table, matrix, stored_vector, table_schema
from ragcli.adapters.chunk_rows import Row, among, as_row, seal, storable
from ragcli.adapters.compounds import parts_in
from ragcli.adapters.durability import told_error, unwritable
from ragcli.adapters.lance_files import is_whole, lance_folder, lay_over, manifest_path
from ragcli.adapters.lance_library import FTS, IvfRq, MatchQuery, Table, lancedb
from ragcli.adapters.ledger import TableState
from ragcli.adapters.reaching import Reach
from ragcli.errors import StoreError
from ragcli.types import EmbeddedChunk, Vector

VECTOR_INDEX_FROM = 100_000
"""Below so many chunks a scan of all vectors takes under 0.1 s and finds the exact best."""
VECTOR_INDEX = "vector_idx"
MOST_SEGMENTS = 8
"""Parts of the vector index, one for each time of tidying; each is searched, and each keeps files of its own."""
ROWS_PER_CELL, LEAST_PROBES = 4_096, 64
"""Of the vector index. A quarter of its cells are looked into, at least so many: that held 0.98 of the exact best twenty of
29,000 real embeddings, an eighth held 0.96."""
REFINE, LEAST_REFINED = 2, 400
"""How many times the limit is compared exactly, and how many chunks at least. Of 5,400 real embeddings, looking for a hundred,
twice as many brought none of the exact best twenty that these do not."""
MOST_REMEMBERED = 1_000
"""Vectors of found rows, of 768 bytes each: those of some searches."""
FURTHER = 4
"""How many times more is looked at when too little of what was found may be shown."""
LONGEST_QUERY = 4_096
"""Characters of a query that are searched for; each word costs time, and a whole log may be piped in."""
CACHE_BYTES, WRITERS_CACHE_BYTES = 128 << 20, 16 << 20
"""Of the index, and as much of what describes the files. A writer reads hardly anything twice."""
WORD_INDEX = FTS(
    # Words of any script, and the parts of identifiers. Positions serve only phrases, which nobody can ask for.
    base_tokenizer="icu/split",
    stem=True,
    remove_stop_words=False,
    ascii_folding=True,
    with_position=False,
)


Places = Mapping[int, float]
"""Where rows are in the table, and their scores, best first."""


class ChunkTable:
    """One version of the table. A table opened for reading stays at its version; writing moves on to the next."""

    def __init__(self, folder: Path, name: str, table: Table, overlay: TemporaryDirectory[str] | None = None) -> None:
        self._path = lance_folder(folder, name)
        self._name = name
        self._table = table
        self._overlay = overlay
        self._dimension: int = table.schema.field("vector").type.list_size
        self._has_vector_index = any(index.columns == ["vector"] for index in table.list_indices())
        self._probes = max(LEAST_PROBES, table.count_rows() // ROWS_PER_CELL // 4)
        self._seen: dict[str, bytes] = {}
        """The vectors of rows that searches found: what is asked for next is the cosines of those found by words."""

    # ---- opening ---------------------------------------------------------------------------------

    @classmethod
    def create(cls, folder: Path, name: str, dimension: int) -> ChunkTable:
        """An empty table exists, with a word index that rows added later are found through."""
        with _translated(folder):
            table = _connect(folder, WRITERS_CACHE_BYTES).create_table(name, schema=table_schema(dimension))
            table.create_index("words", config=WORD_INDEX)
            return cls(folder, name, table)

    @classmethod
    def open_for_writing(cls, folder: Path, state: TableState) -> ChunkTable:
        """Raises StoreError ``index-damaged`` unless the table's newest version is the state's."""
        with _translated(folder):
            table = _connect(folder, WRITERS_CACHE_BYTES).open_table(state.name)
            if table.version != state.version:
                raise RuntimeError("the newest version is not the expected one")
            return cls(folder, state.name, table)

    @classmethod
    def open_for_reading(cls, folder: Path, state: TableState) -> ChunkTable:
        """Stays at the state's version and writes nothing, even if the version's own or a newer manifest is broken."""
        if is_whole(lance_folder(folder, state.name), state):
            with suppress(StoreError), _translated(folder):
                return cls(folder, state.name, _connect(folder).open_table(state.name, version=state.version))
        # A broken manifest keeps LanceDB from opening any version. So it is shown a folder with only the good one.
        overlay = TemporaryDirectory(prefix="ragcli-")
        try:
            with _translated(folder):
                lay_over(Path(overlay.name), folder, state)
                return cls(folder, state.name, _connect(Path(overlay.name)).open_table(state.name), overlay)
        except BaseException:
            overlay.cleanup()
            raise

    def state(self) -> TableState:
        """The version reached, with its manifest as it is on disk."""
        with _translated(self._path):
            version = self._table.version
        return TableState(self._name, version, manifest_path(self._path, version).read_bytes())

    def close(self) -> None:
        if self._overlay is not None:
            self._overlay.cleanup()

    # ---- writing ---------------------------------------------------------------------------------

    def replace(self, source_ids: Sequence[str], chunks: Iterable[EmbeddedChunk]) -> list[tuple[str, str, bytes]]:
        """Rows of the sources are gone and these chunks are there, in one commit. Returns id, source id and seal of each chunk.

        Name only sources that have rows: without any the chunks are appended, which costs the same in a table of any size.
        """
        rows = [as_row(each.chunk, stored_vector(each.vector, self._dimension)) for each in chunks]
        self._seen = {}
        with _translated(self._path):
            if not source_ids:
                self._table.add(as_table(rows, self._table.schema))
            elif rows:
                merge = self._table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
                merge.when_not_matched_by_source_delete(among(source_ids)).execute(as_table(rows, self._table.schema))
            else:
                self._table.delete(among(source_ids))
        return [(row["id"], row["source_id"], seal(row)) for row in rows]

    def append(self, rows: Sequence[Row]) -> None:
        with _translated(self._path):
            self._table.add(as_table(rows, self._table.schema))

    def tidy(self) -> None:
        """Small files are merged and the indexes cover every row. Old versions are still there."""
        with _translated(self._path):
            if self._has_vector_index and self._vector_segments() >= MOST_SEGMENTS:
                # What different segments cover is never merged, and a new index is spread over what there is now.
                self._table.drop_index(VECTOR_INDEX)
                self._has_vector_index = False
            self._table.optimize()
            if self.count() >= VECTOR_INDEX_FROM and not self._has_vector_index:
                cells = max(1, self.count() // ROWS_PER_CELL)
                self._table.create_index("vector", config=IvfRq(distance_type="cosine", num_partitions=cells), name=VECTOR_INDEX)
                self._has_vector_index = True

    def _vector_segments(self) -> int:
        return getattr(self._table.index_stats(VECTOR_INDEX), "num_indices", None) or 1

    def rebuild_word_index(self) -> None:
        with _translated(self._path):
            self._table.create_index("words", config=WORD_INDEX, replace=True)

    def clean(self) -> None:
        """Only the newest version is left on disk. The caller holds the writer's lock."""
        with _translated(self._path):
            self._table.optimize(cleanup_older_than=timedelta(milliseconds=1), delete_unverified=True)

    # ---- reading ---------------------------------------------------------------------------------

    def count(self) -> int:
        with _translated(self._path):
            return self._table.count_rows()

    def nearest(self, vector: Vector, *, limit: int, reach: Reach) -> Places:
        """The chunks with the highest cosine to the vector, best first; exact while there is no vector index."""
        wanted = self._query_vector(vector)

        def ask(count: int) -> Any:
            search: Any = self._table.search(wanted, vector_column_name="vector")
            query = search.distance_type("cosine")
            if self._has_vector_index:
                query = query.nprobes(self._probes).refine_factor(max(REFINE, LEAST_REFINED // count))
            return query

        return {place: 1.0 - distance for place, distance in self._best(ask, limit, reach, "_distance").items()}

    def matching(self, text: str, *, limit: int, reach: Reach) -> Places:
        """The chunks with the highest BM25 for the words of the text, best first. No character of it has a meaning."""
        asked = text[:LONGEST_QUERY]
        words = storable(" ".join((asked, *parts_in(asked, nouns_only=False))))
        return self._best(lambda _: self._table.search(_match(words), query_type="fts"), limit, reach, "_score")

    def _best(self, ask: Callable[[int], Any], limit: int, reach: Reach, score: str) -> Places:
        columns, count = [score, *(["source_id"] if reach.sources else [])], limit
        with _translated(self._path):
            while True:
                query = ask(count).where(reach.predicate, prefilter=True) if reach.predicate else ask(count)
                found = query.select(columns).with_row_id(True).limit(count).to_arrow()
                scores = dict(zip(found["_rowid"].to_pylist(), found[score].to_pylist(), strict=True))
                if reach.sources:
                    sources = zip(scores, found["source_id"].to_pylist(), strict=True)
                    scores = {place: scores[place] for place, source_id in sources if source_id in reach.sources}
                if len(scores) >= limit or len(found) < count:
                    return dict(islice(scores.items(), limit))
                count *= FURTHER

    def rows_at(self, places: Iterable[int]) -> dict[int, Row]:
        """The whole rows. To take them costs more than to find them: ask once, for what several searches found."""
        asked = sorted(set(places))
        if not asked:
            return {}
        with _translated(self._path):
            taken = self._table.take_row_ids(asked).with_row_id().select(COLUMNS).to_arrow()
            by_place = dict(zip(taken["_rowid"].to_pylist(), as_rows(taken), strict=True))
            # A rotten index names rows that there are not; a KeyError becomes ``index-damaged`` here, as any failure does.
            rows = {place: by_place[place] for place in asked}
        known = self._seen if len(self._seen) < MOST_REMEMBERED else {}
        self._seen = known | {row["id"]: row["vector"] for row in rows.values()}
        return rows

    def rows_of(self, source_ids: Sequence[str]) -> list[Row]:
        """The rows of the sources, one after the other, each in order."""
        if not source_ids:
            return []
        predicate = among(source_ids)
        with _translated(self._path):
            rows = as_rows(self._table.search().where(predicate).select(COLUMNS).to_arrow())
        return sorted(rows, key=lambda row: (row["source_id"], row["ordinal"]))

    def cosines(self, vector: Vector, chunk_ids: Sequence[str]) -> dict[str, float]:
        """The cosine between the vector and each of the chunks."""
        wanted = self._query_vector(vector)
        found = {each: self._seen[each] for each in chunk_ids if each in self._seen}
        found |= self._vectors_of([each for each in chunk_ids if each not in found])
        if not found:
            return {}
        stored = np.frombuffer(b"".join(found.values()), dtype=np.float16).reshape(len(found), -1).astype(np.float32)
        cosines = stored @ wanted / (np.linalg.norm(stored, axis=1) * np.linalg.norm(wanted))
        return dict(zip(found, cosines.tolist(), strict=True))

    def _vectors_of(self, chunk_ids: Sequence[str]) -> dict[str, bytes]:
        """By looking through the whole table: a few hundred milliseconds where there are a million chunks."""
        if not chunk_ids:
            return {}
        with _translated(self._path):
            rows = self._table.search().where(among(chunk_ids, "id")).select(["id", "vector"]).to_arrow()
        return dict(zip(rows["id"].to_pylist(), [vector.tobytes() for vector in matrix(rows)], strict=True))

    def readable(self, batch: int = 1024) -> Iterator[list[Row]]:
        """Every row that can be read at all, in batches, around whatever cannot."""
        total = self.count()
        for first in range(0, total, batch):
            yield from self._readable(first, min(first + batch, total))

    def _readable(self, first: int, end: int) -> Iterator[list[Row]]:
        rows = self._take(range(first, end))
        if rows is not None:
            yield rows
        elif end - first > 1 and any(self._take([at]) is not None for at in (first, end - 1)):
            # Rows that cannot be read stand together: where both ends are bad, all between is given up.
            middle = (first + end) // 2
            yield from self._readable(first, middle)
            yield from self._readable(middle, end)

    def _take(self, offsets: Sequence[int]) -> list[Row] | None:
        with suppress(StoreError), _translated(self._path):
            return as_rows(self._table.take_offsets(list(offsets)).select(COLUMNS).to_arrow())
        return None

    def _query_vector(self, vector: Vector) -> np.ndarray[Any, Any]:
        wanted = np.asarray(vector, dtype=np.float32)
        if wanted.shape != (self._dimension,):
            message = f"this index holds vectors of {self._dimension} numbers, the question's has {wanted.size}"
            raise StoreError("index-mismatch", message, hint="ragcli index --force builds it anew")
        return wanted


def _match(words: str) -> MatchQuery:
    return MatchQuery(words, "words")  # pyright: ignore[reportCallIssue]  # pydantic's defaults are invisible to it


def _connect(folder: Path, cache_bytes: int = CACHE_BYTES) -> lancedb.DBConnection:
    session = lancedb.Session(index_cache_size_bytes=cache_bytes, metadata_cache_size_bytes=cache_bytes)
    return lancedb.connect(folder, session=session)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except StoreError:
        raise
    except Exception as error:
        if refused := told_error(str(error)):
            raise unwritable(path, refused) from error
        hint = "ragcli check --repair keeps what is whole; the next ragcli index reads the rest again"
        raise StoreError("index-damaged", "a part of the index cannot be read", hint=hint) from error
