"""The flow behind ``watch``: the index follows the disk. A change that is told is only a hint to look again.

So nothing depends on what is told: it decides when to look, and looking compares the index with the whole disk. Where hints
may have been lost (the system says so, a root came back, the machine slept) there is a look at once and another one soon.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ragcli.errors import StoreError
from ragcli.ports import Watcher
from ragcli.types import Noticed, WatchEvent, WatchState

PASSING = frozenset({"index-locked", "disk-full", "run-died"})
"""Failures that end by themselves: they are told once and tried again."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long watching waits for what, in seconds."""

    settle: float = 1.0
    """Silence after which a burst of changes is over: an editor saves in several steps."""
    longest_burst: float = 20.0
    """A folder that never falls silent is looked at all the same."""
    sweep: float = 300.0
    """Without any hint everything is looked at this often: systems lose hints and do not know."""
    unsure: float = 30.0
    """The same, while hints are known to be lost."""
    retry: float = 5.0
    """How soon to try again after a failure that passes; each time in a row takes twice as long, up to ``unsure``."""
    pulse: float = 5.0
    """How often to look up from waiting: for roots that come and go, a machine that slept, a pause that ended."""
    rest: float = 10.0
    """Looking takes at most one part in so many of the time, while hints come without end..."""
    longest_rest: float = 20.0
    """...but rests no longer than this."""
    beat: float = 30.0
    """How often to say that one is alive, if nothing else is to be said."""
    jump: float = 10.0
    """Clocks that part by more have seen the machine sleep, or somebody set one of them."""


STEADY = Pace()


def unheard(state: WatchState, looked: float | None, trouble: str) -> None:
    """Where nobody wants to know how watching goes."""


@dataclass(frozen=True, slots=True)
class WatchPorts:
    """What watching needs of the machine."""

    watcher: Watcher
    roots: Callable[[], Sequence[Path]]
    """What is to be watched, asked again and again: another process may add to it."""
    refresh: Callable[[], Iterator[WatchEvent]]
    """One look: the index is made as the disk."""
    beat: Callable[[WatchState, float | None, str], None] = unheard
    """Told how watching goes, when the last look ended, and what is wrong."""
    hold: Callable[[], str] = str
    """Why there may be no work now, as on battery; empty if there may."""
    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time


def watch_roots(ports: WatchPorts, pace: Pace = STEADY) -> Iterator[WatchEvent]:
    """The events of a look at once, and of another one after each burst of changes, until the consumer stops.

    Once the disk has been quiet for a minute the index is as the disk, unless looking itself takes longer. Failures that
    pass are told as ``Noticed`` and waited out. Raises what looking raises otherwise.
    """
    return _Watch(ports, pace).events()


class _Watch:
    def __init__(self, ports: WatchPorts, pace: Pace) -> None:
        self._ports, self._pace = ports, pace
        self._now = ports.monotonic
        self._wait = 0.0
        """Until the next look, if nothing is heard."""
        self._rested = 0.0
        """When the next look may begin at the earliest, whatever is heard."""
        self._unsure = False
        """Hints may have been lost since the last look."""
        self._failure = ""
        self._failures = 0
        """How many looks in a row."""
        self._told = ""
        self._beaten: tuple[WatchState, str, float] | None = None
        self._looked: float | None = None

    def events(self) -> Iterator[WatchEvent]:
        while True:
            self._tend()
            yield from self._hold()
            yield from self._look()
            yield from self._notice()
            self._listen()

    # ---- looking ---------------------------------------------------------------------------------

    def _look(self) -> Iterator[WatchEvent]:
        """The index is as the disk, or ``_failure`` says why not."""
        started = self._now()
        self._beat("looking")
        self._failure = ""
        try:
            for event in self._ports.refresh():
                self._beat("looking")
                yield event
        except StoreError as error:
            if error.slug not in PASSING:
                raise
            self._failure = f"{error.message}; waiting until that is over"
            self._wait = min(self._pace.retry * 2**self._failures, self._longest_wait(error))
            self._failures += 1
        else:
            self._failures = 0
            self._looked = self._ports.wall()
            unsure = self._unsure or self._ports.watcher.trouble
            self._wait = self._pace.unsure if unsure else self._pace.sweep
            self._unsure = False
        ended = self._now()
        self._rested = ended + min(self._pace.rest * (ended - started), self._pace.longest_rest)

    def _longest_wait(self, failure: StoreError) -> float:
        """A run that dies costs as much as one that does not, and may die each time."""
        return self._pace.sweep if failure.slug == "run-died" else self._pace.unsure

    def _hold(self) -> Iterator[WatchEvent]:
        """Returns when there may be work. What is told meanwhile is not lost: the look that follows sees it."""
        while reason := self._ports.hold():
            self._failure = f"paused: {reason}"
            yield from self._notice()
            self._beat("paused")
            self._drain(self._pace.pulse)
            self._tend()
        self._failure = ""

    def _notice(self) -> Iterator[Noticed]:
        """What is wrong is told once, and its end too."""
        wrong = self._wrong()
        if wrong != self._told:
            yield Noticed(wrong or "all is well again")
        self._told = wrong

    def _wrong(self) -> str:
        trouble = self._ports.watcher.trouble
        missed = f"{trouble}: changes may be found late, looking every {self._pace.unsure:.0f} s"
        return self._failure or (missed if trouble else "")

    # ---- listening -------------------------------------------------------------------------------

    def _listen(self) -> None:
        """Returns when it is time to look again."""
        deadline = self._now() + self._wait
        while (left := deadline - self._now()) > 0:
            before = self._now(), self._ports.wall()
            self._beat("waiting" if self._failure else "listening")
            if self._ports.watcher.next_change(min(left, self._pace.pulse)) is not None:
                return self._settle()
            if self._jumped(*before) or self._tend():
                self._unsure = True
                return None
        return None

    def _settle(self) -> None:
        """Returns when no change has come for a moment, or after the longest burst; and not before the rest is over."""
        started, pace = self._now(), self._pace
        while self._now() - started < pace.longest_burst and self._ports.watcher.next_change(pace.settle) is not None:
            pass
        self._drain(self._rested - self._now())

    def _drain(self, seconds: float) -> None:
        until = self._now() + seconds
        while (left := until - self._now()) > 0:
            self._ports.watcher.next_change(min(left, self._pace.pulse))

    def _tend(self) -> bool:
        """The watcher knows the roots of now. Gives whether changes may have gone unheard."""
        doubt = self._ports.watcher.tend(self._ports.roots())
        self._unsure |= doubt
        return doubt

    def _jumped(self, monotonic: float, wall: float) -> bool:
        """Whether the machine slept or a clock was set since then: one of the two clocks stands still in sleep."""
        passed = self._now() - monotonic
        parted = abs(self._ports.wall() - wall - passed)
        return parted > self._pace.jump or passed > self._pace.pulse + self._pace.jump

    def _beat(self, state: WatchState) -> None:
        """Said at each change, and else now and then: whoever reads it sees from its age whether one is stuck."""
        wrong, now = self._wrong(), self._now()
        said = self._beaten
        if said is None or said[:2] != (state, wrong) or now - said[2] >= self._pace.beat:
            self._ports.beat(state, self._looked, wrong)
            self._beaten = (state, wrong, now)
