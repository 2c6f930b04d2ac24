"""A run over files of which none has changed: `python benchmarks/unchanged.py [FILES]`, 5,000 by default."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from setting import MODELS, median_line

ROUNDS = 5


def run(home: Path, *arguments: str) -> float:
    """Wall seconds of the program as a whole process."""
    environment = {**os.environ, "RAGCLI_HOME": str(home)}
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "ragcli", *arguments], env=environment, check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    with tempfile.TemporaryDirectory() as scratch:
        home, files = Path(scratch) / "home", Path(scratch) / "files"
        home.mkdir()
        (home / "models").symlink_to(MODELS)
        for number in range(count):
            file = files / f"{number % 50:02}" / f"note{number}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"Note {number}: shelf {number % 97} holds box {number * 7 % 1009}.\n", encoding="utf-8")
        print(f"first index of {count} files: {run(home, 'index', str(files)):.1f} s")
        again, start = [], []
        for _ in range(ROUNDS):
            again.append(run(home, "index", str(files)))
            start.append(run(home, "--version"))
        print(median_line("index with nothing changed, whole process", again, "s"))
        print(median_line("start-up (--version)", start, "s"))
        print(median_line("beyond start-up", [a - b for a, b in zip(again, start, strict=True)], "s"))


if __name__ == "__main__":
    main()
