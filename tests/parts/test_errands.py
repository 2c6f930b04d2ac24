"""Index runs elsewhere: the same events and the same failures, and a process that goes when there is nothing to do."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ragcli.config import Config, Locations
from ragcli.errors import SourceError, StoreError
from ragcli.parts.errands import KEEP_SECONDS, Errands
from ragcli.types import Indexed, IndexFinished, Noticed, Planned

ACTOR = """
import os, sys, time
import ragcli.assistant
from ragcli.errand_runner import main
from ragcli.errors import StoreError
from ragcli.types import Indexed
from tests.cli.fake_assistant import FakeAssistant
from pathlib import Path

class Actor(FakeAssistant):
    def index_events(self, paths=(), **options):
        print("what a library prints is no answer")
        role = options.pop("collection", None)
        yield Indexed(Path("/pid"), os.getpid())
        if role == "dies":
            os.kill(os.getpid(), 9)
        if role == "locked":
            raise StoreError("index-locked", "another is writing", hint="wait")
        if role == "waits":
            self.tell("another is writing: waiting for it")
        yield from super().index_events(paths, **options)

    def wait_for_writers(self, seconds, tell):
        self.tell = tell

ragcli.assistant.Assistant = Actor
main()
"""


@pytest.fixture
def errands(tmp_path: Path) -> Iterator[Errands]:
    """The real process, in which the command line's fake assistant plays."""
    command = [sys.executable, "-c", ACTOR]
    with closing(Errands(Config(), Locations(tmp_path, tmp_path / "config.toml"), command=command)) as made:
        yield made


def worker(errands: Errands) -> int:
    """The number of the process that a run is in."""
    first = next(iter(list(errands.run([]))))
    assert isinstance(first, Indexed)
    return first.chunks


def test_the_events_are_those_of_the_run(errands: Errands, tmp_path: Path) -> None:
    (tmp_path / "caf\udce9 clean").mkdir()
    events = list(errands.run([tmp_path / "caf\udce9 clean"], force=True))
    assert isinstance(events[1], Planned)
    assert [event.path.name for event in events[2:] if isinstance(event, Indexed)] == ["1.md", "2.md", "3.md"]
    assert isinstance(events[-1], IndexFinished)
    assert events[-1].report.added == 2


def test_one_process_does_many_runs_and_goes_when_idle(errands: Errands) -> None:
    first = worker(errands)
    assert first != os.getpid()
    errands.rest()
    assert worker(errands) == first
    errands.rest(now=lambda: sys.float_info.max)
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)
    assert worker(errands) != first
    assert KEEP_SECONDS > 0


def test_a_process_that_is_at_work_is_not_idle(errands: Errands, tmp_path: Path) -> None:
    (tmp_path / "clean").mkdir()
    run = errands.run([tmp_path / "clean"])
    next(run)
    errands.rest(now=lambda: sys.float_info.max)
    assert isinstance(list(run)[-1], IndexFinished)


def test_what_fails_there_fails_here(errands: Errands) -> None:
    with pytest.raises(StoreError, match="another is writing") as raised:
        list(errands.run([], collection="locked"))
    assert (raised.value.slug, raised.value.hint) == ("index-locked", "wait")
    with pytest.raises(SourceError, match="there is no"):
        list(errands.run([Path("/nowhere")]))
    assert worker(errands)


def test_a_process_that_dies_is_told_and_the_next_run_has_another(errands: Errands) -> None:
    with pytest.raises(StoreError, match="ended early .signal SIGKILL") as raised:
        list(errands.run([], collection="dies"))
    assert raised.value.slug == "run-died"
    assert worker(errands)


def test_a_process_that_was_killed_while_idle_is_not_missed(errands: Errands) -> None:
    first = worker(errands)
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    assert worker(errands) != first


def test_a_run_that_is_left_ends(errands: Errands, tmp_path: Path) -> None:
    (tmp_path / "slow").mkdir()
    run = errands.run([tmp_path / "slow"])
    first = next(run)
    assert isinstance(first, Indexed)
    run.close()  # type: ignore[attr-defined]
    with pytest.raises(ProcessLookupError):
        os.kill(first.chunks, 0)


def test_who_waits_there_says_so_here(errands: Errands) -> None:
    assert Noticed("another is writing: waiting for it") in list(errands.run([], collection="waits"))
