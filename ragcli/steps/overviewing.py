"""The index at a glance: what is in it by type and age, what was skipped, and the files as points on a map.

Values in, values out; where a point lies is told by who can project vectors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ragcli.types import Root, StoredSource, StoreStats

Place = tuple[float, float]
"""On the map, each from 0 to 1."""
AGES = ((7, "this week"), (31, "this month"), (366, "this year"), (3 * 366, "last three years"))
OLDER = "older"
MOST_POINTS = 2000
"""More files cannot be told apart on a screen: of each collection some are taken evenly, by their ids."""
MOST_SKIPPED_NAMED = 200


@dataclass(frozen=True, slots=True)
class TypeRow:
    name: str
    files: int
    bytes: int
    chunks: int


@dataclass(frozen=True, slots=True)
class Point:
    """An indexed file on the map."""

    path: str
    title: str
    type: str
    collection: str
    chunks: int
    place: Place


@dataclass(frozen=True, slots=True)
class Overview:
    """``made`` is in seconds since 1970. ``skipped`` counts by reason; ``skipped_files`` names the first of each."""

    made: float
    stats: StoreStats
    roots: tuple[Root, ...]
    types: tuple[TypeRow, ...]
    ages: Mapping[str, int]
    skipped: Mapping[str, int]
    skipped_files: tuple[StoredSource, ...]
    points: tuple[Point, ...]
    left_off_map: int


def type_of(source: StoredSource) -> str:
    return source.path.suffix.lower().lstrip(".") or "no ending"


def count_types(sources: Iterable[StoredSource]) -> tuple[TypeRow, ...]:
    """Files, bytes and passages by name ending, the most frequent first."""
    files, size, chunks = Counter[str](), Counter[str](), Counter[str]()
    for source in sources:
        name = type_of(source)
        files[name] += 1
        size[name] += source.size
        chunks[name] += source.chunks
    return tuple(TypeRow(name, count, size[name], chunks[name]) for name, count in files.most_common())


def count_ages(sources: Iterable[StoredSource], now: float) -> Mapping[str, int]:
    """How many files were changed last in which span before ``now``; every span is there, the newest first."""
    ages = dict.fromkeys([name for _, name in AGES] + [OLDER], 0)
    for source in sources:
        days = (now - source.modified_ns / 1e9) / 86_400
        ages[next((name for most, name in AGES if days <= most), OLDER)] += 1
    return ages


def choose_for_map(sources: Iterable[StoredSource], limit: int = MOST_POINTS) -> list[StoredSource]:
    """Those that have passages; of too many some, the same ones each time. Ids are digests: their order is by chance."""
    readable = sorted((source for source in sources if source.chunks), key=lambda source: source.id)
    return readable[:limit]


def make_overview(
    sources: Sequence[StoredSource], stats: StoreStats, roots: Sequence[Root], places: Mapping[str, Place], now: float
) -> Overview:
    """``places`` says by source id where a file lies on the map; a file without one is not on it."""
    found = [source for source in sources if not source.reason]
    lost = sorted((source for source in sources if source.reason), key=lambda source: (source.reason, source.path))
    points = tuple(
        Point(str(each.path), each.title or each.path.name, type_of(each), each.collection, each.chunks, places[each.id])
        for each in sorted(found, key=lambda source: source.path)
        if each.id in places
    )
    return Overview(
        made=now,
        stats=stats,
        roots=tuple(roots),
        types=count_types(found),
        ages=count_ages(found, now),
        skipped=dict(Counter(source.reason for source in lost).most_common()),
        skipped_files=tuple(lost[:MOST_SKIPPED_NAMED]),
        points=points,
        left_off_map=len(found) - len(points),
    )
