"""What a person types for a place in a file → path and lines, and the sources at that place."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
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
    """Whether the place has any of the file's own lines; without lines, always."""
    if lines is None:
        return True
    return not locator.member and locator.lines is not None and locator.lines[0] <= lines[1] and lines[0] <= locator.lines[1]


def choose_sources(
    sources: Iterable[StoredSource],
    *,
    folders: Sequence[Path] = (),
    collection: str | None = None,
    skipped: bool = False,
    reasons: Collection[str] = (),
    types: Collection[str] = (),
) -> list[StoredSource]:
    """The sources in or below the folders, of the collection, with those name endings, in path order; each but if empty.

    They are those that can be found, or the ``skipped`` ones, of these reasons if any are named.
    """
    roots = [folder.expanduser().absolute() for folder in folders]
    endings = tuple(f".{ending}" for ending in types)
    return sorted(
        (
            source
            for source in sources
            if (source.reason in reasons if reasons else bool(source.reason) == skipped)
            and collection in (None, source.collection)
            and (not endings or source.path.name.lower().endswith(endings))
            and (not roots or any(source.path.is_relative_to(root) for root in roots))
        ),
        key=lambda source: source.path,
    )
