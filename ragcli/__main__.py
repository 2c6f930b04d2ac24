"""The entry point of the program: close the machine's doors, then let the command line in."""

from __future__ import annotations


def main() -> None:
    from ragcli.adapters.offline import close_doors

    close_doors()
    from ragcli.cli.app import run

    run()


if __name__ == "__main__":
    main()
