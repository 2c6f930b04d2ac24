"""Commands as whole processes beside a bare Typer program: `python benchmarks/start_up.py`. Needs an index in RAGCLI_HOME."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from setting import HOME, median_line

ROUNDS = 7
BARE = "import typer\napp = typer.Typer()\n@app.command()\ndef main(name: str = 'x'): ...\napp(['--help'])"
COMMANDS = {
    "--version": ["--version"],
    "--help": ["--help"],
    "status": ["status"],
    "search --mode words": ["search", "--mode", "words", "when does the lease end"],
    "search (hybrid)": ["search", "when does the lease end"],
}


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


if __name__ == "__main__":
    main()
