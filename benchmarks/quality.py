"""Evaluation sets as one table, and as docs/quality.md: `python benchmarks/quality.py [--retrieval-only] [--page] SET_FOLDER…`.

Each report is kept in `quality/` below RAGCLI_HOME, so that a page can be put together from runs of several days.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from pathlib import Path
from typing import Any

from quality_page import quality_page, row, table_head
from setting import HOME, KEPT, REPOSITORY

from ragcli.adapters.offline import close_doors

PAGE = REPOSITORY / "docs" / "quality.md"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", type=Path)
    parser.add_argument("--retrieval-only", action="store_true")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--model")
    parser.add_argument("--page", action="store_true", help=f"write {PAGE.relative_to(REPOSITORY)} from all that was kept")
    options = parser.parse_args()
    close_doors()
    if options.sets:
        print("\n".join(table_head()))
    for folder in options.sets:
        report = evaluate(folder, options)
        print(row(report), flush=True)
        keep(report, options)
    if options.page:
        reports, worth = (
            [json.loads(file.read_text()) for file in sorted(KEPT.glob(files))] for files in ("*.json", "worth/*.json")
        )
        PAGE.write_text(quality_page(reports, worth), encoding="utf-8")


def evaluate(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    from ragcli.assistant import Assistant
    from ragcli.types import EvaluationFinished

    chosen = {"retrieval_only": options.retrieval_only, "limit": options.limit, "model": options.model}
    with Assistant.open(HOME) as assistant:
        *_, last = assistant.evaluate_events(folder, **chosen)
    assert isinstance(last, EvaluationFinished)
    return dict(last.report)


def keep(report: dict[str, Any], options: argparse.Namespace) -> None:
    """The newest report of a set and a model stands where the page looks for it."""
    model = "" if options.retrieval_only else options.model or "the default model"
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    about = {"model": model, "day": time.strftime("%Y-%m-%d"), "machine": machine, "limit": options.limit}
    KEPT.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = "-".join([report["set"], *model.split()])
    (KEPT / f"{name}.json").write_text(json.dumps({**report, "about": about}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
