from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from ragcli.adapters.engine_thread import Emit, EngineThread

ENDS_WITHOUT_CLOSING = """
from ragcli.adapters.engine_thread import EngineThread
def endless(emit):
    while emit(1): pass
events = EngineThread("engine", lambda: print("last")).stream(endless)
print(next(events))
"""


@pytest.fixture
def ends() -> list[str]:
    return []


@pytest.fixture
def engine(ends: list[str]) -> Iterator[EngineThread[int]]:
    made: EngineThread[int] = EngineThread("engine", lambda: ends.append(threading.current_thread().name))
    yield made
    made.close()


def count_up(emit: Emit[int]) -> None:
    number = 0
    while emit(number):
        number += 1


def test_events_come_in_order_from_one_thread(engine: EngineThread[int]) -> None:
    names: list[str] = []

    def work(emit: Emit[int]) -> None:
        names.append(threading.current_thread().name)
        for number in range(3):
            emit(number)

    assert [*engine.stream(work), *engine.stream(work)] == [0, 1, 2, 0, 1, 2]
    assert names == ["engine", "engine"]


def test_what_the_work_raises_comes_after_its_events(engine: EngineThread[int]) -> None:
    def work(emit: Emit[int]) -> None:
        emit(1)
        raise ValueError("broken")

    events = engine.stream(work)

    assert next(events) == 1
    with pytest.raises(ValueError, match="broken"):
        next(events)


def test_closing_the_stream_ends_the_work(engine: EngineThread[int]) -> None:
    events = engine.stream(count_up)
    next(events)
    events.close()

    assert list(engine.stream(lambda emit: None if emit(7) else None)) == [7]


def test_a_stream_that_nobody_reads_does_no_work(engine: EngineThread[int]) -> None:
    engine.stream(count_up)

    assert list(engine.stream(lambda emit: None if emit(7) else None)) == [7]


def test_work_begun_earlier_is_done_first_and_may_fail(engine: EngineThread[int]) -> None:
    done: list[str] = []

    def failing() -> None:
        done.append("begun")
        raise ValueError("nobody asks")

    engine.begin(failing)

    assert list(engine.stream(lambda _: done.append("streamed"))) == []
    assert done == ["begun", "streamed"]


def test_closing_ends_everything_once_in_the_same_thread(engine: EngineThread[int], ends: list[str]) -> None:
    next(engine.stream(count_up))

    engine.close()
    engine.close()

    assert ends == ["engine"]
    with pytest.raises(RuntimeError):
        next(engine.stream(count_up))


def test_a_process_that_forgets_to_close_ends_well() -> None:
    done = subprocess.run([sys.executable, "-c", ENDS_WITHOUT_CLOSING], capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["1", "last"], "")
