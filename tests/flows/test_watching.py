"""The index follows the disk: bursts settle, silence is not trusted for ever, what passes is waited for, sleep is noticed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from ragcli.errors import StoreError
from ragcli.flows.watching import Pace, WatchPorts, watch_roots
from ragcli.types import IndexEvent, IndexFinished, IndexReport, Noticed, WatchEvent, WatchState
from tests.fakes.desk import DOCS, Desk
from tests.fakes.watcher import ManualWatcher

CHANGE = Path("/docs/a.txt")
FINISHED = IndexFinished(IndexReport())
PACE = Pace()
LOCKED = StoreError("index-locked", "another process writes", hint="wait")


def refresh() -> Iterator[IndexEvent]:
    yield FINISHED


def ports(watcher: ManualWatcher, look: Callable[[], Iterator[IndexEvent]] = refresh) -> WatchPorts:
    return WatchPorts(watcher, lambda: (DOCS,), look, monotonic=watcher.clock, wall=watcher.wall)


def looks(watcher: ManualWatcher, count: int, **changes: object) -> list[float]:
    """When each of the first looks ended."""
    times = []
    for event in watch_roots(replace(ports(watcher), **changes), PACE):
        if isinstance(event, IndexFinished):
            times.append(watcher.now)
            if len(times) == count:
                return times
    raise AssertionError("watching never ends by itself")


def calm(watcher: ManualWatcher) -> ManualWatcher:
    """Past the start, when the roots are new."""
    watcher.roots = (DOCS,)
    return watcher


# ---- when to look ------------------------------------------------------------------------------


def test_everything_is_looked_at_before_anything_is_waited_for() -> None:
    watcher = ManualWatcher()
    assert next(watch_roots(ports(watcher))) == FINISHED
    assert watcher.roots == (DOCS,)
    assert watcher.waited == []


def test_a_burst_of_changes_leads_to_one_look() -> None:
    watcher = calm(ManualWatcher(CHANGE, CHANGE, CHANGE, None, CHANGE, None))
    first, second, third = looks(watcher, 3)
    assert (first, second) == (0.0, 3 * 0.5 + PACE.settle)
    assert third == second + 0.5 + PACE.settle


def test_without_any_hint_everything_is_looked_at_now_and_then() -> None:
    watcher = calm(ManualWatcher())
    assert looks(watcher, 3) == [0.0, PACE.sweep, 2 * PACE.sweep]
    assert max(watcher.waited) == PACE.pulse


def test_a_folder_that_never_falls_silent_is_looked_at_all_the_same() -> None:
    _, second = looks(calm(ManualWatcher(*[CHANGE] * 1000)), 2)
    assert PACE.longest_burst <= second < PACE.longest_burst + 1.5


def test_looking_rests_in_proportion_to_its_cost_and_never_long() -> None:
    for cost, rest in ((0.5, 5.0), (60.0, PACE.longest_rest)):
        watcher = calm(ManualWatcher(*[CHANGE, None] * 50))

        def slow(watcher: ManualWatcher = watcher, cost: float = cost) -> Iterator[IndexEvent]:
            watcher.pass_time(cost)
            yield FINISHED

        first, second = looks(watcher, 2, refresh=slow)
        assert rest <= second - first - cost <= rest + PACE.settle + 1


def test_where_hints_may_be_lost_there_is_a_look_at_once_and_another_one_soon() -> None:
    watcher = calm(ManualWatcher())
    watcher.doubts.extend([False, False, True])
    assert looks(watcher, 4) == [0.0, 2 * PACE.pulse, 2 * PACE.pulse + PACE.unsure, 2 * PACE.pulse + PACE.unsure + PACE.sweep]


def test_new_roots_are_looked_at_within_a_pulse() -> None:
    watcher = calm(ManualWatcher())
    more = (DOCS, Path("/more"))
    assert looks(watcher, 2, roots=lambda: more if watcher.now > PACE.pulse else (DOCS,)) == [0.0, 2 * PACE.pulse]
    assert watcher.roots == (DOCS, Path("/more"))


def test_while_the_system_watches_too_little_looks_are_frequent_and_it_is_said_once() -> None:
    watcher = calm(ManualWatcher())
    watcher.trouble = "no more watches"
    events = list(islice(watch_roots(ports(watcher)), 4))
    notices = [event for event in events if isinstance(event, Noticed)]
    assert notices == [Noticed("no more watches: changes may be found late, looking every 30 s")]
    assert watcher.now == 2 * PACE.unsure


# ---- sleep and clocks --------------------------------------------------------------------------


class Sleeper(ManualWatcher):
    """While it waits for the third time, something happens to the clocks."""

    def __init__(self, *, wall: float, monotonic: float) -> None:
        super().__init__()
        self.jump = wall, monotonic

    def next_change(self, timeout: float) -> Path | None:
        if len(self.waited) == 2:
            self.wall_now += self.jump[0]
            self.now += self.jump[1]
        return super().next_change(timeout)


@pytest.mark.parametrize(
    ("wall", "monotonic"),
    [(3600.0, 0.0), (-3600.0, 0.0), (120.0, 120.0)],
    ids=["the machine slept", "the clock was set back", "the process was stopped"],
)
def test_after_a_jump_of_the_clocks_there_is_a_look_at_once(wall: float, monotonic: float) -> None:
    watcher = calm(Sleeper(wall=wall, monotonic=monotonic))
    _, second, third = looks(watcher, 3)
    assert second == 3 * PACE.pulse + monotonic
    assert third == second + PACE.unsure


def test_a_clock_that_is_put_right_by_a_second_is_no_jump() -> None:
    assert looks(calm(Sleeper(wall=1.0, monotonic=0.0)), 2)[1] == PACE.sweep


# ---- what passes -------------------------------------------------------------------------------


@pytest.mark.parametrize("slug", ["index-locked", "disk-full", "run-died"])
def test_what_passes_is_told_once_and_waited_out(slug: str) -> None:
    failures = [StoreError(slug, "it does not work now", hint="wait")] * 3

    def sometimes() -> Iterator[IndexEvent]:
        if failures:
            raise failures.pop()
        yield FINISHED

    watcher = calm(ManualWatcher())
    events = list(islice(watch_roots(ports(watcher, sometimes)), 3))
    waiting = Noticed("it does not work now; waiting until that is over")
    assert events == [waiting, FINISHED, Noticed("all is well again")]
    assert watcher.now == (1 + 2 + 4) * PACE.retry


@pytest.mark.parametrize(("slug", "longest"), [("index-locked", PACE.unsure), ("run-died", PACE.sweep)])
def test_what_lasts_is_tried_ever_more_seldom(slug: str, longest: float) -> None:
    times: list[float] = []
    watcher = calm(ManualWatcher())

    def never() -> Iterator[IndexEvent]:
        times.append(watcher.now)
        if len(times) == 20:
            raise KeyboardInterrupt
        raise StoreError(slug, "it does not work now", hint="wait")
        yield FINISHED

    with pytest.raises(KeyboardInterrupt):
        list(watch_roots(ports(watcher, never)))
    assert times[1] == PACE.retry
    assert times[-1] - times[-2] == longest


def test_what_does_not_pass_ends_the_watching() -> None:
    def broken() -> Iterator[IndexEvent]:
        raise StoreError("index-mismatch", "another embedder", hint="rebuild")
        yield FINISHED

    with pytest.raises(StoreError, match="another embedder"):
        next(watch_roots(ports(ManualWatcher(), broken)))


def test_a_pause_holds_the_work_back_and_the_look_after_it_sees_everything() -> None:
    reasons = ["on battery, 12 %"] * 3
    watcher = calm(ManualWatcher(CHANGE, None, None))
    held = replace(ports(watcher), hold=lambda: reasons.pop() if reasons else "")
    events = list(islice(watch_roots(held), 3))
    assert events == [Noticed("paused: on battery, 12 %"), FINISHED, Noticed("all is well again")]
    assert watcher.now >= 3 * PACE.pulse


# ---- what is said of it ------------------------------------------------------------------------


def test_the_heartbeat_tells_the_state_and_comes_now_and_then_when_nothing_changes() -> None:
    watcher = calm(ManualWatcher())
    said: list[tuple[float, WatchState, float | None, str]] = []

    def beat(state: WatchState, looked: float | None, trouble: str) -> None:
        said.append((watcher.now, state, looked, trouble))

    looks(watcher, 2, beat=beat)
    assert [entry[:3] for entry in said[:3]] == [(0, "looking", None), (0, "listening", 1_000_000), (30, "listening", 1_000_000)]
    assert len(said) == 2 + (PACE.sweep - 1) // PACE.beat + 1
    assert {entry[3] for entry in said} == {""}


def test_the_heartbeat_says_what_is_waited_for() -> None:
    watcher = calm(ManualWatcher())
    said: list[tuple[WatchState, str]] = []

    def locked() -> Iterator[IndexEvent]:
        raise LOCKED
        yield FINISHED

    noticed = replace(ports(watcher, locked), beat=lambda state, looked, trouble: said.append((state, trouble)))
    events: Iterator[WatchEvent] = watch_roots(noticed)
    assert isinstance(next(events), Noticed)
    watcher.doubts.extend([False, False])

    def stop(roots: Sequence[Path]) -> bool:
        raise KeyboardInterrupt

    watcher.tend = stop  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        next(events)
    assert said == [("looking", ""), ("waiting", "another process writes; waiting until that is over")]


# ---- with a whole index ------------------------------------------------------------------------


def test_what_changes_on_the_disk_is_found_in_the_index() -> None:
    desk = Desk({"a.txt": "The lease ends in May."})

    def edit_and_refresh() -> Iterator[IndexEvent]:
        yield from desk.events("" if desk.store.identity() is None else "")
        desk.files[DOCS / "b.txt"] = "The cat is called Parsec."

    watcher = ManualWatcher(DOCS / "b.txt")
    events = watch_roots(ports(watcher, edit_and_refresh))
    reports = [event.report for event in islice((each for each in events if isinstance(each, IndexFinished)), 3)]
    assert [report.added for report in reports] == [1, 1, 0]
    assert any("Parsec" in each.chunk.text for each in desk.store.chunks.values())
