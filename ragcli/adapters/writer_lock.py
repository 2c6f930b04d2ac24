"""One writer for each index: a lock that the kernel holds, and gives back whatever way its holder ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from os import getpid
from pathlib import Path

from filelock import FileLock, Timeout

from ragcli.adapters.durability import unwritable
from ragcli.errors import StoreError


@contextmanager
def writer_lock(path: Path) -> Iterator[None]:
    """Inside, no other process or thread is.

    Raises StoreError ``index-locked`` at once if one is.
    """
    lock = FileLock(path, timeout=0, mode=0o600, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise StoreError("index-locked", f"{_holder(path)} is writing to this index", hint=_hint(path)) from error
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        # Only for the message that others get to see: the lock itself is not in the file's content.
        path.write_text(f"{getpid()}\n", encoding="ascii")
        yield
    finally:
        lock.release()


def _holder(path: Path) -> str:
    number = _process(path)
    return f"another ragcli (process {number})" if number else "another ragcli"


def _hint(path: Path) -> str:
    number = _process(path)
    return f"wait until it has finished, or look at it with: ps -p {number}" if number else "wait until it has finished"


def _process(path: Path) -> str:
    try:
        written = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return written if re.fullmatch(r"[0-9]+", written) else ""
