"""A process begun before the doors are closed that can do one thing: run ``ragcli models pull NAME`` when it is asked to.

It stands on the standard library, holds no file of the user's, and is gone as soon as nobody can ask any more. The first
run needs it: a sealed process cannot start one that may use the network. Knows nothing of models.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Self

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,80}\n")
"""What it takes for the name of a model; nothing that a command line could mistake for an option."""
USAGE = 2


class Puller:
    """The near end. ``dismiss`` it before anything foreign is read."""

    def __init__(self, asked: int, told: int) -> None:
        self._asked: int | None = asked
        self._told = told

    @classmethod
    def engage(cls) -> Self:
        """A process that waits to be asked. Call it while the process has one thread and open doors."""
        theirs, asked = os.pipe()
        told, answers = os.pipe()
        if os.fork() == 0:
            os.close(asked)
            os.close(told)
            _serve(theirs, answers)
        os.close(theirs)
        os.close(answers)
        return cls(asked, told)

    def pull(self, name: str) -> int:
        """The exit status of ``ragcli models pull NAME``, which ran on this terminal."""
        if self._asked is None:
            raise RuntimeError("the puller was dismissed")
        os.write(self._asked, f"{name}\n".encode())
        answer = os.read(self._told, 1)
        return answer[0] if answer else USAGE

    def dismiss(self) -> None:
        """Nobody can ask any more. Idempotent."""
        if self._asked is not None:
            os.close(self._asked)
            os.close(self._told)
            self._asked = None


def _serve(asked: int, answers: int) -> None:
    """Never returns. Ctrl-C is for the command that it runs."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        while name := os.read(asked, 128).decode("ascii", "replace"):
            os.write(answers, bytes([_pull(name.strip()) if NAME.fullmatch(name) else USAGE]))
    finally:
        os._exit(0)


def _pull(name: str) -> int:
    command = [sys.executable, "-m", "ragcli", "models", "pull", name]
    done = subprocess.run(command, check=False, restore_signals=True, preexec_fn=_listen_to_interrupts)
    return done.returncode & 0xFF


def _listen_to_interrupts() -> None:
    import signal

    signal.signal(signal.SIGINT, signal.default_int_handler)
