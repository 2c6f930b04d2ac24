"""How well the sample corpus is searched, with everything real but a language model: floors that no change may break.

Unanswerable questions are no part of it: whether to answer is decided by the model and by a floor of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ragcli.adapters.models import ModelFolder
from ragcli.assistant import EVALUATIONS, Assistant
from ragcli.config import Config, Locations
from ragcli.steps.conversing import rewrite_by_rules
from ragcli.types import EvaluationFinished, Question, Turn

SAMPLE = Path(__file__).parent.parent / "sample_corpus"
FLOORS = {"easy": (0.92, 0.90), "medium": (0.80, 0.77), "hard": (0.48, 0.52)}
"""Recall among the first five files and nDCG@10, a little below what was measured."""

FOLLOW_UP_FLOOR = 0.75
"""Share of the follow-ups of which a file with the answer is among the first five."""

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("quality")


@pytest.fixture(scope="module")
def report(models_folder: Path, data: Path) -> Mapping[str, Any]:
    """The figures of a retrieval-only evaluation of the sample corpus, indexed with the real adapters."""
    if not (models_folder / "all-minilm-l6-v2").is_dir():
        pytest.skip(f"no all-minilm-l6-v2 in {models_folder}: run scripts/test")
    with Assistant(Config(), Locations(data, data / "config.toml"), models=ModelFolder(models_folder)) as assistant:
        *_, last = assistant.evaluate_events(SAMPLE, retrieval_only=True)
    assert isinstance(last, EvaluationFinished)
    return last.report


@pytest.mark.parametrize("grade", FLOORS)
def test_files_with_the_answer_are_among_the_first(report: Mapping[str, Any], grade: str) -> None:
    figures = report["by_grade"][grade]
    recall, ndcg = FLOORS[grade]
    assert figures["recall@5"] >= recall, figures
    assert figures["ndcg@10"] >= ndcg, figures


def test_the_first_file_is_mostly_the_right_one(report: Mapping[str, Any]) -> None:
    assert report["retrieval"]["mrr@10"] >= 0.75, report["retrieval"]


def test_follow_ups_find_their_files_once_the_rules_have_rewritten_them(
    report: Mapping[str, Any], models_folder: Path, data: Path
) -> None:
    assert report["retrieval"]  # its index is searched here
    (place,) = (data / EVALUATIONS).iterdir()
    rows = [json.loads(line) for line in (SAMPLE / "followups.jsonl").read_text("utf-8").splitlines()]
    with Assistant(Config(), Locations(place, data / "config.toml"), models=ModelFolder(models_folder)) as assistant:

        def finds(row: Mapping[str, Any], text: str) -> bool:
            hits = assistant.search(Question(text, limit=20)).hits
            files = list(dict.fromkeys(hit.chunk.path.relative_to(SAMPLE / "corpus").as_posix() for hit in hits))
            return not set(row["files"]).isdisjoint(files[:5])

        turns = [Turn(row["first"], row["first"], row["first_answer"]) for row in rows]
        alone = [finds(row, rewrite_by_rules(row["question"], [turn]).text) for row, turn in zip(rows, turns, strict=True)]
        as_typed = [finds(row, row["question"]) for row in rows]
    assert sum(alone) >= FOLLOW_UP_FLOOR * len(rows)
    assert sum(alone) > sum(as_typed)
