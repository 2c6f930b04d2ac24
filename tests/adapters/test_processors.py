"""How many threads an engine gets."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path

import pytest

from ragcli.adapters.processors import available_cores, cgroup_quota


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere llama.cpp counts")
def test_no_more_threads_than_this_process_may_use() -> None:
    assert 1 <= available_cores() <= len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, math.inf),
        ({"cpu.max": "max 100000\n"}, math.inf),
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"box/cpu.max": "50000 100000\n", "cpu.max": "400000 100000\n"}, 0.5),
        ({"box/cpu.max": "max 100000\n", "cpu.max": "400000 100000\n"}, 4.0),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, math.inf),
        ({"cpu/cpu.cfs_quota_us": "200000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 2.0),
    ],
)
def test_a_containers_quota_is_found(tmp_path: Path, files: dict[str, str], expected: float) -> None:
    membership = tmp_path / "membership"
    membership.write_text("4:memory:/x\n0::/box\n")
    for name, text in files.items():
        (tmp_path / "cgroup" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "cgroup" / name).write_text(text)

    assert cgroup_quota(tmp_path / "cgroup", membership) == expected
