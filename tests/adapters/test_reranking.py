"""A reranker orders the best hits anew, is a part of their scores, and is never loaded where there is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ragcli.assistant import Assistant
from ragcli.config import Config, Locations, with_setting
from ragcli.errors import ModelError
from ragcli.flows.searching import search_chunks
from ragcli.steps.ranking import RERANKED, RERANKER_WEIGHT, add_reranking
from ragcli.types import Question
from tests.fakes.desk import Desk
from tests.fakes.passages import hit
from tests.fakes.reranker import SharedWords

HITS = [replace(hit(f"text {place}", ordinal=place), score=1.0 - place / 100) for place in range(RERANKED + 3)]


def test_the_judged_hits_are_ordered_by_the_sum_and_the_others_stay_behind() -> None:
    scores = [place / RERANKED for place in range(RERANKED)]
    ordered = add_reranking(HITS, scores)
    assert [each.chunk.ordinal for each in ordered] == [*range(RERANKED - 1, -1, -1), *range(RERANKED, RERANKED + 3)]
    first = ordered[0]
    assert (first.parts[-1].name, first.parts[-1].weight) == ("reranker", RERANKER_WEIGHT)
    assert first.score == pytest.approx(HITS[RERANKED - 1].score + scores[-1] * RERANKER_WEIGHT)


def test_a_search_asks_it_once_about_the_best_hits() -> None:
    desk = Desk({f"{number}.txt": f"Note {number} on the lease of house {number}." for number in range(RERANKED + 5)})
    desk.index("")
    judge = SharedWords()
    ports = replace(desk.ask_ports(), reranker=lambda: judge)
    result = search_chunks(Question("which note is on house 7?", limit=3), ports, words_weight=0.3)
    assert judge.asked == [("which note is on house 7?", RERANKED)]
    assert len(result.hits) == 3
    assert result.hits[0].chunk.path.name == "7.txt"
    assert "rerank" in result.took_ms


def test_a_search_by_words_needs_none() -> None:
    desk = Desk({"a.txt": "The lease ends."})
    desk.index("")
    ports = replace(desk.ask_ports(), reranker=lambda: pytest.fail("it was loaded"))
    assert search_chunks(Question("lease", mode="words"), ports, words_weight=0.3).hits


def test_it_is_off_unless_the_settings_name_one(tmp_path: Path) -> None:
    place = Locations(tmp_path, tmp_path / "config.toml")
    assert Assistant(Config(), place).machine.make_reranker is None
    named = Assistant(with_setting(Config(), "models.reranker", "absent", origin="flag"), place)
    assert named.machine.make_reranker is not None
    with pytest.raises(ModelError, match="absent is not installed"):
        named.machine.make_reranker()
