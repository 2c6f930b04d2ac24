"""Two files that disagree: who is heard against an answer, and when what is heard differs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ragcli.steps.dissenting import (
    LEADS,
    LONGEST_NAME,
    find_dissenters,
    is_about,
    may_differ,
    tell_dissent,
)
from ragcli.steps.tasks import SENTENCE_TASKS
from ragcli.types import Passage
from tests.fakes.passages import hit

RENT = "How much is the monthly rent?"


def passages_of(**texts: str) -> list[Passage]:
    """A passage of a file of its own for each text, numbered from 1."""
    return [
        Passage(number, hit(text, path=Path(f"/docs/{name}.md")), text) for number, (name, text) in enumerate(texts.items(), 1)
    ]


OLD = "The flat is on the third floor. The monthly rent is 850 EUR."
NEW = "Signed in May. From January on the monthly rent is 910 EUR. The cellar is shared."


def test_the_sentence_of_another_file_that_says_what_was_asked_is_heard_with_its_neighbours() -> None:
    passages = passages_of(old=OLD, new=NEW, van="To rent a van costs 60 EUR a day.")
    (heard,) = find_dissenters(RENT, "850", {1}, passages)
    assert (heard.number, heard.text) == (2, NEW)


def test_of_a_long_passage_only_what_is_around_the_sentence_is_heard_and_its_place_is_known() -> None:
    long = " ".join(f"Rule {number} is about bicycles." for number in range(40)) + f" {NEW}"
    passages = [replace(passage, start=7) for passage in passages_of(old=OLD, new=long)]
    (heard,) = find_dissenters(RENT, "850", {1}, passages)
    assert heard.text == NEW
    assert long[heard.start - 7 :].startswith(heard.text)


@pytest.mark.parametrize(
    ("cited", "answer", "other"),
    [
        ({1, 2}, "850", NEW),  # cited itself
        ({1}, "850", "The monthly rent is 850 EUR, heating included."),  # says the same
        ({1}, "31 May 2027", "The monthly rent is due until May 31, 2027."),  # says the same in another way
        ({1}, "850", "The rent of the garage is 45 EUR."),  # says less than what was asked
    ],
)
def test_who_agrees_or_speaks_of_something_else_is_not_heard(cited: set[int], answer: str, other: str) -> None:
    assert find_dissenters(RENT, answer, cited, passages_of(old=OLD, new=other)) == ()


def test_a_file_that_says_the_answer_elsewhere_does_not_disagree() -> None:
    old, new = passages_of(old=OLD, new=NEW)
    again = replace(old, number=3, hit=new.hit)
    assert find_dissenters(RENT, "850", {1}, [old, new, again]) == ()


def test_a_question_of_common_words_alone_hears_nobody() -> None:
    assert find_dissenters("How much is it?", "850", {1}, passages_of(old=OLD, new=NEW)) == ()


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        ("850 EUR", "910", True),
        ("EUR 1,250", "1250.00 euros", False),
        ("31 May 2026", "31 May 2028", True),
        ("31 May 2026", "2026-05-31", False),
        ("October 19th, 2021", "October 2021", False),
        ("October 19th, 2021", "October 19, 2011", True),
        ("Bianca Andreescu", "Andreescu", False),
        ("Justin Kurzel", "Christophe Gans", True),
        ("three months' rent", "910 EUR", True),
        ("two years", "three years", True),
        ("two years", "2 years", False),
        ("in spring", "on 3 April", False),
        ("Anna Keller", "Her", False),
        ("Anna Keller", "the landlord", False),
        ("Anna Keller", "everybody " * LONGEST_NAME, False),
    ],
)
def test_two_answers_may_differ(one: str, other: str, differ: bool) -> None:
    assert may_differ(one, other, "Who is the landlord?") is differ


def test_a_sentence_about_something_else_is_no_answer() -> None:
    assert is_about(RENT, "910", "From January on the monthly rent is 910 EUR.")
    assert is_about(RENT, "910 EUR", "910 EUR ...")
    assert not is_about("How much is the deposit?", "910", "From January on the monthly rent is 910 EUR.")


def test_dissent_is_told_in_every_language_that_questions_are_answered_in() -> None:
    assert LEADS.keys() == SENTENCE_TASKS.keys()
    assert tell_dissent("910", 2, RENT) == "\nBut another file says:\n910 [2]"
    assert tell_dissent("910", 2, "Wie hoch ist die Miete?") == "\nIn einer anderen Datei steht dagegen:\n910 [2]"
