"""The shortest answer and one in a sentence: which of them is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.steps.citing import LONGEST_QUOTE
from ragcli.steps.wording import choose_wording, complete, find_own_words, share_said
from tests.fakes.passages import context_of

PASSAGES = context_of("The draft took place on July 29, 2021 in Brooklyn.", "La ville compte 12 ponts.").passages
WHEN = "When was the draft?"


def test_what_both_wordings_say_is_said_shortly() -> None:
    said = "The draft took place on July 29, 2021."
    assert choose_wording("July 29, 2021", said, WHEN, PASSAGES) == "July 29, 2021"


def test_where_they_differ_the_sentence_is_taken_if_a_passage_bears_it_out() -> None:
    said = "The draft took place on July 29, 2021."
    assert choose_wording("November 18", said, WHEN, PASSAGES) == said
    made_up = "The draft took place on May 5, 1999."
    assert choose_wording("July 29", made_up, WHEN, PASSAGES) == "July 29"


def test_a_sentence_about_something_else_that_stands_there_is_not_taken() -> None:
    said = "La ville compte 12 ponts."
    assert choose_wording("July 29, 2021", said, WHEN, PASSAGES) == "July 29, 2021"


@pytest.mark.parametrize("said", ["The draft was when?", "NOT IN FILES", ""])
def test_a_sentence_that_says_nothing_is_not_taken(said: str) -> None:
    assert choose_wording("July 29, 2021", said, WHEN, PASSAGES) == "July 29, 2021"


CAMPUS = "Its campus is centered on Harvard Yard in Cambridge. It was founded in 1636."


@pytest.mark.parametrize("sentence", ["It was in Cambridge.", "Its campus is centered in Cambridge.", "NOT IN FILES"])
def test_an_answer_that_says_the_question_again_gives_way_to_the_sentence_of_the_file(sentence: str) -> None:
    question = "What is the area of the campus in Cambridge?"
    told = "Its campus is centered on Harvard Yard in Cambridge."
    assert choose_wording("Cambridge", sentence, question, context_of(CAMPUS).passages) == told
    assert choose_wording("Cambridge [1]", sentence, question, context_of(CAMPUS).passages) == told


def test_a_sentence_of_the_file_that_is_too_long_ends_in_dots() -> None:
    told = choose_wording("Cambridge", "", "What is the area in Cambridge?", context_of("Yard in Cambridge " * 30).passages)
    assert told.endswith(" in…")
    assert len(told) <= LONGEST_QUOTE + 1


def test_a_question_that_names_what_to_choose_from_is_answered_with_its_own_words() -> None:
    question = "Is the campus in Boston or in Cambridge?"
    said = "The campus is in Cambridge."
    assert choose_wording("Cambridge", said, question, context_of(CAMPUS).passages) == "Cambridge"


def test_a_word_that_tells_little_may_be_the_answer() -> None:
    passages = context_of("The cell makes protein A against antibodies.").passages
    assert choose_wording("protein A", "It is protein A.", "What protein does the cell make?", passages) == "protein A"


BRIDGE = "Le pont, long de 300 mètres, fut bâti en 1901 par la ville."
BUILT = "Quand le pont fut-il bâti ?"


@pytest.mark.parametrize("said", ["Le pont fut bâti en 1901.", "Le pont, long de 300 mètres, fut bâti.", "1901"])
def test_the_sentence_of_the_file_is_found_that_an_answer_was_taken_from(said: str) -> None:
    assert find_own_words(said, BUILT, context_of(BRIDGE).passages) == BRIDGE


@pytest.mark.parametrize(
    ("said", "passage"),
    [
        (
            "Le pont à six arches de pierre grise fut bâti en 1901.",
            "Le pont fut bâti en 1901. Il a six arches de pierre grise.",
        ),
        ("Le pont fut bâti en 1901", "- Pont : bâti en 1901"),
        ("Le pont fut bâti en 1901.", "fut le pont bâti en 1901 par la ville."),
        ("1901", "The bridge was built by the town in 1901."),
    ],
    ids=["two sentences", "a line of a list", "the rest of a sentence", "another language"],
)
def test_what_was_not_taken_from_one_whole_sentence_of_the_language_stays_as_it_is(said: str, passage: str) -> None:
    assert find_own_words(said, BUILT, context_of(passage).passages) == said


@pytest.mark.parametrize("said", ["NOT IN FILES", "Le pont fut bâti quand ?", "Le pont de bois fut démoli en 1955."])
def test_what_says_nothing_or_is_borne_out_by_nothing_has_no_sentence(said: str) -> None:
    assert find_own_words(said, BUILT, context_of(BRIDGE).passages) == ""


@pytest.mark.parametrize(
    ("short", "sentence", "completed"),
    [
        ("April 29", "It came out on April 29, 2015.", "April 29, 2015"),
        ("April 29", "It came out on April 29 2015.", "April 29 2015"),
        ("Sky UK", "The company is Sky UK Limited now.", "Sky UK Limited"),
        ("Sainte Foy", "They were beaten at Sainte Foy in Quebec.", "Sainte Foy"),
        ("armed", "It avoids armed Jihad.", "armed"),
        ("12", "It has 12 Bridges.", "12"),
        ("60%", "It fell to 60% in 2005.", "60%"),
        ("a.b(", "It is a.b( now.", "a.b("),
        ("nothing", "It is another.", "nothing"),
    ],
)
def test_a_year_or_a_name_that_goes_on_is_taken_whole(short: str, sentence: str, completed: str) -> None:
    assert complete(short, sentence) == completed


@given(st.text(max_size=40), st.text(max_size=80))
def test_what_is_completed_begins_with_the_short_text_and_stands_in_the_sentence(short: str, sentence: str) -> None:
    completed = complete(short, sentence)
    assert completed == short or (completed.startswith(short.rstrip(".")) and completed in sentence)
    assert 0.0 <= share_said(short, sentence) <= 1.0
