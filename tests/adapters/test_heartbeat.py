"""What a watcher says of itself: read by others, whole at every moment, and gone with a watcher that ends in good order."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ragcli.adapters.heartbeat import Heartbeat, is_running, read_heartbeat
from ragcli.types import WatchHealth


def test_what_is_said_is_read(tmp_path: Path) -> None:
    times = iter([100.0, 130.0])
    heartbeat = Heartbeat(tmp_path / "watch.json", clock=lambda: next(times))
    heartbeat.say("listening", 125.0, "")
    assert read_heartbeat(tmp_path / "watch.json") == WatchHealth(os.getpid(), 100.0, 130.0, 125.0, "listening")
    assert stat.S_IMODE((tmp_path / "watch.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["watch.json"]


def test_a_watcher_that_ended_in_good_order_leaves_nothing(tmp_path: Path) -> None:
    heartbeat = Heartbeat(tmp_path / "watch.json")
    heartbeat.say("looking", None, "the disk is full")
    heartbeat.end()
    heartbeat.end()
    assert read_heartbeat(tmp_path / "watch.json") is None


def test_a_watcher_that_was_killed_is_known_to_be_gone(tmp_path: Path) -> None:
    code = "import sys, os, pathlib; from ragcli.adapters.heartbeat import Heartbeat\n"
    code += "Heartbeat(pathlib.Path(sys.argv[1])).say('looking', None, ''); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code, tmp_path / "watch.json"], check=False)
    health = read_heartbeat(tmp_path / "watch.json")
    assert health is not None
    assert not health.alive


@pytest.mark.parametrize("content", ["", "{", "[]", '{"process": 1}', '{"process": "x"}', "null", "\udcff"])
def test_a_file_of_another_shape_says_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "watch.json").write_bytes(os.fsencode(content))
    assert read_heartbeat(tmp_path / "watch.json") is None


def test_a_place_that_cannot_be_written_to_ends_nothing(tmp_path: Path) -> None:
    Heartbeat(tmp_path / "missing" / "watch.json").say("looking", None, "")
    assert read_heartbeat(tmp_path / "missing" / "watch.json") is None


def test_a_newer_state_is_shown_as_waiting(tmp_path: Path) -> None:
    told = {"process": os.getpid(), "started": 1, "said": 2, "looked": None, "state": "dreaming", "trouble": ""}
    (tmp_path / "watch.json").write_text(json.dumps(told))
    health = read_heartbeat(tmp_path / "watch.json")
    assert health is not None
    assert health.state == "waiting"


def test_a_process_is_told_from_none() -> None:
    assert is_running(os.getpid())
    assert is_running(1)
    assert not is_running(2**22 + 1)
