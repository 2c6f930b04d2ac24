"""The one process that may fetch a model for a sealed one: it was there before, and does nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the state of the seal is read from /proc")

TRY = """
import os, sys
from pathlib import Path
from ragcli.adapters import offline, puller

engaged = puller.Puller.engage()
offline.close_doors()
task = Path("/proc/self/task", str(os.getpid()), "children").read_text().split()
seal = lambda number: [line for line in Path(f"/proc/{number}/status").read_text().splitlines() if line.startswith("Seccomp:")]
print("own", seal("self"), "helper", seal(task[0]), flush=True)
for name in sys.argv[1:]:
    print(name, engaged.pull(name), flush=True)
engaged.dismiss()
engaged.dismiss()
os.wait()
print("gone", Path(f"/proc/{task[0]}").exists())
"""


def tried(home: object, *names: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", TRY, *names], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_it_is_outside_the_wall_and_gone_when_it_is_dismissed(home: object) -> None:
    said = tried(home)
    assert said == ["own ['Seccomp:\\t2'] helper ['Seccomp:\\t0']", "gone False"]


def test_it_runs_the_one_command_and_gives_its_status(home: object) -> None:
    assert "no-such-model 5" in tried(home, "no-such-model")


@pytest.mark.parametrize("name", ["--help", "a b", "a;b", "../x", "A", "x\ny", ""])
def test_it_takes_names_and_nothing_else(home: object, name: str) -> None:
    assert tried(home, name)[-2].endswith(" 2")
