"""A question that asks several things is asked part by part, and told as one answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ragcli.flows.dividing import ask_part_by_part
from ragcli.steps.citing import cite_statement, find_citations
from ragcli.types import Answer, AnswerEvent, AnswerFinished, Delta, Packed, Question, Retrieved, Turn, Usage
from tests.fakes.passages import context_of

COST, PAID = "What did the cable cost?", "When was that invoice paid?"
BOTH = "What did the cable cost, and when was that invoice paid?"
FILES = {
    COST: ("It cost 64 euros [2].", ("The encoder was mended.", "It cost 64 euros.")),
    PAID: ("On 5 December [1].", ("It was paid on 5 December.",)),
}


class Asked:
    """Answers the questions that it knows, and tells of others what comes closest."""

    def __init__(self, known: Mapping[str, tuple[str, Sequence[str]]] = FILES, *, streams: bool = True) -> None:
        self.known, self.streams, self.asked = known, streams, []

    def __call__(self, question: Question) -> Iterator[AnswerEvent]:
        self.asked.append(question.text)
        said, texts = self.known.get(question.text, ("", ("Nothing of it.",)))
        context = context_of(*texts)
        yield Retrieved(tuple(passage.hit for passage in context.passages))
        yield Packed(context)
        hits = tuple(passage.hit for passage in context.passages)
        answer = Answer(question, said, "answered", 0.9, context=context, hits=hits, usage=Usage(100, 5), took_ms={"total": 7.0})
        if not said:
            nearest = cite_statement("Nothing of it.", context.passages)
            yield AnswerFinished(replace(answer, outcome="no_evidence", confidence=0.2, closest=nearest))
            return
        if self.streams:
            yield Delta("")
            yield Delta(said)
        yield AnswerFinished(replace(answer, citations=find_citations(said, context, question.text)))


def finish(text: str, asked: Asked) -> tuple[Answer, str]:
    """The answer, and what was told on the way."""
    *events, last = ask_part_by_part(Question(text), asked, lambda part, _: part)
    assert isinstance(last, AnswerFinished)
    return last.answer, "".join(event.text for event in events if isinstance(event, Delta))


def test_one_question_is_asked_as_it_is() -> None:
    assert list(ask_part_by_part(Question(COST), Asked(), lambda part, _: "other")) == list(Asked()(Question(COST)))


def test_each_part_is_asked_and_the_answers_are_one_list() -> None:
    asked = Asked()
    answer, told = finish(BOTH, asked)
    assert asked.asked == [COST, PAID]
    assert answer.text == told == "- It cost 64 euros [2].\n- On 5 December [3]."
    assert (answer.question.text, answer.outcome, answer.confidence) == (BOTH, "answered", 0.9)
    assert (answer.usage, answer.took_ms["total"]) == (Usage(200, 10), 14.0)


def test_numbers_go_on_from_part_to_part() -> None:
    answer, _ = finish(BOTH, Asked())
    texts = {passage.number: passage.text for passage in answer.context.passages}
    assert list(texts) == [1, 2, 3]
    packed = [event for event in ask_part_by_part(Question(BOTH), Asked(), lambda part, _: part) if isinstance(event, Packed)]
    assert tuple(passage for event in packed for passage in event.context.passages) == answer.context.passages
    assert [(citation.number, citation.quote) for citation in answer.citations] == [(2, texts[2]), (3, texts[3])]


def test_a_part_is_understood_by_the_one_before() -> None:
    seen: list[tuple[str, tuple[Turn, ...]]] = []

    def stand_alone(part: str, turns: Sequence[Turn]) -> str:
        seen.append((part, tuple(turns)))
        return part

    list(ask_part_by_part(Question(BOTH), Asked(), stand_alone))
    assert seen == [(COST, ()), (PAID, (Turn(COST, COST, "It cost 64 euros [2]."),))]


def test_what_the_files_do_not_say_is_told_below_what_they_do() -> None:
    answer, told = finish(BOTH, Asked({PAID: FILES[PAID]}))
    assert answer.text == told == f"- On 5 December [2].\n- Not in your files: “{COST}”"
    assert (answer.outcome, answer.confidence, answer.closest) == ("answered", 0.9, None)
    assert answer.usage == Usage(200, 10)  # of both parts
    assert [citation.number for citation in answer.citations] == [passage.number for passage in answer.context.passages] == [2]


def test_nothing_is_answered_if_no_part_is() -> None:
    answer, told = finish(BOTH, Asked({}))
    assert (answer.outcome, answer.text, told, answer.confidence) == ("no_evidence", "", "", 0.2)
    assert answer.closest is not None and answer.closest.number in {passage.number for passage in answer.context.passages}
    assert len(answer.hits) == 1  # the same passage was found twice


def test_what_takes_several_lines_stays_one_item() -> None:
    answer, told = finish(
        BOTH, Asked(FILES | {COST: ("64 euros [1]\nBut another file says:\n46 euros [2]", ("64 euros", "46 euros"))})
    )
    assert answer.text == told == "- 64 euros [1]\n  But another file says:\n  46 euros [2]\n- On 5 December [3]."


def test_what_is_told_at_the_end_alone_is_told_then() -> None:
    answer, told = finish(BOTH, Asked({COST: FILES[COST]}, streams=False))
    assert told == ""
    assert answer.text.endswith(f"- Not in your files: “{PAID}”")


def test_what_is_more_than_facts_is_not_divided() -> None:
    asked = Asked()
    finish("How do I open the dome, and when is it closed?", asked)
    assert len(asked.asked) == 1
