"""The flow behind ``forget``: sources leave the index, and what lies below a root that stays is left out from now on."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ragcli.errors import SourceError
from ragcli.ports import Store
from ragcli.steps.planning import is_below
from ragcli.types import IndexEvent, IndexFinished, IndexReport, Removed, Root

SPECIAL = re.compile(r"([\\*?\[\]!# ])")
"""What means more than itself in a pattern of a .gitignore."""


def forget_paths(paths: Sequence[Path], store: Store) -> Iterator[IndexEvent]:
    """No source at or below the absolute paths is in the index, and refreshing it brings none of them back.

    Needs no embedder, and works on an index that another one made. Raises SourceError ``not-indexed``; StoreError.
    """
    tops = {os.fspath(path) for path in paths}
    identity = store.identity()
    sources = [source for source in store.sources().values() if is_below(source.path, tops)]
    roots = store.roots()
    gone = [root for root in roots if is_below(root.path, tops)]
    if identity is None or not (sources or gone):
        named = f"nothing below {paths[0]} is indexed" if paths else "nothing was named to be forgotten"
        raise SourceError("not-indexed", named, hint="ragcli ls shows what is")
    kept = [root for root in roots if root not in gone]
    with store.writing(identity):
        store.forget_roots(gone)
        store.remember_roots([leave_out(root, paths) for root in kept])
        store.remove(sources)
        store.finish()
    yield from (Removed(source.path) for source in sources)
    yield IndexFinished(IndexReport(removed=len(sources)))


def leave_out(root: Root, paths: Iterable[Path]) -> Root:
    """The root with a rule against each of the paths that lies below it."""
    inside = [path.relative_to(root.path).as_posix() for path in paths if root.path in path.parents]
    rules = ["/" + SPECIAL.sub(r"\\\1", name) for name in inside]
    return replace(root, exclude=tuple(dict.fromkeys((*root.exclude, *rules)))) if rules else root
