"""Folders that only their owner can open and files that survive a power cut. Knows nothing of what is in them."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import shutil
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ragcli.adapters.offline import REMOTE
from ragcli.errors import StoreError, UsageError

PRIVATE_FOLDER = 0o700
REFUSALS = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE}
"""What is the fault of a disk or a system and not of what is stored."""
_TOLD = re.compile(r"os error (\d+)")


def refuse_remote(folder: Path) -> None:
    """Raises UsageError ``remote-path`` for ``s3://…`` and its like, which a store library would gladly open."""
    if REMOTE.match(str(folder)):
        raise UsageError("remote-path", f"{folder} is not a folder on this machine", hint="give a local folder")


def check_private(folder: Path) -> None:
    """The folder, where there is one, belongs to this user, nobody else can write to it, and nobody can put another in its place.

    Raises StoreError ``unsafe-folder``.
    """
    status = _status(folder)
    if status is None:
        return
    if not stat.S_ISDIR(status.st_mode):
        raise StoreError("unsafe-folder", f"{folder} is not a folder", hint="move that file away, or set RAGCLI_HOME")
    if status.st_uid != os.geteuid():
        hint = "run ragcli as the user who owns it, or set RAGCLI_HOME to a folder of yours"
        raise StoreError("unsafe-folder", f"{folder} belongs to another user", hint=hint)
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        who = "anyone" if status.st_mode & stat.S_IWOTH else "its group"
        raise StoreError("unsafe-folder", f"{who} can write to {folder}", hint=f"chmod 700 '{folder}'")
    # A group may write to the one above: in many systems each user is a group. With the sticky bit nobody renames others' things.
    above = _status(folder.parent)
    if above is not None and above.st_mode & stat.S_IWOTH and not above.st_mode & stat.S_ISVTX:
        raise StoreError("unsafe-folder", f"anyone can write to {folder.parent}", hint=f"chmod 700 '{folder.parent}'")


def _status(folder: Path) -> os.stat_result | None:
    try:
        return folder.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unwritable(folder, error) from error


def make_private(folder: Path) -> None:
    """The folder exists, also after a power cut, and only its owner can open it."""
    with disk_errors(folder):
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        for path in reversed(missing):
            path.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        if stat.S_IMODE(folder.stat().st_mode) != PRIVATE_FOLDER:
            folder.chmod(PRIVATE_FOLDER)
        for path in missing:
            flush_entry(path.parent)


@contextmanager
def private_files() -> Iterator[None]:
    """Whatever is created inside can be read by its owner alone, whoever creates it."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """What the system refuses inside is raised as StoreError: ``disk-full`` or ``unsafe-folder``."""
    try:
        yield
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> StoreError:
    """What to tell of a failed write."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(path)
    reason = error.strerror or type(error).__name__
    if error.errno == errno.EIO:
        hint = f"look at the disk that holds {path}: it may be failing, or full; then run the same command again"
        return StoreError("unsafe-folder", f"the disk refused to read or write {path}: {reason}", hint=hint)
    return StoreError("unsafe-folder", f"cannot write to {path}: {reason}", hint="check its permissions, or set RAGCLI_HOME")


def has_no_room(folder: Path) -> bool:
    """Whether its disk takes no more bytes, or no more files."""
    try:
        state = os.statvfs(folder)
    except OSError:
        return False
    return state.f_bavail == 0 or (state.f_files > 0 and state.f_favail == 0)  # some file systems count no files


def told_error(message: str) -> OSError | None:
    """What the disk or the system refused, as a library that hides the number tells it; None if it was neither."""
    told = _TOLD.search(message)
    number = int(told[1]) if told else errno.ENOSPC if "No space left" in message else 0
    return OSError(number, os.strerror(number)) if number in REFUSALS else None


def disk_full(path: Path) -> StoreError:
    hint = f"free some space on the disk that holds {path}, then run the same command again"
    return StoreError("disk-full", "the disk is full; what was indexed before is kept", hint=hint)


def list_files(folder: Path) -> dict[str, int]:
    """Every file below the folder: its path relative to it and its size in bytes. Files that vanish meanwhile are left out."""
    found: dict[str, int] = {}
    pending = [str(folder)]
    prefix = len(str(folder)) + 1
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        found[entry.path[prefix:]] = entry.stat(follow_symlinks=False).st_size
        except FileNotFoundError:
            continue
    return found


def flush(folder: Path, names: Iterable[str]) -> None:
    """These files, named relative to ``folder``, and the entries that lead to them are on the disk itself."""
    files = [folder / name for name in names]
    folders = {parent for file in files for parent in file.parents if parent.is_relative_to(folder)} | {folder.parent}
    for path in [*files, *folders]:
        flush_entry(path)
    _empty_drive_cache(folder)


def flush_entry(path: Path) -> None:
    """What the file holds, or which names the folder holds, has left this system for the drive."""
    with _opened(path) as handle:
        os.fsync(handle)


def _empty_drive_cache(folder: Path) -> None:
    """On macOS ``fsync`` stops at the drive's cache; one full sync after all the others empties it."""
    if sys.platform == "darwin":
        with _opened(folder) as handle:
            fcntl.fcntl(handle, fcntl.F_FULLFSYNC)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    handle = os.open(path, os.O_RDONLY)
    try:
        yield handle
    finally:
        os.close(handle)


def digest_file(path: Path) -> bytes:
    """A checksum that any change of the file changes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()


def write_durably(path: Path, content: bytes) -> None:
    """The file holds exactly this content, also after a power cut; a reader sees the old file or the new one."""
    draft = path.with_name(path.name + ".draft")
    draft.write_bytes(content)
    flush_entry(draft)
    draft.replace(path)
    flush_entry(path.parent)


def remove_durably(path: Path) -> None:
    """The file is gone, also after a power cut."""
    if path.exists():
        path.unlink()
        flush_entry(path.parent)


def remove_for_good(path: Path) -> bool:
    """There is no such file or folder, also after a power cut; a link goes and what it leads to stays. True if there was one.

    The disk may hold the bytes until it uses their place again: only an encrypted disk keeps them from whoever takes it.
    """
    with disk_errors(path):
        if not path.exists() and not path.is_symlink():
            return False
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
        flush_entry(path.parent)
    return True


def changed_files(folder: Path, expected: Mapping[str, tuple[int, bytes]], *, read: bool = False) -> list[str]:
    """The expected files that are missing, have another size or, if they are read, another content."""
    present = list_files(folder)
    return [
        name
        for name, (size, digest) in expected.items()
        if present.get(name) != size or (read and digest_file(folder / name) != digest)
    ]
