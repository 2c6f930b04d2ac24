"""Tests of the lanes and of the process that reads."""

from __future__ import annotations

from pathlib import Path

from ragcli.ports import Reader
from ragcli.types import Document, FileStamp, Unreadable


def read_one(reader: Reader, path: Path) -> Document | Unreadable:
    """The document at ``path``, or why there is none."""
    (_, result), *_ = reader.read([FileStamp(path, 0, 0, 0)])
    return result
