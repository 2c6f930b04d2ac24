"""What a power cut may leave of a folder: whatever was not flushed, or the name of it, may be there, half there or not.

From strace's log it follows what had been flushed. The model is harsher than file systems are: they keep some order.
"""

from __future__ import annotations

import os
import random
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

CALL = re.compile(r"(\d+) +(\w+)\((.*)")
RESUMED = re.compile(r"(\d+) +<\.\.\. \w+ resumed>(.*)")
DESCRIPTOR = re.compile(r"-?\d+<([^>]*)>")
NAME = re.compile(r'"([^"]*)"')
RANGE = re.compile(r"(\d+), (\d+)\) = (\d+)$")
UNFINISHED = " <unfinished ...>"


@dataclass(slots=True)
class Content:
    """What a file holds, under whatever names."""

    is_new: bool = False
    """Nothing of it was ever flushed: all of it may be lost. Else only ``ranges`` may."""
    is_dirty: bool = False
    ranges: list[tuple[int, int]] = field(default_factory=list)


@dataclass
class Unflushed:
    """What in the folder, or about its own name, could be lost."""

    folder: Path
    contents: dict[str, Content] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    """That came, went or changed their content, and whose folder was not flushed since."""
    removed: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    """Names that were removed, and those of which that was flushed: what they once named never comes back."""

    @classmethod
    def after(cls, log: Path, folder: Path) -> Unflushed:
        unflushed = cls(folder)
        for call, rest in calls_in(log):
            handle = getattr(unflushed, f"_{call}", None)
            if handle is not None and " = -1 " not in rest:
                handle(rest)
        return unflushed

    def _openat(self, rest: str) -> None:
        path = self._named(rest, 0)
        if path and "O_CREAT" in rest and path not in self.contents and not self._was_there(path):
            self.contents[path] = Content(is_new=True, is_dirty=True)
            self._came(path)

    def _was_there(self, path: str) -> bool:
        return (self.folder.with_name("before") / os.path.relpath(path, self.folder)).exists()

    def _came(self, path: str) -> None:
        self.names.add(path)
        self.removed.discard(path)

    def _mkdir(self, rest: str) -> None:
        path = self._named(rest, 0)
        if path:
            self._came(path)

    _mkdirat = _mkdir

    def _unlink(self, rest: str) -> None:
        path = self._named(rest, 0)
        if path:
            self.names.add(path)
            self.removed.add(path)
            self.contents.pop(path, None)

    _unlinkat = _rmdir = _unlink

    def _rename(self, rest: str) -> None:
        self._link(rest)
        self._unlink(rest)

    _renameat = _renameat2 = _rename

    def _link(self, rest: str) -> None:
        old, new = self._named(rest, 0), self._named(rest, 1)
        if old and new:
            self._came(new)
            self.contents[new] = self.contents.get(old) or Content()

    _linkat = _link

    def _write(self, rest: str) -> None:
        content = self._content(rest)
        if content:
            content.is_dirty = True

    _ftruncate = _write

    def _pwrite64(self, rest: str) -> None:
        content, span = self._content(rest), RANGE.search(rest)
        if content:
            content.is_dirty = True
            if span:
                content.ranges.append((int(span[2]), int(span[3])))

    def _fsync(self, rest: str) -> None:
        path = self._described(rest)
        if path is None or not rest.endswith("= 0"):
            return
        flushed = {name for name in self.names if str(Path(name).parent) == path}
        self.names -= flushed
        self.gone = (self.gone - flushed) | (flushed & self.removed)
        content = self.contents.get(path)
        if content:
            content.is_new = content.is_dirty = False
            content.ranges.clear()

    _fdatasync = _fsync

    def _content(self, rest: str) -> Content | None:
        path = self._described(rest)
        return self.contents.setdefault(path, Content()) if path and self._is_ours(path) else None

    def _described(self, rest: str) -> str | None:
        match = DESCRIPTOR.match(rest)
        return match[1].removesuffix("(deleted)").rstrip() if match else None

    def _named(self, rest: str, which: int) -> str | None:
        """The path, whole also where it is told as relative to an open folder."""
        arguments = rest.split(", ")
        found = [at for at, argument in enumerate(arguments) if NAME.match(argument)]
        if len(found) <= which:
            return None
        base = DESCRIPTOR.match(arguments[found[which] - 1]) if found[which] else None
        name = NAME.match(arguments[found[which]])
        path = str(Path(base[1] if base else "/", name[1] if name else ""))
        return path if self._is_ours(path) else None

    def _is_ours(self, path: str) -> bool:
        return path == str(self.folder) or path.startswith(f"{self.folder}/")

    # ---- the cut ---------------------------------------------------------------------------------

    def lose(self, chance: random.Random) -> int:
        """Some of what could be lost is, in the folder itself; how many files and names that were."""
        losses = list(self._losses(chance))
        subset = [loss for loss in losses if chance.random() < 0.6] or losses[:1]
        for loss in subset:
            loss()
        return len(subset)

    def _losses(self, chance: random.Random) -> Iterator[Callable[[], object]]:
        for path, content in sorted(self.contents.items()):
            if content.is_dirty and Path(path).is_file():
                ranges, is_new = list(content.ranges), content.is_new
                if is_new and not ranges:
                    yield lambda path=Path(path): spoil(path, chance)
                else:
                    yield lambda path=Path(path), ranges=ranges: blank(path, [each for each in ranges if chance.random() < 0.6])
        for name in sorted(self.names):
            yield lambda name=Path(name): self._forget(name)
        for shared in self.folder.glob("*-shm"):
            yield lambda shared=shared: shared.unlink(missing_ok=True)

    def _forget(self, path: Path) -> None:
        """The name is as it was before the work, or as it was when its folder was flushed, if it had been removed then."""
        old = None if str(path) in self.gone else self.folder.with_name("before") / path.relative_to(self.folder)
        if old and old.is_dir():
            if path.parent.is_dir():  # else the loss of its own folder's name took it along
                path.mkdir(exist_ok=True)
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        if old and old.is_file() and path.parent.is_dir():
            shutil.copy2(old, path)


def calls_in(log: Path) -> Iterator[tuple[str, str]]:
    """Name and the rest of each call in the order in which they ended; those that never did are left out."""
    begun: dict[str, tuple[str, str]] = {}
    with log.open(errors="replace") as lines:
        for line in map(str.rstrip, lines):
            call, resumed = CALL.match(line), RESUMED.match(line)
            if call and call[3].endswith(UNFINISHED):
                begun[call[1]] = call[2], call[3].removesuffix(UNFINISHED)
            elif call:
                yield call[2], call[3]
            elif resumed and resumed[1] in begun:
                name, rest = begun.pop(resumed[1])
                yield name, rest + resumed[2]
    yield from begun.values()


def spoil(path: Path, chance: random.Random) -> None:
    """Of a new file its length may be there and nothing else, or a part of it, or its name alone."""
    whole = path.read_bytes()
    path.write_bytes(chance.choice((bytes(len(whole)), whole[: len(whole) // 2], b"")))


def blank(path: Path, ranges: list[tuple[int, int]]) -> None:
    """What was written there has not come: there are zeros, as far as the file goes."""
    content = bytearray(path.read_bytes())
    for offset, length in ranges:
        end = min(offset + length, len(content))
        content[offset:end] = bytes(max(0, end - offset))
    path.write_bytes(content)
