"""Long work stands behind others and waits for power; sensors are folders here, and priorities those of a child process."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from ragcli.adapters.manners import battery_percent, parse_pmset, reason_to_wait

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc and /sys as Linux has them")
PMSET = """Now drawing from '{source}'
 -InternalBattery-0 (id=12345)	{left}%; discharging; 3:05 remaining present: true
"""


def supply(folder: Path, name: str, **facts: str) -> None:
    (folder / name).mkdir()
    lines = [f"POWER_SUPPLY_NAME={name}", *(f"POWER_SUPPLY_{key.upper()}={value}" for key, value in facts.items())]
    (folder / name / "uevent").write_text("\n".join(lines) + "\n")


def behaviour(setting: str) -> list[str]:
    """The niceness and the disk class of a process that has given way so."""
    code = f"""
import ctypes, os, platform
from ragcli.adapters.manners import IOPRIO_SET, give_way
give_way({setting})
number = {{251: 252, 30: 31}}[IOPRIO_SET[platform.machine()]]
print(os.getpriority(os.PRIO_PROCESS, 0), ctypes.CDLL(None).syscall(number, 1, 0) >> 13)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.split()


@ON_LINUX
def test_processor_and_disk_are_left_to_others() -> None:
    assert behaviour("niceness=19, disk='idle'") == ["19", "3"]
    assert behaviour("niceness=19, disk='low'") == ["19", "2"]


@ON_LINUX
def test_who_is_nicer_already_stays_so() -> None:
    started = subprocess.run(["nice", "-n", "7", "nice"], capture_output=True, text=True, check=True).stdout.strip()
    code = "import os; from ragcli.adapters.manners import give_way; give_way(niceness=1, disk='normal'); print(os.nice(0))"
    done = subprocess.run(["nice", "-n", "7", sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == started


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries keep nothing")
@pytest.mark.parametrize("size", [60_000, 400_000], ids=["in the end", "at once"])
def test_what_was_freed_is_the_systems_again(size: int) -> None:
    """Small blocks when the work ends, large ones as soon as they are freed."""
    code = f"""
import re
from pathlib import Path
from ragcli.adapters.manners import lean_memory
def held(): return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
del [bytearray(30_000_000)][:]  # from now on blocks of 400 kB come from the heap by themselves
with lean_memory():
    pieces = [bytearray({size}) for _ in range(120_000_000 // {size})]
    fence = bytearray({size})  # above them: without it the heap would shrink by itself
    full = held()
    del pieces
    at_once = full - held()
print(at_once, full - held())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    at_once, in_the_end = map(int, done.stdout.split())
    assert in_the_end > 50_000
    assert (at_once > 50_000) == (size > 128 * 1024)


@ON_LINUX
def test_on_battery_what_is_left_counts(tmp_path: Path) -> None:
    supply(tmp_path, "AC", type="Mains", online="0")
    supply(tmp_path, "BAT0", type="Battery", status="Discharging", capacity="17")
    assert battery_percent(tmp_path) == 17
    assert reason_to_wait(20, supplies=tmp_path) == "on battery, 17 % left"
    assert reason_to_wait(17, supplies=tmp_path) == ""
    assert reason_to_wait(0, supplies=tmp_path) == ""


@ON_LINUX
def test_two_batteries_are_one_store(tmp_path: Path) -> None:
    supply(tmp_path, "BAT0", type="Battery", status="Discharging", capacity="10")
    supply(tmp_path, "BAT1", type="Battery", status="Unknown", capacity="80")
    assert battery_percent(tmp_path) == 45


@ON_LINUX
@pytest.mark.parametrize(
    "supplies",
    [
        {},
        {"AC": {"type": "Mains", "online": "1"}, "BAT0": {"type": "Battery", "status": "Discharging", "capacity": "5"}},
        {"BAT0": {"type": "Battery", "status": "Charging", "capacity": "5"}},
        {"mouse": {"type": "Battery", "status": "Discharging", "capacity": "5", "scope": "Device"}},
        {"BAT0": {"type": "Battery", "status": "Discharging"}},
    ],
    ids=["none", "on mains", "charging", "a mouse", "unknown"],
)
def test_nothing_else_is_a_reason_to_wait(tmp_path: Path, supplies: dict[str, dict[str, str]]) -> None:
    for name, facts in supplies.items():
        supply(tmp_path, name, **facts)
    assert reason_to_wait(100, supplies=tmp_path) == ""


def test_macos_tells_of_its_battery() -> None:
    assert parse_pmset(PMSET.format(source="Battery Power", left=34)) == 34
    assert parse_pmset(PMSET.format(source="AC Power", left=34)) is None
    assert parse_pmset("Now drawing from 'AC Power'\n") is None
