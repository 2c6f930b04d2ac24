"""What a scope lets be found, and how often the ledger is asked for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ragcli.adapters import reaching
from ragcli.adapters.reaching import Reach, Reaching
from ragcli.types import Root, Scope


class Listed:
    """A ledger of files in two folders, all of which have chunks."""

    def __init__(self, count: int) -> None:
        self.count, self.asked = count, 0

    def revision(self) -> int:
        return self.count

    def roots(self) -> tuple[Root, ...]:
        return ()

    def searchable(self) -> Iterator[tuple[str, str, str, int]]:
        self.asked += 1
        for number in range(self.count):
            yield f"{number:x}", f"/{'even' if number % 2 == 0 else 'odd'}/{number}.md", "main", number


@pytest.mark.parametrize(
    ("scope", "reach"),
    [
        (Scope(), Reach()),
        (Scope(globs=("/even", "/odd")), Reach()),
        (Scope(globs=("/none",)), None),
        (Scope(since_ns=8), Reach("source_id IN ('8','9')")),
        (Scope(globs=("/even", "/odd/[1357].md")), Reach("source_id NOT IN ('9')")),
        (Scope(globs=("/even",)), Reach(sources=frozenset("02468"))),
    ],
)
def test_the_shorter_list_becomes_the_predicate(scope, reach, monkeypatch):
    monkeypatch.setattr(reaching, "LONGEST_ID_LIST", 2)
    assert Reaching().of(scope, Listed(10)) == reach


def test_the_ledger_is_asked_again_only_when_it_has_changed():
    remembered, ledger, scope = Reaching(), Listed(4), Scope(globs=("/even",))
    assert remembered.of(scope, ledger) == remembered.of(scope, ledger) == Reach("source_id IN ('0','2')")
    assert ledger.asked == 1
    ledger.count = 6
    assert remembered.of(scope, ledger) == Reach("source_id IN ('0','2','4')")
    assert remembered.of(Scope(globs=("/odd",)), ledger) == Reach("source_id IN ('1','3','5')")
