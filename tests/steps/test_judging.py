"""Whether the files answer at all: the evidence, the verdict, and how sure to be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.steps.judging import (
    LONG_QUESTION,
    LONGEST_EVIDENCE,
    LONGEST_GUESS,
    MOST_SURPRISE,
    Evidence,
    answerability,
    build_guess,
    build_judgement,
    choose_evidence,
    find_surprise,
    read_verdict,
    settled_surprise,
)
from tests.fakes.passages import HANDBOOK, context_of, hit

PAGE = "The hall is red. It was built by Anna Berg. The tank holds 900 litres. It is filled in May. The cat sleeps."
probabilities = st.floats(0, 1)

MAY = Evidence("In May.", verbatim=True, strangers=False, opposed=False, other_years=False)


def test_the_evidence_is_the_sentence_that_holds_the_answer_between_its_neighbours() -> None:
    evidence = choose_evidence("How much does the tank hold?", "900 litres", context_of("Nothing of 900 here.", PAGE))
    assert evidence.text.endswith("\nIt was built by Anna Berg. The tank holds 900 litres. It is filled in May.")
    assert evidence.verbatim


def test_of_two_sentences_that_hold_the_answer_it_is_the_one_nearer_to_the_question() -> None:
    evidence = choose_evidence("Who built the hall?", "Anna Berg", context_of("Anna Berg died in 1990.", PAGE))
    assert "It was built by Anna Berg." in evidence.text


def test_an_answer_in_other_words_is_taken_from_where_most_of_them_stand() -> None:
    evidence = choose_evidence("When is it filled?", "It is filled in the month of May", context_of("The moon is red.", PAGE))
    assert "It is filled in May." in evidence.text
    assert not evidence.verbatim


def test_an_answer_of_two_sentences_stands_in_them_word_for_word() -> None:
    assert choose_evidence("How much?", "The tank holds 900 litres. It is filled in May.", context_of(PAGE)).verbatim


@pytest.mark.parametrize(
    ("question", "strangers"),
    [
        ("Did Anna Berg build it?", False),
        ("Did Otto Berg build it?", True),
        ("Was it built in 1990?", True),
        ("Who did?", False),
        ("Is it Anna Berg's?", False),
        ("Who built it? Answer in a word. Say the name.", False),
    ],
)
def test_a_name_or_number_of_the_question_that_no_passage_has_is_a_stranger(question: str, strangers: bool) -> None:
    assert choose_evidence(question, "Anna Berg", context_of(PAGE)).strangers == strangers


def test_what_else_was_found_in_the_file_knows_names_too_and_what_was_found_in_others_does_not() -> None:
    question, context = "When was Otto Berg there?", context_of(PAGE)
    left_out = (hit("Otto Berg came.", ordinal=7, path=HANDBOOK.with_name("other.md")),)
    assert choose_evidence(question, "In May", replace(context, left_out=left_out)).strangers
    left_out = (hit("Otto Berg came.", ordinal=7),)
    assert not choose_evidence(question, "In May", replace(context, left_out=left_out)).strangers


@pytest.mark.parametrize(("year", "strangers"), [("FY2023", False), ("FY2023Q1", False), ("FY 2023", False), ("FY2021", True)])
def test_a_fiscal_year_is_no_stranger_to_a_report_that_writes_it_out(year: str, strangers: bool) -> None:
    report = context_of("In fiscal year 2023 sales were 4 million.")
    assert choose_evidence(f"How high were sales in {year}?", "4 million", report).strangers == strangers


@pytest.mark.parametrize(("question", "opposed"), [("What is emptied in May?", False), ("What is it before it is filled?", True)])
def test_evidence_that_says_the_opposite_is_told(question: str, opposed: bool) -> None:
    assert choose_evidence(question, "The tank", context_of("The tank is clean after it is filled in May.")).opposed == opposed


@pytest.mark.parametrize(
    ("question", "other_years"),
    [
        ("Who won in 2018?", True),
        ("Who won in 2022?", False),
        ("Who won first?", False),
        ("Who won in the 2010s?", False),
        ("谁在2018年获胜？", True),
        ("Is it number 12018?", False),
    ],
)
def test_evidence_of_other_years_than_the_question_is_about_is_told(question: str, other_years: bool) -> None:
    evidence = choose_evidence(question, "Elena", context_of("Elena won it in 2022, and in 2021 nobody did."))
    assert evidence.other_years == other_years


def test_evidence_without_a_year_is_of_no_other_year() -> None:
    assert not choose_evidence("Who won in 2018?", "Elena", context_of("Elena won it.")).other_years


@given(st.text(max_size=40), st.text(max_size=40), st.lists(st.text(min_size=1, max_size=3000), min_size=1, max_size=6))
def test_any_text_gives_a_short_piece_of_itself(question: str, answer: str, texts: list[str]) -> None:
    evidence = choose_evidence(question, answer, context_of(*texts)).text.partition("\n")[2]
    assert len(evidence) <= LONGEST_EVIDENCE
    assert any(evidence in text for text in texts)


def test_the_model_is_asked_for_one_word_about_one_text() -> None:
    user = build_judgement("When?", MAY).messages[-1].content
    assert user.startswith("Text: In May.")
    assert user.endswith("Say yes or no.")


@pytest.mark.parametrize(
    ("first_tokens", "verdict"),
    [
        ({"Yes": 0.6, "No": 0.2, "The": 0.2}, 0.75),
        ({" yes": 0.1, "YES": 0.1, "no": 0.2}, 0.5),
        ({"NOT": 0.9}, 0.5),
        ({}, 0.5),
    ],
)
def test_a_verdict_is_yes_against_no_in_any_spelling(first_tokens: dict[str, float], verdict: float) -> None:
    assert read_verdict(first_tokens) == pytest.approx(verdict)


def test_both_prompts_begin_alike_so_that_the_text_is_read_once() -> None:
    judgement, guess = build_judgement("When?", MAY).messages, build_guess("May. " * 1000, MAY).messages
    assert judgement[0] == guess[0]
    assert judgement[1].content.startswith("Text: In May.\n\n")
    assert guess[1].content.startswith("Text: In May.\n\n")
    assert len(guess[1].content) < LONGEST_GUESS + 100


def test_a_question_surprises_by_its_least_likely_token_behind_the_first() -> None:
    assert find_surprise((-9.0, -0.5, -4.0, -2.0)) == 4.0
    assert find_surprise((-9.0,)) == find_surprise(()) == 0.0


def test_of_a_long_question_one_token_may_always_be_a_surprise() -> None:
    plain = (-0.1,) * (LONG_QUESTION - 3)
    assert find_surprise((-9.0, -8.0, *plain)) == 8.0
    assert find_surprise((-9.0, -8.0, -5.0, *plain)) == 5.0


def test_no_slip_of_the_pen_counts_for_everything() -> None:
    assert find_surprise((-1.0, -40.0)) == find_surprise((-1.0, -20.0))


@given(probabilities, probabilities, st.floats(0, 30), st.floats(0, 30))
def test_a_better_verdict_and_a_better_text_are_surer(low: float, high: float, less: float, more: float) -> None:
    low, high = sorted((low, high))
    less, more = sorted((less, more))
    good = Evidence("", verbatim=True, strangers=False, opposed=False, other_years=False)
    bad = Evidence("", verbatim=False, strangers=True, opposed=True, other_years=True)
    assert 0 < answerability(low, more, bad) < answerability(high, less, good) < 1


@given(probabilities, st.booleans(), probabilities, st.floats(0, MOST_SURPRISE))
def test_what_is_settled_is_so_whatever_the_surprise(verdict: float, verbatim: bool, floor: float, surprise: float) -> None:
    evidence = replace(MAY, verbatim=verbatim)
    taken = settled_surprise(verdict, evidence, floor)
    sides = {answerability(verdict, each, evidence) >= floor for each in (0.0, surprise, MOST_SURPRISE)}
    if taken is None:
        assert {answerability(verdict, each, evidence) >= floor for each in (0.0, MOST_SURPRISE)} == {True, False}
    else:
        assert sides == {answerability(verdict, taken, evidence) >= floor}
