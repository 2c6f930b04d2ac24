"""Writers are killed at random moments, many times over, each time going on with the index that the last one left."""

from __future__ import annotations

import os
import random
import select
import signal
from dataclasses import replace
from itertools import cycle

from tests.faults.judging import judge, look
from tests.faults.tally import noted, settle, sized
from tests.faults.work import WORKS

KILLS = sized(20, 220)
NAMES = ("re-index", "optimize", "delete", "rebuild", "first index")


def test_what_was_promised_survives_every_kill(launcher, prepared, tmp_path):
    chance = random.Random(23)
    tried = 0
    failures: list[str] = []
    folder = prepared("first index", tmp_path)
    longest = dict.fromkeys(NAMES, 1.0)
    for attempt, name in enumerate(cycle(NAMES)):
        if tried >= KILLS or attempt > 8 * KILLS or failures:
            break
        before = look(folder)
        wait = launcher.start(name, folder)
        killed = kill_within(launcher.pid, chance.random() * longest[name])
        outcome = wait()
        tried += killed
        # A kill that comes too late is none: the next one comes sooner.
        longest[name] *= 1.1 if killed else 0.6
        with noted(failures, f"{name}, kill {tried}"):
            judge(folder, replace(WORKS[name], before=before), outcome)
    settle("random kills", tried, floor=KILLS, failures=failures)


def kill_within(pid: int, seconds: float) -> bool:
    """Whether the process was still there after so many seconds; then it is killed."""
    handle = os.pidfd_open(pid)
    try:
        if select.select([handle], [], [], seconds)[0]:
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    except ProcessLookupError:  # it ended just now
        return False
    finally:
        os.close(handle)
    return True
