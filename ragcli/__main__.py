"""The entry point of the program: close the machine's doors, then let the command line in."""

from __future__ import annotations

import sys


def main() -> None:
    from ragcli.adapters import offline

    if offline.wants_network(sys.argv[1:]):
        offline.open_doors_for_download()
    else:
        offline.close_doors()
    from ragcli.cli.app import run

    run()


if __name__ == "__main__":
    main()
