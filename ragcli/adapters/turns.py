"""The last turns of a conversation that the user wants to go on with later: a small private file, and not for long.

A file that is damaged or too old holds no conversation.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from ragcli.adapters.durability import make_private
from ragcli.types import Turn

SCHEMA = 1
MOST_TURNS = 4
LONGEST_TEXT = 500
"""Characters that are kept of each text: enough to know what "it" is."""
LIFETIME_SECONDS = 12 * 3600.0
"""A conversation of yesterday is over."""


class TurnFile:
    """The conversation at ``path``; there need be none."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._path, self._clock = path, clock

    def read(self) -> tuple[Turn, ...]:
        """The turns, oldest first. A conversation that is over is removed."""
        try:
            told = json.loads(self._path.read_bytes())
            turns = tuple(Turn(str(each["question"]), str(each["standalone"]), str(each["answer"])) for each in told["turns"])
            is_over = not 0 <= self._clock() - float(told["said"]) <= LIFETIME_SECONDS
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, KeyError, TypeError):
            is_over, turns = True, ()
        if is_over:
            self.clear()
        return () if is_over else turns

    def add(self, turn: Turn) -> None:
        """The turn is the last one; the oldest go. A disk that is full ends the conversation, and nothing else."""
        kept = (*self.read(), turn)[-MOST_TURNS:]
        turns = [
            {
                "question": each.question[:LONGEST_TEXT],
                "standalone": each.standalone[:LONGEST_TEXT],
                "answer": each.answer[:LONGEST_TEXT],
            }
            for each in kept
        ]
        content = json.dumps({"schema": SCHEMA, "said": self._clock(), "turns": turns}).encode()
        draft = self._path.with_name(f".{self._path.name}.draft")
        make_private(self._path.parent)
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
                file.write(content)
            draft.replace(self._path)
        except OSError:
            self.clear()

    def clear(self) -> None:
        """Nothing of the conversation is left."""
        with contextlib.suppress(OSError):
            self._path.unlink()
