"""Things that are no plain files, names of any bytes, and files that hold secrets."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.hostile.cases import GONE, INDEXED, LEFT_OUT, SECRET_MARKER, Case, case

PLAIN = b"plain words\n"
DEEP = 60


def cases() -> Iterator[Case]:
    yield from _objects()
    yield from _names()
    yield from _secrets()


def _case(name: str, make: Callable[[Path], object], *may_become: str) -> Case:
    return Case(name, make, frozenset(may_become))


# ---- objects ----------------------------------------------------------------------------------


def _objects() -> Iterator[Case]:
    yield _case("pipe.txt", os.mkfifo, "not_regular")
    yield _case("socket.txt", _make_socket, "not_regular")
    if _may_make_devices():
        yield _case("zero.txt", lambda path: os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5)), "not_regular")
        yield _case("random.txt", lambda path: os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 8)), "not_regular")
        yield _case("disk.txt", lambda path: os.mknod(path, stat.S_IFBLK | 0o600, os.makedev(7, 200)), "not_regular")
    yield _case("loop.txt", lambda path: path.symlink_to(path.name), GONE)
    yield _case("loop-folder", lambda path: path.symlink_to("."), GONE)
    yield _case("dangling.txt", lambda path: path.symlink_to("nothing-there"), GONE, "symlink_out")
    yield _case("everything", lambda path: path.symlink_to("/"), "symlink_out")
    yield _case("passwords-of-all.md", lambda path: path.symlink_to("/etc/passwd"), "symlink_out")
    yield _case("device.txt", lambda path: path.symlink_to("/dev/zero"), "not_regular")
    yield _case("memory.txt", lambda path: path.symlink_to("/proc/self/mem"), "symlink_out", GONE)
    yield _case("hard.txt", _make_hard_link, INDEXED)
    yield _case("terabyte.txt", lambda path: _make_sparse(path, 1 << 40), "too_large")
    yield _case("holes.txt", lambda path: _make_sparse(path, 200 << 20), "binary", "too_much_memory")
    yield _case("holes.pdf", lambda path: _make_sparse(path, 50 << 20), "malformed")
    yield _case("deep", _make_deep_folder, GONE)
    yield _case("folder.pdf", lambda path: path.mkdir(), GONE)


def _may_make_devices() -> bool:
    return os.geteuid() == 0 and hasattr(os, "mknod")


def _make_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket has room for a hundred bytes
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name)
    finally:
        os.chdir(here)


def _make_hard_link(path: Path) -> None:
    first = path.with_name("first.txt")
    first.write_bytes(PLAIN)
    path.hardlink_to(first)


def _make_sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def _make_deep_folder(path: Path) -> None:
    """Folders in folders until no path can name the innermost: 6,000 characters and more."""
    path.mkdir()
    here = os.open(path, os.O_RDONLY)
    for _ in range(DEEP):
        os.mkdir("d" * 100, dir_fd=here)
        inner = os.open("d" * 100, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)


# ---- names ------------------------------------------------------------------------------------

NAMES = (
    "quote'.txt",
    'double".txt',
    "x' OR 1=1 OR path='.txt",
    "line\nbreak.txt",
    "[/x].txt",
    "[bold]rich[/bold].md",
    "esc\x1b[31m\x1b]0;title\x07.txt",
    "\u202ertl.txt",
    "-rf.txt",
    "--help.md",
    "*.txt",
    "$(reboot).txt",
    "tab\tand space .txt",
    "\u200b.txt",
    "e\u0301.txt",
    "n" * 251 + ".txt",
    os.fsdecode(b"caf\xe9.txt"),
    os.fsdecode(b"\xff\xfe\x80.md"),
    "CON.txt",
    "%s%n.txt",
    "a:b.txt",
)


def _names() -> Iterator[Case]:
    for name in NAMES:
        yield case(name, PLAIN, INDEXED)
    yield case(os.fsdecode(b"fold\xe9r/inside.txt"), PLAIN, INDEXED)


# ---- secrets ----------------------------------------------------------------------------------

SECRETS = (
    ".env",
    "prod.env",
    "id_rsa",
    "id_ed25519",
    "server.pem",
    "tls.key",
    "vault.kdbx",
    ".netrc",
    ".npmrc",
    "credentials.json",
    "passwords.csv",
    "bitwarden_export.json",
    ".aws/credentials",
    ".ssh/config",
    ".gnupg/ring.txt",
    ".git/config",
    ".hidden.txt",
)


def _secrets() -> Iterator[Case]:
    for name in SECRETS:
        yield _case(name, _make_secret, LEFT_OUT)


def _make_secret(path: Path) -> None:
    path.write_text(f"token {SECRET_MARKER}\n", encoding="utf-8")
