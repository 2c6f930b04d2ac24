"""The process in which ``Errands`` has its runs done: it answers on standard output until nobody asks any more."""

from __future__ import annotations

import contextlib
import os
import pickle
import sys
from typing import IO

from ragcli.adapters import offline
from ragcli.cli.bugs import tell_bugs_without_words
from ragcli.errors import RagError
from ragcli.parts.errands import Finished, send
from ragcli.types import Noticed


def main() -> None:
    offline.close_doors()
    tell_bugs_without_words()
    told = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not come between
    with contextlib.suppress(KeyboardInterrupt):
        serve(sys.stdin.buffer, told)


def serve(asked: IO[bytes], told: IO[bytes]) -> None:
    """Answers until nobody asks any more."""
    from ragcli.assistant import Assistant  # behind the closed doors

    config, locations, patience = pickle.load(asked)
    with contextlib.suppress(EOFError, BrokenPipeError), contextlib.closing(Assistant(config, locations)) as assistant:
        assistant.give_way()
        assistant.wait_for_writers(patience, lambda message: send(told, Noticed(message)))
        while True:
            paths, options = pickle.load(asked)
            error = None
            try:
                for event in assistant.index_events(paths, **options):
                    send(told, event)
            except RagError as failure:
                error = failure
            send(told, Finished(error))
