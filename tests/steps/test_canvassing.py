"""Which questions want everything, how what matches is cut into steps, and what replies are worth."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.steps.canvassing import (
    Found,
    Run,
    cut_runs,
    find_summary_target,
    group_by_file,
    interleave,
    is_same,
    limit_runs,
    merge_found,
    read_items,
    read_sentences,
    recognise_survey,
    subject_of,
    survey_kind,
)
from ragcli.types import Citation, Hit, Locator
from tests.fakes.passages import count_words, hit

FILES = [Path("/docs/notes/lease.md"), Path("/docs/notes/cat.txt"), Path("/docs/mail/offer.eml")]


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("List all suppliers", "list"),
        ("please name every person on the board", "list"),
        ("What are all the open invoices?", "list"),
        ("Give me a complete list of the telescopes", "list"),
        ("Nenne alle Lieferanten", "list"),
        ("Liste mir alle Rechnungen auf", "list"),
        ("Énumère tous les sentiers", "list"),
        ("Enumera todos los proveedores", "list"),
        ("列出所有供应商", "list"),
        ("How many suppliers are there in total?", "count"),
        ("How many different telescopes are there?", "count"),
        ("How many invoices are in my files?", "count"),
        ("Wie viele Rechnungen gibt es insgesamt?", "count"),
        ("Combien de sentiers en tout ?", "count"),
        ("How many beds does the hostel have?", None),
        ("Wie viele Betten hat das Haus?", None),
        ("List the three reasons that Mara gives", None),
        ("What is on the list of all suppliers?", None),
        ("When does the lease end?", None),
    ],
)
def test_only_what_wants_everything_is_taken_for_it(question: str, kind: str | None) -> None:
    assert recognise_survey(question) == kind


def test_asked_of_everything_how_many_is_a_number_and_all_else_a_list() -> None:
    assert survey_kind("How many beds?") == "count"
    assert survey_kind("What was decided about the mirror?") == "list"


@pytest.mark.parametrize(
    ("question", "subject"),
    [
        ("List all the suppliers.", "suppliers"),
        ("How many suppliers are there in total?", "suppliers are there"),
        ("What was decided?", "What was decided"),
        ("List all", "List all"),
    ],
)
def test_what_is_looked_for_is_the_subject(question: str, subject: str) -> None:
    assert subject_of(question) == subject


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("Summarise lease.md", "/docs/notes/lease.md"),
        ("Please summarize the folder notes", "/docs/notes"),
        ("Fasse den Ordner mail zusammen", "/docs/mail"),
        ("sum up notes/", "/docs/notes"),
        ("Summarise the notes", None),
        ("Summarise lease.md and cat.txt", None),
        ("What does lease.md say?", None),
    ],
)
def test_a_summary_is_of_the_one_file_or_folder_that_is_named(question: str, named: str | None) -> None:
    assert find_summary_target(question, FILES) == (Path(named) if named else None)


@given(st.lists(st.integers(1, 30), max_size=12), st.integers(1, 40))
def test_runs_hold_every_chunk_once_in_order_and_keep_the_budget(lengths: list[int], budget: int) -> None:
    hits = [hit("word " * length, ordinal=place) for place, length in enumerate(lengths)]
    runs = cut_runs(hits[::-1], budget=budget, count_tokens=count_words)
    assert [each for run in runs for each in run.hits] == hits
    for run in runs:
        assert len(run.hits) == 1 or sum(count_words(each.chunk.text) for each in run.hits) <= budget


def test_a_limit_takes_whole_runs_and_at_least_one() -> None:
    runs = [Run((hit("a", ordinal=0), hit("b", ordinal=1))), Run((hit("c", ordinal=2),)), Run((hit("d", ordinal=3),))]
    assert limit_runs(runs, None) == runs
    assert limit_runs(runs, 1) == runs[:1]
    assert limit_runs(runs, 3) == runs[:2]


def test_the_beginnings_of_all_files_are_read_first() -> None:
    one, other = Path("/one"), Path("/other")
    hits = [hit("a", path=one, ordinal=0), hit("b", path=one, ordinal=1), hit("c", path=other, ordinal=0)]
    cut = [cut_runs(own, budget=1, count_tokens=count_words) for own in group_by_file(hits).values()]
    assert [run.hits[0].chunk.text for run in interleave(cut)] == ["a", "c", "b"]


def test_a_list_is_read_line_by_line() -> None:
    reply = "Here are the suppliers:\n- Optik Quellhorst [1]\n2. **Fournil du Col**\n- Optik Quellhorst\n\n- NONE\n" + " ".join(
        map(str, range(100))
    )
    assert read_items(reply) == ("Optik Quellhorst", "Fournil du Col")
    assert read_items("NONE.") == ()


def test_a_list_that_repeats_itself_is_read_once() -> None:
    assert read_items("- the same thing again\n" * 30) == ("the same thing again",)


def test_a_note_is_read_sentence_by_sentence() -> None:
    reply = "- The lease ends in May [1].\nThe cat is called Parsec. The lease ends in May."
    assert read_sentences(reply) == ("The lease ends in May.", "The cat is called Parsec.")


def found(text: str, quote: str = "q") -> Found:
    where = hit(text)
    return Found(text, ((where, Citation(1, where.chunk.path, Locator(), quote, True)),))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Quellhorst", "Optik Quellhorst", True),
        ("the Fournil", "Fournil", True),
        ("Invoice 417", "Invoice 418", False),
        ("Invoice", "Invoice 417", False),
        ("mirror", "the mirror of the old telescope", False),
    ],
)
def test_two_items_are_one_if_one_says_what_the_other_does(one: str, other: str, same: bool) -> None:
    assert is_same(one, other) is same
    assert is_same(other, one) is same


def test_what_is_merged_keeps_all_its_places_and_its_fullest_words() -> None:
    merged = merge_found([found("Quellhorst", "a"), found("Parsec"), found("Optik Quellhorst", "b")])
    assert [each.text for each in merged] == ["Optik Quellhorst", "Parsec"]
    assert [citation.quote for _, citation in merged[0].places] == ["a", "b"]


hits_strategy = st.lists(st.sampled_from(["a b", "b a", "a", "c 1", "c 2", "d e f"]), max_size=10)


@given(hits_strategy)
def test_merging_again_changes_nothing(texts: list[str]) -> None:
    once = merge_found(found(text) for text in texts)
    assert [each.text for each in merge_found(once)] == [each.text for each in once]


def test_a_run_says_each_heading_once() -> None:
    run = Run(tuple(Hit(hit(text, ordinal=place).chunk, 1.0) for place, text in enumerate(["first", "second"])))
    assert run.text == "handbook.md\nfirst\nsecond"
