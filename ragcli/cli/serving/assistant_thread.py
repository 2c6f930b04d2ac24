"""An assistant in a thread of its own, for servers: the loop that talks stays free, and the assistant does one thing at a time.

Models and databases belong to the thread that opened them; so all work is done in one, steps of several answers in turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from ragcli.assistant import Assistant

Result = TypeVar("Result")
Event = TypeVar("Event")


class AssistantThread:
    """Use it as ``async with``; at the end what the assistant holds is freed, in the thread that took it."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="assistant")

    async def __aenter__(self) -> AssistantThread:
        return self

    async def __aexit__(self, *_: object) -> None:
        # Not awaited: who is cancelled would be gone before it is done, and another thread may not do it.
        self._executor.submit(self._assistant.close)
        self._executor.shutdown()

    async def call(self, work: Callable[[Assistant], Result]) -> Result:
        """What the work gives. Who is cancelled meanwhile does not wait for it."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work, self._assistant)

    async def stream(self, begin: Callable[[Assistant], Iterator[Event]]) -> AsyncGenerator[Event, None]:
        """The events as they come. Who leaves early, or is cancelled, ends the work at its next step."""
        events = await self.call(begin)
        try:
            while step := await self.call(lambda _: _next(events)):
                yield step[0]
        finally:
            self._executor.submit(_close, events)


def _next(events: Iterator[Event]) -> tuple[Event] | None:
    """The next event; None at the end, since StopIteration cannot leave a coroutine."""
    for event in events:
        return (event,)
    return None


def _close(events: Iterator[object]) -> None:
    if isinstance(events, Generator):
        events.close()
