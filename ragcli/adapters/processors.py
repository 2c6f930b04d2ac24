"""How many processors a language model may keep busy: those of this process, as Linux and its containers tell it."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path

MOST_THREADS = 16
"""Decoding is bound by memory: beyond this, threads only wait for one another."""


def available_cores() -> int:
    """Physical cores this process may use, at most ``MOST_THREADS``; 0 where only llama.cpp itself can tell.

    Counts what the scheduler allows, two threads of one core once, and no more than the container's quota.
    """
    if not sys.platform.startswith("linux"):
        return 0
    processors = os.sched_getaffinity(0)
    cores = len({_siblings(processor) for processor in processors})
    return max(1, math.ceil(min(cores, cgroup_quota(), MOST_THREADS)))


def _siblings(processor: int) -> str:
    """The processors that share its core, in the kernel's words."""
    file = Path(f"/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list")
    try:
        return file.read_text(encoding="ascii")
    except OSError:
        return str(processor)


def cgroup_quota(root: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")) -> float:
    """How many processors' time the container may use, by cgroup version 2 or 1; infinite without a limit."""
    limits = [_quota(root / "cpu" / "cpu.cfs_quota_us", root / "cpu" / "cpu.cfs_period_us")]
    try:
        own = next(line[3:] for line in membership.read_text(encoding="utf-8").splitlines() if line.startswith("0::"))
    except (OSError, StopIteration):
        own = "/"
    group = root / own.strip().lstrip("/")
    limits += [_quota(folder / "cpu.max") for folder in (group, *group.parents) if folder.is_relative_to(root)]
    return min(limits)


def _quota(*files: Path) -> float:
    """Quota divided by period, both in microseconds, from one file or two; infinite if there is none."""
    try:
        quota, period = " ".join(file.read_text(encoding="ascii") for file in files).split()
        return float(quota) / float(period) if float(quota) > 0 else math.inf
    except (OSError, ValueError):
        return math.inf
