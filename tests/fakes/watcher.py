"""A watcher whose changes are written down beforehand."""

from __future__ import annotations

from collections import deque
from pathlib import Path


class ManualWatcher:
    """Gives the script's changes one by one; None in it is a silence, and after its end there is nothing but silence.

    Time passes only in silences: ``now`` is the clock of this watcher.
    """

    def __init__(self, *script: Path | None) -> None:
        self._script = deque(script)
        self.now = 0.0
        self.waited: list[float] = []
        """The timeout of every call, in order."""
        self.closed = False

    def clock(self) -> float:
        return self.now

    def next_change(self, timeout: float) -> Path | None:
        self.waited.append(timeout)
        change = self._script.popleft() if self._script else None
        self.now += timeout if change is None else 0.5
        return change

    def close(self) -> None:
        self.closed = True
