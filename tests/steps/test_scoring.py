"""The published measures, on cases worked out by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.steps.scoring import (
    EvaluationQuestion,
    bins_of,
    calibration_error,
    contains_answer,
    f1_of,
    ndcg_at,
    normalise,
    parse_question,
    recall_at,
    reciprocal_rank,
    score_answer,
    tokens_of,
)


def question(*answers: str, **fields: object) -> EvaluationQuestion:
    return EvaluationQuestion("q", "?", answers, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "accepted", "f1"),
    [
        ("Denver Broncos", "Denver Broncos", 1.0),
        ("the Denver Broncos!", "Denver Broncos", 1.0),
        ("It was the Denver Broncos", "Denver Broncos", 2 * 2 / (4 + 2)),
        ("Broncos", "Denver Broncos", 2 * 1 / (1 + 2)),
        ("Carolina Panthers", "Denver Broncos", 0.0),
        ("no no no", "no", 2 * 1 / (3 + 1)),
        ("", "Denver Broncos", 0.0),
        ("the", "a", 1.0),
        ("北京市", "北京", 2 * 2 / (3 + 2)),
        ("東京タワー", "東京タワー", 1.0),
    ],
)
def test_f1_is_the_overlap_of_words_or_of_characters(answer: str, accepted: str, f1: float) -> None:
    assert f1_of(answer, accepted) == pytest.approx(f1)


def test_texts_are_normalised_as_squad_does() -> None:
    assert normalise("  The  Quick, brown “fox”! ") == "quick brown fox"
    assert normalise("An apple a day") == "apple day"
    assert normalise("«¿Broiler-juletrær?» ・$5") == "broiler juletrær 5"
    assert tokens_of("In 北京 2008") == ["in", "北", "京", "2008"]


def test_the_best_of_the_accepted_answers_counts() -> None:
    scored = score_answer("It is served at 18:45", question("6:45 pm", "18:45"))
    assert scored.f1 == pytest.approx(2 * 2 / (6 + 2))
    assert (scored.contains, scored.exact) == (1.0, 0.0)
    assert score_answer("18:45.", question("6:45 pm", "18:45")).exact == 1.0
    assert score_answer("", question("18:45")) == score_answer("Panthers", question("18:45"))


def test_containing_means_whole_words_but_any_characters_of_chinese() -> None:
    assert contains_answer("It has 34 beds", question("34"))
    assert not contains_answer("It has 1340 beds", question("34"))
    assert contains_answer("答案是北京市", question("北京"))


def test_every_part_of_an_answer_is_needed() -> None:
    both = question(answers_all=(("Mara", "Ms Hartwell"), ("Tuesday",)))
    assert contains_answer("Mara comes on Tuesday", both)
    assert not contains_answer("Mara comes on Monday", both)
    assert score_answer("Mara Tuesday", both).exact == 1.0
    keyed = question(keys=((r"19\s?%", "nineteen percent"), ("VAT",)))
    assert contains_answer("vat is 19 %", keyed)
    assert not contains_answer("it is 19 %", keyed)


words = st.lists(st.sampled_from(["one", "two", "three", "the", "北京"]), max_size=6).map(" ".join)


@given(words, words)
def test_f1_is_symmetric_and_between_0_and_1(one: str, other: str) -> None:
    assert f1_of(one, other) == f1_of(other, one)
    assert 0 <= f1_of(one, other) <= 1
    assert f1_of(one, one) == 1


RANKED = ["a", "b", "c", "d"]


def test_rankings_are_measured_over_files() -> None:
    assert recall_at(RANKED, ["b", "z"], 1) == 0
    assert recall_at(RANKED, ["b", "z"], 2) == 0.5
    assert reciprocal_rank(RANKED, ["c", "d"], 10) == pytest.approx(1 / 3)
    assert reciprocal_rank(RANKED, ["c"], 2) == 0
    assert ndcg_at(RANKED, ["a"], 10) == 1
    assert ndcg_at(RANKED, ["b"], 10) == pytest.approx(1 / math.log2(3))
    ideal = 1 + 1 / math.log2(3)
    assert ndcg_at(RANKED, ["a", "c"], 10) == pytest.approx((1 + 1 / math.log2(4)) / ideal)
    assert ndcg_at(RANKED, ["a", "b"], 1) == 1


def test_a_line_of_a_set_becomes_a_question() -> None:
    line = {"id": 7, "question": "Where?", "answers": ["here"], "files": ["a.md"], "page": 3, "type": "answerable", "lang": "en"}
    parsed = parse_question(line)
    assert (parsed.id, parsed.text, parsed.pages, parsed.files) == ("7", "Where?", (3,), ("a.md",))
    assert parsed.is_answerable
    assert not parse_question({"question": "Where?", "answers": []}).is_answerable
    assert parse_question({"question": "Where?", "type": "retrieval"}).is_retrieval_only
    assert parse_question({"question": "Where?", "pages": [1, 2]}).pages == (1, 2)


def test_calibration_compares_how_sure_with_how_often_right() -> None:
    judged = [(0.95, True), (1.0, True), (0.91, False), (0.05, False)]
    low, high = bins_of(judged)
    assert (low.sureness, low.n, low.answerable) == ("0.0-0.1", 1, 0.0)
    assert (high.sureness, high.n, high.answerable) == ("0.9-1.0", 3, pytest.approx(2 / 3))
    assert calibration_error((low, high)) == pytest.approx((0.05 + 3 * (0.953333 - 2 / 3)) / 4, abs=1e-5)
    assert calibration_error(()) == 0.0


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=40))
def test_calibration_error_is_a_share_and_counts_all(judged: list[tuple[float, bool]]) -> None:
    assert sum(each.n for each in bins_of(judged)) == len(judged)
    assert 0 <= calibration_error(bins_of(judged)) <= 1
