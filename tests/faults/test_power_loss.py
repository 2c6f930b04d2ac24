"""The power goes at any moment, and of what was not flushed anything may be missing. What was promised is there."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import pytest

from tests.faults.judging import judge
from tests.faults.power import Unflushed
from tests.faults.tally import noted, settle, sized
from tests.faults.tracing import Fault, need_strace, points_of, tracer
from tests.faults.victims import Launcher, Outcome
from tests.faults.work import WORKS

Prepare = Callable[[str, Path], Path]
CASES = sized(28, 224)
CASES_PER_CUT = 4
LOSSES = sized(100, 800)
"""Files and names that were lost in all these cases, at the least."""


@pytest.fixture(autouse=True)
def with_strace() -> None:
    need_strace()


def test_what_was_promised_survives_and_nothing_is_torn(launcher, prepared, tmp_path):
    chance = random.Random(17)
    tried = lost = 0
    failures: list[str] = []
    moments = {name: moments_of(launcher, name, prepared, tmp_path) for name in WORKS}
    for name in cycle(WORKS):
        if tried >= CASES:
            break
        outcome, unflushed = cut_power(launcher, name, prepared, tmp_path, chance.choice(moments[name]))
        for seed in range(CASES_PER_CUT):
            restore(tmp_path)
            lost += unflushed.lose(random.Random(f"{tried} {seed}"))
            with noted(failures, f"{name}, case {tried}"):
                judge(tmp_path / "index", WORKS[name], outcome)
            tried += 1
    settle("power cuts", tried, floor=CASES, failures=failures)
    settle("files and names lost in power cuts", lost, floor=LOSSES)


def test_a_store_that_flushed_nothing_would_not_pass(launcher, prepared, tmp_path):
    outcome, unflushed = cut_power(launcher, "careless", prepared, tmp_path, None)
    assert outcome.end == "done", outcome.message
    broken: list[str] = []
    for seed in range(6):
        restore(tmp_path)
        unflushed.lose(random.Random(seed))
        with noted(broken, f"case {seed}"):
            judge(tmp_path / "index", WORKS["re-index"], outcome)
    assert broken


def moments_of(launcher: Launcher, name: str, prepared: Prepare, place: Path) -> list[Fault | None]:
    """Every moment at which the power can go, as a kill; None is the one after the work."""
    folder = prepared(name, place)
    with tracer(place / "calls") as trace:
        launcher.run(name, folder, trace)
    points = points_of(place / "calls", folder).items()
    return [None, None, *(Fault(call, at, "SIGKILL") for call, counts in points for at in counts)]


def cut_power(launcher: Launcher, name: str, prepared: Prepare, place: Path, moment: Fault | None) -> tuple[Outcome, Unflushed]:
    """The work was ended at that moment, or had its end; ``left`` is what the system then had in its memory."""
    folder = prepared("re-index" if name == "careless" else name, place)
    for copy in ("before", "left"):
        shutil.rmtree(place / copy, ignore_errors=True)
    if folder.exists():
        shutil.copytree(folder, place / "before")
    with tracer(place / "calls", moment, tell_all=True) as trace:
        outcome = launcher.run(name, folder, trace)
    if folder.exists():
        shutil.copytree(folder, place / "left")
    return outcome, Unflushed.after(place / "calls", folder)


def restore(place: Path) -> None:
    shutil.rmtree(place / "index", ignore_errors=True)
    if (place / "left").exists():
        shutil.copytree(place / "left", place / "index")
