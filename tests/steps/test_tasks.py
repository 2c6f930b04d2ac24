"""What the model is told to do: by what the question asks for, and in its language."""

from __future__ import annotations

import pytest

from ragcli.steps.tasks import FULL_TASK, NOT_FOUND, SENTENCE_TASK, SENTENCE_TASKS, SHORT_TASK, choose_task, say_task


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Summarise the handbook", "full"),
        ("please explain how the boats are insured", "full"),
        ("How do I reset the boiler?", "full"),
        ("Fasse die Satzung zusammen", "full"),
        ("会议纪要总结一下", "full"),
        ("When does the lease end?", "short"),
        ("How many litres does the tank hold?", "short"),
        ("What explains the delay?", "short"),
        ("Wann endet der Mietvertrag?", "sentence"),
        ("水箱的容量是多少？", "sentence"),
    ],
)
def test_what_is_asked_for_first(question: str, expected: str) -> None:
    assert choose_task(question) == expected


def test_a_fact_is_asked_for_shortly_and_without_leave_to_refuse() -> None:
    assert say_task("short", "When does it end?") == SHORT_TASK
    assert NOT_FOUND not in SHORT_TASK


def test_who_asks_for_more_gets_more_and_the_model_may_say_that_there_is_none() -> None:
    assert say_task("full", "Explain the lease") == FULL_TASK
    assert NOT_FOUND in FULL_TASK


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Wann endet der Mietvertrag?", "de"),
        ("Où se trouve le chat ?", "fr"),
        ("¿Cuándo termina el contrato?", "es"),
        ("Quanti litri contiene il serbatoio?", "it"),
        ("Qual é a capacidade do tanque de água?", "pt"),
        ("Hoeveel liter is het?", "nl"),
        ("Hvordan gikk det med hjelmen?", "no"),
        ("Sözleşme ne zaman sona eriyor?", "tr"),
        ("Khi nào hợp đồng kết thúc?", "vi"),
        ("水箱的容量是多少？", "zh"),
        ("タンクの容量はいくらですか？", "ja"),
        ("물탱크의 용량은 얼마입니까?", "ko"),
    ],
)
def test_a_sentence_is_asked_for_in_the_language_of_the_question(question: str, language: str) -> None:
    assert say_task("sentence", question) == SENTENCE_TASKS[language]


@pytest.mark.parametrize("question", ["When does it end?", "P3081", "Когда заканчивается договор?"])
def test_what_is_in_another_language_is_asked_in_english(question: str) -> None:
    assert say_task("sentence", question) == SENTENCE_TASK
