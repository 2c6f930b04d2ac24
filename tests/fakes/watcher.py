"""A watcher whose changes are written down beforehand."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path


class ManualWatcher:
    """Gives the script's changes one by one; None in it is a silence, and after its end there is nothing but silence.

    Time passes only in silences: ``now`` is the monotonic clock of this watcher, ``wall`` the other one.
    """

    def __init__(self, *script: Path | None) -> None:
        self._script = deque(script)
        self.now = 0.0
        self.wall_now = 1_000_000.0
        self.waited: list[float] = []
        """The timeout of every call, in order."""
        self.trouble = ""
        self.roots: tuple[Path, ...] = ()
        self.doubts: deque[bool] = deque()
        """What the next calls of ``tend`` give; afterwards there is no doubt."""
        self.closed = False

    def clock(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.wall_now

    def tend(self, roots: Sequence[Path]) -> bool:
        is_new = bool(set(roots) - set(self.roots))
        self.roots = tuple(roots)
        return self.doubts.popleft() if self.doubts else is_new

    def next_change(self, timeout: float) -> Path | None:
        self.waited.append(timeout)
        change = self._script.popleft() if self._script else None
        self.pass_time(timeout if change is None else 0.5)
        return change

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.wall_now += seconds

    def close(self) -> None:
        self.closed = True
