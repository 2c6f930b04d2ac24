"""Index runs in a process of their own, which goes when there has been nothing to do for a while.

The libraries that embed take half a gigabyte and do not give it back: who watches for days must not keep that. What is said
between the two processes are values of this program, pickled; no byte of a document passes here. What runs there is
``errand_runner``.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ragcli.config import Config, Locations
from ragcli.errors import RagError, StoreError
from ragcli.types import WatchEvent

KEEP_SECONDS = 60.0
"""How long the process stays after a run: who saves a file once a minute waits for the libraries only once."""
HOME_OF_PACKAGE = Path(__file__).parents[2]
COMMAND = (sys.executable, "-P", "-c", "from ragcli.errand_runner import main; main()")
"""Not ``-m``: what is pickled there must have the same name here."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A run's last word, with what it failed of, if it did."""

    error: RagError | None = None


class Errands:
    """Runs of ``Assistant.index_events`` elsewhere, one after the other."""

    def __init__(self, config: Config, locations: Locations, *, patience: float = 0.0, command: Sequence[str] = COMMAND) -> None:
        """``patience`` is how many seconds a run waits for another writer; ``command`` starts something that ``serve``s."""
        self._greeting = config, locations, patience
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._is_busy = False
        self._used = 0.0

    def run(self, paths: Sequence[Path], **options: Any) -> Iterator[WatchEvent]:
        """As ``index_events``. Closing the iterator stops the work. Raises what it raises, and StoreError ``run-died``."""
        process = self._living()
        self._is_busy, is_whole = True, False
        try:
            send(process.stdin, (tuple(paths), options))
            while not isinstance(told := pickle.load(open_pipe(process.stdout)), Finished):
                yield told
            is_whole = True
        except (EOFError, BrokenPipeError, pickle.UnpicklingError) as error:
            raise _death(process) from error
        finally:
            self._is_busy, self._used = False, time.monotonic()
            if not is_whole:
                self.close()
        if told.error is not None:
            raise told.error

    def rest(self, *, now: Callable[[], float] = time.monotonic) -> None:
        """The process is gone if it has had nothing to do for long enough. May be called at any time."""
        if not self._is_busy and now() - self._used >= KEEP_SECONDS:
            self.close()

    def close(self) -> None:
        """The process is gone; another run starts another."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.terminate()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def _living(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is not None:
            self.close()
        if self._process is None:
            search = os.pathsep.join(filter(None, [str(HOME_OF_PACKAGE), os.environ.get("PYTHONPATH", "")]))
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": search},
                start_new_session=True,  # Ctrl-C is for the process that watches, which then ends this one
            )
            with contextlib.suppress(BrokenPipeError):
                send(self._process.stdin, self._greeting)
        return self._process


def _death(process: subprocess.Popen[bytes]) -> StoreError:
    code = process.wait()
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"status {code}"
    return StoreError("run-died", f"the process that indexes ended early ({how})", hint="ragcli index shows what is wrong")


def open_pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    """The pipe. Raises ValueError where the process has none."""
    if pipe is None:
        raise ValueError("the process was started without this pipe")
    return pipe


def send(pipe: IO[bytes] | None, value: object) -> None:
    """The value is on its way."""
    pickle.dump(value, open_pipe(pipe))
    open_pipe(pipe).flush()
