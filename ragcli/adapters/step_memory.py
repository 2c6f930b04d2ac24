"""What a model said to the steps of surveys, in small private files: one for each survey, the newest few of them.

They hold words of the user's files, as the index does. A disk that is full costs the memory and no more.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from pathlib import Path

from ragcli.adapters.durability import make_private

PACE = "pace.json"
MOST_SURVEYS = 8
"""Kept at most: they are for going on where one was stopped, and for asking again after a few files changed."""


class FileStepMemory:
    """The memory of the survey ``key``, a name for a file. Fits ``StepMemory``."""

    def __init__(self, folder: Path, key: str) -> None:
        make_private(folder)
        self._folder, self._file = folder, folder / f"{key}.jsonl"
        self._replies = _read_replies(self._file)
        self.pace = _read_pace(folder / PACE)
        _drop_oldest(folder, besides=self._file)

    def recall(self, step: str) -> str | None:
        return self._replies.get(step)

    def keep(self, step: str, reply: str) -> None:
        self._replies[step] = reply
        with contextlib.suppress(OSError):
            _write(self._file, json.dumps([step, reply]) + "\n", os.O_APPEND)
            _write(self._folder / PACE, json.dumps(self.pace), os.O_TRUNC)


def forget_surveys(folder: Path) -> None:
    """Nothing of any survey is left."""
    shutil.rmtree(folder, ignore_errors=True)


def _write(file: Path, text: str, how: int) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | how | os.O_NOFOLLOW, 0o600), "wb") as opened:
        opened.write(text.encode())


def _read_replies(file: Path) -> dict[str, str]:
    """What was kept; a line that a kill cut short is left out."""
    replies: dict[str, str] = {}
    try:
        lines = file.read_bytes().splitlines()
    except OSError:
        return replies
    for line in lines:
        with contextlib.suppress(ValueError):
            match json.loads(line):
                case [str(step), str(reply)]:
                    replies[step] = reply
    return replies


def _read_pace(file: Path) -> float | None:
    try:
        pace = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    return float(pace) if isinstance(pace, int | float) and 0 < pace < 60 else None


def _drop_oldest(folder: Path, *, besides: Path) -> None:
    with contextlib.suppress(OSError):
        others = sorted((file for file in folder.glob("*.jsonl") if file != besides), key=lambda file: -file.stat().st_mtime_ns)
        for file in others[MOST_SURVEYS - 1 :]:
            file.unlink()
