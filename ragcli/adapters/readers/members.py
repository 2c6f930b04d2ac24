"""Files inside a source: which are read, how much all of them together may take, and how their places are named.

A container (an archive, a mail) finds its members; this module has the lane of their names read them. Nothing is ever
written to disk, so a name can lead nowhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath

from ragcli.adapters.private_names import SECRET, VCS
from ragcli.adapters.readers import table
from ragcli.adapters.readers.pacing import Pace
from ragcli.adapters.readers.parsed import MAX_TEXT_BYTES, Parsed, UnreadableError
from ragcli.types import Block

MAX_ENTRIES = 10_000
MAX_UNPACKED = 512 << 20
MAX_RATIO = 100
"""Of what is unpacked to what is stored (Apache Tika's figure); only from RATIO_FROM on, for small XML packs better."""
RATIO_FROM = 32 << 20
MAX_NESTING = 3
"""An archive in an archive in an archive is still read."""
LONGEST_NAME = 200
_SYSTEM_FOLDERS = frozenset(["__MACOSX"])

Parse = Callable[[bytes, str, "Members"], Parsed]


class ExhaustedError(UnreadableError):
    """The source as a whole unpacks to more than any may."""

    def __init__(self, detail: str) -> None:
        super().__init__("too_much_output", detail)


class Members:
    """Reads what is inside one source, and counts: entries, unpacked bytes, text and depth, of all containers together."""

    def __init__(self, parse: Parse, pace: Pace | None = None) -> None:
        self.pace = pace or Pace()
        self._parse = parse
        self._entries = self._text = self._depth = 0
        self.unpacked = 0

    def count_entry(self) -> None:
        """Raises ExhaustedError for one entry too many."""
        self._entries += 1
        if self._entries > MAX_ENTRIES:
            raise ExhaustedError(f"more than {MAX_ENTRIES} entries")

    def count_bytes(self, count: int) -> None:
        """Raises ExhaustedError when all containers together have unpacked too much."""
        self.unpacked += count
        if self.unpacked > MAX_UNPACKED:
            raise ExhaustedError(f"unpacks to more than {MAX_UNPACKED >> 20} MiB")

    def read(self, data: bytes, name: str, *, member: str, heading: tuple[str, ...]) -> Parsed:
        """What the lane for ``name`` makes of the bytes, each block placed at ``member`` below ``heading``.

        Raises UnreadableError about this member, and ExhaustedError about the whole source.
        """
        if self._depth >= MAX_NESTING:
            raise UnreadableError("too_much_output", f"nested more than {MAX_NESTING} deep")
        self._depth += 1
        try:
            inner = self._parse(data, name, self)
        finally:
            self._depth -= 1
        return self.place(inner, member=member, heading=heading, is_folder=table.format_of(name) == "archive")

    def place(self, inner: Parsed, *, member: str, heading: tuple[str, ...], is_folder: bool = False) -> Parsed:
        """The same text at ``member`` below ``heading``. Raises ExhaustedError if the source has too much text by now."""
        if not inner.blocks:
            raise UnreadableError("empty")
        self._text += len(inner.text) if inner.text.isascii() else len(inner.text.encode("utf-8", "replace"))
        if self._text > MAX_TEXT_BYTES:
            raise ExhaustedError(f"more than {MAX_TEXT_BYTES >> 20} MiB of text")
        between = "/" if is_folder else ", "

        def moved(block: Block) -> Block:
            own = (inner.title,) if inner.title and inner.title not in block.heading else ()
            deeper = block.locator.member
            place = replace(block.locator, member=f"{member}{between}{deeper}" if deeper else member)
            return replace(block, locator=place, heading=(*heading, *own, *block.heading))

        return replace(inner, blocks=tuple(map(moved, inner.blocks)))


def member_name(spelled: str) -> str:
    """The name of a member as it is shown: a relative path of one line, whatever the archive says."""
    spelled = " ".join(spelled.encode("utf-8", "replace").decode("utf-8").replace("\\", "/").replace("\0", "").split())
    parts = [part for part in spelled.split("/") if part not in ("", ".", "..")]
    return "/".join(parts)[-LONGEST_NAME:]


def is_left_out(name: str) -> bool:
    """Whether the walker's rules leave the member out: hidden, a secret, or a part of a version control's folder."""
    return any(
        part.startswith((".", "~$")) or part in VCS or part in _SYSTEM_FOLDERS or SECRET.fullmatch(part)
        for part in PurePosixPath(name).parts
    )
