"""Patterns as in a ``.gitignore``, for the ignore files and options that are ragcli's own.

It knows nothing of walking; entries are judged one by one, by their paths relative to where the patterns stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path


class Rules:
    """Patterns as in a ``.gitignore``: the last that matches decides, ``!`` takes back, ``/`` anchors."""

    __slots__ = ("_patterns",)

    def __init__(self, patterns: Sequence[tuple[re.Pattern[str], bool, bool]]) -> None:
        self._patterns = tuple(reversed(patterns))

    def __bool__(self) -> bool:
        return bool(self._patterns)

    @classmethod
    def parse(cls, lines: Iterable[str]) -> Rules:
        return cls([pattern for line in lines if (pattern := parse_pattern(line))])

    def verdict(self, relative: str, is_folder: bool) -> bool | None:
        """Whether the entry is named; None if no pattern speaks of it. Its parents are judged on their own."""
        for pattern, takes_back, only_folders in self._patterns:
            if (is_folder or not only_folders) and pattern.fullmatch(relative):
                return not takes_back
        return None


def read_rules(path: str) -> Rules:
    try:
        return Rules.parse(Path(path).read_text(encoding="utf-8", errors="surrogateescape").splitlines())
    except OSError:
        return Rules([])


def parse_pattern(line: str) -> tuple[re.Pattern[str], bool, bool] | None:
    """One line: its pattern, whether it takes back, whether it is for folders only. None if it says nothing."""
    line = line.rstrip("\n")
    line = line if line.endswith("\\ ") else line.rstrip(" ")
    if not line or line.startswith("#"):
        return None
    takes_back = line.startswith("!")
    glob = line[1:] if takes_back else line
    only_folders = glob.endswith("/")
    glob = glob.rstrip("/") if only_folders else glob
    anchored = "/" in glob
    prefix = "" if anchored else "(?:.*/)?"
    try:
        return re.compile(prefix + _translate(glob.lstrip("/")), re.DOTALL), takes_back, only_folders
    except re.error:
        return None  # such as [z-a], which matches nothing


_PIECE = re.compile(r"/\*\*$|\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]|\\.|.", re.DOTALL)
_WILD = {"/**": "/.+", "**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _translate(glob: str) -> str:
    pieces = []
    for piece in _PIECE.findall(glob):
        if piece in _WILD:
            pieces.append(_WILD[piece])
        elif piece.startswith("[") and len(piece) > 2:
            inner = re.sub(r"([\\\[&|~])", r"\\\1", piece[1:-1])
            pieces.append(f"[^{inner[1:]}]" if inner.startswith(("!", "^")) else f"[{inner}]")
        else:
            pieces.append(re.escape(piece[-1]))
    return "".join(pieces)
