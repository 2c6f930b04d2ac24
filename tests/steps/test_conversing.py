"""Follow-ups are told from questions that stand alone, and are made to stand alone; the sample corpus has a set of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.steps.conversing import (
    SHORT_ANSWER,
    accept_rewriting,
    build_rewriting,
    is_follow_up,
    rewrite_by_rules,
    turn_of,
)
from ragcli.types import Answer, Question, Turn
from tests.fakes.passages import count_words
from tests.test_sample_corpus import CORPUS, INDEXED, collapse, text_of

SAMPLE = Path(__file__).parents[2] / "sample_corpus"
FOLLOW_UPS: list[dict[str, Any]] = [json.loads(line) for line in (SAMPLE / "followups.jsonl").read_text("utf-8").splitlines()]
QUESTIONS: list[dict[str, Any]] = [json.loads(line) for line in (SAMPLE / "questions.jsonl").read_text("utf-8").splitlines()]
LEASE = Turn("When does the lease of the barn end?", "When does the lease of the barn end?", "On 31 May 2027.")
each_follow_up = pytest.mark.parametrize("row", [pytest.param(row, id=row["id"]) for row in FOLLOW_UPS])


def turn(row: dict[str, Any]) -> Turn:
    return Turn(row["first"], row["first"], row["first_answer"])


def test_the_set_has_enough_of_every_kind() -> None:
    assert len(FOLLOW_UPS) >= 40
    assert {row["lang"] for row in FOLLOW_UPS} == {"en", "de", "fr"}
    assert {row["kind"] for row in FOLLOW_UPS} == {"pronoun", "ellipsis", "substitution"}
    assert len({(row["first"], row["question"]) for row in FOLLOW_UPS}) == len(FOLLOW_UPS)


@each_follow_up
def test_the_answer_stands_in_the_files(row: dict[str, Any]) -> None:
    assert set(row["files"]) <= {path.relative_to(CORPUS).as_posix() for path in INDEXED}
    text = collapse(" ".join(text_of(CORPUS / name) for name in row["files"])).casefold()
    assert any(answer.casefold() in text for answer in row["answers"])


@each_follow_up
def test_every_follow_up_is_told_and_brings_the_question_before(row: dict[str, Any]) -> None:
    alone = rewrite_by_rules(row["question"], [turn(row)])
    assert alone.is_follow_up
    assert alone.text != row["question"]


def test_few_questions_that_stand_alone_are_taken_for_follow_ups() -> None:
    taken = [row["question"] for row in QUESTIONS if is_follow_up(row["question"])]
    assert len(taken) <= 0.03 * len(QUESTIONS), taken


@pytest.mark.parametrize(
    "question",
    [
        "Does the lease say when it ends?",
        "When was the mirror coated and what did it cost?",
        "What time is it in Oberhalm?",
        "Is there a sauna?",
        "Wie heißt das Haus?",
        "Gibt es eine Sauna?",
        "Y a-t-il un sauna ?",
        "Who wrote the same book as Mina?",
        "error budget",
        "Parsec",
    ],
)
def test_what_names_its_own_subject_stands_alone(question: str) -> None:
    assert rewrite_by_rules(question, [LEASE]).text == question


@pytest.mark.parametrize(
    "question",
    [
        "Since when?",
        "Why?",
        "For adults?",
        "In 2023?",
        "And the other one?",
        "Was ist mit der Kuppel?",
        "Seit wann?",
        "Et en 2023 ?",
    ],
)
def test_what_leaves_its_subject_out_leans_on_what_was_said(question: str) -> None:
    assert is_follow_up(question)


@pytest.mark.parametrize(
    ("before", "question", "alone"),
    [
        ("What was the revenue in 2024?", "And in 2023?", "What was the revenue in 2023?"),
        ("What is the capacity of the water tank?", "And of the battery?", "What is the capacity of the battery?"),
        (
            "What does a bed cost for adults in summer?",
            "What about for children?",
            "What does a bed cost for children in summer?",
        ),
        ("Wie hoch war der Umsatz im Jahr 2024?", "Und 2023?", "Wie hoch war der Umsatz im Jahr 2023?"),
    ],
)
def test_one_phrase_takes_the_place_of_another(before: str, question: str, alone: str) -> None:
    assert rewrite_by_rules(question, [Turn(before, before)]).text == alone


def test_what_was_asked_goes_behind_and_a_name_that_was_answered_too() -> None:
    cat = Turn("What is the cat called?", "What is the cat called?", "Parsec")
    assert rewrite_by_rules("Where does she sleep?", [cat]).text == "Where does she sleep? (What is the cat called? Parsec.)"
    assert rewrite_by_rules("Who signed it?", [LEASE]).text == "Who signed it? (When does the lease of the barn end?)"
    long = Turn("What is it?", "What is the cat?", "A " * SHORT_ANSWER)
    assert rewrite_by_rules("Who signed it?", [long]).text == "Who signed it? (What is the cat?)"


def test_a_chain_of_follow_ups_keeps_its_subject() -> None:
    first = rewrite_by_rules("Who signed it?", [LEASE])
    second = rewrite_by_rules("And when did he sign?", [LEASE, Turn("Who signed it?", first.text, "Rufus Pemberlin")])
    assert "barn" in second.text
    assert "Rufus Pemberlin" in second.text


@given(st.text(max_size=60))
def test_without_a_conversation_nothing_is_changed(text: str) -> None:
    assert rewrite_by_rules(text, []).text == text


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_question_can_follow_any_other(text: str, before: str) -> None:
    alone = rewrite_by_rules(text, [Turn(before, before, "yes")])
    assert alone.is_follow_up or alone.text == text


# ---- with a model ----


@pytest.mark.parametrize(
    ("reply", "accepted"),
    [
        ("Who signed the lease of the barn?", "Who signed the lease of the barn?"),
        ('Question: "Who signed the lease of the barn?"\nBecause it says so.', "Who signed the lease of the barn?"),
        ("Who signed it?", None),
        ("When does the lease end?", None),
        ("Who signed the purchase contract of the helicopter?", None),
        ("", None),
        ("Who signed the lease? " * 30, None),
    ],
)
def test_a_model_may_bring_in_only_what_was_said(reply: str, accepted: str | None) -> None:
    assert accept_rewriting(reply, "Who signed it?", [LEASE]) == accepted


def test_the_model_is_asked_briefly() -> None:
    prompt = build_rewriting("Who signed it?", [Turn("q", "When does it end? " * 3, "long " * 500)] * 4)
    assert sum(count_words(message.content) for message in prompt.messages) < 150


def test_the_numbers_of_passages_are_no_part_of_what_was_said() -> None:
    signed = Turn("Who signed the lease?", "Who signed the lease?", "Rufus Pemberlin [2]")
    assert rewrite_by_rules("Where does he live?", [signed]).text == f"Where does he live? ({signed.question} Rufus Pemberlin.)"
    assert "[2]" not in build_rewriting("Where does he live?", [signed]).messages[-1].content


def test_a_turn_keeps_the_answer_only_if_there_is_one_and_it_may() -> None:
    answered = Answer(Question("the whole question"), "It ends.", "answered", 0.9)
    assert turn_of("it?", answered) == Turn("it?", "the whole question", "It ends.")
    assert turn_of("it?", answered, keep_answer=False).answer == ""
    assert turn_of("it?", Answer(Question("q"), "NOT", "no_evidence", 0.0)).answer == ""
