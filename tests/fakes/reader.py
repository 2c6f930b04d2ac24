"""A reader of files that exist only as a dictionary."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ragcli.types import Block, Document, FileStamp, Locator, Unreadable


class FakeReader:
    """Reads ``files``: path → text. What stands in ``broken`` (path → reason) is unreadable; the rest has vanished."""

    def __init__(self, files: Mapping[Path, str], *, broken: Mapping[Path, str] | None = None) -> None:
        self.fingerprint = "fake reader 1"
        self.files = files
        self.broken = dict(broken or {})
        self.taken: list[Path] = []
        """Every path that was read, in order."""

    def read(self, stamps: Iterable[FileStamp]) -> Iterator[tuple[FileStamp, Document | Unreadable]]:
        for stamp in stamps:
            self.taken.append(stamp.path)
            yield stamp, self.read_document(stamp.path)

    def read_document(self, path: Path) -> Document | Unreadable:
        if path in self.broken:
            return Unreadable(path, self.broken[path])
        if path not in self.files:
            return Unreadable(path, "vanished")
        text = self.files[path]
        digest = hashlib.sha256(text.encode()).hexdigest()
        blocks = tuple(_paragraphs(text))
        if not blocks:
            return Unreadable(path, "empty", digest=digest)
        return Document(path=path, title=path.stem, text=text, digest=digest, kind="prose", blocks=blocks)

    def close(self) -> None:
        """There is nothing to close."""


def _paragraphs(text: str) -> Iterator[Block]:
    """One block for each run of lines that are not blank."""
    start = line = 0
    for paragraph in text.split("\n\n"):
        body = paragraph.strip("\n")
        if body.strip():
            lead = len(paragraph) - len(paragraph.lstrip("\n"))
            first = line + lead + 1
            begin = start + lead
            yield Block(begin, begin + len(body), Locator(lines=(first, first + body.count("\n"))))
        start += len(paragraph) + 2
        line += paragraph.count("\n") + 2
