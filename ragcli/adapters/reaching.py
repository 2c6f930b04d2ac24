"""Which rows of the chunk table a scope lets be found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from ragcli.adapters.chunk_rows import among, not_among
from ragcli.adapters.scoping import ScopeFilter
from ragcli.types import Root, Scope

LONGEST_ID_LIST = 2_000
"""Ids in a predicate. Each costs 20 µs to parse: with more it is quicker to look further and sift."""
EVERYWHERE = Scope()


@dataclass(frozen=True, slots=True)
class Reach:
    """Which rows may be found: all, those of a predicate, or those of sources that are too many to name in one."""

    predicate: str | None = None
    sources: frozenset[str] = frozenset()


class Searchable(Protocol):
    """What is asked of the ledger."""

    def revision(self) -> object: ...

    def roots(self) -> tuple[Root, ...]: ...

    def searchable(self) -> Iterable[tuple[str, str, str, int]]: ...


class Reaching:
    """Remembers the last scope's reach as long as the index stays as it is: to ask 100,000 sources takes 0.3 s."""

    def __init__(self) -> None:
        self._last: tuple[Any, Reach | None] = (None, None)

    def of(self, scope: Scope, ledger: Searchable) -> Reach | None:
        """None if the scope admits no source that has chunks."""
        if scope == EVERYWHERE:
            return Reach()
        # With the ledger itself: revisions of two connections say nothing of each other.
        asked = scope, ledger, ledger.revision()
        if self._last[0] != asked:
            self._last = asked, _reach_of(*_divide(scope, ledger))
        return self._last[1]


def _divide(scope: Scope, ledger: Searchable) -> tuple[list[str], list[str]]:
    """The ids of the sources that the scope admits, and of the others."""
    scope_filter = ScopeFilter(scope, [root.path for root in ledger.roots()])
    inside, outside = list[str](), list[str]()
    for source_id, path, collection, modified_ns in ledger.searchable():
        (inside if scope_filter.admits(path, collection, modified_ns) else outside).append(source_id)
    return inside, outside


def _reach_of(inside: list[str], outside: list[str]) -> Reach | None:
    """By a predicate on the ids of the sources inside, or of the others, whichever is short."""
    if not inside:
        return None
    if not outside:
        return Reach()
    if len(inside) <= LONGEST_ID_LIST:
        return Reach(among(inside))
    return Reach(not_among(outside)) if len(outside) <= LONGEST_ID_LIST else Reach(sources=frozenset(inside))
