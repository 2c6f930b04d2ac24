"""How much of the machine long work takes: it gives way for processor, disk and memory, and may wait while on battery.

Knows nothing of what the work is.
"""

from __future__ import annotations

import ctypes
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

POWER_SUPPLIES = Path("/sys/class/power_supply")
IOPRIO_SET = {"x86_64": 251, "aarch64": 30}
"""The number of the Linux system call, which has no function in the C library."""
BEST_EFFORT_LAST, IDLE = 2 << 13 | 7, 3 << 13
"""Linux: after all others of the usual class; only when nobody else wants the disk."""
MACOS_POLICIES = {"low": 4, "idle": 3}
"""IOPOL_UTILITY and IOPOL_THROTTLE of setiopolicy_np(3)."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""The names that mallopt(3) gives its settings."""


def give_way(*, niceness: int, disk: str) -> None:
    """This process, its later threads and what it starts stand behind others. It cannot be taken back.

    ``niceness`` is from 0 to 19; ``disk`` is ``normal``, ``low`` or ``idle``. What the system has no word for stays as it is.
    """
    behind = niceness - os.getpriority(os.PRIO_PROCESS, 0)
    if behind > 0:
        os.nice(behind)
    if disk != "normal":
        with suppress(OSError, AttributeError, KeyError):
            _stand_back_at_disk(disk)


def _stand_back_at_disk(disk: str) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "darwin":
        library.setiopolicy_np(0, 0, MACOS_POLICIES[disk])
    else:
        library.syscall(IOPRIO_SET[platform.machine()], 1, 0, IDLE if disk == "idle" else BEST_EFFORT_LAST)


@contextmanager
def lean_memory() -> Iterator[None]:
    """Meanwhile large blocks are the system's again soon after they were freed, and in the end all that was freed is.

    GNU's C library keeps what was freed, in as many heaps as there are threads; others do not, and nothing changes there.
    """
    library = ctypes.CDLL(None)
    _set_malloc(library, {M_MMAP_THRESHOLD: 128 * 1024, M_TRIM_THRESHOLD: 128 * 1024})
    try:
        yield
    finally:
        # What the library comes to by itself in a process that has freed large blocks: elsewhere they cost more than they save.
        _set_malloc(library, {M_MMAP_THRESHOLD: 32 * 1024 * 1024, M_TRIM_THRESHOLD: 64 * 1024 * 1024})
        with suppress(AttributeError):
            library.malloc_trim(0)


def _set_malloc(library: ctypes.CDLL, settings: Mapping[int, int]) -> None:
    with suppress(AttributeError):
        for name, value in settings.items():
            library.mallopt(name, value)


def reason_to_wait(below: int, *, supplies: Path = POWER_SUPPLIES) -> str:
    """Why work that can wait should: the machine runs on battery, with less than ``below`` percent left. Else empty."""
    charge = battery_percent(supplies) if below else None
    return f"on battery, {charge} % left" if charge is not None and charge < below else ""


def battery_percent(supplies: Path = POWER_SUPPLIES) -> int | None:
    """What is left in the batteries that the machine runs on; None on mains, or where that cannot be told."""
    return _percent_by_pmset() if sys.platform == "darwin" else _percent_by_sysfs(supplies)


def _percent_by_sysfs(supplies: Path) -> int | None:
    found = [_facts(folder) for folder in sorted(supplies.glob("*"))]
    if any(facts.get("ONLINE") == "1" for facts in found if facts.get("TYPE") != "Battery"):
        return None
    # A mouse has a battery too, whose scope is that device.
    own = [facts for facts in found if facts.get("TYPE") == "Battery" and facts.get("SCOPE") != "Device"]
    left = [int(facts["CAPACITY"]) for facts in own if facts.get("CAPACITY", "").isdecimal()]
    runs_down = any(facts.get("STATUS") == "Discharging" for facts in own)
    return sum(left) // len(left) if left and runs_down else None


def _facts(supply: Path) -> dict[str, str]:
    try:
        lines = (supply / "uevent").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    return {name.removeprefix("POWER_SUPPLY_"): value for name, _, value in (line.partition("=") for line in lines)}


def _percent_by_pmset() -> int | None:
    try:
        told = subprocess.run(["/usr/bin/pmset", "-g", "batt"], capture_output=True, text=True, timeout=5, check=False).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return parse_pmset(told)


def parse_pmset(told: str) -> int | None:
    """What ``pmset -g batt`` says is left, if it draws from the battery."""
    left = re.search(r"InternalBattery\S*\s.*?(\d+)%", told)
    return int(left[1]) if left and "'Battery Power'" in told else None
