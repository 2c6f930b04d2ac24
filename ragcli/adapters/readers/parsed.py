"""What a lane hands back, and how blocks are laid over a text.

A lane is a function ``bytes → Parsed`` for a family of formats. It knows nothing of paths, digests or processes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from ragcli.types import Block, Locator

Kind = Literal["prose", "markdown", "code", "table"]
MAX_TEXT_BYTES = 64 << 20
"""Longest text of one source as UTF-8: a larger one is a bomb or a dump, and nobody asks questions about it."""
BETWEEN_BLOCKS = "\n\n"


class UnreadableError(Exception):
    """A lane's way of saying no: a key of ``REASONS`` and our own words, never the file's."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document before it has a path and a digest. ``title`` is empty where the file has none of its own."""

    text: str
    kind: Kind
    blocks: tuple[Block, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading at a 0-based line; level 1 is the outermost. With an empty title the section has no name."""

    line: int
    level: int
    title: str
    label: str = ""


class Assembler:
    """Puts pieces of text one after the other, each a block. Pieces without text are dropped."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._blocks: list[Block] = []
        self._length = 0
        self._kinds: set[Kind] = set()

    def add(self, text: str, locator: Locator, heading: tuple[str, ...] = ()) -> None:
        text = text.strip()
        if not text:
            return
        start = self._length + len(BETWEEN_BLOCKS) if self._blocks else 0
        self._blocks.append(Block(start, start + len(text), locator, heading))
        self._pieces.append(text)
        self._length = start + len(text)

    def adopt(self, inner: Parsed) -> None:
        """The blocks of ``inner`` follow as they are, with all that stands between them."""
        if not inner.blocks:
            return
        first, last = inner.blocks[0].start, inner.blocks[-1].end
        shift = self._length + (len(BETWEEN_BLOCKS) if self._blocks else 0) - first
        self._blocks += [replace(block, start=block.start + shift, end=block.end + shift) for block in inner.blocks]
        self._pieces.append(inner.text[first:last])
        self._length = last + shift
        self._kinds.add(inner.kind)

    @property
    def has_text(self) -> bool:
        return bool(self._blocks)

    def gathered(self) -> Parsed:
        """All that was adopted; of one kind if all of it is, else prose."""
        return self.parsed(self._kinds.pop() if len(self._kinds) == 1 else "prose")

    def parsed(self, kind: Kind, title: str = "") -> Parsed:
        return Parsed(BETWEEN_BLOCKS.join(self._pieces), kind, tuple(self._blocks), title)


def lay_sections(text: str, headings: Iterable[Heading] = ()) -> tuple[Block, ...]:
    """One block for each heading's section and for what comes before the first; lines are those of the text."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    path: list[Heading] = []
    blocks = []
    previous = Heading(0, 0, "")
    for heading in [*headings, Heading(len(starts) - 1, 0, "")]:
        block = _lay_block(text, starts, previous, heading.line, tuple(each.title for each in path))
        if block:
            blocks.append(block)
        path = [each for each in path if each.level < heading.level]
        path += [heading] if heading.title else []
        previous = heading
    return tuple(blocks)


def _lay_block(text: str, starts: list[int], section: Heading, end_line: int, path: tuple[str, ...]) -> Block | None:
    """The section's lines up to ``end_line`` without the blank ones around them; None if all are blank."""
    first, last = section.line, end_line - 1
    while first <= last and not text[starts[first] : starts[first + 1]].strip():
        first += 1
    while first <= last and not text[starts[last] : starts[last + 1]].strip():
        last -= 1
    if first > last:
        return None
    locator = Locator(lines=(first + 1, last + 1), label=section.label)
    return Block(starts[first], min(starts[last + 1] - 1, len(text)), locator, path)
