"""Two files that disagree: who is heard against an answer, and when what is heard differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ragcli.steps.dissenting import (
    LEADS,
    LONGEST_NAME,
    add_passage,
    find_dissenters,
    is_about,
    may_differ,
    tell_dissent,
    widen_context,
)
from ragcli.steps.tasks import SENTENCE_TASKS
from ragcli.types import Citation, Context, Passage
from tests.fakes.passages import hit

RENT = "How much is the monthly rent?"


def passages_of(**texts: str) -> list[Passage]:
    """A passage of a file of its own for each text, numbered from 1."""
    return [
        Passage(number, hit(text, path=Path(f"/docs/{name}.md")), text) for number, (name, text) in enumerate(texts.items(), 1)
    ]


OLD = "The flat is on the third floor. The monthly rent is 850 EUR."
NEW = "Signed in May. From January on the monthly rent is 910 EUR. The cellar is shared."


def cites(passages: Sequence[Passage], *numbers: int) -> list[Citation]:
    """A citation of the whole of each of those passages."""
    return [
        Citation(each.number, each.hit.chunk.path, each.hit.chunk.locator, each.text, True)
        for each in passages
        if each.number in numbers
    ]


def heard(answer: str, passages: Sequence[Passage], *cited: int, question: str = RENT) -> tuple[Passage, ...]:
    return find_dissenters(question, answer, cites(passages, *(cited or (1,))), passages)


def test_the_sentence_of_another_file_that_says_what_was_asked_is_heard_with_its_neighbours() -> None:
    passages = passages_of(old=OLD, new=NEW, van="To rent a van costs 60 EUR a day.")
    (other,) = heard("850", passages)
    assert (other.number, other.text) == (2, NEW)


def test_of_a_long_passage_only_what_is_around_the_sentence_is_heard_and_its_place_is_known() -> None:
    long = " ".join(f"Rule {number} is about bicycles." for number in range(40)) + f" {NEW}"
    passages = [replace(passage, start=7) for passage in passages_of(old=OLD, new=long)]
    (other,) = heard("850", passages)
    assert other.text == NEW
    assert long[other.start - 7 :].startswith(other.text)


@pytest.mark.parametrize(
    ("cited", "answer", "other"),
    [
        ((1, 2), "850", NEW),  # cited itself
        ((1,), "850", "The monthly rent is 850 EUR, heating included."),  # says the same
        ((1,), "31 May 2027", "The monthly rent is due until May 31, 2027."),  # says the same in another way
        ((1,), "850", "The rent of the garage is 45 EUR."),  # says less than what was asked
    ],
)
def test_who_agrees_or_speaks_of_something_else_is_not_heard(cited: tuple[int, ...], answer: str, other: str) -> None:
    assert heard(answer, passages_of(old=OLD, new=other), *cited) == ()


def test_a_file_that_says_the_answer_elsewhere_does_not_disagree() -> None:
    old, new = passages_of(old=OLD, new=NEW)
    again = replace(old, number=3, hit=new.hit)
    assert heard("850", [old, new, again]) == ()


def test_a_question_of_common_words_alone_hears_nobody() -> None:
    assert heard("850", passages_of(old=OLD, new=NEW), question="How much is it?") == ()


GUSTS = "At what gust speed must the dome be closed under the policy in force now?"
OLD_RULE = "The dome must be closed when gusts reach 55 km/h."


@pytest.mark.parametrize(
    ("other", "is_heard"),
    [
        ("The dome must be closed when gusts reach 45 km/h, whatever the forecast says.", True),
        ("The dome is open when gusts stay below 30 km/h.", False),  # some of its words
        ("The roof must be closed when gusts reach 45 km/h.", False),  # not the word that was asked for
        ("The dome must be closed when gusts reach 55 km/h, says the newer one.", False),  # says the same
    ],
)
def test_another_version_of_the_cited_sentence_is_heard_however_little_both_say_of_the_question(
    other: str, is_heard: bool
) -> None:
    passages = passages_of(old=OLD_RULE, new=other)
    assert [each.text for each in heard("55 km/h", passages, question=GUSTS)] == [other] * is_heard


def test_a_short_sentence_has_no_version() -> None:
    passages = passages_of(old="Soup of the day: leek.", new="Soup of the day: peas.")
    assert heard("leek", passages, question="Which soup is served on Mondays?") == ()


def test_no_rule_says_of_itself_that_it_holds_today() -> None:
    passages = passages_of(old="Quiet hours: 23:00 to 07:00.", new="Quiet hours are from 22:30 to 07:00.")
    assert len(heard("23:00 to 07:00", passages, question="What are the current quiet hours?")) == 1


def test_what_was_cut_or_left_out_may_disagree_too() -> None:
    old, new, van = passages_of(old=OLD, new=NEW, van="To rent a van costs 60 EUR a day.")
    context = Context((old, replace(new, text="Signed in May.")), (van.hit,), 20)
    wide = widen_context(context)
    assert [(each.number, each.text) for each in wide.passages] == [(1, OLD), (2, NEW), (3, van.text)]


def test_a_passage_that_disagrees_is_among_those_that_are_told() -> None:
    old, new, van = passages_of(old=OLD, new=NEW, van="To rent a van costs 60 EUR a day.")
    cut = Context((old, replace(new, text="Signed in May.")), (), 20)
    assert add_passage(cut, new) == (replace(cut, passages=(old, new)), 2)
    left = Context((old,), (van.hit, new.hit), 20)
    told, number = add_passage(left, replace(new, number=3))
    assert (told.passages[1:], told.left_out, number) == ((replace(new, number=2),), (van.hit,), 2)


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
