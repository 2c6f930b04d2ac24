"""A bug is told without the words of the failure, which may be those of the user's files: where it happened, and of what kind.

It must stand before the command line's library is imported, which keeps whatever told of failures before. Knows nothing
of commands.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Iterator
from types import TracebackType

SHOW = "RAGCLI_TRACEBACK"
"""Set to 1 it shows the words too: for whoever looks for the bug."""
LEFT_OUT = f"what it said is left out, since it may quote your files; {SHOW}=1 shows it"


def tell_bugs_without_words() -> None:
    """From now on whatever nobody catches, in any thread, is told on standard error without its message."""
    if os.environ.get(SHOW) == "1":
        return
    sys.excepthook = _tell
    threading.excepthook = lambda args: _tell(args.exc_type, args.exc_value, args.exc_traceback)
    sys.unraisablehook = lambda args: _tell(args.exc_type, args.exc_value, args.exc_traceback)


def _tell(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    lines = describe(error) if error is not None else [kind.__name__]
    if sys.stderr is not None:
        sys.stderr.write("\n".join([*lines, ""]))


def describe(error: BaseException) -> list[str]:
    """The traceback as Python shows it, of what led to it too, but for every message."""
    lines = []
    for each in reversed(list(_chain(error))):
        lines += ["Traceback (most recent call last):", *"".join(traceback.format_tb(each.__traceback__)).splitlines()]
        lines.append(f"{type(each).__module__}.{type(each).__qualname__} ({LEFT_OUT})")
    return lines


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
