"""What a run without paths looks at: the known folders of each collection, and those that the settings declare for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ragcli.config import Config
from ragcli.errors import SourceError
from ragcli.flows.indexing import IndexPorts
from ragcli.layering import collections_of, declared_roots
from ragcli.machine import resolve
from ragcli.types import Root


def collections_to_refresh(
    wanted: str | None, config: Config, ports: IndexPorts, *, rebuild: bool
) -> Mapping[str, Sequence[Root]]:
    """The collections, each with its folders if the settings declare some; else all known ones of it are meant.

    With ``rebuild`` the index is emptied first, unless one collection alone is wanted and the index fits the settings:
    then that one is read again in place. Raises SourceError ``nothing-to-index``, ``path-missing``.
    """
    if rebuild and (wanted is None or ports.store.identity() not in (None, ports.identity)):
        ports.store.reset(ports.identity)
        wanted = None
    known = ports.store.roots()
    names = {root.collection for root in known} | {name for name in collections_of(config) if declared_roots(config, name)}
    chosen = {name: with_declared(name, config, known) for name in sorted(names) if wanted in (None, name)}
    if not chosen:
        raise SourceError("nothing-to-index", "no folder has been indexed yet", hint="ragcli index ~/Documents")
    return chosen


def with_declared(collection: str, config: Config, known: Sequence[Root]) -> tuple[Root, ...]:
    """The folders that the settings give the collection, and its other known ones; none if they give none."""
    declared = tuple(replace(root, path=resolve(root.path)) for root in declared_roots(config, collection))
    paths = {root.path for root in declared}
    others = (root for root in known if root.collection == collection and root.path not in paths)
    return (*declared, *others) if declared else ()
