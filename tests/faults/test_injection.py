"""A kill, a full disk and a broken disk at every call by which a writer changes the disk, one point after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import pytest

from tests.faults.judging import judge
from tests.faults.tally import FULL, noted, settle, sized, spread
from tests.faults.tracing import Fault, need_strace, points_of, tracer, was_hit
from tests.faults.victims import Launcher, Outcome
from tests.faults.work import WORKS, Work

EFFECTS = ("SIGKILL", "ENOSPC", "EIO")
POINTS_PER_CALL = sized(1, 4)
"""Of each call and effect: the writing of one commit alone makes hundreds of calls."""
FLOORS = dict.fromkeys(WORKS, sized(8, 75))


@pytest.fixture(autouse=True)
def with_strace() -> None:
    need_strace()


@pytest.mark.parametrize("name", WORKS)
def test_a_writer_that_meets_a_fault_leaves_a_whole_index(name, launcher, prepared, tmp_path):
    folder = prepared(name, tmp_path)
    log = tmp_path / "calls"
    with tracer(log) as trace:
        outcome = launcher.run(name, folder, trace)
    assert outcome.end == "done", outcome.message
    judge(folder, WORKS[name], outcome)
    tried, failures = 0, []
    for fault in faults(points_of(log, folder)):
        prepared(name, tmp_path)
        outcome, hit = suffer(launcher, name, folder, fault, log)
        tried += hit
        with noted(failures, str(fault)):
            check_end(fault, outcome)
            judge(folder, work_under(fault, WORKS[name]), outcome)
    settle(f"injected: {name}", tried, floor=FLOORS[name], failures=failures)


def faults(points: dict[str, list[int]]) -> Iterator[Fault]:
    """Cut down, each call meets one effect; in the full set, all of them, and a disk that stays full as well."""
    turns = cycle(EFFECTS)
    for call, counts in sorted(points.items()):
        for effect in EFFECTS if FULL else (next(turns),):
            if call == "write" and effect != "SIGKILL":
                continue  # it would hit what wakes threads, which is no file; full disks are a suite of their own
            for at in spread(counts, POINTS_PER_CALL):
                yield Fault(call, at, effect)
                if effect == "ENOSPC" and at == counts[0]:
                    yield Fault(call, at, effect, onward=True)


def suffer(launcher: Launcher, name: str, folder: Path, fault: Fault, log: Path) -> tuple[Outcome, bool]:
    """What came of the work, and whether the fault was met."""
    with tracer(log, fault) as trace:
        outcome = launcher.run(name, folder, trace)
    return outcome, outcome.killed if fault.effect == "SIGKILL" else was_hit(log)


def work_under(fault: Fault, work: Work) -> Work:
    """What a disk will not read while it is mended is taken for lost: it is forgotten, and read from its file again."""
    return replace(work, may_lack=tuple(work.before)) if fault.effect == "EIO" and work.begins_broken else work


def check_end(fault: Fault, outcome: Outcome) -> None:
    """A failing disk is said to fail, or the part of the index that it would not read; nothing else comes out.

    SQLite hides the number of what it meets outside of a write. Disks that are really full are a suite of their own.
    """
    allowed = {
        "SIGKILL": {"killed by 9", "done"},
        "ENOSPC": {"done", "disk-full", "unsafe-folder"},
        "EIO": {"done", "unsafe-folder", "index-damaged"},
    }
    assert outcome.end in allowed[fault.effect], f"{outcome.end}: {outcome.message}"
