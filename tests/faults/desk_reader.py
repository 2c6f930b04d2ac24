"""A reader of real text files, in this process: what a worker would say of them, in microseconds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ragcli.types import Document, FileStamp, Unreadable
from tests.fakes.reader import FakeReader


class DiskReader:
    """Fits the port ``Reader``. Every document has the same title, so that a moved one is the same text."""

    fingerprint = "disk reader 1"

    def read(self, stamps: Iterable[FileStamp]) -> Iterator[tuple[FileStamp, Document | Unreadable]]:
        for stamp in stamps:
            try:
                text = stamp.path.read_text(encoding="utf-8")
            except OSError:
                yield stamp, Unreadable(stamp.path, "vanished")
                continue
            read = FakeReader({stamp.path: text}).read_document(stamp.path)
            yield stamp, replace(read, title="note") if isinstance(read, Document) else read

    def close(self) -> None:
        """There is nothing to close."""
