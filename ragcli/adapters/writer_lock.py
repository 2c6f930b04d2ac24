"""One writer and one watcher for each index: locks that the kernel holds, and gives back whatever way their holder ends."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from os import getpid
from pathlib import Path

from filelock import FileLock, Timeout

from ragcli.adapters.durability import unwritable
from ragcli.errors import StoreError

POLL_SECONDS = 0.1


def unsaid(message: str) -> None:
    """Where nobody wants to know who is waited for."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for another writer, and who is told that it is waited for; once, and only if it is."""

    seconds: float = 0.0
    tell: Callable[[str], None] = unsaid


@contextmanager
def writer_lock(path: Path, patience: Patience = Patience()) -> Iterator[None]:
    """Inside, no other process or thread is.

    Raises StoreError ``index-locked`` if one still is when the patience is at its end.
    """
    with _held(path, patience, "is writing to this index") as holder:
        if holder:
            hint = "wait until it has finished, as ragcli index --wait does"
            raise StoreError("index-locked", f"{holder} is writing to this index", hint=hint)
        yield


@contextmanager
def watcher_lock(path: Path) -> Iterator[None]:
    """Inside, no other process watches for this index. Raises StoreError ``already-watching`` at once if one does."""
    with _held(path, Patience(), "is watching") as holder:
        if holder:
            hint = "it follows what is indexed: ragcli index FOLDER adds to that, ragcli status shows how it does"
            raise StoreError("already-watching", f"{holder} is watching already", hint=hint)
        yield


@contextmanager
def _held(path: Path, patience: Patience, doing: str) -> Iterator[str]:
    """The lock is held inside, and an empty text given; else the name of who has it."""
    lock = FileLock(path, timeout=0, mode=0o600, thread_local=False)
    try:
        holder = "" if _acquire(lock, path, patience, doing) else _holder(path)
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        if not holder:
            # Only for the message that others get to see: the lock itself is not in the file's content.
            with suppress(OSError):
                path.write_text(f"{getpid()}\n", encoding="ascii")
        yield holder
    finally:
        lock.release()


def _acquire(lock: FileLock, path: Path, patience: Patience, doing: str) -> bool:
    try:
        lock.acquire()
    except Timeout:
        if patience.seconds <= 0:
            return False
        patience.tell(f"{_holder(path)} {doing}: waiting for it")
        return _wait(lock, patience.seconds)
    return True


def _wait(lock: FileLock, seconds: float) -> bool:
    try:
        lock.acquire(timeout=seconds, poll_interval=POLL_SECONDS)
    except Timeout:
        return False
    return True


def _holder(path: Path) -> str:
    try:
        written = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        written = ""
    return f"another ragcli (process {written})" if re.fullmatch(r"[0-9]+", written) else "another ragcli"
