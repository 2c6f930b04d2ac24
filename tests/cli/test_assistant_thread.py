"""An assistant behind a loop: one thread does all of its work, and whoever leaves ends what was done for them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any, cast

import anyio
import pytest

from ragcli.cli.serving.assistant_thread import AssistantThread


class Witness:
    """An assistant that remembers in which thread it was used."""

    def __init__(self) -> None:
        self.threads: set[int] = set()
        self.told = 0
        self.ended = threading.Event()
        self.closed = False

    def look(self) -> int:
        self.threads.add(threading.get_ident())
        return 7

    def events(self) -> Iterator[int]:
        try:
            while True:
                self.look()
                self.told += 1
                yield self.told
        finally:
            self.look()
            self.ended.set()

    def close(self) -> None:
        self.look()
        self.closed = True


def talk(witness: Witness, conversation: Any) -> Any:
    async def run() -> Any:
        async with AssistantThread(cast(Any, witness)) as thread:
            return await conversation(thread)

    return anyio.run(run)


def test_all_work_is_done_in_one_thread_that_is_not_the_loops() -> None:
    witness = Witness()

    async def conversation(thread: AssistantThread) -> list[int]:
        seen = [await thread.call(lambda _: witness.look())]
        async with aclosing(thread.stream(lambda _: witness.events())) as events:
            seen += [await anext(events), await anext(events)]
        return seen

    assert talk(witness, conversation) == [7, 1, 2]
    assert witness.ended.wait(5)
    assert witness.closed
    assert len(witness.threads) == 1
    assert threading.get_ident() not in witness.threads


def test_who_is_cancelled_ends_the_work() -> None:
    witness = Witness()

    async def conversation(thread: AssistantThread) -> None:
        with anyio.move_on_after(0.05):
            async with aclosing(thread.stream(lambda _: witness.events())) as events:
                async for _ in events:
                    await anyio.sleep(0)

    talk(witness, conversation)
    assert witness.ended.wait(5)


def test_an_end_is_an_end_and_an_error_an_error() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise LookupError("broken")

    async def conversation(thread: AssistantThread) -> list[int]:
        whole = [event async for event in thread.stream(lambda _: iter([1, 2]))]
        with pytest.raises(LookupError):
            [event async for event in thread.stream(lambda _: broken())]
        return whole

    assert talk(Witness(), conversation) == [1, 2]
