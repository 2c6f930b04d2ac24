"""watchdog: the system's word that something below a folder may have changed."""

from __future__ import annotations

import os
import queue
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from watchdog.events import FileClosedNoWriteEvent, FileOpenedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from ragcli.errors import SourceError


class WatchdogWatcher:
    """Watches the roots and all below them, but for what lies in ``ignored``. Fits the port ``Watcher``.

    Raises SourceError ``path-unreadable`` where the system refuses to watch (Linux: too many folders).
    """

    def __init__(self, roots: Sequence[Path], *, ignored: Path | None = None) -> None:
        self._changes: queue.Queue[Path] = queue.Queue()
        self._observer = Observer()
        with translated():
            for root in roots:
                if root.is_dir():
                    self._observer.schedule(_Hints(self._changes, ignored), str(root), recursive=True)
                elif root.exists():
                    # Editors save by putting another file in a file's place: only its folder learns of that.
                    self._observer.schedule(_Hints(self._changes, ignored, only=root), str(root.parent), recursive=False)
            self._observer.start()

    def next_change(self, timeout: float) -> Path | None:
        try:
            return self._changes.get(timeout=timeout)
        except queue.Empty:
            return None

    def close(self) -> None:
        self._observer.stop()
        self._observer.join()


class _Hints(FileSystemEventHandler):
    def __init__(self, changes: queue.Queue[Path], ignored: Path | None, *, only: Path | None = None) -> None:
        self._changes = changes
        self._ignored = ignored
        self._only = only

    def on_any_event(self, event: FileSystemEvent) -> None:
        # Reading a file is told too: our own reading would wake us for ever.
        if isinstance(event, FileOpenedEvent | FileClosedNoWriteEvent):
            return
        for name in filter(None, (event.src_path, event.dest_path)):
            path = Path(os.fsdecode(name))
            if self._tells(path):
                self._changes.put(path)

    def _tells(self, path: Path) -> bool:
        if self._ignored is not None and (path == self._ignored or self._ignored in path.parents):
            return False
        return self._only in (None, path)


@contextmanager
def translated() -> Iterator[None]:
    """The system's refusal becomes SourceError ``path-unreadable``."""
    try:
        yield
    except OSError as error:
        hint = "on Linux raise fs.inotify.max_user_watches, or run `ragcli index` from time to time"
        raise SourceError("path-unreadable", f"the system cannot watch the folder: {error.strerror}", hint=hint) from error
