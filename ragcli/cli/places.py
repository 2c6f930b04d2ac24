"""What a person types for a place in a file → path and lines, and the sources at that place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from ragcli.types import Locator, StoredSource

Lines = tuple[int, int]
_PLACE = re.compile(r"(?P<path>.+?):(?P<first>\d+)(?:-(?P<last>\d+))?")


def split_place(text: str) -> tuple[Path, Lines | None]:
    """The absolute path, and the lines after a colon, if there are any; a file of that very name comes first."""
    path = Path(text).expanduser()
    found = _PLACE.fullmatch(text)
    if found is None or path.exists():
        return path.absolute(), None
    first = int(found["first"])
    return Path(found["path"]).expanduser().absolute(), (first, int(found["last"] or first))


def touches(locator: Locator, lines: Lines | None) -> bool:
    """Whether the place has any of the lines; without lines, always."""
    if lines is None:
        return True
    return locator.lines is not None and locator.lines[0] <= lines[1] and lines[0] <= locator.lines[1]


def choose_sources(
    sources: Iterable[StoredSource], *, folders: Sequence[Path], collection: str | None, skipped: bool
) -> list[StoredSource]:
    """The sources in or below the folders (without any, all), in the collection if one is named, in path order."""
    roots = [folder.expanduser().absolute() for folder in folders]
    chosen = [source for source in sources if bool(source.reason) == skipped and collection in (None, source.collection)]
    within = [source for source in chosen if not roots or any(source.path.is_relative_to(root) for root in roots)]
    return sorted(within, key=lambda source: source.path)
