"""The flow behind ``watch``: the index follows the disk. A change is only a hint to look again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from ragcli.ports import Watcher
from ragcli.types import IndexEvent

SETTLE_SECONDS = 1.0
"""Silence after which a burst of changes is over: an editor saves in several steps."""
LONGEST_BURST_SECONDS = 20.0
"""A folder that never falls silent is looked at all the same."""
SWEEP_SECONDS = 300.0
"""Without any hint everything is looked at this often: systems lose hints."""


def watch_roots(
    watcher: Watcher, refresh: Callable[[], Iterator[IndexEvent]], *, clock: Callable[[], float] = time.monotonic
) -> Iterator[IndexEvent]:
    """The events of a refresh at once, and of another after each burst of changes, until the consumer stops."""
    while True:
        yield from refresh()
        if watcher.next_change(SWEEP_SECONDS) is not None:
            settle(watcher, clock)


def settle(watcher: Watcher, clock: Callable[[], float]) -> None:
    """Returns when no change has come for ``SETTLE_SECONDS``, or after ``LONGEST_BURST_SECONDS``."""
    started = clock()
    while clock() - started < LONGEST_BURST_SECONDS and watcher.next_change(SETTLE_SECONDS) is not None:
        pass
