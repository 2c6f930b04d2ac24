"""The entry point of the program: close the machine's doors, then let the command line in."""

from __future__ import annotations

import sys


def main() -> None:
    _leave_quietly_if_interrupted()
    from ragcli.adapters import offline
    from ragcli.cli.bugs import tell_bugs_without_words

    puller = None
    if offline.wants_network(sys.argv[1:]):
        offline.open_doors_for_download()
    else:
        if _may_be_first_run():
            from ragcli.adapters.puller import Puller

            puller = Puller.engage()
        if "serve" in sys.argv[1:]:
            from ragcli.adapters.listening import open_port_if_wanted

            open_port_if_wanted(sys.argv[1:])
        offline.close_doors()
    tell_bugs_without_words()
    from ragcli.cli.app import run

    run(puller=puller)


def _leave_quietly_if_interrupted() -> None:
    """Until the command line has its own way, Ctrl-C ends the process without a word: nothing has been done yet."""
    import os
    import signal

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda number, frame: os._exit(130))


def _may_be_first_run() -> bool:
    """Whether somebody sits there who may be asked what to index and which models to get."""
    alone = sys.argv[1:] in ([], ["setup"])
    return alone and all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


if __name__ == "__main__":
    main()
