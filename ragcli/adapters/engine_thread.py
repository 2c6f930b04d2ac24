"""The one thread of a language model's engine: loading, generating and unloading happen in it, whichever thread asks.

Engines bind their state to a thread, and a native call cannot be interrupted; so the caller waits on a queue, where
Ctrl-C reaches it at once. It knows no engine.
"""

from __future__ import annotations

import atexit
import queue
import threading
from collections.abc import Callable, Generator
from typing import TypeVar

Event = TypeVar("Event")
Emit = Callable[[Event], bool]
"""Hands an event to the consumer. False once nobody waits for more: the work shall stop."""


class EngineThread:
    """Runs one piece of work after another, in the order in which they were asked for.

    ``last`` runs in it when it ends: at ``close``, or with the process. Engines abort a process that leaves their
    threads behind.
    """

    def __init__(self, name: str, last: Callable[[], None]) -> None:
        self._last = last
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def begin(self, work: Callable[[], None]) -> None:
        """The work is under way, or waits for its turn. What it raises is lost: do the work again to see it."""
        self._work.put(lambda: None if self._closing.is_set() or _failure_of(work) else None)

    def stream(self, work: Callable[[Emit[Event]], None]) -> Generator[Event, None, None]:
        """The events that the work emits, as it emits them; then what it raised, if anything.

        Closing the generator tells the work to stop, and does not wait until it has.
        """
        if self._closing.is_set():
            raise RuntimeError("the engine is closed")
        events: queue.SimpleQueue[tuple[Event] | BaseException | None] = queue.SimpleQueue()
        unwanted = threading.Event()

        def wanted() -> bool:
            return not (unwanted.is_set() or self._closing.is_set())

        def emit(event: Event) -> bool:
            events.put((event,))
            return wanted()

        self._work.put(lambda: events.put(_failure_of(lambda: work(emit)) if wanted() else None))
        try:
            while isinstance(item := events.get(), tuple):
                yield item[0]
            if item is not None:
                raise item
        finally:
            unwanted.set()

    def close(self) -> None:
        """Work under way was told to stop, ``last`` was run, and the thread is gone. Idempotent."""
        atexit.unregister(self.close)
        self._closing.set()
        self._work.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()
        self._last()


def _failure_of(work: Callable[[], None]) -> BaseException | None:
    try:
        work()
    except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits
        return error
    return None
