"""The three standard streams as the commands see them: writes that fail in known ways, and a bounded read of piped text.

Knows nothing of what is written.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import select
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, TextIO

from ragcli.errors import SourceError, StoreError

QUESTION_LIMIT = 1024 * 1024
"""A longer question is cut: no model reads so much, and each step would work through all of it."""
NAMES_LIMIT = 64 * 1024 * 1024
"""A longer list of names, or file in place of an argument, is cut: it must fit in memory."""
BLOCKS_LIMIT = 128 * 1024 * 1024
"""A longer text to answer from is cut: nobody waits for more, and a pipe may have no end."""
BLOCK_BYTES = 1 << 16
PATIENCE_SECONDS = 2.0
"""A pipe that stays silent this long may never have been meant to be read: say that we are waiting for it."""
_READER_GONE = frozenset({errno.EPIPE, errno.EBADF, errno.ECONNRESET})


class OutputClosedError(Exception):
    """Whoever read our output has gone: end quietly."""


class CarefulStream(io.TextIOWrapper):
    """A standard stream whose writes fail in two known ways: OutputClosedError, or StoreError ``disk-full``."""

    def write(self, text: str, /) -> int:
        with self._failures_named():
            return super().write(text)

    def flush(self) -> None:
        with self._failures_named():
            super().flush()

    @contextmanager
    def _failures_named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            _drop_rest(self)
            if error.errno in _READER_GONE:
                raise OutputClosedError from error
            message = f"the output could not be written: {error.strerror}"
            raise StoreError("disk-full", message, hint="free some space, or send the output elsewhere") from error


def _drop_rest(stream: TextIO) -> None:
    """Python flushes its streams once more as it ends; let that succeed instead of complaining a second time."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class Output:
    """A standard stream, and what can be drawn on it."""

    def __init__(self, stream: TextIO, environment: Mapping[str, str]) -> None:
        self._stream = stream
        self.terminal = stream.isatty()
        smart = self.terminal and environment.get("TERM", "") not in {"dumb", "unknown"}
        self.color = (smart or bool(environment.get("FORCE_COLOR"))) and not environment.get("NO_COLOR")
        self.live = smart
        """Whether a line may be drawn again."""

    @property
    def encoding(self) -> str:
        return self._stream.encoding or "ascii"

    @property
    def unicode(self) -> bool:
        return self.encoding.lower().replace("-", "") == "utf8"

    def write(self, text: str) -> None:
        self._stream.write(text)

    def write_bytes(self, content: bytes) -> None:
        """The bytes as they are, after what was written before."""
        self._stream.flush()
        self._stream.buffer.write(content)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return self.terminal

    def fileno(self) -> int:
        return self._stream.fileno()


def take_standard_streams() -> None:
    """Standard output and error are careful streams, and descriptors 0, 1 and 2 are taken.

    A missing one is plugged, so that no file opened later gets its number and is written to by mistake. The plug is
    read-only: whoever writes to it learns that nobody listens.
    """
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)
        if descriptor:
            setattr(sys, name, _careful(getattr(sys, name), descriptor))


def _careful(stream: TextIO | None, descriptor: int) -> CarefulStream:
    """A name that is not text must not stop what is written after it: it is written with backslashes."""
    encoding = stream.encoding if stream else "utf-8"
    raw = os.fdopen(descriptor, "wb", closefd=False)
    return CarefulStream(raw, encoding, "backslashreplace", line_buffering=os.isatty(descriptor))


def read_piped(stream: TextIO | None, notice: Callable[[str], None], *, limit: int) -> bytes | None:
    """What was piped or redirected into the process, at most ``limit`` bytes; None if there is nothing but space.

    Never waits for a terminal or a device.
    """
    source = _piped_source(stream, notice) if stream is not None and not stream.closed else None
    if source is None:
        return None
    content = source.read(limit + 1)
    if len(content) > limit:
        notice(f"standard input is longer than {limit // 1024**2} MiB: only that much of it is used")
    return content[:limit] if content.strip() else None


def read_blocks(stream: TextIO | None, notice: Callable[[str], None]) -> Iterator[str] | None:
    """What was piped or redirected into the process, block by block, at most ``BLOCKS_LIMIT``; None if there is only space.

    Bytes that are not UTF-8 become replacement characters. Never waits for a terminal or a device.
    """
    source = _piped_source(stream, notice) if stream is not None and not stream.closed else None
    if source is None:
        return None
    blocks = _decoded(source, notice)
    blank = []
    for block in blocks:
        if block.strip("\0 \t\r\n"):
            return chain(blank, [block], blocks)
        blank.append(block)
    return None


def _decoded(source: IO[bytes], notice: Callable[[str], None]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="replace")
    left = BLOCKS_LIMIT
    while block := source.read(BLOCK_BYTES):
        if left <= 0:
            notice(f"standard input is longer than {BLOCKS_LIMIT // 1024**2} MiB: only that much of it is used")
            break
        yield decoder.decode(block)
        left -= len(block)
    yield decoder.decode(b"", final=True)


def piped_text(content: bytes) -> str:
    """The bytes as text: those that are not UTF-8 become replacement characters."""
    return content.decode("utf-8-sig", errors="replace")


def _piped_source(stream: TextIO, notice: Callable[[str], None]) -> IO[bytes] | None:
    try:
        descriptor = stream.fileno()
        mode = os.fstat(descriptor).st_mode
    except (OSError, ValueError):  # no real file behind it, as where a caller put text in its place
        return getattr(stream, "buffer", None)
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        if not select.select([descriptor], [], [], PATIENCE_SECONDS)[0]:
            notice("waiting for standard input to end (give < /dev/null if none was meant)")
    elif not stat.S_ISREG(mode):
        return None
    return stream.buffer


# ---- files that stand for an argument --------------------------------------------------------


def named_file(argument: str) -> Path | None:
    """The file that ``@FILE`` names; None if the argument is no such thing, as "@ann, when?" or an address."""
    name = argument.removeprefix("@")
    return Path(name).expanduser() if name != argument and name and not any(map(str.isspace, argument)) else None


def read_named(file: Path) -> bytes:
    """At most ``NAMES_LIMIT`` bytes of it. Raises SourceError ``path-missing``, ``path-unreadable``."""
    try:
        with file.open("rb") as content:
            return content.read(NAMES_LIMIT)
    except FileNotFoundError:
        hint = f"to mean the text itself, put a space before it: ' @{file}'"
        raise SourceError("path-missing", f"there is no file {file}", hint=hint) from None
    except OSError as error:
        raise SourceError("path-unreadable", f"{file} cannot be read: {error.strerror}", hint=f"ls -l '{file}'") from error


def names_in(content: bytes) -> Iterator[Path]:
    """The names in a list, one a line, or ended by NUL; each once."""
    names = content.split(b"\0") if b"\0" in content else content.splitlines()
    return (Path(os.fsdecode(name)) for name in dict.fromkeys(names) if name)
