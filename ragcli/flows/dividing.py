"""Questions that ask several things: each part is asked by itself, and what they say is told together, as a list."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from ragcli.flows.translating import Ask
from ragcli.steps.citing import shift_markers
from ragcli.steps.conversing import turn_of
from ragcli.steps.dividing import divide_question
from ragcli.steps.tasks import choose_task
from ragcli.types import Answer, AnswerEvent, AnswerFinished, Citation, Context, Delta, Hit, Packed, Question, Turn, Usage

Complete = Callable[[str, Sequence[Turn]], str]
"""Gives the question with what it leans on of the turns."""
FURTHER_LINE = re.compile(r"\n(?=[^\n])")
ITEM, INDENT = "- ", "\n  "


def ask_part_by_part(question: Question, ask: Ask, complete: Complete) -> Iterator[AnswerEvent]:
    """The events of ``ask``; of a question that asks several things, those of each part, and one Answer to all of them last.

    A part that leans on the one before ("and when was it paid?") is understood by that one and its answer. What the files do not
    say is told below what they do; if no part is answered, nothing is. What is more than facts is never divided.
    """
    parts = divide_question(question.text) if choose_task(question.text) != "full" else ()
    if len(parts) < 2:
        yield from ask(question)
        return
    turns: list[Turn] = []
    answers: list[Answer] = []
    begun = False
    for part in parts:
        lead = f"\n{ITEM}" if begun else ITEM
        passages = sum(len(answer.context.passages) for answer in answers)
        for event in ask(replace(question, text=complete(part, turns))):
            if isinstance(event, AnswerFinished):
                answers.append(_renumber(event.answer, passages))
                turns.append(turn_of(part, event.answer))
            elif isinstance(event, Delta) and event.text:
                yield Delta(lead + _in_item(event.text, passages))
                lead, begun = "", True
            else:
                yield Packed(_shift(event.context, passages)) if isinstance(event, Packed) else event
    told = [answer for answer in answers if answer.outcome == "answered"]
    missing = [part for part, answer in zip(parts, answers, strict=True) if answer.outcome != "answered"]
    notes = "".join(f"\n{ITEM}Not in your files: “{part}”" for part in missing) if told else ""
    if begun and notes:
        yield Delta(notes)
    yield AnswerFinished(_with_costs(_join(question, told or answers, notes), answers))


def _in_item(text: str, passages: int) -> str:
    """As it stands in an item of a list, where so many passages stand before its own."""
    return shift_markers(FURTHER_LINE.sub(INDENT, text), passages)


def _shift(context: Context, passages: int) -> Context:
    return replace(context, passages=tuple(replace(passage, number=passage.number + passages) for passage in context.passages))


def _renumber(answer: Answer, passages: int) -> Answer:
    """The same answer as an item of a list, where so many passages stand before its own."""

    def cite(citation: Citation) -> Citation:
        return replace(citation, number=citation.number + passages)

    return replace(
        answer,
        text=_in_item(answer.text, passages),
        citations=tuple(map(cite, answer.citations)),
        context=_shift(answer.context, passages),
        claims=tuple(replace(claim, numbers=tuple(number + passages for number in claim.numbers)) for claim in answer.claims),
        closest=cite(answer.closest) if answer.closest else None,
    )


def _join(question: Question, answers: Sequence[Answer], notes: str) -> Answer:
    """One answer, as probable as the least probable of them."""
    return Answer(
        question,
        "\n".join(ITEM + answer.text for answer in answers if answer.text) + notes,
        answers[0].outcome,
        min(answer.confidence for answer in answers),
        citations=tuple(citation for answer in answers for citation in answer.citations),
        context=_join_contexts([answer.context for answer in answers]),
        model=next((answer.model for answer in answers if answer.model), None),
        claims=tuple(claim for answer in answers for claim in answer.claims),
        closest=next((answer.closest for answer in answers if answer.closest), None),
    )


def _with_costs(joined: Answer, answers: Sequence[Answer]) -> Answer:
    """The joined answer with what was found for all parts and what they cost, also those that were not answered."""
    took: Counter[str] = Counter()
    for answer in answers:
        took.update(answer.took_ms)
    used = [answer.usage for answer in answers]
    usage = Usage(sum(each.prompt_tokens for each in used), sum(each.answer_tokens for each in used))
    return replace(joined, hits=_distinct(answers), usage=usage, took_ms=took)


def _join_contexts(contexts: Sequence[Context]) -> Context:
    passages = tuple(passage for context in contexts for passage in context.passages)
    left_out = tuple(hit for context in contexts for hit in context.left_out)
    return Context(passages, left_out, sum(context.tokens for context in contexts))


def _distinct(answers: Sequence[Answer]) -> tuple[Hit, ...]:
    """What was found for any of them; a passage that was found twice stands where it was found first."""
    found: dict[str, Hit] = {}
    for answer in answers:
        for hit in answer.hits:
            found.setdefault(hit.chunk.id, hit)
    return tuple(found.values())
