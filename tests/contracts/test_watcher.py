"""What every watcher keeps to: the one of tests, whose changes are written down, and the real one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from ragcli.adapters.watcher import WatchdogWatcher
from ragcli.ports import Watcher
from tests.fakes.watcher import ManualWatcher

SOON = 10.0
"""Seconds after which a change that was not told is a failure; told ones come at once."""
SILENCE = 0.3
"""Seconds in which nothing may be told."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docs" / "deep").mkdir(parents=True)
    (tmp_path / "docs" / "old.txt").write_text("old")
    return tmp_path / "docs"


@pytest.fixture(params=["fake", "real"])
def change(request: pytest.FixtureRequest, folder: Path) -> Iterator[Callable[[], Watcher]]:
    """Writes a file into the watched folder and gives its watcher."""
    file = folder / "deep" / "new.txt"
    with ExitStack() as stack:
        watcher = ManualWatcher(file) if request.param == "fake" else stack.enter_context(closing(WatchdogWatcher([folder])))

        def write() -> Watcher:
            file.write_text("new")
            return watcher

        yield write


def test_a_change_is_told_and_then_there_is_silence(change: Callable[[], Watcher], folder: Path) -> None:
    watcher = change()
    told = watcher.next_change(SOON)
    assert told is not None
    assert told == folder or folder in told.parents
    while watcher.next_change(SILENCE) is not None:
        pass


# ---- the real one's own ----


def paths_told(watcher: WatchdogWatcher) -> set[Path]:
    told = set()
    while (path := watcher.next_change(SILENCE)) is not None:
        told.add(path)
    return told


def test_reading_is_no_change(folder: Path) -> None:
    with closing(WatchdogWatcher([folder])) as watcher:
        (folder / "old.txt").read_text()
        assert list(folder.iterdir())
        assert watcher.next_change(SILENCE) is None


def test_a_move_is_told_at_both_ends(folder: Path) -> None:
    with closing(WatchdogWatcher([folder])) as watcher:
        (folder / "old.txt").rename(folder / "deep" / "moved.txt")
        assert {folder / "old.txt", folder / "deep" / "moved.txt"} <= paths_told(watcher)


def test_a_watched_file_may_be_replaced_again_and_again_as_editors_do(folder: Path) -> None:
    with closing(WatchdogWatcher([folder / "old.txt"])) as watcher:
        for text in ("first", "second"):
            (folder / ".old.txt.swp").write_text(text)
            (folder / ".old.txt.swp").rename(folder / "old.txt")
            assert paths_told(watcher) == {folder / "old.txt"}
        (folder / "beside.txt").write_text("not watched")
        assert watcher.next_change(SILENCE) is None


def test_what_is_ignored_tells_nothing(folder: Path) -> None:
    with closing(WatchdogWatcher([folder], ignored=folder / "deep")) as watcher:
        (folder / "deep" / "ledger.sqlite").write_text("x")
        assert paths_told(watcher) <= {folder}
        (folder / "seen.txt").write_text("x")
        assert folder / "seen.txt" in paths_told(watcher)


def test_names_that_are_no_utf8_and_roots_that_are_not_there_do_no_harm(folder: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.txt"))
    with closing(WatchdogWatcher([folder, folder / "nowhere"])) as watcher:
        odd.write_text("x")
        assert odd in paths_told(watcher)
