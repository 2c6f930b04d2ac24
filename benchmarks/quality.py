"""Evaluation sets as one table: `python benchmarks/quality.py [--retrieval-only] SET_FOLDER…`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from setting import HOME

from ragcli.adapters.offline import close_doors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="+", type=Path)
    parser.add_argument("--retrieval-only", action="store_true")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--model")
    options = parser.parse_args()
    close_doors()
    from ragcli.assistant import Assistant
    from ragcli.types import EvaluationFinished

    print("| set | n | recall@5 | ndcg@10 | f1 | contains | abstention recall | false | citations valid | file right |")
    print("| --- " * 10 + "|")
    with Assistant.open(HOME) as assistant:
        for folder in options.sets:
            chosen = {"retrieval_only": options.retrieval_only, "limit": options.limit, "model": options.model}
            for event in assistant.evaluate_events(folder, **chosen):
                if isinstance(event, EvaluationFinished):
                    print(row(event.report), flush=True)


def row(report: Any) -> str:
    retrieval, answers = report.get("retrieval", {}), report.get("answers", {})
    abstention, citations = report.get("abstention", {}), report.get("citations", {})
    cells = [
        *(retrieval.get(name) for name in ("recall@5", "ndcg@10")),
        *(answers.get(name) if answers.get("n") else None for name in ("f1", "contains")),
        abstention.get("recall") if abstention.get("n") else None,
        abstention.get("false_rate") if answers.get("n") else None,
        *(citations.get(name) if citations.get("n") else None for name in ("valid", "file_precision")),
    ]
    shown = [" – " if cell is None else f"{cell:.3f}" for cell in cells]
    return f"| {report['set']} | {report['n']} | " + " | ".join(shown) + " |"


if __name__ == "__main__":
    main()
