"""Ctrl-C: the first one asks the work to stop, and the process ends soon whatever the work is doing.

A library may be deep in native code when the signal comes, and Python then learns of it late. What is on disk is
whole at every moment, so leaving at once loses nothing that was reported as done. Knows nothing of commands.
"""

from __future__ import annotations

import atexit
import os
import signal
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from ragcli.errors import INTERRUPTED

GRACE_SECONDS = 0.9
"""How long the work may take to stop by itself. People press again after a second."""
STOPPED = "Stopped; what was done is kept."
HANDLED = 0
"""Comes in turn among the numbers of signals, so that a press which is read late is not taken for a new one."""


class _Interrupts:
    """Counts the presses; the thread that listens to them needs no turn of the main thread."""

    def __init__(self) -> None:
        self.pressed = threading.Event()
        self.writer: int | None = None
        self.told = False
        """Whether the user has been told that the work stopped."""
        self.patient = False
        """Whether the first press may take as long as it likes: a session outlives one answer."""
        self.leaves_when_asked = False
        """Whether SIGTERM ends the process here, with its terminal as it was."""
        self.terminal: list[Any] | None = None
        """How the terminal took keys when the program began."""
        self.ended = False
        """Whether the program has its exit status, and nothing is left to stop."""

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        if not self.ended:
            raise KeyboardInterrupt

    def listen(self, descriptor: int) -> None:
        while number := os.read(descriptor, 1):
            if number[0] == HANDLED:
                self.pressed.clear()
            if number[0] == signal.SIGTERM and self.leaves_when_asked:
                leave_now(128 + signal.SIGTERM)
            if number[0] != signal.SIGINT:
                continue
            again = self.pressed.is_set()
            self.pressed.set()
            if again:
                leave_now()
            if not self.patient:
                threading.Timer(GRACE_SECONDS, self._leave_if_still_pressed).start()

    def _leave_if_still_pressed(self) -> None:
        if self.pressed.is_set():
            leave_now()


_interrupts = _Interrupts()


def stop_on_interrupt() -> None:
    """From now on Ctrl-C raises KeyboardInterrupt in the main thread, and ends the process if that takes too long."""
    reader, _interrupts.writer = os.pipe()
    os.set_blocking(_interrupts.writer, False)
    threading.Thread(target=_interrupts.listen, args=(reader,), daemon=True, name="interrupts").start()
    catch_interrupts()
    # Python gives signals their default way back before it clears up: a late press would then change the exit status.
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
    if os.isatty(0) and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        # Elsewhere there is nothing to set right, and the system's own way of ending a process is the surest.
        _interrupts.terminal = termios.tcgetattr(0)
        _interrupts.leaves_when_asked = True
        # The listener hears of it first, except while a library reads keys and has signals told to itself.
        signal.signal(signal.SIGTERM, lambda number, frame: leave_now(128 + number))


def catch_interrupts() -> None:
    """Ctrl-C comes here again, after a library had taken it for itself. Does nothing where it never came here."""
    if _interrupts.writer is not None:
        signal.signal(signal.SIGINT, _interrupts.on_signal)
        signal.set_wakeup_fd(_interrupts.writer, warn_on_full_buffer=False)


def interrupt_handled() -> None:
    """The next Ctrl-C counts as a first one."""
    if _interrupts.writer is not None:
        os.write(_interrupts.writer, bytes([HANDLED]))


def program_ended() -> None:
    """Ctrl-C raises nothing from now on; it ends the process only if that does not end soon by itself."""
    _interrupts.ended = True


def stop_was_told() -> None:
    """Should the process have to be ended after all, it ends without another word."""
    _interrupts.told = True


class EndRequestedError(Exception):
    """Somebody asked the process to end, as the system does when it shuts down or stops a service."""


@contextmanager
def requests_to_end() -> Iterator[None]:
    """Inside, SIGTERM and SIGHUP raise EndRequestedError once. What was ignored, as by nohup, stays ignored."""

    def end(number: int, frame: FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        raise EndRequestedError

    signals = (signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in signals if signal.getsignal(number) != signal.SIG_IGN}
    left, _interrupts.leaves_when_asked = _interrupts.leaves_when_asked, False
    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _interrupts.leaves_when_asked = left


@contextmanager
def patient_interrupts() -> Iterator[None]:
    """Inside, only a second Ctrl-C ends the process at once."""
    before, _interrupts.patient = _interrupts.patient, True
    try:
        yield
    finally:
        _interrupts.patient = before


def leave_now(status: int = INTERRUPTED) -> None:
    """The process ends here and now, with the cursor shown again and the terminal taking keys as before."""
    show_cursor = "\x1b[?25h" if os.isatty(2) else ""
    try:
        if _interrupts.terminal is not None:
            termios.tcsetattr(0, termios.TCSANOW, _interrupts.terminal)
        if not _interrupts.told:
            os.write(2, f"\r{show_cursor}{STOPPED}\n".encode())
    except (OSError, termios.error):
        pass  # the terminal has gone: nobody is there to be told
    finally:
        os._exit(status)
