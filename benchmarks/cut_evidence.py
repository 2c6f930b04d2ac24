"""A set with unanswerable questions, made of one without: `python benchmarks/cut_evidence.py SET TARGET [--each N]`.

Of each language but English the first N questions are kept, and the sentence that answers every other one of them is cut out of
its file. `fit_confidence.py` needs both kinds of question, and in most languages there are only sets with answers.
A TARGET named "SET, half cut" is told apart from its set in docs/quality.md.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--each", type=int, default=11, help="questions of each language")
    options = parser.parse_args()
    shutil.copytree(options.set / "corpus", options.target / "corpus")
    rows = [json.loads(line) for line in (options.set / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    by_language: dict[str, list[Row]] = {}
    for row in rows:
        if row["lang"] != "en" and row.get("doc_lang", row["lang"]) == row["lang"]:
            by_language.setdefault(row["lang"], []).append(row)
    kept = [each for some in by_language.values() for each in cut_every_other(some[: options.each], options.target / "corpus")]
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in kept)
    (options.target / "questions.jsonl").write_text("".join(lines), encoding="utf-8")
    print(f"{len(kept)} questions, {sum(not row['answers'] for row in kept)} of them without an answer")


def cut_every_other(rows: list[Row], corpus: Path) -> list[Row]:
    """The questions, every second one without its evidence, unless that answers one that stays as well."""
    needed = {row["evidence"] for row in rows[::2]}
    return [_cut(row, corpus) if place % 2 and row["evidence"] not in needed else row for place, row in enumerate(rows)]


def _cut(row: Row, corpus: Path) -> Row:
    file = corpus / row["files"][0]
    text = file.read_text(encoding="utf-8")
    if row["evidence"] not in text:
        return row
    file.write_text(text.replace(row["evidence"], ""), encoding="utf-8")
    return row | {"answers": [], "files": [], "type": "unanswerable"}


if __name__ == "__main__":
    main()
