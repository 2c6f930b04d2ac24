"""What the benchmarks share: where the models are, files to index, and how a figure is measured and printed."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("RAGCLI_HOME", REPOSITORY / ".cache"))
MODELS = HOME / "models"
KEPT = HOME / "quality"
"""Where reports of quality, and tables of what its parts are worth, are kept for the page."""


def median_line(name: str, values: Sequence[float], unit: str) -> str:
    return f"{name:<44} {statistics.median(values):9.2f} {unit}  (min {min(values):.2f}, max {max(values):.2f}, n {len(values)})"


def write_notes(folder: Path, count: int) -> None:
    """So many small files in fifty folders."""
    for number in range(count):
        file = folder / f"{number % 50:02}" / f"note{number}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"Note {number}: shelf {number % 97} holds box {number * 7 % 1009}.\n", encoding="utf-8")


def run(home: Path, *arguments: str) -> float:
    """Wall seconds of the program as a whole process."""
    environment = {**os.environ, "RAGCLI_HOME": str(home)}
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "ragcli", *arguments], env=environment, check=True, capture_output=True)
    return time.perf_counter() - started


def tell_unchanged(home: Path, files: Path, rounds: int) -> None:
    """Prints what a run with nothing changed takes, beside what starting takes."""
    pairs = [(run(home, "index", str(files)), run(home, "--version")) for _ in range(rounds)]
    print(median_line("index with nothing changed, whole process", [again for again, _ in pairs], "s"))
    print(median_line("start-up (--version)", [start for _, start in pairs], "s"))
    print(median_line("beyond start-up", [again - start for again, start in pairs], "s"))


def tell_table(name: str, title: str, about: str, rows: Sequence[Sequence[str]]) -> None:
    """Prints a table, its head first, and keeps it for docs/quality.md."""
    print(f"\n{title}. {about}\n\n" + "\n".join(table_lines(rows)))
    folder = KEPT / "worth"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps({"title": title, "about": about, "rows": rows}, indent=1), encoding="utf-8")


def table_lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """As Markdown has them."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [lines[0], "| --- " * len(rows[0]) + "|", *lines[1:]]
