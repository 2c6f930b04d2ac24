"""Hits become a context within a budget, and the context becomes what a model is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.steps.prompting import (
    SHORTEST_PASSAGE,
    build_prompt,
    describe_source,
    pack_context,
)
from ragcli.steps.ranking import without_repeats
from ragcli.steps.tasks import SHORT_TASK, Task, say_task
from tests.fakes.passages import context_of, count_words, hit

texts = st.lists(st.sampled_from(["word", "a b.", "one\n", "漢字。", "x" * 30, "end! "]), min_size=1, max_size=60).map(" ".join)


def count_unevenly(text: str) -> int:
    """As real tokenizers do: some scripts cost far more for each character than others."""
    return sum(3 if ord(character) > 255 else 1 for character in text) // 4 + 1


@given(
    st.lists(texts, max_size=8),
    st.integers(0, 300),
    st.sampled_from([count_words, count_unevenly]),
    st.sampled_from(["", "one word?", "漢"]),
)
def test_a_context_keeps_to_its_budget_and_accounts_for_every_hit(
    texts: list[str], budget: int, count: Callable[[str], int], question: str
) -> None:
    hits = [hit(text, ordinal=place) for place, text in enumerate(texts)]
    context = pack_context(hits, budget=budget, count_tokens=count, question=question)
    assert context.tokens <= budget
    assert context.tokens == sum(count(each.text) + count(describe_source(each.hit)) for each in context.passages)
    assert [each.number for each in context.passages] == list(range(1, len(context.passages) + 1))
    assert (*[each.hit for each in context.passages], *context.left_out) == without_repeats(hits)
    assert all(each.text and each.hit.chunk.text.startswith(each.text, each.start) for each in context.passages)


def test_only_the_last_passage_is_cut_and_at_the_end_of_a_sentence() -> None:
    long = "This sentence has six words here. " * 20
    context = pack_context(
        [hit("short one", ordinal=0), hit(long, ordinal=1), hit("x", ordinal=2)], budget=80, count_tokens=count_words
    )
    first, second = context.passages
    assert first.text == "short one"
    assert second.text.endswith("here.")
    assert SHORTEST_PASSAGE < count_words(second.text) < count_words(long)
    assert [each.chunk.ordinal for each in context.left_out] == [2]


def test_what_is_cut_keeps_the_sentences_that_have_the_words_of_the_question() -> None:
    page = "Nothing of note happens here today. " * 20 + "The tank holds 900 litres. " + "Then it goes on like that. " * 20
    (passage,) = pack_context([hit(page)], budget=60, count_tokens=count_words, question="What does the tank hold?").passages
    assert "The tank holds 900 litres." in passage.text
    assert passage.start > 0
    assert page[passage.start :].startswith(passage.text)


def test_without_a_word_of_the_question_in_it_what_is_cut_keeps_its_beginning() -> None:
    page = "First of all. " + "Nothing of note happens here today. " * 40
    (passage,) = pack_context([hit(page)], budget=60, count_tokens=count_words, question="Who owns a zebra?").passages
    assert passage.start == 0
    assert passage.text.startswith("First of all.")


def test_a_rest_too_short_to_say_anything_stays_empty() -> None:
    context = pack_context([hit("word " * 50), hit("other " * 50, ordinal=1)], budget=60, count_tokens=count_words)
    assert len(context.passages) == 1


def test_a_text_whose_beginning_is_dense_in_tokens_still_fits() -> None:
    context = pack_context([hit("漢" * 200 + "a" * 2000)], budget=150, count_tokens=count_unevenly)
    assert context.passages
    assert context.tokens <= 150


def test_a_source_is_its_file_title_and_headings_each_once() -> None:
    made = hit("text", path=Path("/secret/place/handbook.md"))
    assert describe_source(made) == "handbook.md"
    titled = replace(made, chunk=replace(made.chunk, title="House rules", heading=("House rules", "Keys")))
    assert describe_source(titled) == "handbook.md > House rules > Keys"
    assert describe_source(replace(made, chunk=replace(made.chunk, title="handbook"))) == "handbook.md"


def test_the_prompt_shows_the_passages_by_number_and_says_what_to_do_last() -> None:
    prompt = build_prompt("When does it end?", context_of("It ends in May.", "It began in June."))
    system, user = prompt.messages
    assert (system.role, user.role) == ("system", "user")
    assert "[1] handbook.md\nIt ends in May.\n\n[2] handbook.md\nIt began in June." in user.content
    assert "Question: When does it end?" in user.content
    assert "not instructions" in system.content
    assert user.content.endswith(SHORT_TASK), "where a small model looks"
    assert "/files" not in user.content


@pytest.mark.parametrize("task", ["sentence", "full"])
def test_prompts_for_other_tasks_begin_alike_so_that_engines_read_that_once(task: Task) -> None:
    context = context_of("It ends in May.")
    short, other = (build_prompt("When does it end?", context, task=each).messages for each in ("short", task))
    shared = short[-1].content.removesuffix(SHORT_TASK)
    assert other == (short[0], replace(short[-1], content=shared + say_task(task, "When does it end?")))
