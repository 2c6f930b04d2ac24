"""What is in the index by type and age, and which files have a place on the map."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ragcli.steps.overviewing import choose_for_map, count_ages, count_types, make_overview
from ragcli.types import StoredSource, StoreStats

NOW = 2e9
DAY = 86_400


def source(name: str, *, days: float = 0, chunks: int = 1, reason: str = "") -> StoredSource:
    modified = int((NOW - days * DAY) * 1e9)
    return StoredSource(f"id {name}", Path("/f", name), "main", 10, modified, 1, "", "", chunks, reason)


def test_types_are_counted_with_their_passages_the_most_frequent_first() -> None:
    rows = count_types([source("a.md", chunks=2), source("b.MD"), source("c.pdf"), source("Makefile")])
    assert [(row.name, row.files, row.bytes, row.chunks) for row in rows] == [
        ("md", 2, 20, 3),
        ("pdf", 1, 10, 1),
        ("no ending", 1, 10, 1),
    ]


def test_every_age_is_there_the_newest_first() -> None:
    ages = count_ages([source("a", days=1), source("b", days=20), source("c", days=5000), source("d", days=-3)], NOW)
    assert ages == {"this week": 2, "this month": 1, "this year": 0, "last three years": 0, "older": 1}


@given(st.integers(0, 40), st.integers(1, 50))
def test_the_same_files_are_chosen_each_time(count: int, limit: int) -> None:
    sources = [source(f"{number}.md", chunks=number % 2) for number in range(count)]
    chosen = choose_for_map(sources, limit)
    assert chosen == choose_for_map(reversed(sources), limit)
    assert len(chosen) == min(limit, count // 2)


def test_what_is_not_drawn_is_counted_and_what_was_skipped_is_named() -> None:
    sources = [source("b.md"), source("a.md"), source("x.pdf", chunks=0, reason="encrypted")]
    seen = make_overview(sources, StoreStats(2, 2, 1, 5, None, None), [], {"id a.md": (0.5, 0.5)}, NOW)
    assert [point.path for point in seen.points] == ["/f/a.md"]
    assert (seen.left_off_map, seen.skipped) == (1, {"encrypted": 1})
    assert [each.path.name for each in seen.skipped_files] == ["x.pdf"]
