"""Hears what a library says only to its log, where a program cannot go by what it returns. Knows no library."""

from __future__ import annotations

import logging
from collections.abc import Sequence


class LogListener(logging.Handler):
    """Takes the warnings and errors of some loggers, which then reach no terminal."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(logging.WARNING)
        self.broken = False
        """An error was said since this was last set to false."""
        self._names = tuple(names)
        self._doubt = False

    def emit(self, record: logging.LogRecord) -> None:
        self._doubt = True
        self.broken |= record.levelno >= logging.ERROR

    def doubts(self) -> bool:
        """Whether something was said since the last time."""
        doubt, self._doubt = self._doubt, False
        return doubt

    def listen(self) -> None:
        for name in self._names:
            logging.getLogger(name).addHandler(self)

    def end(self) -> None:
        for name in self._names:
            logging.getLogger(name).removeHandler(self)
