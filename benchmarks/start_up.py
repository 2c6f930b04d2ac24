"""Commands as whole processes beside a bare Typer program: `python benchmarks/start_up.py`. Needs an index in RAGCLI_HOME."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

import typer.main
from setting import HOME, median_line

from ragcli.cli.app import app

ROUNDS, HELP_ROUNDS = 7, 3
BARE = "import typer\napp = typer.Typer()\n@app.command()\ndef main(name: str = 'x'): ...\napp(['--help'])"
COMMANDS = {
    "--version": ["--version"],
    "--help": ["--help"],
    "status": ["status"],
    "search --mode words": ["search", "--mode", "words", "when does the lease end"],
    "search (hybrid)": ["search", "when does the lease end"],
}


def every_command(group: Any, *above: str) -> Iterator[list[str]]:
    """The words of each command and group, as typed."""
    for name, command in group.commands.items():
        yield [*above, name]
        if hasattr(command, "commands"):
            yield from every_command(command, *above, name)


def slowest_help(commands: list[list[str]]) -> tuple[float, str]:
    """How many times a bare program's seconds the slowest ``--help`` takes, each by its median, and whose it is."""
    ratios = []
    for words in commands:
        help_of = [sys.executable, "-m", "ragcli", *words, "--help"]
        pairs = [(seconds(help_of), seconds([sys.executable, "-c", BARE])) for _ in range(HELP_ROUNDS)]
        ratios.append((median(ours / other for ours, other in pairs), " ".join(words)))
    return max(ratios)


def seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, env={**os.environ, "RAGCLI_HOME": str(HOME)}, capture_output=True, check=False)
    return time.perf_counter() - started


def main() -> None:
    bare = [seconds([sys.executable, "-c", BARE]) for _ in range(ROUNDS)]
    print(median_line("a bare Typer program's --help", bare, "s"))
    for name, arguments in COMMANDS.items():
        pairs = [
            (seconds([sys.executable, "-m", "ragcli", *arguments]), seconds([sys.executable, "-c", BARE])) for _ in range(ROUNDS)
        ]
        print(median_line(name, [ours for ours, _ in pairs], "s"))
        print(median_line("    / bare Typer --help", [ours / other for ours, other in pairs], "x"))
    commands = list(every_command(typer.main.get_command(app)))
    ratio, slowest = slowest_help(commands)
    print(f"slowest --help of {len(commands)} commands: {ratio:.2f} x a bare one ({slowest})")


if __name__ == "__main__":
    main()
