"""Reading a folder's files beside the raw libraries: `python benchmarks/extraction_speed.py [FOLDER]`.

Raw is the least that gives any text at all: pypdfium2 for PDF, xberg for what it reads of Office, HTML and Outlook files,
and the bytes of everything else. Both are warm, and take turns, so that a machine that slows down slows both.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pypdfium2
import xberg
from setting import REPOSITORY, median_line

from ragcli.adapters.readers import table
from ragcli.adapters.readers.worker import WorkerReader
from ragcli.types import Document, FileStamp

ROUNDS = 5
MESSY = REPOSITORY.parent / "shared" / "data" / "messy" / "corpus"
OFFLINE: dict[str, Any] = {"disable_ocr": True, "use_cache": False, "tree_sitter": xberg.TreeSitterConfig(enabled=False)}


def read_raw(path: Path) -> str:
    """The library's text; empty if it gives up."""
    form = table.format_of(path.name)
    try:
        if form == "pdf":
            with pypdfium2.PdfDocument(path) as document:
                return "\n".join(page.get_textpage().get_text_range(errors="replace") for page in document)
        if form in ("office", "html"):
            source: dict[str, Any] = {"kind": "uri", "uri": str(path)}
            result = asyncio.run(xberg.extract(xberg.ExtractInput(**source), xberg.ExtractionConfig(**OFFLINE)))
            return result.results[0].content if result.results else ""
    except (pypdfium2.PdfiumError, xberg.XbergError, RuntimeError):
        return ""
    return path.read_bytes().decode("utf-8", "replace")


def time_raw(paths: Sequence[Path]) -> dict[Path, float]:
    """Seconds for each file."""
    seconds = {}
    for path in paths:
        started = time.perf_counter()
        read_raw(path)
        seconds[path] = time.perf_counter() - started
    return seconds


def time_ours(reader: WorkerReader, paths: Sequence[Path]) -> tuple[float, int]:
    """Seconds for all files, and how many were read."""
    started = time.perf_counter()
    results = [result for _, result in reader.read([FileStamp(path, 0, 0, 0) for path in paths])]
    return time.perf_counter() - started, sum(isinstance(result, Document) for result in results)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else MESSY
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    if not paths:
        sys.exit(f"{folder} holds no files; name a folder")
    reader = WorkerReader()
    time_raw(paths)
    time_ours(reader, paths)
    ours, raw, ratios = [], [], []
    by_form: defaultdict[str, float] = defaultdict(float)
    read = 0
    for _ in range(ROUNDS):
        each = time_raw(paths)
        raw.append(sum(each.values()))
        for path, seconds in each.items():
            by_form[table.format_of(path.name) or "unknown"] += seconds / ROUNDS
        seconds, read = time_ours(reader, paths)
        ours.append(seconds)
        ratios.append(seconds / raw[-1])
    reader.close()
    print(f"{folder}: {len(paths)} files, {read} of them read")
    print(median_line("raw libraries", [1000 * seconds for seconds in raw], "ms"))
    print(median_line("ragcli's reader", [1000 * seconds for seconds in ours], "ms"))
    print(median_line("ratio", ratios, "x"))
    slowest = sorted(by_form.items(), key=lambda item: -item[1])[:5]
    print("raw by format:", ", ".join(f"{form} {1000 * seconds:.0f} ms" for form, seconds in slowest))


if __name__ == "__main__":
    main()
