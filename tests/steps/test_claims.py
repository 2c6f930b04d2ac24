"""What a passage must hold for a statement to stand: words, and every number, month and name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.steps.claims import agrees, bears_out, months_in, numbers_in

LEASE = "The lease ends on 31 May 2027."


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=30))
def test_support_can_be_asked_of_any_text(statement: str, text: str, question: str) -> None:
    assert bears_out(statement, text, question) in (True, False)
    assert bears_out("", text) is False


@given(st.text(st.sampled_from("abc 12.,\n"), max_size=60))
def test_a_text_agrees_with_itself(text: str) -> None:
    assert agrees(text, text)


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("It ends on 2027-05-31", LEASE),
        ("The lease ends on 31 May 2027", "lease,ends,2027-05-31"),
        ("9,000 litres", "9.000 litres"),
        ("9000 litres", "9 000 or 9,000 litres"),
        ("Dinner is at 6:45 pm", "Dinner is one sitting at 18:45"),
        ("3 people may cancel", "three people may cancel"),
        ("28.80 kWh", "capacity_kwh: 28.8"),
        ("Le bail finit le 31 mai 2027", "Le bail prend fin le 31.05.2027, dit le bail"),
        ("Am 5. März um 8 Uhr", "05.03. um 8 Uhr"),
        ("The telescope Odile", "the telescope (odile)"),
        ("7. Look at the float", "- Look at the float in the tank."),
        ("  7) Look at the float", "- Look at the float in the tank."),
    ],
)
def test_numbers_and_dates_agree_however_they_are_written(statement: str, text: str) -> None:
    assert bears_out(statement, text)


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("The lease ends on 31 May 2031", LEASE),
        ("The lease ends on 31 June 2027", LEASE),
        ("The lease of Nadia ends on 31 May 2027", LEASE),
        ("90,000 litres", "9,000 litres"),
        ("2.88 kWh", "28.8 kWh"),
        ("Elephants sing beautifully", LEASE),
    ],
)
def test_what_is_invented_is_not_borne_out(statement: str, text: str) -> None:
    assert not bears_out(statement, text)


def test_the_number_of_a_list_item_need_not_stand_there_but_a_day_must() -> None:
    assert bears_out("7. Look at the float in the tank.", "Look at the float in the tank.")
    assert not agrees("7. Oktober", "Am 3. Oktober")


def test_a_number_that_only_the_question_has_is_not_held() -> None:
    assert not bears_out("Yes, the lease ends in 2031", LEASE, "Does the lease end in 2031?")
    assert bears_out("Yes, the lease ends in 2027", LEASE, "Does the lease end in 2027?")


def test_words_that_the_question_has_count_for_nothing() -> None:
    assert not bears_out("The lease of the house ends when the tide comes", LEASE, "When does the lease of the house end?")


def test_the_meaning_stands_for_the_words_but_not_for_the_numbers() -> None:
    assert bears_out("The rental period is over on May 31", "The lease ends on 31 May", cosine=0.8)
    assert not bears_out("The rental period is over on June 30", "The lease ends on 31 May", cosine=0.8)


def test_a_month_counts_only_in_a_date() -> None:
    assert months_in("You may go to Mars") == set()
    assert months_in("on 3 May and le 4 mars") == {"3", "5"}
    assert {"7", "12"} <= numbers_in("seven days, a dozen of which: twelve")


def test_german_nouns_are_no_names() -> None:
    assert bears_out(
        "Der Vertrag endet mit der Kündigung am 31. Mai 2027", "Der Vertrag endet am 31. Mai 2027, bei Kündigung nicht"
    )
