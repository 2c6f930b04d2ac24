"""The flow behind ``watch``: the index follows the disk. A change is only a hint to look again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from ragcli.errors import StoreError
from ragcli.ports import Watcher
from ragcli.types import IndexEvent

SETTLE_SECONDS = 1.0
"""Silence after which a burst of changes is over: an editor saves in several steps."""
LONGEST_BURST_SECONDS = 20.0
"""A folder that never falls silent is looked at all the same."""
SWEEP_SECONDS = 300.0
"""Without any hint everything is looked at this often: systems lose hints."""
LOCKED_SECONDS = 5.0
"""How soon to look again when another process has the index."""


def watch_roots(
    watcher: Watcher, refresh: Callable[[], Iterator[IndexEvent]], *, clock: Callable[[], float] = time.monotonic
) -> Iterator[IndexEvent]:
    """The events of a refresh at once, and of another after each burst of changes, until the consumer stops.

    While another process writes to the index, refreshing waits. Raises what ``refresh`` raises otherwise.
    """
    while True:
        wait = SWEEP_SECONDS
        try:
            yield from refresh()
        except StoreError as error:
            if error.slug != "index-locked":
                raise
            wait = LOCKED_SECONDS
        if watcher.next_change(wait) is not None:
            settle(watcher, clock)


def settle(watcher: Watcher, clock: Callable[[], float]) -> None:
    """Returns when no change has come for ``SETTLE_SECONDS``, or after ``LONGEST_BURST_SECONDS``."""
    started = clock()
    while clock() - started < LONGEST_BURST_SECONDS and watcher.next_change(SETTLE_SECONDS) is not None:
        pass
