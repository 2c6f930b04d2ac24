"""A finished answer is looked at sentence by sentence: what no passage bears out is marked, or dropped."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ragcli.flows.vetting import vet_events
from ragcli.types import Answer, AnswerEvent, AnswerFinished, Citation, Delta, Locator, Packed, Question
from tests.fakes.embedder import HashingEmbedder
from tests.fakes.passages import HANDBOOK, context_of

CONTEXT = context_of("The lease ends on 31 May 2027. Rufus signed it in the library.", "Dinner is served at 18:45.")
TRUE, FALSE = "The lease ends on 31 May 2027 [1].", "It was paid by Napoleon in 1812 [1]."


class SayingSame(HashingEmbedder):
    """Takes every text for every other."""

    def embed_query(self, text: str) -> Sequence[float]:
        return [1.0, 0.0]

    def embed_passages(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        return [[1.0, 0.0] for _ in texts]


def vet(
    text: str, *, strict: bool = False, embedder: HashingEmbedder | None = None, question: str = "What of the lease?"
) -> Answer:
    events = list(told(text, question))
    make = (lambda: embedder) if embedder else None
    *_, last = vet_events(events, make, strict=strict)
    assert isinstance(last, AnswerFinished)
    return last.answer


def told(text: str, question: str = "What of the lease?") -> list[AnswerEvent]:
    quote = Citation(1, HANDBOOK, Locator(lines=(1, 1)), "The lease ends on 31 May 2027.", True)
    answer = Answer(Question(question), text, "answered", 0.8, (quote,), CONTEXT)
    return [Packed(CONTEXT), Delta(text), AnswerFinished(answer)]


def test_each_sentence_is_marked_and_the_text_stays() -> None:
    answer = vet(f"{TRUE} {FALSE}")
    assert [(claim.numbers, claim.supported) for claim in answer.claims] == [((1,), True), ((1,), False)]
    assert answer.text == f"{TRUE} {FALSE}"
    assert answer.confidence == 0.8


def test_strict_drops_what_is_not_borne_out_and_is_less_sure() -> None:
    answer = vet(f"{TRUE} {FALSE}", strict=True)
    assert answer.text == TRUE
    assert answer.confidence == 0.4
    assert [citation.number for citation in answer.citations] == [1]
    assert len(answer.claims) == 2


def test_strict_keeps_the_lines_of_a_list() -> None:
    answer = vet(f"The lease:\n- {TRUE}\n- {FALSE}\n- Rufus signed it [1].", strict=True)
    assert answer.text == f"The lease:\n- {TRUE}\n- Rufus signed it [1]."


def test_strict_drops_a_line_that_leads_to_nothing_any_more() -> None:
    assert vet(f"{TRUE}\nBut another file says:\n{FALSE}", strict=True).text == TRUE


def test_an_answer_of_which_nothing_is_left_is_no_evidence() -> None:
    answer = vet(FALSE, strict=True)
    assert (answer.outcome, answer.text, answer.confidence, answer.citations) == ("no_evidence", "", 0.0, ())


def test_strict_tells_nothing_before_it_is_vetted() -> None:
    events = list(vet_events(told(TRUE), None, strict=True))
    assert not any(isinstance(event, Delta) for event in events)
    assert any(isinstance(event, Delta) for event in vet_events(told(TRUE), None))


def test_what_says_it_in_other_words_is_borne_out_by_its_meaning() -> None:
    said = "The rental period is over in spring."
    assert not vet(said).claims[0].supported
    assert vet(said, embedder=SayingSame()).claims[0].supported


@pytest.mark.parametrize("said", ["The rental period is over in 2031.", "The rental period of Napoleon is over."])
def test_no_meaning_makes_up_for_a_wrong_number_or_name(said: str) -> None:
    assert not vet(said, embedder=SayingSame()).claims[0].supported


def test_a_number_that_only_the_question_has_is_no_evidence() -> None:
    assert not vet("Yes, it ends in 2031.", question="Does the lease end in 2031?").claims[0].supported


def test_a_sentence_that_names_no_passage_may_stand_in_any() -> None:
    assert vet("Dinner is served at 18:45.").claims[0].supported
    assert not vet("Dinner is served at 18:45 [1].").claims[0].supported


def test_what_is_no_answer_is_left_alone() -> None:
    none = AnswerFinished(Answer(Question("q"), "", "no_evidence", 0.1))
    assert list(vet_events([none], None, strict=True)) == [none]
