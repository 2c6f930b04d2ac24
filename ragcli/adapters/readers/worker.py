"""The reader that flows use: it asks a worker process for each file and outlives whatever the files do to it.

No byte of a document is opened or parsed here. The pipe to the worker is what reads ahead: the worker goes on with the
next files while the consumer embeds the last ones, until the pipe is full.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO

from ragcli.adapters.readers import table
from ragcli.adapters.readers.frames import ALIVE, HELLO, PREFIX, decode_answer, encode_request, frame_length
from ragcli.adapters.readers.pacing import MAX_RECOGNIZED_PAGES, MAX_STEPS
from ragcli.errors import SourceError
from ragcli.types import Document, FileStamp, Unreadable

READER_VERSION = 6
"""Raised whenever the same bytes would give another document."""
LIBRARIES = ("pypdfium2", "xberg", "charset-normalizer")
RECOGNIZERS = ("rapidocr", "ocrmac")
OPTIONAL_LIBRARIES = ("tree-sitter", *RECOGNIZERS)
REQUESTS_AHEAD_BYTES = 8192
"""Less than any system's pipe holds, so that asking never blocks while the worker waits for us to listen."""
MIN_REQUEST_BYTES = 64
ANSWERS_AHEAD_BYTES = 1 << 20
GRACE_SECONDS = 5.0
"""Added to the file's own time before a worker that does not stop by itself is killed: it may be starting."""
CPU_SHARE = 2 / 3
READ_BYTES = 1 << 18
ENVIRONMENT = {
    "MALLOC_ARENA_MAX": "2",
    "OPENBLAS_NUM_THREADS": "1",
    "OPENCV_FOR_THREADS_NUM": "1",
    "RAYON_NUM_THREADS": "1",
    "TOKIO_WORKER_THREADS": "1",
    "PYTHONUTF8": "1",
}
"""One thread and few arenas: threads reserve memory for files that are read one after the other anyway."""
HOME_OF_PACKAGE = Path(__file__).parents[3]
"""Given to the worker's search path, because ``-P`` keeps it from looking for modules in the folder it is started in."""
DEATHS: Mapping[int, str] = {signal.SIGALRM: "too_slow", signal.SIGPROF: "too_slow", signal.SIGUSR1: "too_much_memory"}


class WorkerReader:
    """Reads files in one sealed, limited process that is started when first needed and again after each death.

    Memory and time are for each file: ``memory_mb`` on what the worker writes to, ``seconds`` on the wall clock and
    ``cpu_seconds`` of computing, by default two thirds of them: the rest is for a machine that is busy elsewhere.
    Where pages are recognised the times are for each step of it, and no file takes more than MAX_RECOGNIZED_PAGES times them.
    ``command`` starts something else than the worker, which has to speak as it does.
    """

    def __init__(
        self,
        *,
        max_file_bytes: int = 256 << 20,
        seconds: float = 30,
        cpu_seconds: float | None = None,
        memory_mb: int = 768,
        command: Sequence[str] | None = None,
    ) -> None:
        self.fingerprint = _fingerprint()
        self._seconds = seconds
        limits = (max_file_bytes, seconds, cpu_seconds or seconds * CPU_SHARE, memory_mb)
        self._command = list(command or [sys.executable, "-P", "-m", "ragcli.adapters.readers.parsing", *map(str, limits)])
        self._worker: _Worker | None = None

    def read(self, stamps: Iterable[FileStamp]) -> Iterator[tuple[FileStamp, Document | Unreadable]]:
        """One result for each stamp, in order. Closing the iterator stops the work.

        Raises SourceError ``reader-failed`` if no worker can be started; never for a bad file.
        """
        if self._worker and self._worker.owes_answers:
            self.close()  # of a reading that was left halfway
        coming = iter(stamps)
        waiting: deque[_Request] = deque()
        ahead = 0
        try:
            while True:
                while ahead < REQUESTS_AHEAD_BYTES and (stamp := next(coming, None)):
                    request = _Request.about(stamp)
                    self._ask([request])
                    waiting.append(request)
                    ahead += request.cost
                if not waiting:
                    return
                result = self._next_result(waiting)
                request = waiting.popleft()
                ahead -= request.cost
                yield request.stamp, result
        finally:
            if waiting:
                self.close()

    def close(self) -> None:
        """The worker is gone. Reading again starts another."""
        if self._worker:
            self._worker.kill()
            self._worker = None

    def _next_result(self, waiting: deque[_Request]) -> Document | Unreadable:
        """The result for the first that waits. A file is blamed for a death only if a new worker dies of it too."""
        first = waiting[0]
        if not first.frame:
            return Unreadable(first.stamp.path, table.never_read(first.stamp.path.name))
        while True:
            worker = self._living()
            try:
                return worker.answer(first.stamp.path, self._seconds + GRACE_SECONDS)
            except _WorkerDeathError as death:
                self.close()
                if not worker.greeted:
                    message = "the process that reads files does not start"
                    raise SourceError("reader-failed", message, hint="ragcli doctor shows what is wrong") from death
                is_blamed = death.is_certain or worker.answered == 0
                self._ask(list(waiting)[is_blamed:])
                if is_blamed:
                    return Unreadable(first.stamp.path, death.reason)

    def _ask(self, requests: Iterable[_Request]) -> None:
        for request in requests:
            if request.frame:
                self._living().ask(request.frame)

    def _living(self) -> _Worker:
        if self._worker is None:
            self._worker = _Worker(self._command)
        return self._worker


@dataclass(frozen=True, slots=True)
class _Request:
    """A stamp and what is sent about it: nothing for files whose names say that no lane reads them."""

    stamp: FileStamp
    frame: bytes

    @classmethod
    def about(cls, stamp: FileStamp) -> _Request:
        return cls(stamp, b"" if table.never_read(stamp.path.name) else encode_request(stamp.path))

    @property
    def cost(self) -> int:
        return max(len(self.frame), MIN_REQUEST_BYTES)


def recognizes_scans() -> bool:
    """Whether the extra is installed that reads pictures of text."""
    return any(_releases(RECOGNIZERS))


def _fingerprint() -> str:
    return " ".join(
        [f"reader {READER_VERSION}", *(f"{name} {version(name)}" for name in LIBRARIES), *_releases(OPTIONAL_LIBRARIES)]
    )


def _releases(names: Iterable[str]) -> Iterator[str]:
    """Those that are installed."""
    for name in names:
        with contextlib.suppress(PackageNotFoundError):
            yield f"{name} {version(name)}"


class _WorkerDeathError(Exception):
    """The worker is gone or not to be trusted any more. ``is_certain`` if the file at hand is the cause."""

    def __init__(self, reason: str, *, is_certain: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_certain = is_certain


class _Worker:
    """One process and its pipes."""

    def __init__(self, command: Sequence[str]) -> None:
        search = os.pathsep.join(filter(None, [str(HOME_OF_PACKAGE), os.environ.get("PYTHONPATH", "")]))
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env={**os.environ, **ENVIRONMENT, "PYTHONPATH": search},
            start_new_session=True,  # Ctrl-C is for the process that asks, which then ends this one
        )
        self._answers = _pipe(self._process.stdout)
        self._complaints = _pipe(self._process.stderr)
        os.set_blocking(self._complaints, False)
        self._ready = select.poll()
        self._ready.register(self._answers, select.POLLIN)
        with contextlib.suppress(AttributeError, OSError):
            fcntl.fcntl(self._answers, fcntl.F_SETPIPE_SZ, ANSWERS_AHEAD_BYTES)
        self._unread = bytearray()
        self.greeted = False
        self.asked = 0
        self.answered = 0

    @property
    def owes_answers(self) -> bool:
        return self.asked > self.answered

    def ask(self, request: bytes) -> None:
        """The request is on its way; that nobody takes it any more shows when the answer is due."""
        self.asked += 1
        with contextlib.suppress(BrokenPipeError):
            os.write(_pipe(self._process.stdin), request)

    def answer(self, path: Path, seconds: float) -> Document | Unreadable:
        """The next answer, which must be about ``path``. Raises _WorkerDeathError."""
        deadline = time.monotonic() + seconds
        if not self.greeted:
            self.greeted = self._frame(deadline)[0] == HELLO
        header, text = self._answer_frame(deadline, seconds)
        try:
            result = decode_answer(path, header, text)
        except ValueError as error:
            raise _WorkerDeathError("crashed", is_certain=True) from error
        self.answered += 1
        return result

    def kill(self) -> None:
        """The process, its children and its pipes are gone."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe:
                pipe.close()

    def _answer_frame(self, deadline: float, seconds: float) -> tuple[bytes, bytes]:
        """The first frame that says more than that the worker is alive, which gives it ``seconds`` anew, but not for ever."""
        end = time.monotonic() + MAX_RECOGNIZED_PAGES * seconds
        for _ in range(MAX_STEPS + 1):
            frame = self._frame(deadline)
            if frame != (ALIVE, b""):
                return frame
            deadline = min(end, time.monotonic() + seconds)
        raise _WorkerDeathError("too_slow", is_certain=True)

    def _frame(self, deadline: float) -> tuple[bytes, bytes]:
        try:
            header, text = frame_length(self._take(PREFIX.size, deadline))
        except ValueError as error:
            raise _WorkerDeathError("too_much_output", is_certain=True) from error
        return self._take(header, deadline), self._take(text, deadline)

    def _take(self, size: int, deadline: float) -> bytes:
        while len(self._unread) < size:
            left = deadline - time.monotonic()
            if left <= 0 or not self._ready.poll(left * 1000):
                raise _WorkerDeathError("too_slow", is_certain=True)
            piece = os.read(self._answers, max(READ_BYTES, size - len(self._unread)))
            if not piece:
                raise self._death()
            self._unread += piece
        taken = bytes(self._unread[:size])
        del self._unread[:size]
        return taken

    def _death(self) -> _WorkerDeathError:
        """Why the worker closed its pipe: by the signal that ended it, or by what Rust says before it aborts."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_SECONDS)
        code = self._process.returncode or 0
        reason = DEATHS.get(-code, "crashed")
        with contextlib.suppress(BlockingIOError):
            if reason == "crashed" and b"memory allocation" in os.read(self._complaints, READ_BYTES):
                reason = "too_much_memory"
        return _WorkerDeathError(reason, is_certain=reason == "too_slow")


def _pipe(stream: IO[bytes] | None) -> int:
    if stream is None:
        raise ValueError("the process was started without this pipe")
    return stream.fileno()
