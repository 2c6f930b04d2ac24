"""System calls of a victim, told and made to fail by strace."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

CHANGES = (
    *("mkdir", "mkdirat", "rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "rmdir"),
    *("write", "pwrite64", "openat", "ftruncate", "fsync", "fdatasync"),
)
"""Every call by which a store changes a disk, or waits for it."""
LOG = re.compile(r"(\d+) +(\w+)\((.*)")
PATIENCE_SECONDS = 120
ATTACH_SECONDS, ATTEMPTS = 20, 5
"""strace comes in milliseconds; that it hangs before it comes was seen once in some thousand times."""


@dataclass(frozen=True, slots=True)
class Fault:
    """At the ``at``-th call of that name in any one thread (and all later ones, if ``onward``) this happens."""

    call: str
    at: int
    effect: str
    """``SIGKILL``, or the name of an error."""
    onward: bool = False

    def __str__(self) -> str:
        return f"{self.effect} at {self.call} {self.at}{' and later' if self.onward else ''}"

    def option(self) -> str:
        what = "signal=SIGKILL" if self.effect == "SIGKILL" else f"error={self.effect}"
        return f"inject={self.call}:{what}:when={self.at}{'+' if self.onward else ''}"


def need_strace() -> None:
    if shutil.which("strace") is None:
        pytest.skip("NO FAULT WAS INJECTED: strace is not installed (Debian, Ubuntu: apt-get install strace)")
    tried = subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "true"], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip("NO FAULT WAS INJECTED: this system does not let strace trace")


@contextmanager
def tracer(log: Path, fault: Fault | None = None, *, tell_all: bool = False) -> Iterator[Callable[[int], None]]:
    """Gives what puts a process and all its threads under strace; what they call stands in the log at the end.

    With a fault only calls of its name do, unless ``tell_all``.
    """
    started: list[subprocess.Popen[bytes]] = []

    def trace(pid: int) -> None:
        calls = CHANGES if fault is None or tell_all else (fault.call,)
        command = ["strace", "-f", "-qq", "-y", "-s", "0", "-o", str(log), "-e", "trace=" + ",".join(calls), "-e", "signal=none"]
        if fault is not None:
            command += ["-e", fault.option()]
        for _ in range(ATTEMPTS):
            process = subprocess.Popen([*command, "-p", str(pid)])
            if has_come(pid):
                started.append(process)
                return
            process.kill()
            process.wait()
        raise AssertionError(f"strace did not come; it ended with {process.returncode}")

    try:
        yield trace
    finally:
        for process in started:
            process.wait(timeout=PATIENCE_SECONDS)


def has_come(pid: int) -> bool:
    deadline = time.monotonic() + ATTACH_SECONDS
    while not is_traced(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.001)
    return True


def is_traced(pid: int) -> bool:
    return all("\nTracerPid:\t0\n" not in (task / "status").read_text() for task in Path(f"/proc/{pid}/task").iterdir())


def points_of(log: Path, folder: Path) -> dict[str, list[int]]:
    """For each call that touched the folder, the counts at which it did so in one of the threads.

    strace counts for each thread apart, and so is it counted here.
    """
    seen: Counter[tuple[str, str]] = Counter()
    points: defaultdict[str, set[int]] = defaultdict(set)
    for thread, call, rest in told_in(log):
        seen[thread, call] += 1
        if str(folder) in rest and (call != "openat" or "O_CREAT" in rest):
            points[call].add(seen[thread, call])
    return {call: sorted(counts) for call, counts in points.items()}


def told_in(log: Path) -> Iterator[tuple[str, str, str]]:
    """Thread, name and the rest of each call, in the order in which they began."""
    with log.open(errors="replace") as lines:
        for line in lines:
            match = LOG.match(line)
            if match:
                yield match[1], match[2], match[3]


def was_hit(log: Path) -> bool:
    return "(INJECTED)" in log.read_text(errors="replace")
