"""How well the sample corpus is searched, with everything real but a language model: floors that no change may break.

Unanswerable questions are no part of it: whether to answer is decided by the model and by a floor of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ragcli.adapters.models import ModelFolder
from ragcli.assistant import Assistant
from ragcli.config import Config, Locations
from ragcli.types import EvaluationFinished

SAMPLE = Path(__file__).parent.parent / "sample_corpus"
FLOORS = {"easy": (0.92, 0.90), "medium": (0.80, 0.77), "hard": (0.48, 0.52)}
"""Recall among the first five files and nDCG@10, a little below what was measured."""

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def report(models_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """The figures of a retrieval-only evaluation of the sample corpus, indexed with the real adapters."""
    if not (models_folder / "all-minilm-l6-v2").is_dir():
        pytest.skip(f"no all-minilm-l6-v2 in {models_folder}: run scripts/test")
    data = tmp_path_factory.mktemp("quality")
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
