"""What text is put on: its width, whether it takes colour, and how paths, sizes and times are written there.

Everything that comes from outside (names, texts, messages) gets here through ``text`` or ``line``, which clean it.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ragcli.steps.cleaning import clean, clean_line
from ragcli.types import Locator

_UNITS = ("B", "kB", "MB", "GB", "TB")
_STEPS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))
SNIPPET_LINES = 4
"""Enough to see whether a passage is the right one, and eight of them still fit a screen."""


@dataclass(frozen=True, slots=True)
class Paper:
    width: int = 80
    color: bool = False
    terminal: bool = False
    cwd: Path = Path("/")
    home: Path | None = None

    def text(self, foreign: str) -> str:
        """Safe to print; line breaks and tabs stay."""
        return clean(foreign)

    def line(self, foreign: str) -> str:
        """Safe to print and one line: a name cannot pass for two."""
        return clean_line(foreign)

    def bold(self, text: str) -> str:
        return self._styled("1", text)

    def dim(self, text: str) -> str:
        return self._styled("2", text)

    def path_style(self, text: str) -> str:
        return self._styled("36", text)

    def good(self, text: str) -> str:
        return self._styled("32", text)

    def bad(self, text: str) -> str:
        return self._styled("31", text)

    def odd(self, text: str) -> str:
        return self._styled("33", text)

    def struck(self, text: str) -> str:
        """Crossed out where a terminal can."""
        return self._styled("2;9", text)

    def _styled(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and text else text

    def path(self, path: Path) -> str:
        """The shortest name that leads there from here; ``~`` only where a person reads it."""
        names = [str(path)]
        if path.is_absolute():
            if path.is_relative_to(self.cwd):
                names.append(f"./{path.relative_to(self.cwd)}" if path != self.cwd else ".")
            if self.terminal and self.home and path.is_relative_to(self.home):
                names.append(f"~/{path.relative_to(self.home)}" if path != self.home else "~")
        return self.line(min(names, key=len))

    def message(self, foreign: str) -> str:
        """As ``line``; what it names below the home folder begins with ``~`` where a person reads it."""
        home = f"{self.home}/" if self.terminal and self.home else ""
        return self.line(foreign.replace(home, "~/") if len(home) > 1 else foreign)

    def place(self, path: Path, locator: Locator) -> str:
        """``path:12-14`` where there are lines, so that editors can follow it, else ``path, page 3``."""
        name = self.path(path)
        if locator.lines and locator.page is None and not locator.member:
            first, last = locator.lines
            return f"{name}:{first}" if first == last else f"{name}:{first}-{last}"
        described = self.line(locator.describe())
        return name if described == "whole file" else f"{name}, {described}"

    def wrapped(self, foreign: str, indent: str = "") -> list[str]:
        """The text's lines that are not blank, folded to the width; their own indentation stays."""
        width = max(20, self.width - len(indent))
        rows = []
        for line in self.text(foreign).expandtabs(4).splitlines():
            rows += textwrap.wrap(line, width, replace_whitespace=False, break_on_hyphens=False)
        return [indent + row for row in rows]

    def aside(self, text: str, indent: str = "") -> list[str]:
        """Dim lines, folded where a person reads them."""
        return [self.dim(row) for row in (self.wrapped(text, indent) if self.terminal else [indent + text])]

    def cut(self, text: str, room: int) -> str:
        """The text's end, as much of it as there is room for, where a person reads it."""
        return text if not self.terminal or len(text) <= room else "…" + text[len(text) - room + 1 :].lstrip()

    def snippet(self, foreign: str, query: str, indent: str = "", limit: int = SNIPPET_LINES) -> list[str]:
        """Those ``limit`` lines of the text that say most of the query's words, which are made bold."""
        rows = self.wrapped(foreign, indent)
        words = sorted({word.lower() for word in re.findall(r"\w{3,}", query)})
        if len(rows) > limit:
            starts = range(len(rows) - limit + 1)
            start = max(starts, key=lambda first: (_said(rows[first : first + limit], words), -first))
            rows = rows[start : start + limit]
        return [self._marked(row, words) for row in rows]

    def _marked(self, row: str, words: Iterable[str]) -> str:
        pattern = "|".join(re.escape(word) for word in words)
        if not self.color or not pattern:
            return row
        return re.sub(rf"\b(?:{pattern})", lambda found: self.bold(found[0]), row, flags=re.IGNORECASE)

    def quote(self, foreign: str, room: int | None = None) -> str:
        """The text on one line between quotation marks, cut to ``room`` characters, if given, where a person reads it."""
        flat = " ".join(self.text(foreign).split())
        if self.terminal and room is not None and len(flat) > (inside := max(20, room - 2)):
            flat = flat[: inside - 1].rstrip() + "…"
        return f"“{flat}”"


def _said(rows: Iterable[str], words: Iterable[str]) -> int:
    together = " ".join(rows).lower()
    return sum(word in together for word in words)


def size(count: float) -> str:
    """Bytes as a person reads them: ``1.2 MB``."""
    for unit in _UNITS[:-1]:
        if count < 1000:
            return f"{count:.0f} {unit}" if unit in ("B", "kB") or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} {_UNITS[-1]}"


def duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def age(seconds: float) -> str:
    """``just now``, ``5 minutes ago``."""
    for step, name in _STEPS:
        count = int(seconds // step)
        if count > 0:
            return f"{plural(count, name)} ago"
    return "just now"


def plural(count: int, noun: str, many: str = "") -> str:
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"
