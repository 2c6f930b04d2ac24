"""Processes that work on an index and are made to suffer for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Watch = Callable[[int], object]
REPOSITORY = Path(__file__).parent.parent.parent


@dataclass(frozen=True, slots=True)
class Outcome:
    killed: bool
    end: str
    """``done``, the slug of the error that ended the work, ``crashed``, or ``killed``."""
    message: str
    promises: dict[str, int] = field(default_factory=dict)
    """The last promise about each document."""


class Launcher:
    """Starts victims, one at a time."""

    def __enter__(self) -> Launcher:
        command = [sys.executable, "-W", "ignore", "-m", "tests.faults.launcher"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, cwd=REPOSITORY, stdin=pipe, stdout=pipe, text=True)
        self._hear()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=60)
        if self._process.stdout:
            self._process.stdout.close()

    def run(self, work: str, folder: Path, watch: Watch | None = None, *, diary: Path | None = None) -> Outcome:
        """What came of the work, after ``watch`` has seen the victim's process id and the victim was let go.

        What it promises it writes into its diary, which stands beside the folder.
        """
        return self.start(work, folder, watch, diary=diary)()

    def start(self, work: str, folder: Path, watch: Watch | None = None, *, diary: Path | None = None) -> Callable[[], Outcome]:
        """As ``run``, but gives a function that waits for the end."""
        diary = diary or folder.with_name("diary")
        diary.unlink(missing_ok=True)
        self._say(json.dumps({"work": work, "folder": str(folder), "diary": str(diary)}))
        self.pid = self._hear()["pid"]
        try:
            if watch is not None:
                watch(self.pid)
        except BaseException:
            self._say("go")
            self._hear()
            raise
        self._say("go")
        return lambda: self._end(diary, self._hear()["status"])

    @staticmethod
    def _end(diary: Path, status: int) -> Outcome:
        entries = [json.loads(line) for line in diary.read_text().splitlines()] if diary.exists() else []
        promises = {entry["name"]: entry["generation"] for entry in entries if "name" in entry}
        last = next((entry for entry in entries if "end" in entry), {})
        killed = os.WIFSIGNALED(status)
        end = last.get("end", f"killed by {os.WTERMSIG(status)}" if killed else "crashed")
        return Outcome(killed, end, last.get("message", ""), promises)

    def _say(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout
        return json.loads(self._process.stdout.readline())
