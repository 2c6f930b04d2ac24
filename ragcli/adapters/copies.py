"""Programs that copy a person's files elsewhere, to backups and to clouds, are told to leave a folder out.

Each reads another mark: a tag file that many backup programs know (CACHEDIR.TAG: borg, restic, tar and others with the
option), attributes of the folder for Time Machine, Dropbox, and what syncs through macOS. A mark that a file system does
not take is no failure: the doctor tells of folders that are synced all the same.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import plistlib
import sys
from collections.abc import Mapping
from pathlib import Path

TAG = "CACHEDIR.TAG"
TAG_TEXT = """Signature: 8a477f597d28d172789f06886806bc55
# What ragcli made of your files, and can make again from them. Backup programs leave this folder out.
# See https://bford.info/cachedir/
"""
_TIME_MACHINE = plistlib.dumps("com.apple.backupd", fmt=plistlib.FMT_BINARY)
ATTRIBUTES: Mapping[str, Mapping[str, bytes]] = {
    "darwin": {
        "com.apple.metadata:com_apple_backup_excludeItem": _TIME_MACHINE,
        "com.apple.fileprovider.ignore#P": b"1",
        "com.dropbox.ignored": b"1",
    },
    "linux": {"user.com.dropbox.ignored": b"1"},
}
"""By platform, the attributes of a folder that keep it out of copies: what ``tmutil addexclusion`` writes, and others."""


def leave_out_of_copies(folder: Path) -> None:
    """The folder bears every mark that its file system takes; one that has the tag has been here before."""
    if (folder / TAG).exists():
        return
    with contextlib.suppress(OSError):
        (folder / TAG).write_text(TAG_TEXT, encoding="ascii")
    for name, value in ATTRIBUTES.get(sys.platform, {}).items():
        with contextlib.suppress(OSError):
            _set_attribute(folder, name, value)


def _set_attribute(folder: Path, name: str, value: bytes) -> None:
    if sys.platform == "linux":
        os.setxattr(folder, name, value)
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setxattr(os.fsencode(folder), name.encode(), value, ctypes.c_size_t(len(value)), 0, 0):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
