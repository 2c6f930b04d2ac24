"""What every watcher keeps to: the one of tests, whose changes are written down, and the real one."""

from __future__ import annotations

import errno
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from ragcli.adapters.watcher import ECHO_SECONDS, MOST_HINTS, TROUBLE_SECONDS, WatchdogWatcher
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


MakeWatcher = Callable[..., WatchdogWatcher]


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[MakeWatcher]:
    """Makes a real watcher of the roots, which are tended once."""
    own = tmp_path / "own"
    with ExitStack() as stack:

        def make(*roots: Path, **options: Any) -> WatchdogWatcher:
            watcher = WatchdogWatcher(**{"own": own, "scratch": own / "run", **options})
            stack.enter_context(closing(watcher))
            assert watcher.tend(roots) or not any(root.exists() for root in roots)
            return watcher

        yield make


@pytest.fixture(params=["fake", "real"])
def change(request: pytest.FixtureRequest, folder: Path, watch: MakeWatcher) -> Callable[[], Watcher]:
    """Writes a file into the watched folder and gives its watcher."""
    file = folder / "deep" / "new.txt"
    if request.param == "real":
        watcher: Watcher = watch(folder)
    else:
        watcher = ManualWatcher(file)
        assert watcher.tend([folder])

    def write() -> Watcher:
        file.write_text("new")
        return watcher

    return write


def test_a_change_is_told_and_then_there_is_silence(change: Callable[[], Watcher], folder: Path) -> None:
    watcher = change()
    told = watcher.next_change(SOON)
    assert told is not None
    assert told == folder or folder in told.parents
    while watcher.next_change(SILENCE) is not None:
        pass


def test_the_same_roots_again_are_no_reason_to_look(change: Callable[[], Watcher], folder: Path) -> None:
    watcher = change()
    assert not watcher.tend([folder])
    assert watcher.trouble == ""


# ---- the real one's own: what is told ----


def paths_told(watcher: WatchdogWatcher) -> set[Path]:
    told = set()
    while (path := watcher.next_change(SILENCE)) is not None:
        told.add(path)
    return told


def hears(watcher: WatchdogWatcher, file: Path) -> bool:
    """Whether a change of the file is told."""
    file.write_text("changed")
    while (told := watcher.next_change(SOON)) is not None:
        if told == file:
            return True
    return False


def test_reading_is_no_change(folder: Path, watch: MakeWatcher) -> None:
    watcher = watch(folder)
    (folder / "old.txt").read_text()
    assert list(folder.iterdir())
    assert watcher.next_change(SILENCE) is None


def test_a_move_is_told_at_both_ends(folder: Path, watch: MakeWatcher) -> None:
    watcher = watch(folder)
    (folder / "old.txt").rename(folder / "deep" / "moved.txt")
    assert {folder / "old.txt", folder / "deep" / "moved.txt"} <= paths_told(watcher)


def test_what_happens_in_new_folders_is_told(folder: Path, watch: MakeWatcher) -> None:
    watcher = watch(folder)
    (folder / "new" / "newer").mkdir(parents=True)
    paths_told(watcher)
    assert hears(watcher, folder / "new" / "newer" / "file.txt")


def test_a_change_of_permissions_is_told(folder: Path, watch: MakeWatcher) -> None:
    watcher = watch(folder)
    (folder / "old.txt").chmod(0o600)
    assert paths_told(watcher) == {folder / "old.txt"}


def test_a_watched_file_may_be_replaced_again_and_again_as_editors_do(folder: Path, watch: MakeWatcher) -> None:
    watcher = watch(folder / "old.txt")
    for text in ("first", "second"):
        (folder / ".old.txt.swp").write_text(text)
        (folder / ".old.txt.swp").rename(folder / "old.txt")
        assert paths_told(watcher) == {folder / "old.txt"}
    (folder / "beside.txt").write_text("not watched")
    assert watcher.next_change(SILENCE) is None


def test_our_own_files_tell_nothing(folder: Path, watch: MakeWatcher) -> None:
    watcher = watch(folder, own=folder / "deep")
    (folder / "deep" / "ledger.sqlite").write_text("x")
    assert paths_told(watcher) == set()
    (folder / "seen.txt").write_text("x")
    assert paths_told(watcher) == {folder / "seen.txt"}


def test_hidden_files_tell_nothing_unless_they_are_wanted_or_say_what_is_left_out(folder: Path, watch: MakeWatcher) -> None:
    quiet, open_eyed = watch(folder), watch(folder, hidden=True)
    for name in (".cache", ".git"):
        (folder / name).mkdir()
        (folder / name / "churn").write_text("x")
    (folder / ".gitignore").write_text("*.log")
    assert paths_told(quiet) == {folder / ".gitignore"}
    assert paths_told(open_eyed) == {folder / ".gitignore", folder / ".cache", folder / ".cache" / "churn"}


def test_names_that_are_no_utf8_and_roots_that_are_not_there_do_no_harm(folder: Path, watch: MakeWatcher) -> None:
    odd = Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.txt"))
    watcher = watch(folder, folder.parent / "nowhere")
    odd.write_text("x")
    assert odd in paths_told(watcher)


def test_a_burst_that_nobody_takes_waits_in_little_room(folder: Path, watch: MakeWatcher) -> None:
    watcher = watch(folder)
    for number in range(2000):
        (folder / f"{number}.txt").touch()
    assert watcher.next_change(5.0) is not None
    assert watcher._changes.qsize() <= MOST_HINTS


# ---- what watchdog passes over ----


def test_a_root_that_is_deleted_and_made_again_is_heard_again(folder: Path, watch: MakeWatcher) -> None:
    watcher = watch(folder)
    shutil.rmtree(folder)
    paths_told(watcher)
    assert watcher.tend([folder])
    assert not watcher.tend([folder])
    folder.mkdir()
    assert watcher.tend([folder])
    assert hears(watcher, folder / "again.txt")


def test_a_root_that_is_deleted_and_made_again_between_two_looks_is_heard_again(folder: Path, watch: MakeWatcher) -> None:
    watcher = watch(folder)
    shutil.rmtree(folder)
    folder.mkdir()
    paths_told(watcher)
    assert watcher.tend([folder])
    assert hears(watcher, folder / "again.txt")


def test_another_folder_in_the_place_of_a_root_is_heard(folder: Path, watch: MakeWatcher) -> None:
    watcher = watch(folder)
    folder.rename(folder.with_name("aside"))
    folder.mkdir()
    assert watcher.tend([folder])
    assert hears(watcher, folder / "again.txt")
    paths_told(watcher)
    (folder.with_name("aside") / "old.txt").write_text("nobody watches here")
    assert watcher.next_change(SILENCE) is None


def test_a_root_that_appears_later_is_heard(folder: Path, watch: MakeWatcher) -> None:
    later = folder.parent / "later"
    watcher = watch(later)
    assert not watcher.tend([later])
    later.mkdir()
    assert watcher.tend([later])
    assert hears(watcher, later / "first.txt")


def test_a_root_that_is_taken_away_is_heard_no_more(folder: Path, watch: MakeWatcher) -> None:
    other = folder.parent / "other"
    other.mkdir()
    watcher = watch(folder, other)
    watcher.tend([other])
    (folder / "old.txt").write_text("x")
    assert watcher.next_change(SILENCE) is None
    assert hears(watcher, other / "a.txt")


def test_behind_a_root_that_became_a_link_the_real_folder_is_heard(folder: Path, watch: MakeWatcher) -> None:
    watcher = watch(folder)
    elsewhere = folder.parent / "elsewhere"
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)
    assert watcher.tend([folder])
    assert hears(watcher, elsewhere / "deep" / "a.txt")
    third = folder.parent / "third"
    third.mkdir()
    folder.unlink()
    folder.symlink_to(third)
    assert watcher.tend([folder])
    assert hears(watcher, third / "b.txt")


def test_a_folder_that_is_moved_out_and_in_again_is_heard(folder: Path, watch: MakeWatcher) -> None:
    watcher = watch(folder)
    outside = folder.parent / "outside"
    for _ in range(2):
        (folder / "deep").rename(outside)
        paths_told(watcher)
        outside.rename(folder / "deep")
        paths_told(watcher)
        watcher.tend([folder])
    assert hears(watcher, folder / "deep" / "file.txt")


@pytest.mark.parametrize("level", [logging.WARNING, logging.ERROR], ids=["hints were lost", "watches could not be made"])
def test_what_watchdog_says_only_to_its_log_is_a_reason_to_look(
    folder: Path, watch: MakeWatcher, level: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another test's watcher, ending just now, would be heard too.
    monkeypatch.setattr(logging.getLogger("watchdog.observers.inotify"), "disabled", True)
    watcher = watch(folder)
    logging.getLogger("watchdog.observers.inotify_c").log(level, "Inotify queue overflowed; filesystem events were lost")
    assert watcher.tend([folder])
    assert not watcher.tend([folder])
    assert hears(watcher, folder / "a.txt")


# ---- limits ----


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Grudging:
    """Makes real observers that have no room where ``refuses`` says so."""

    def __init__(self) -> None:
        self.made: list[BaseObserver] = []
        self.refuses: Callable[[str], int] = lambda path: 0

    def __call__(self) -> BaseObserver:
        if number := self.refuses(""):
            raise OSError(number, "refused")
        observer = Observer()
        schedule = observer.schedule

        def grudging(handler: Any, path: str, **options: Any) -> Any:
            if number := self.refuses(path):
                raise OSError(number, "refused")
            return schedule(handler, path, **options)

        observer.schedule = grudging  # type: ignore[method-assign]
        self.made.append(observer)
        return observer


@pytest.mark.parametrize(("number", "name"), [(errno.ENOSPC, "max_user_watches"), (errno.EMFILE, "max_user_instances")])
def test_a_limit_of_the_system_is_trouble_and_no_end_and_tried_again(
    folder: Path, watch: MakeWatcher, number: int, name: str
) -> None:
    clock, observers = Clock(), Grudging()
    # No more instances: there is none to begin with. No more watches: there is one, which watches nothing.
    observers.refuses = lambda path: number if path or number == errno.EMFILE else 0
    watcher = watch(folder, clock=clock, make_observer=observers)
    assert name in watcher.trouble
    assert watcher.next_change(0.0) is None
    observers.refuses = lambda path: 0
    clock.now = TROUBLE_SECONDS
    assert watcher.tend([folder])
    assert watcher.trouble == ""
    assert hears(watcher, folder / "a.txt")


def test_a_limit_that_is_met_below_a_root_is_found_out_too(folder: Path, watch: MakeWatcher) -> None:
    observers = Grudging()
    observers.refuses = lambda path: errno.ENOSPC if "echo" in path else 0
    watcher = watch(folder, make_observer=observers)
    assert "max_user_watches" in watcher.trouble
    assert hears(watcher, folder / "what_is_heard_is_still_told.txt")


def test_a_watcher_that_has_gone_deaf_is_found_out_and_made_anew(folder: Path, watch: MakeWatcher) -> None:
    clock, observers = Clock(), Grudging()
    watcher = watch(folder, clock=clock, make_observer=observers)
    paths_told(watcher)
    observers.made[0].dispatch_events = lambda event_queue: event_queue.get()  # type: ignore[method-assign]
    (folder / "old.txt").write_text("the last that is heard, if any")
    paths_told(watcher)
    clock.now = ECHO_SECONDS
    assert not watcher.tend([folder])  # calls out
    (folder / "old.txt").write_text("not heard")
    assert watcher.next_change(SILENCE) is None
    clock.now = 2 * ECHO_SECONDS
    assert watcher.tend([folder])
    assert len(observers.made) == 2
    assert hears(watcher, folder / "a.txt")
