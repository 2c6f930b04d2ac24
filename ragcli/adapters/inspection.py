"""What a look at an index shows: is everything that the ledger names there, and is it still what was written?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ragcli.adapters.chunk_rows import Row, seal
from ragcli.adapters.durability import changed_files
from ragcli.adapters.lance_files import is_whole, manifests
from ragcli.adapters.ledger import Ledger, TableState
from ragcli.errors import StoreError
from ragcli.types import Finding

if TYPE_CHECKING:
    from ragcli.adapters.chunk_table import ChunkTable

REPAIR_HINT = "ragcli check --repair, then ragcli index"
REBUILD_HINT = "ragcli index --force builds the index anew"


class Inspection:
    """One look at one version of an index. It changes nothing."""

    def __init__(self, table_folder: Path, ledger: Ledger, state: TableState, open_table: Callable[[], ChunkTable]) -> None:
        self._table_folder = table_folder
        self._ledger = ledger
        self._state = state
        self._open_table = open_table

    def findings(self, *, read_data: bool) -> Iterator[Finding]:
        """The quick look takes milliseconds; the other one reads every byte of the index."""
        yield inspect_ledger(self._ledger)
        yield self._version()
        yield self._files(read=read_data)
        yield self._chunk_count()
        if read_data:
            yield self._chunks()

    def _version(self) -> Finding:
        if not is_whole(self._table_folder, self._state):
            return Finding("version", "error", "the newest version's manifest is damaged", REPAIR_HINT)
        if max(manifests(self._table_folder)) > self._state.version:
            return Finding("version", "ok", "a write goes on, or was cut off: then the next ragcli index undoes it")
        return Finding("version", "ok", "the newest version is whole")

    def _files(self, *, read: bool) -> Finding:
        expected = self._ledger.files()
        changed = changed_files(self._table_folder, expected, read=read)
        if changed:
            return Finding("files", "error", f"{len(changed)} of {len(expected)} files are damaged or missing", REPAIR_HINT)
        return Finding("files", "ok", f"{len(expected)} files are {'unchanged' if read else 'there'}")

    def _chunk_count(self) -> Finding:
        expected = self._ledger.chunk_count()
        try:
            found = self._open_table().count()
        except StoreError as error:
            return Finding("chunks", "error", error.message, REPAIR_HINT)
        if found != expected:
            return Finding("chunks", "error", f"{found} chunks are there, not {expected}", REPAIR_HINT)
        return Finding("chunks", "ok", f"{expected} chunks are there")

    def _chunks(self) -> Finding:
        expected = self._ledger.chunk_count()
        try:
            whole = sum(len(rows) for rows in whole_rows(self._open_table(), self._ledger))
        except StoreError:
            whole = 0
        if whole != expected:
            return Finding("content", "error", f"{expected - whole} of {expected} chunks are damaged", REPAIR_HINT)
        return Finding("content", "ok", f"{whole} chunks are as they were written")


def inspect_ledger(ledger: Ledger) -> Finding:
    try:
        whole = ledger.is_whole()
    except StoreError as error:
        return Finding("ledger", "error", error.message, REBUILD_HINT)
    if not whole:
        return Finding("ledger", "error", "the ledger is damaged", REBUILD_HINT)
    return Finding("ledger", "ok", "the ledger is whole")


def whole_rows(table: ChunkTable, ledger: Ledger) -> Iterator[list[Row]]:
    """Every row that can be read and is as it was written, in batches."""
    for rows in table.readable():
        known = ledger.known_chunks(row["id"] for row in rows)
        yield [row for row in rows if row["id"] in known and known[row["id"]][0] == seal(row)]
