"""What a case of the hostile corpus is, and what may become of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

INDEXED = "indexed"
"""The file is in the index and did no harm."""
LEFT_OUT = "left_out"
"""A rule of the walker leaves it out: counted and not named."""
GONE = "gone"
"""It was not there any more, or is a link to what is read anyway."""

BROKEN = frozenset({"malformed", "binary", "empty"})
LIMITS = frozenset({"too_slow", "too_much_memory", "too_much_output"})
SECRET_MARKER = "qqverysecretqq"
"""Stands in every file that must never be read, and nowhere else."""


@dataclass(frozen=True, slots=True)
class Case:
    """One hostile thing: its name below a folder of its own, how it is made there, and what may become of it, nothing else."""

    name: str
    make: Callable[[Path], object]
    may_become: frozenset[str]
    is_heavy: bool = False
    """Takes long to make or to read: only in the full set."""


def case(name: str, content: bytes | Callable[[], bytes], *may_become: str, heavy: bool = False) -> Case:
    """A file with this content."""

    def make(path: Path) -> None:
        path.write_bytes(content if isinstance(content, bytes) else content())

    return Case(name, make, frozenset(may_become), heavy)
