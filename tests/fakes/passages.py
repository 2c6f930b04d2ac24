"""Chunks, hits and contexts made from plain texts, for tests of what ranks, packs and cites them."""

from __future__ import annotations

from pathlib import Path

from ragcli.steps.chunking import digest_of
from ragcli.types import Chunk, Context, Hit, Locator, Passage

HANDBOOK = Path("/files/handbook.md")


def chunk(text: str, *, path: Path = HANDBOOK, ordinal: int = 0, line: int | None = 1, title: str = "") -> Chunk:
    """A chunk whose first line is the file's line ``line``; without lines it stands on page 1."""
    locator = Locator(lines=(line, line + text.count("\n"))) if line else Locator(page=1)
    return Chunk(f"{path}:{ordinal}", str(path), path, title, (), ordinal, 0, len(text), text, locator, digest_of(text))


def hit(text: str, *, similarity: float | None = 0.6, path: Path = HANDBOOK, ordinal: int = 0, line: int | None = 1) -> Hit:
    return Hit(chunk(text, path=path, ordinal=ordinal, line=line), similarity or 0.5, similarity=similarity)


def context_of(*texts: str) -> Context:
    """Passages 1 to n with these texts, each below the last in one file."""
    passages, line = [], 1
    for number, text in enumerate(texts, 1):
        passages.append(Passage(number, hit(text, ordinal=number, line=line), text))
        line += text.count("\n") + 1
    return Context(tuple(passages), (), 0)


def count_words(text: str) -> int:
    return len(text.split())
