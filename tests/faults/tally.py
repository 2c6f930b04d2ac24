"""How large the fault suites are, and how many points each has tried: a suite that tries fewer than it should fails."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from ragcli.errors import RagError
from tests.tallying import count

FULL = os.environ.get("RAGCLI_FULL_FAULTS", "") not in ("", "0")
"""The full set takes about half an hour, and is what ``scripts/faults`` runs; the cut-down one is part of every test run."""
LONGEST_SECONDS = 3600 if FULL else 300
TRIED: Counter[str] = Counter()
"""By suite; printed when all tests have run."""
T = TypeVar("T")


def sized(cut_down: T, full: T) -> T:
    return full if FULL else cut_down


def settle(suite: str, tried: int, *, floor: int, failures: Sequence[str] = ()) -> None:
    """The suite has tried so many points, at least ``floor``, and none of them failed."""
    TRIED[suite] += tried
    assert not failures, f"{len(failures)} of {tried} points failed:\n" + "\n".join(failures)
    assert tried >= floor, f"{suite}: only {tried} points were tried, not {floor}"
    count(f"faults: {suite}", tried)


@contextmanager
def noted(failures: list[str], point: str) -> Iterator[None]:
    """What goes wrong inside is put down, and the next point tried."""
    try:
        yield
    except (AssertionError, RagError, OSError) as error:
        failures.append(f"{point}: {type(error).__name__}: {error}")


def spread(points: Sequence[T], most: int) -> list[T]:
    """At most so many of the points, evenly spaced, the first and the last among them."""
    if len(points) <= most:
        return list(points)
    if most == 1:
        return [points[len(points) // 2]]
    return [points[round(at * (len(points) - 1) / (most - 1))] for at in range(most)]
