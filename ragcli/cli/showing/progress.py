"""How far long work has come, told on standard error: a line that redraws itself, or now and then a plain one.

Knows nothing of what the work is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self, TextIO, cast

from ragcli.cli.showing.paper import duration, size
from ragcli.cli.streams import Output

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

REPORT_SECONDS = 10.0
"""Where nothing can be drawn again, a line this often: enough to see life, few enough for a log."""
SLOW_RATE = 0.1
"""Items a second below which a minute is the better measure."""
Unit = Literal["bytes", "items"]


class Progress(AbstractContextManager["Progress"]):
    """Says nothing. ``update`` may be called as often as one likes; ``total`` may grow."""

    def update(self, done: float, total: float, label: str) -> None:
        """The work has come to ``done`` of ``total``; ``label`` says so in its own words."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        return None


class LineProgress(Progress):
    """A line every ten seconds, with rate and time left."""

    def __init__(self, title: str, unit: Unit, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._title, self._write, self._clock = title, write, clock
        self._unit: Unit = unit
        self._started = self._reported = clock()
        self._begun_at = self._done = 0.0

    def update(self, done: float, total: float, label: str) -> None:
        now = self._clock()
        if done < self._done:  # something else has begun, such as unpacking what was downloaded
            self._started, self._begun_at = now, done
        self._done = done
        if now - self._reported < REPORT_SECONDS:
            return
        self._reported = now
        rate = (done - self._begun_at) / (now - self._started) if now > self._started else 0.0
        speed = f", {_rate_text(rate, self._unit)}" if rate else ""
        left = f", about {duration((total - done) / rate)} left" if rate and total > done else ""
        self._write(f"{self._title}: {label}{speed}{left}")


def _rate_text(rate: float, unit: Unit) -> str:
    if unit == "bytes":
        return f"{size(rate)}/s"
    return f"{rate:.1f}/s" if rate >= SLOW_RATE else f"{rate * 60:.1f}/min"


class LiveProgress(Progress):
    """One line with a bar; it appears with the first news and vanishes when the work is over."""

    def __init__(self, title: str, unit: Unit, err: Output) -> None:
        self._bar = _rich_bar(unit, err)
        self._task = self._bar.add_task(title, total=None, label="")

    def update(self, done: float, total: float, label: str) -> None:
        self._bar.start()
        self._bar.update(self._task, completed=done, total=total or None, label=label)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.stop()


def _rich_bar(unit: Unit, err: Output) -> RichProgress:
    from rich.console import Console  # rich costs more to load than most commands take: only where something is drawn
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    file = cast(TextIO, err)  # it has what rich uses of a file
    console = Console(file=file, no_color=not err.color, force_terminal=True, highlight=False, emoji=False)
    what, how_far = TextColumn("{task.description}", markup=False), TextColumn("{task.fields[label]}", markup=False)
    columns = [SpinnerColumn(), what, BarColumn(24), how_far, TransferSpeedColumn(), TimeRemainingColumn(compact=True)]
    if unit == "items":
        columns.pop(4)
    return Progress(*columns, console=console, transient=True)
