"""A walker over files that exist only as a dictionary; editing it is editing the disk."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, MutableMapping
from pathlib import Path

from ragcli.types import FileStamp, Root, Unreadable, Walked


class FakeWalker:
    """Finds the files of ``files``: path → text, or the reason why the file is refused without being read.

    A stamp follows from the text, so a file that is changed in the dictionary looks changed.
    """

    def __init__(self, files: MutableMapping[Path, str], *, left_out: Mapping[str, int] | None = None) -> None:
        self.files = files
        self.refused: dict[Path, str] = {}
        self.left_out = dict(left_out or {})

    def walk(self, roots: Iterable[Root]) -> Walked:
        roots = tuple(roots)
        known = {*self.files, *self.refused}
        missing = tuple(root.path for root in roots if not any(_is_below(path, root) for path in known))
        paths = sorted(path for path in known if any(_is_below(path, root) for root in roots))
        return Walked(
            stamps=tuple(self.stamp(path) for path in paths if path in self.files),
            refused=tuple(Unreadable(path, self.refused[path]) for path in paths if path in self.refused),
            left_out=self.left_out,
            missing_roots=missing,
        )

    def stamp(self, path: Path) -> FileStamp:
        data = self.files[path].encode()
        return FileStamp(path, len(data), zlib.crc32(data), zlib.crc32(bytes(path)))


def _is_below(path: Path, root: Root) -> bool:
    return path == root.path or root.path in path.parents
