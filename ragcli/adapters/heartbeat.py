"""What a watcher says of itself, in a small file that is whole at every moment. Knows nothing of watching.

It need not survive a power cut, after which no watcher is left to speak of: so the disk is not made to work for it.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import get_args

from ragcli.types import WatchHealth, WatchState

SCHEMA = 1


class Heartbeat:
    """One watcher's voice. A disk that is full silences it, and ends nothing."""

    def __init__(self, file: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._file, self._clock = file, clock
        self._started = clock()

    def say(self, state: WatchState, looked: float | None, trouble: str) -> None:
        """The file says so, and that this process said it now."""
        told = {"state": state, "looked": looked, "trouble": trouble, "started": self._started, "said": self._clock()}
        content = json.dumps({"schema": SCHEMA, "process": os.getpid(), **told}).encode()
        draft = self._file.with_name(f".{self._file.name}.draft")
        with contextlib.suppress(OSError):
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content)
            draft.replace(self._file)

    def end(self) -> None:
        """The file is gone: nobody is watching, and that is as it should be."""
        with contextlib.suppress(OSError):
            self._file.unlink()


def read_heartbeat(file: Path) -> WatchHealth | None:
    """What the last watcher said; None if it ended in good order, or there never was one."""
    try:
        told = json.loads(file.read_bytes())
        return WatchHealth(
            process=int(told["process"]),
            started=float(told["started"]),
            said=float(told["said"]),
            looked=None if told["looked"] is None else float(told["looked"]),
            state=told["state"] if told["state"] in get_args(WatchState) else "waiting",
            trouble=str(told["trouble"]),
            alive=is_running(int(told["process"])),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return process > 0
    return True
