"""Archives as folders: zip, tar and compressed files, each member read by the lane of its name. Standard library only.

Members are unpacked in memory, one after the other, and every unpacked byte is counted: what an archive declares is not
believed.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import IO, Any

from ragcli.adapters.readers import table
from ragcli.adapters.readers.members import (
    MAX_ENTRIES,
    MAX_RATIO,
    RATIO_FROM,
    ExhaustedError,
    Members,
    is_left_out,
    member_name,
)
from ragcli.adapters.readers.parsed import Assembler, Parsed, UnreadableError

MAX_MEMBER = 128 << 20
"""Larger members are passed over: they are held in memory whole."""
PIECE = 1 << 20
TAR_HEAD = 512
COMPRESSED: tuple[tuple[bytes, Callable[[IO[bytes]], IO[bytes]]], ...] = (
    (b"\x1f\x8b", lambda packed: io.BufferedReader(gzip.GzipFile(fileobj=packed))),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\0", lzma.LZMAFile),
)
TAR_ENDINGS = (".tar", ".tgz", ".tbz", ".tbz2", ".txz")
DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, RuntimeError)
_UTF8_NAME = 0x800
"""The flag of a zip entry whose name is UTF-8."""


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    size: int
    """As declared."""
    is_locked: bool
    open: Callable[[], IO[bytes]]


def read_archive(data: bytes, name: str, members: Members) -> Parsed:
    """Every member that can be read, in the archive's order, each below its own name.

    Hidden members, secrets, folders of version control and members that no lane reads are passed over; an archive that
    is damaged halfway gives what stands before. Raises UnreadableError if no member can be read: with the reason of
    most of them, ``empty`` if there are none, ``malformed`` for what is no archive; and ExhaustedError.
    """
    assembler = Assembler()
    refusals: Counter[str] = Counter()
    try:
        with _translated():
            for entry in _entries(data, name, members):
                _read_entry(entry, members, assembler, refusals)
    except ExhaustedError:
        raise
    except UnreadableError as refusal:
        refusals[refusal.reason] += 1
        if not assembler.has_text and refusals.total() == 1:
            raise
    if not assembler.has_text:
        raise _reason(refusals)
    return assembler.gathered()


def _read_entry(entry: _Entry, members: Members, assembler: Assembler, refusals: Counter[str]) -> None:
    members.count_entry()
    name = member_name(entry.name)
    if not name or is_left_out(name):
        return
    try:
        assembler.adopt(members.read(_bytes_of(entry, name), name, member=name, heading=(name,)))
    except ExhaustedError:
        raise
    except UnreadableError as refusal:
        refusals[refusal.reason] += 1


def _bytes_of(entry: _Entry, name: str) -> bytes:
    if never := table.never_read(name):
        raise UnreadableError(never)
    if entry.is_locked:
        raise UnreadableError("encrypted")
    if entry.size > MAX_MEMBER:
        raise UnreadableError("too_large")
    data = bytearray()
    with _translated(), closing(entry.open()) as stream:
        while piece := stream.read(PIECE):
            data += piece
            if len(data) > MAX_MEMBER:
                raise UnreadableError("too_large")
    return bytes(data)


def _reason(refusals: Counter[str]) -> UnreadableError:
    if not refusals:
        return UnreadableError("empty", "no file in it that may be read")
    ((reason, _),) = refusals.most_common(1)
    return UnreadableError(reason, f"none of its {refusals.total()} files can be read")


def _entries(data: bytes, name: str, members: Members) -> Iterator[_Entry]:
    if name.lower().endswith(".zip") or data.startswith(b"PK\3\4"):
        yield from _zip_entries(data, members)
        return
    unpack = next((opener for magic, opener in COMPRESSED if data.startswith(magic)), None)
    packed = io.BytesIO(data)
    stream = _counted(unpack(packed) if unpack else packed, len(data), members)
    if _is_tar(stream.peek(TAR_HEAD), name):
        yield from _tar_entries(stream)
    elif unpack:
        yield _Entry(PurePosixPath(name).stem, 0, False, lambda: stream)
    else:
        raise UnreadableError("malformed", "not an archive")


def _is_tar(head: bytes, name: str) -> bool:
    bare = name.lower()
    for ending in (".gz", ".bz2", ".xz"):
        bare = bare.removesuffix(ending)
    return bare.endswith(TAR_ENDINGS) or head[257:262] == b"ustar"


def _zip_entries(data: bytes, members: Members) -> Iterator[_Entry]:
    with zipfile.ZipFile(io.BytesIO(data)) as container:
        entries = container.infolist()
        if len(entries) > MAX_ENTRIES:
            raise ExhaustedError(f"more than {MAX_ENTRIES} entries")
        for entry in entries:
            kind = stat.S_IFMT(entry.external_attr >> 16)
            if not entry.is_dir() and kind in (0, stat.S_IFREG):
                is_locked = bool(entry.flag_bits & 1)
                yield _Entry(_zip_name(entry), entry.file_size, is_locked, partial(_open, container, entry, members))


def _open(container: zipfile.ZipFile, entry: zipfile.ZipInfo, members: Members) -> IO[bytes]:
    return _counted(container.open(entry), entry.compress_size, members)


def _zip_name(entry: zipfile.ZipInfo) -> str:
    """The name as UTF-8 if it can be that: many programs write it so and do not say it."""
    if entry.flag_bits & _UTF8_NAME or entry.filename.isascii():
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.filename


def _tar_entries(stream: IO[bytes]) -> Iterator[_Entry]:
    """Regular files in the stream's order; links, devices and sparse files, whose holes are not stored, are passed over."""
    with tarfile.open(fileobj=stream, mode="r|") as container:
        for entry in container:
            if entry.isreg() and not entry.issparse():
                yield _Entry(entry.name, entry.size, False, partial(_extracted, container, entry))


def _extracted(container: tarfile.TarFile, entry: tarfile.TarInfo) -> IO[bytes]:
    stream = container.extractfile(entry)
    return stream if stream else io.BytesIO()


def _counted(stream: IO[bytes], packed: int, members: Members) -> io.BufferedReader:
    return io.BufferedReader(_Counted(stream, packed, members))


class _Counted(io.RawIOBase):
    """A stream that counts what it unpacks and stops at the limits of the source."""

    def __init__(self, stream: IO[bytes], packed: int, members: Members) -> None:
        self._stream, self._packed, self._members = stream, packed, members
        self._unpacked = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer)
        piece = self._stream.read(len(view))
        self._members.count_bytes(len(piece))
        self._unpacked += len(piece)
        if self._unpacked > RATIO_FROM and self._unpacked > MAX_RATIO * self._packed:
            raise ExhaustedError(f"packed more than {MAX_RATIO} times")
        view[: len(piece)] = piece
        return len(piece)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except NotImplementedError as error:
        raise UnreadableError("unsupported", "a way of packing that is not supported") from error
    except DAMAGE as error:
        raise UnreadableError("malformed", "a damaged archive") from error
