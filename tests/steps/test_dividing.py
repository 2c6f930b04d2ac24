"""A question that asks several things is told apart into them, and no other is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.steps.dividing import divide_question

DIVIDED = {
    "What did the cable cost, and when was that invoice paid?": ("What did the cable cost?", "When was that invoice paid?"),
    "What is the deposit for a torch and how much does a shower cost?": (
        "What is the deposit for a torch?",
        "How much does a shower cost?",
    ),
    "Which room is quiet, and at what time is dinner served?": ("Which room is quiet?", "At what time is dinner served?"),
    "What is Odile? And where is it?": ("What is Odile?", "And where is it?"),
    "Who is the chair, who is the auditor? and how many members are there": (
        "Who is the chair, who is the auditor?",
        "And how many members are there?",
    ),
    "Wie viel kostet eine Duschmarke und wann gibt es Frühstück?": (
        "Wie viel kostet eine Duschmarke?",
        "Wann gibt es Frühstück?",
    ),
    "Combien coûte le pain et quand est-il livré ?": ("Combien coûte le pain?", "Quand est-il livré?"),
    "¿Cuánto cuesta la ducha y cuándo se sirve la cena?": ("Cuánto cuesta la ducha?", "Cuándo se sirve la cena?"),
    "Quanto costa la doccia e quando si cena?": ("Quanto costa la doccia?", "Quando si cena?"),
    "Quanto custa o banho e quando é servido o jantar?": ("Quanto custa o banho?", "Quando é servido o jantar?"),
    "Wat kost een douche en wanneer is het ontbijt?": ("Wat kost een douche?", "Wanneer is het ontbijt?"),
}
WHOLE = (
    "When does the lease end?",
    "Who founded the house and when?",
    "Who is the man who founded the house and who died in Paris?",
    "Who decides what is bought and when it is paid?",
    "Wer sagt, was es kostet und wie lange es dauert?",
    "Do the guests get a voucher, and what do the others get?",
    "What is the height and the width of the door?",
    "I lost my card. What does a new one cost?",
    "2022年谁当选台北市市长和高雄市市长？",
    "invoice and what",
    "What is the lease, and when does it end? " * 20,
    "",
)


@pytest.mark.parametrize("question", DIVIDED)
def test_several_questions_in_one_are_told_apart(question: str) -> None:
    assert divide_question(question) == DIVIDED[question]


@pytest.mark.parametrize("question", WHOLE)
def test_what_asks_one_thing_stays_whole(question: str) -> None:
    assert divide_question(question) == (question,)


@given(st.text(max_size=200))
def test_any_text_is_itself_or_several_questions(text: str) -> None:
    parts = divide_question(text)
    assert parts == (text,) or (len(parts) > 1 and all(part.endswith("?") and len(part) > 3 for part in parts))
