"""Whether the files answer at all: the evidence, the verdict, and how sure to be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.judging import LONGEST_EVIDENCE, Evidence, answerability, build_judgement, choose_evidence, read_verdict
from tests.fakes.passages import hit

PAGE = "The hall is red. It was built by Anna Berg. The tank holds 900 litres. It is filled in May. The cat sleeps."
probabilities = st.floats(0, 1)


def test_the_evidence_is_the_nearest_sentence_between_its_neighbours() -> None:
    evidence = choose_evidence("How many litres does the tank hold?", [hit("Nothing here."), hit(PAGE, ordinal=1)], None)
    assert evidence.text == "It was built by Anna Berg. The tank holds 900 litres. It is filled in May."


def test_meaning_decides_where_no_word_is_shared() -> None:
    def cosines(_question: str, sentences: object) -> list[float]:
        return [0.9 if "Anna" in sentence else 0.1 for sentence in sentences]  # type: ignore[attr-defined]

    evidence = choose_evidence("Wer hat gebaut?", [hit(PAGE)], cosines)
    assert "Anna Berg" in evidence.text
    assert evidence.closeness == pytest.approx(0.9)


@given(st.text(max_size=40), st.lists(st.text(min_size=1, max_size=3000).filter(str.strip), min_size=1, max_size=6))
def test_any_text_gives_a_short_piece_of_itself(question: str, texts: list[str]) -> None:
    evidence = choose_evidence(question, [hit(text, ordinal=place) for place, text in enumerate(texts)], None)
    assert len(evidence.text) <= LONGEST_EVIDENCE
    assert any(evidence.text in text for text in texts)


def test_the_model_is_asked_for_one_word_about_one_text() -> None:
    user = build_judgement("When?", Evidence("In May.", 1.0)).messages[-1].content
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


@given(probabilities, probabilities, st.floats(0, 2), st.floats(0, 2))
def test_a_better_verdict_or_a_nearer_text_is_never_less_sure(low: float, high: float, far: float, near: float) -> None:
    low, high, far, near = *sorted((low, high)), *sorted((far, near))
    assert 0 < answerability(low, far) <= answerability(high, near) < 1
