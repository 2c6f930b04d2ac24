"""What every reranker keeps to: the fake one that flows are tested with, and the real one on a model made on the spot."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragcli.adapters.models import ModelFolder
from ragcli.errors import ModelError
from ragcli.ports import Reranker
from tests.fakes.reranker import SharedWords, write_cross_encoder

QUESTION = "When does the lease end?"
TEXTS = ["The lease ends in May.", "The cat sleeps.", "", "漢字 🎉", "word " * 2000]


@pytest.fixture(scope="module", params=["fake", "one label", "two labels"])
def reranker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Reranker:
    if request.param == "fake":
        return SharedWords()
    from ragcli.adapters.embedder import CrossReranker

    folder = tmp_path_factory.mktemp("reranker")
    write_cross_encoder(folder, labels=1 if request.param == "one label" else 2)
    return CrossReranker(folder, name="tiny", threads=1)


def test_each_text_has_one_score_between_nothing_and_one(reranker: Reranker) -> None:
    scores = reranker.score(QUESTION, TEXTS)
    assert len(scores) == len(TEXTS)
    assert all(0 <= score <= 1 for score in scores)
    assert len({round(score, 6) for score in scores[:2]}) == 2


def test_a_score_depends_on_no_other_text(reranker: Reranker) -> None:
    together = reranker.score(QUESTION, TEXTS)
    assert reranker.score(QUESTION, TEXTS[:1])[0] == pytest.approx(together[0], abs=0.02)
    assert reranker.score(QUESTION, TEXTS[::-1])[-1] == pytest.approx(together[0], abs=0.02)


def test_the_question_counts(reranker: Reranker) -> None:
    assert reranker.score(QUESTION, TEXTS[:1])[0] != reranker.score("The cat sleeps", TEXTS[:1])[0]


def test_nothing_is_scored_as_nothing(reranker: Reranker) -> None:
    assert list(reranker.score(QUESTION, [])) == []


def test_a_folder_without_a_model_is_an_error(tmp_path: Path) -> None:
    from ragcli.adapters.embedder import CrossReranker

    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError) as failed:
        CrossReranker(tmp_path, name="broken")
    assert failed.value.slug == "model-failed"
    assert "reranker broken" in failed.value.message


def test_its_folder_is_told_from_an_embedder_when_it_is_imported(tmp_path: Path) -> None:
    write_cross_encoder(tmp_path / "tiny-reranker")
    model = ModelFolder(tmp_path / "models").import_model(tmp_path / "tiny-reranker")
    assert (model.role, model.format) == ("reranker", "sentence-transformers")
