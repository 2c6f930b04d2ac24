"""The language of a question or a document, told from its script and its commonest words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.steps.languages import NAMES, guess_language, is_taken_for_english, languages_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("When does the lease end?", "en"),
        ("Wann endet der Mietvertrag?", "de"),
        ("Où se trouve le chat ?", "fr"),
        ("¿Cuándo termina el contrato?", "es"),
        ("Quanti litri contiene il serbatoio?", "it"),
        ("Qual é a capacidade do tanque de água?", "pt"),
        ("Hoeveel liter is het?", "nl"),
        ("Hvilken bok skal han lese først?", "no"),
        ("Hvad koster huset, og hvornår flytter vi?", "da"),
        ("Vad kostar huset och när flyttar vi?", "sv"),
        ("Kiedy kończy się umowa?", "pl"),
        ("Sözleşme ne zaman sona eriyor?", "tr"),
        ("Khi nào hợp đồng kết thúc?", "vi"),
        ("Quantas bolsas serão concedidas?", "pt"),
        ("¿Qué ciudad tiene la mayor población?", "es"),
        ("Welches Gesetz erkannte zwei Schultypen an?", "de"),
        ("水箱的容量是多少？", "zh"),
        ("タンクの容量はいくらですか？", "ja"),
        ("물탱크의 용량은 얼마입니까?", "ko"),
        ("Odile の鏡は何ですか", "ja"),
        ("x = 3; y = 4", ""),
        ("", ""),
        ("INV-2025-0417;318.40;paid", ""),
    ],
)
def test_a_sentence_tells_its_language(text: str, language: str) -> None:
    assert guess_language(text) == language


@pytest.mark.parametrize(("text", "expected"), [("When does it end?", True), ("P3081", True), ("Wann endet der Vertrag?", False)])
def test_what_does_not_tell_is_taken_for_english(text: str, expected: bool) -> None:
    assert is_taken_for_english(text) is expected


@given(st.text(max_size=200))
def test_any_text_has_a_known_language_or_none(text: str) -> None:
    assert guess_language(text) in {*NAMES, ""}


def test_texts_are_counted_by_language() -> None:
    counted = languages_of(["Wann endet der Mietvertrag?", "Das ist nicht wahr.", "What is it?", "42"])
    assert counted == {"de": 2, "en": 1}
