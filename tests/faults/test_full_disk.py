"""A disk that is full after any number of bytes, or has no room for another file: nothing is lost, and it can be read."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from ragcli.adapters.database import Database
from ragcli.errors import StoreError
from tests.faults.judging import judge, look
from tests.faults.tally import noted, settle, sized, spread
from tests.faults.work import WORKS

NAMES = ("first index", "re-index", "optimize", "delete")
DISKS = sized(3, 14)
"""For each work."""
FULL_AT = range(60, 900, 12)
"""Kilobytes."""
FILES = range(8, 90, 2)


def test_a_full_disk_loses_nothing_and_can_be_read(launcher, prepared, tmp_path):
    tried, filled, failures = 0, 0, []
    disks = [f"size={size}k" for size in spread(FULL_AT, DISKS)] + [f"nr_inodes={number}" for number in spread(FILES, DISKS)]
    for name in NAMES:
        base = prepared(name, tmp_path)
        for disk in disks:
            with mounted(tmp_path / "disk", disk) as place:
                if base.exists() and subprocess.run(["cp", "-a", base, place], capture_output=True, check=False).returncode:
                    continue  # what the work begins with does not fit
                outcome = launcher.run(name, place / "index", diary=tmp_path / "diary")
                tried += 1
                filled += outcome.end == "disk-full"
                with noted(failures, f"{name} with {disk}"):
                    assert outcome.end in ("done", "disk-full"), f"{outcome.end}: {outcome.message}"
                    for document, generation in look(place / "index").items():
                        assert document == "next" or generation in WORKS[name].allows(document, outcome.promises.get(document))
                    remount(place)
                    judge(place / "index", WORKS[name], outcome)
    settle("full disks", filled, floor=sized(4, 28), failures=failures)
    assert tried > filled, "no disk was large enough"


def test_a_disk_that_takes_no_other_file_is_called_full(tmp_path):
    with mounted(tmp_path / "disk", "nr_inodes=12") as place:
        database = Database.open_for_writing(place / "some.db")
        database.rows("CREATE TABLE words (word)")
        with suppress(OSError):
            for number in range(12):
                (place / str(number)).touch()
        with pytest.raises(StoreError) as raised:
            database.start_writing()
        database.close()
    assert raised.value.slug == "disk-full"


@contextmanager
def mounted(place: Path, option: str) -> Iterator[Path]:
    place.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"{option},mode=0700", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("NO DISK WAS FILLED: mounting one needs root")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def remount(place: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=64m,nr_inodes=10000", str(place)], check=True)
