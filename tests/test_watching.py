"""The index follows the disk: bursts settle, silence is not trusted for ever, another writer is waited for."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from ragcli.errors import StoreError
from ragcli.types import IndexEvent, IndexFinished, IndexReport
from ragcli.watching import LOCKED_SECONDS, LONGEST_BURST_SECONDS, SETTLE_SECONDS, SWEEP_SECONDS, settle, watch_roots
from tests.fakes.desk import DOCS, Desk
from tests.fakes.watcher import ManualWatcher

CHANGE = Path("/docs/a.txt")
FINISHED = IndexFinished(IndexReport())


def refresh() -> Iterator[IndexEvent]:
    yield FINISHED


def watch(watcher: ManualWatcher, runs: int) -> list[IndexEvent]:
    return list(islice(watch_roots(watcher, refresh, clock=watcher.clock), runs))


def test_everything_is_looked_at_before_anything_is_waited_for() -> None:
    watcher = ManualWatcher()
    assert watch(watcher, 1) == [FINISHED]
    assert watcher.waited == []


def test_a_burst_of_changes_leads_to_one_look() -> None:
    watcher = ManualWatcher(CHANGE, CHANGE, CHANGE, None, CHANGE, None)
    watch(watcher, 3)
    assert watcher.waited == [SWEEP_SECONDS, *[SETTLE_SECONDS] * 3, SWEEP_SECONDS, SETTLE_SECONDS]


def test_without_any_hint_everything_is_looked_at_now_and_then() -> None:
    watcher = ManualWatcher()
    assert watch(watcher, 3) == [FINISHED] * 3
    assert watcher.waited == [SWEEP_SECONDS] * 2


def test_a_folder_that_never_falls_silent_is_looked_at_all_the_same() -> None:
    watcher = ManualWatcher(*[CHANGE] * 1000)
    settle(watcher, watcher.clock)
    assert LONGEST_BURST_SECONDS <= watcher.now < LONGEST_BURST_SECONDS + 1


def test_another_writer_is_waited_for_and_other_errors_are_not() -> None:
    failures = [StoreError("index-locked", "another process writes", hint="wait")]

    def sometimes() -> Iterator[IndexEvent]:
        if failures:
            raise failures.pop()
        yield FINISHED

    watcher = ManualWatcher()
    assert next(watch_roots(watcher, sometimes, clock=watcher.clock)) == FINISHED
    assert watcher.waited == [LOCKED_SECONDS]
    failures.append(StoreError("disk-full", "the disk is full", hint="free some"))
    with pytest.raises(StoreError, match="full"):
        next(watch_roots(watcher, sometimes))


def test_what_changes_on_the_disk_is_found_in_the_index() -> None:
    desk = Desk({"a.txt": "The lease ends in May."})

    def edit_and_refresh() -> Iterator[IndexEvent]:
        yield from desk.events("" if desk.store.identity() is None else "")
        desk.files[DOCS / "b.txt"] = "The cat is called Parsec."

    watcher = ManualWatcher(DOCS / "b.txt")
    events = watch_roots(watcher, edit_and_refresh, clock=watcher.clock)
    reports = [event.report for event in islice((each for each in events if isinstance(each, IndexFinished)), 3)]
    assert [report.added for report in reports] == [1, 1, 0]
    assert any("Parsec" in each.chunk.text for each in desk.store.chunks.values())
