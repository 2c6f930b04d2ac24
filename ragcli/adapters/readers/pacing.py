"""How long one file may be read: a scan takes minutes, so the time that is meant for a file is given to each of its steps.

Standard library only: the process that asks and the one that reads agree here.
"""

from __future__ import annotations

from collections.abc import Callable

MAX_RECOGNIZED_PAGES = 300
"""Of one file with all that is inside it. They also bound what any file takes: as many times the seconds of a file."""
MAX_LINES = 500
"""Of one page that are recognised: a full page of a newspaper has fewer."""
LINES_IN_STEP = 25
MAX_STEPS = MAX_RECOGNIZED_PAGES * (MAX_LINES // LINES_IN_STEP + 5)
"""More than any file needs; who asks listens to no more."""


class Pace:
    """The steps of one file: ``begin_step`` is called before each, and gives it the whole time of a file."""

    def __init__(self, begin_step: Callable[[], None] = lambda: None) -> None:
        self.begin_step = begin_step
        self._pages_left = MAX_RECOGNIZED_PAGES

    def take_pages(self, count: int) -> bool:
        """Whether so many more pages may be recognised; if so, they count."""
        if count > self._pages_left:
            return False
        self._pages_left -= count
        return True
