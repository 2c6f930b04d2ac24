"""A process that has loaded the store's libraries and gives birth to victims: loading takes seconds, a birth milliseconds.

Reads requests, one JSON line each, from standard input. The victim waits for a second line before it begins. The store
itself is never used here, so that a child inherits no thread of it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

import ragcli.adapters.chunk_table  # noqa: F401  what takes so long to load
from ragcli.adapters import writer_lock  # noqa: F401  loaded by each victim otherwise
from ragcli.errors import StoreError
from tests.faults.work import OTHERS, WORKS

LONGEST_SECONDS = 300


def main() -> None:
    answer({"ready": True})
    for line in sys.stdin:
        request = json.loads(line)
        gate, opener = os.pipe()
        # Before the victim is, whose opening of files may be made to fail.
        diary = os.open(request["diary"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        pid = os.fork()
        if pid == 0:
            be_victim(request, gate, diary)
        os.close(diary)
        answer({"pid": pid})
        sys.stdin.readline()
        os.write(opener, b"!")
        os.close(opener)
        os.close(gate)
        answer({"status": os.waitpid(pid, 0)[1]})


def answer(values: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def be_victim(request: dict[str, str], gate: int, diary: int) -> NoReturn:
    signal.alarm(LONGEST_SECONDS)  # for those that hang, or are forgotten

    def tell(**values: Any) -> None:
        # By another call than write, since that one may be made to fail.
        os.writev(diary, [json.dumps(values).encode() + b"\n"])

    run = OTHERS.get(request["work"]) or WORKS[request["work"]].run
    os.read(gate, 1)
    try:
        run(Path(request["folder"]), lambda name, generation: tell(name=name, generation=generation))
        tell(end="done")
    except StoreError as error:
        tell(end=error.slug, message=error.message)
    except:
        tell(end="crashed", message=traceback.format_exc())
        raise
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
