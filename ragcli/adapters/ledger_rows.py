"""The rows of the ledger as plain values: from a source, and back to one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from ragcli.adapters.chunk_rows import storable
from ragcli.types import StoredSource

SOURCE_COLUMNS = (
    *("id", "path", "collection", "size", "modified_ns", "inode", "digest", "fingerprint"),
    *("chunks", "reason", "detail", "title", "changed_ns", "secrets"),
)


def as_source(row: Sequence[Any]) -> StoredSource:
    identifier, path, collection, size, modified_ns, inode, *others = row
    return StoredSource(identifier, as_path(path), collection, size, modified_ns, int(inode), *others)


def source_row(source: StoredSource) -> tuple[Any, ...]:
    """In the order of the columns. The inode is a text: on some file systems it does not fit SQLite's integers."""
    return (
        *(source.id, os.fsencode(source.path), source.collection, source.size, source.modified_ns, str(source.inode)),
        *(source.digest, source.fingerprint, source.chunks, source.reason, storable(source.detail), storable(source.title)),
        *(source.changed_ns, source.secrets),
    )


@lru_cache(4_096)
def as_path(stored: bytes) -> Path:
    """Remembered, since every hit of every search has one."""
    return Path(os.fsdecode(stored))
