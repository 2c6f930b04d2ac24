"""watchdog: the system's word that something below a folder may have changed.

The word is a hint and no more. The system drops some, watchdog falls silent without a word when a watched folder goes away,
and says only to its log that a queue overflowed. Whatever is known of such gaps is told as doubt or as trouble, so that who
listens looks again. Nothing is known here of what is indexed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import shutil
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from watchdog.events import (
    DirAttribEvent,
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileAttribEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

from ragcli.adapters.log_listener import LogListener

MOST_HINTS = 256
"""More that wait to be taken say nothing new: one is enough to look again."""
ECHO_SECONDS = 30.0
"""How often it is made sure that changes are still told at all."""
TROUBLE_SECONDS = 600.0
"""How soon to try anew where the system had no room for more watches: each try costs a walk over every folder."""
CHANGES: list[type[FileSystemEvent]] = [
    *(DirAttribEvent, DirCreatedEvent, DirDeletedEvent, DirMovedEvent, FileAttribEvent),
    *(FileClosedEvent, FileCreatedEvent, FileDeletedEvent, FileModifiedEvent, FileMovedEvent),
]
"""Not that files are opened or read, or our own reading would wake us for ever; not that a folder changed because
something in it did, which is told by itself."""
RULE_FILES = frozenset({".gitignore", ".ignore", ".ragignore"})
"""Hidden files that say which others are taken."""
VERSION_CONTROL = frozenset({".git", ".hg", ".jj", ".svn"})
LOGGERS = ("watchdog", "fsevents")
REFUSALS = (OSError, RuntimeError, SystemError)
"""What watchdog raises where the system would not watch: the first on Linux, the others on macOS."""


class WatchdogWatcher:
    """Watches roots and all below them. Fits the port ``Watcher``.

    Nothing is told of what lies in ``own``, the program's folder, nor of hidden files unless ``hidden``. ``scratch`` is
    for folders that live as long as the watcher.
    """

    def __init__(
        self,
        own: Path,
        *,
        scratch: Path,
        hidden: bool = False,
        echo_seconds: float = ECHO_SECONDS,
        make_observer: Callable[[], BaseObserver] = Observer,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.trouble = ""
        self._changes: queue.Queue[Path] = queue.Queue(MOST_HINTS)
        self._own, self._hidden = own, hidden
        self._make_observer, self._clock = make_observer, clock
        self._observer: BaseObserver | None = None
        self._watched: dict[Path, _Watched] = {}
        self._echo = _Echo(scratch, echo_seconds, clock)
        self._troubled_until = 0.0
        self._log = LogListener(LOGGERS)
        self._log.listen()
        # A folder that was moved out and comes back is watched already, which is no one's fault.
        warnings.filterwarnings("ignore", "Callback with id", RuntimeWarning)

    def next_change(self, timeout: float) -> Path | None:
        try:
            return self._changes.get(timeout=timeout)
        except queue.Empty:
            return None

    def tend(self, roots: Sequence[Path]) -> bool:
        """Exactly these roots are watched, those too that went away and are back. Gives whether changes may have gone unheard."""
        doubt = self._log.doubts()
        if self._observer is None or self._log.broken or self._echo.is_lost() or self._may_try_again():
            doubt = True
            self._start()
        for root in set(self._watched) - set(roots):
            self._leave(root)
        for root in roots:
            doubt |= self._attend(root)
        self._call_out()
        return doubt

    def close(self) -> None:
        self._log.end()
        self._stop()

    # ---- the observer ----------------------------------------------------------------------------

    def _start(self) -> None:
        """There is a fresh observer that watches nothing yet, or trouble."""
        self._stop()
        self._log.broken = False
        try:
            observer = self._make_observer()
            observer.start()
        except REFUSALS as error:
            self._in_trouble(error)
        else:
            self._observer, self.trouble = observer, ""

    def _stop(self) -> None:
        self._watched.clear()
        self._echo.forget()
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
            self._observer = None

    def _in_trouble(self, error: Exception) -> None:
        if not self.trouble:
            self._troubled_until = self._clock() + TROUBLE_SECONDS
        self.trouble = describe_refusal(error)

    def _may_try_again(self) -> bool:
        return bool(self.trouble) and self._clock() >= self._troubled_until

    # ---- the roots -------------------------------------------------------------------------------

    def _attend(self, root: Path) -> bool:
        """The root is watched if it is there. Gives whether it was not before."""
        known, place = self._watched.get(root), _Place.of(root)
        if known is not None and known.place == place and self._is_heard(known.watch):
            return False
        if known is not None:
            self._leave(root)
        watch = self._watch(place.target, _Hints(self._changes, self._tells_below(place))) if place else None
        if place and watch:
            self._watched[root] = _Watched(place, watch)
        return known is not None or watch is not None

    def _is_heard(self, watch: ObservedWatch) -> bool:
        """Whether watchdog listens: its thread for a folder ends with the folder, and stays so when the folder is back."""
        emitters = self._observer.emitters if self._observer else ()
        return any(emitter.watch == watch and emitter.is_alive() for emitter in emitters)

    def _watch(self, target: str, hints: FileSystemEventHandler) -> ObservedWatch | None:
        """The watch; None if there is nothing to watch any more, or no room: then there is trouble."""
        if self._observer is None:
            return None
        try:
            return self._observer.schedule(hints, target, recursive=True, event_filter=CHANGES)
        except FileNotFoundError:
            return None
        except REFUSALS as error:
            self._in_trouble(error)
            return None

    def _leave(self, root: Path) -> None:
        watched = self._watched.pop(root)
        if self._observer is not None and not any(other.watch == watched.watch for other in self._watched.values()):
            with contextlib.suppress(KeyError, OSError):
                self._observer.unschedule(watched.watch)

    def _tells_below(self, place: _Place) -> Callable[[str], bool]:
        own, top = os.fspath(self._own), place.target

        def tells(path: str) -> bool:
            if path == own or path.startswith(own + os.sep):
                return False
            below = Path(path.removeprefix(top)).parts
            return not any(self._is_quiet(part) for part in below)

        return tells

    def _is_quiet(self, name: str) -> bool:
        """Whether nothing in a folder of this name, or of a file of this name, is ever indexed."""
        return name in VERSION_CONTROL or (name.startswith(".") and not self._hidden and name not in RULE_FILES)

    # ---- whether anything is heard ---------------------------------------------------------------

    def _call_out(self) -> None:
        """Now and then: a change of our own is made, which has to be told, in a folder that is watched anew.

        That takes one more watch, and so finds out that there is no room for one: below a root watchdog passes over that.
        """
        if self._observer is None or not self._echo.is_due():
            return
        if self._echo.watch is not None:
            with contextlib.suppress(KeyError, OSError):
                self._observer.unschedule(self._echo.watch)
        folder = self._echo.move()
        if folder is None:
            return
        self._echo.watch = self._watch(os.fspath(folder), self._echo)
        if self._echo.watch is not None:
            self._echo.call()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a root is: what is watched for it, and which folder of the disk that is. Another folder can take its name."""

    target: str
    device: int
    inode: int

    @classmethod
    def of(cls, root: Path) -> _Place | None:
        """The real place, for a watch on a link would hear nothing of what is behind it. Of a file its folder counts."""
        target = os.path.realpath(root)
        try:
            status = (Path(target) if Path(target).is_dir() else Path(target).parent).stat()
            return cls(target, status.st_dev, status.st_ino) if os.path.lexists(target) else None
        except OSError:
            return None


@dataclass(frozen=True, slots=True)
class _Watched:
    place: _Place
    watch: ObservedWatch


class _Hints(FileSystemEventHandler):
    def __init__(self, changes: queue.Queue[Path], tells: Callable[[str], bool]) -> None:
        self._changes = changes
        self._tells = tells

    def on_any_event(self, event: FileSystemEvent) -> None:
        for name in filter(None, (event.src_path, event.dest_path)):
            path = os.fsdecode(name)
            if self._tells(path):
                with contextlib.suppress(queue.Full):
                    self._changes.put_nowait(Path(path))


class _Echo(FileSystemEventHandler):
    """A folder of our own, in which we change something to hear of it."""

    def __init__(self, scratch: Path, seconds: float, clock: Callable[[], float]) -> None:
        self.watch: ObservedWatch | None = None
        self._seconds, self._clock = seconds, clock
        self._folders = cycle([scratch / "echo-1", scratch / "echo-2"])
        self._folder: Path | None = None
        self._called: float | None = None
        self._last = -seconds

    def on_any_event(self, event: FileSystemEvent) -> None:
        self._called = None

    def is_due(self) -> bool:
        return self._called is None and self._clock() - self._last >= self._seconds

    def is_lost(self) -> bool:
        return self._called is not None and self._clock() - self._called >= self._seconds

    def move(self) -> Path | None:
        """A new folder, in place of the last; None where none can be made, as on a full disk."""
        self.forget()
        self._last = self._clock()
        self._folder = next(self._folders)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            return None
        return self._folder

    def call(self) -> None:
        if self._folder is None:
            return
        self._called = self._clock()
        try:
            (self._folder / "call").touch()
        except OSError:
            self._called = None

    def forget(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder, self._called, self.watch = None, None, None


def describe_refusal(error: Exception) -> str:
    """Why the system would not watch, in words. No space and no files are limits of watching here, not of the disk."""
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.ENOSPC:
        return "the system watches no more folders (on Linux raise fs.inotify.max_user_watches)"
    if number == errno.EMFILE:
        return "the system has no more watchers (on Linux raise fs.inotify.max_user_instances)"
    return f"the system does not watch a folder: {os.strerror(number) if number else type(error).__name__}"
