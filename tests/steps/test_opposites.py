"""Opposites: words of a question that a text turns round."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.steps.opposites import is_opposed


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Which of the two is STRONGER?", "Rope is weaker than chain."),
        ("Who were the allies of the town?", "Its enemies came from the coast."),
        ("What was permitted in the park?", "The park was forbidding dogs, and bans them still."),
        ("What happened after the flood?", "Before the flood there was a bridge."),
        ("Which side grew?", "The southern side shrank."),
    ],
)
def test_a_text_that_has_only_the_opposite_of_a_word_is_opposed(question: str, text: str) -> None:
    assert is_opposed(question, text)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Which of the two is stronger?", "Chain is strong, rope is weaker."),
        ("How old is the youngest member?", "The new member is young."),
        ("Who bought the house?", "Ben sold the house to Ann."),
        ("When does the lease end?", "It starts in May and runs for a year."),
        ("Welches Haus ist älter?", "Das Haus ist jünger."),
    ],
    ids=["the word too, in another form", "a degree", "one thing from two sides", "an interval", "not English"],
)
def test_nothing_else_is_opposed(question: str, text: str) -> None:
    assert not is_opposed(question, text)


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_opposes_a_question_that_it_holds(question: str, text: str) -> None:
    assert not is_opposed(question, f"{question} {text}")
