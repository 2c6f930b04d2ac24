"""The worker: takes paths on standard input, answers with parsed text on standard output, and does nothing else.

It runs as its own process (``python -m ragcli.adapters.readers.parsing``), behind the wall and within limits that the
kernel holds: memory, time, files. A document that breaks a library breaks this process and no other.
"""

from __future__ import annotations

import hashlib
import os
import resource
import signal
import stat
import sys
import threading
import time
from pathlib import PurePath
from typing import BinaryIO

from ragcli.adapters import offline
from ragcli.adapters.readers import table
from ragcli.adapters.readers.frames import REQUEST, encode_alive, encode_answer, encode_hello
from ragcli.adapters.readers.members import Members
from ragcli.adapters.readers.pacing import MAX_RECOGNIZED_PAGES, Pace
from ragcli.adapters.readers.parsed import Parsed, UnreadableError

OPEN_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
DATALESS = 0x40000000
"""macOS: the content is in a cloud and reading would fetch it."""
OPEN_FILES = 64
MAX_WRITTEN = 1 << 20
"""Enough for Python's own byte code cache, too little to fill a disk."""
WORKER_CPU_SECONDS = 1800
"""One worker's whole life; the asking process starts another."""
RECOGNIZING_MB = 512
"""More memory once pages are recognised: measured were 350 MB that the recogniser keeps and 250 MB more at its peak."""


def main(arguments: list[str]) -> int:
    """Answers every request until standard input ends."""
    max_file_bytes, seconds, cpu_seconds, memory_mb = int(arguments[0]), *map(float, arguments[1:3]), int(arguments[3])
    offline.close_doors()
    answers = os.fdopen(os.dup(1), "wb")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)  # what a library prints must not land between two frames
    os.set_blocking(2, False)  # nobody reads complaints while the worker lives: a full pipe must not stop it
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    _limit_resources(memory_mb, seconds)

    def tell(frame: bytes) -> None:
        _set_timers(0, 0)  # a pipe that is full is no fault of the file's
        answers.write(frame)
        answers.flush()

    def begin_step() -> None:
        tell(encode_alive())
        _make_room()
        _set_timers(seconds, cpu_seconds)

    tell(encode_hello())
    while path := _next_request(sys.stdin.buffer):
        _set_timers(seconds, cpu_seconds)
        tell(_answer(path, max_file_bytes, Pace(begin_step)))
    return 0


def _set_timers(seconds: float, cpu_seconds: float) -> None:
    """The process ends when the time for one file or step is over: the default action of their signals, native code or not."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    signal.setitimer(signal.ITIMER_PROF, cpu_seconds)


def _limit_resources(memory_mb: int, seconds: float) -> None:
    """The kernel holds this process to its limits; ``_make_room`` can go beyond those of computing and memory, once.

    Memory is limited by RLIMIT_DATA, which counts what is written to: RLIMIT_AS also counts address space that is only
    reserved, of which an idle xberg takes 400 MiB and more on a machine with many cores.
    """
    _limit("RLIMIT_CORE", 0)
    _limit("RLIMIT_NOFILE", OPEN_FILES)
    _limit("RLIMIT_FSIZE", MAX_WRITTEN)
    _limit("RLIMIT_CPU", WORKER_CPU_SECONDS, more=int(MAX_RECOGNIZED_PAGES * seconds))
    _limit("RLIMIT_DATA", memory_mb << 20, more=RECOGNIZING_MB << 20)
    if sys.platform == "darwin":
        threading.Thread(target=_watch_memory, daemon=True).start()


def _limit(name: str, limit: int, *, more: int = 0) -> None:
    """The limit holds, or a lower one that is there already; so much ``more`` can be had later."""
    kind = getattr(resource, name)
    highest = resource.getrlimit(kind)[1]
    lowered = limit + more if highest == resource.RLIM_INFINITY else min(limit + more, highest)
    resource.setrlimit(kind, (min(limit, lowered), lowered))


def _make_room() -> None:
    """There is room for the recogniser and time for the longest scan."""
    for kind in (resource.RLIMIT_CPU, resource.RLIMIT_DATA):
        highest = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (highest, highest))


def _watch_memory() -> None:
    """macOS does not hold a process to a memory limit, so the process watches its own peak."""
    while resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < resource.getrlimit(resource.RLIMIT_DATA)[0]:
        time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGUSR1)


def _next_request(requests: BinaryIO) -> bytes:
    """The next path, or nothing at the end of the stream."""
    prefix = requests.read(REQUEST.size)
    return requests.read(REQUEST.unpack(prefix)[0]) if len(prefix) == REQUEST.size else b""


def _answer(path: bytes, max_file_bytes: int, pace: Pace) -> bytes:
    digest = ""
    try:
        data, digest = read_whole(path, max_file_bytes)
        return encode_answer(_parse_safely(data, os.fsdecode(path), Members(_parse_safely, pace)), digest)
    except UnreadableError as refused:
        return encode_answer(refused, digest)
    except MemoryError:
        return encode_answer(UnreadableError("too_much_memory"), digest)


def _parse_safely(data: bytes, name: str, members: Members) -> Parsed:
    """As ``parse``, but nothing else than UnreadableError and MemoryError is raised."""
    try:
        return parse(data, name, members)
    except (UnreadableError, MemoryError):
        raise
    except Exception as error:  # the edge of every parser: whatever one raises is about this file alone
        raise UnreadableError("malformed") from error


def read_whole(path: bytes, max_file_bytes: int) -> tuple[bytes, str]:
    """A regular file's bytes, all of one moment, and their digest.

    Raises UnreadableError: ``vanished``, ``permission``, ``not_regular``, ``dataless``, ``too_large``, ``changing``, ``binary``.
    """
    try:
        file = os.open(path, OPEN_FLAGS)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UnreadableError("vanished") from error
    except PermissionError as error:
        raise UnreadableError("permission") from error
    except OSError as error:
        raise UnreadableError("not_regular") from error
    try:
        return _read_open(file, path, max_file_bytes)
    except OSError as error:
        raise UnreadableError("permission", "the system could not read it") from error
    finally:
        os.close(file)


def _read_open(file: int, path: bytes, max_file_bytes: int) -> tuple[bytes, str]:
    for _ in range(2):  # a file caught in the middle of a save is usually whole a moment later
        before = os.fstat(file)
        if not stat.S_ISREG(before.st_mode):
            raise UnreadableError("not_regular")
        if getattr(before, "st_flags", 0) & DATALESS:
            raise UnreadableError("dataless")
        if before.st_size > max_file_bytes:
            raise UnreadableError("too_large")
        data = _read_up_to(file, before.st_size, knows_name=bool(table.format_of(os.fsdecode(path))))
        after = os.fstat(file)
        if _version(before) == _version(after) and len(data) == after.st_size:
            return data, hashlib.sha256(data).hexdigest()
        os.lseek(file, 0, os.SEEK_SET)
    raise UnreadableError("changing")


def _version(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _read_up_to(file: int, size: int, *, knows_name: bool) -> bytes:
    """The bytes from here on, up to one more than ``size``, so that growth shows; in one piece, for memory is limited."""
    if not knows_name and table.sniff(os.pread(file, table.HEAD_BYTES, 0)) == "binary":
        raise UnreadableError("binary")
    data = os.read(file, size + 1)
    while len(data) <= size and (more := os.read(file, size + 1 - len(data))):
        data += more
    return data


def parse(data: bytes, name: str, members: Members | None = None) -> Parsed:
    """What the lane for this name makes of the bytes; lanes are imported when first needed. Raises UnreadableError.

    ``members`` reads what is inside, if there is something: attachments, archived files.
    """
    if not data:
        raise UnreadableError("empty")
    members = members or Members(parse)
    base = PurePath(name).name
    head = data[: table.HEAD_BYTES]
    is_message = table.is_maildir_message(name) and table.sniff(head) == "mail"
    form = "mail" if is_message else table.format_of(base) or table.sniff(head)
    if form == "office" and not table.looks_like_office(head):
        form = table.sniff(head)  # programs export HTML and plain text under Office names
        if form == "binary":
            raise UnreadableError("malformed")
    if form in table.LINE_FORMATS:
        return _parse_lines(data, form, table.ending_of(base))
    if form in ("mail", "mbox"):
        return _parse_mail(data, base, form, members)
    if form == "archive":
        from ragcli.adapters.readers.unpacking import read_archive

        return read_archive(data, base, members)
    if form == "pdf":
        from ragcli.adapters.readers.pages import read_pdf

        return read_pdf(data, members.pace)
    if form in ("office", "html"):
        from ragcli.adapters.readers.structure import read_html, read_office

        return read_html(data) if form == "html" else read_office(data, table.ending_of(base))
    raise UnreadableError("unsupported" if form == "unsupported" else "binary")


def _parse_lines(data: bytes, form: str, ending: str) -> Parsed:
    from ragcli.adapters.readers.lines import read_lines, read_subtitles, read_xml
    from ragcli.adapters.readers.notebook import read_notebook

    lanes = {"xml": read_xml, "subtitles": read_subtitles, "notebook": read_notebook}
    return lanes[form](data) if form in lanes else read_lines(data, form, ending)


def _parse_mail(data: bytes, base: str, form: str, members: Members) -> Parsed:
    from ragcli.adapters.readers.mail import read_mail, read_mbox

    if base.lower().endswith(".emlx"):
        data = data.partition(b"\n")[2]  # Apple Mail puts the message's length above it
    header = data[: table.HEAD_BYTES].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    if b"\0" in header:
        raise UnreadableError("malformed", "no mail header")
    return read_mbox(data, _html_text, members) if form == "mbox" else read_mail(data, _html_text, members)


def _html_text(data: bytes) -> str:
    from ragcli.adapters.readers.structure import html_text

    return html_text(data)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
