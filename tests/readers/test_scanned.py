"""The order in which the lines of a page are read, wherever a recogniser found them."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.adapters.readers.pacing import MAX_RECOGNIZED_PAGES, Pace
from ragcli.adapters.readers.scanned import Line, text_of

HIGH = 30.0


def line(text: str, left: float, top: float, *, wide: float = 0, tilt: float = 0) -> Line:
    """Letters are 15 pixels wide unless the line is told to be ``wide``; ``tilt`` lowers it by so much."""
    return Line(left, top + tilt, left + (wide or 15 * len(text)), top + tilt + HIGH, text)


def shuffled(lines: list[Line]) -> list[Line]:
    return random.Random(1).sample(lines, len(lines))


def test_rows_are_read_from_the_top_and_across() -> None:
    table = [(100, 0, "Sales"), (500, 4, "79,268"), (900, -3, "94,665"), (100, 50, "Costs"), (500, 52, "61,002")]
    page = [line("Annual figures", 100, 20), *(line(text, left, 100 + top) for left, top, text in table)]
    assert text_of(shuffled(page)) == "Annual figures\nSales 79,268 94,665\nCosts 61,002"


def test_a_page_that_lies_askew_keeps_its_rows() -> None:
    """A wide row falls by more than its height from one end to the other."""
    cells = [
        line(f"r{row}c{column}", 100 + 250 * column, 100 + 45 * row, tilt=9 * column) for row in range(3) for column in range(5)
    ]
    rows = text_of(shuffled(cells)).split("\n")
    assert rows == [" ".join(f"r{row}c{column}" for column in range(5)) for row in range(3)]


LEFT = [line(f"left column of prose, line {row}", 100, 200 + 40 * row) for row in range(6)]
RIGHT = [line(f"right column of prose, line {row}", 800, 200 + 40 * row) for row in range(6)]


def test_columns_of_prose_are_read_one_after_the_other() -> None:
    assert text_of(shuffled([*LEFT, *RIGHT])).split("\n") == [each.text for each in [*LEFT, *RIGHT]]


def test_a_title_over_both_columns_is_read_first_and_a_footer_last() -> None:
    title = line("A title over both of the columns", 300, 100, wide=1000)
    footer = line("page 7 of a journal", 600, 500, wide=400)
    assert text_of(shuffled([*LEFT, *RIGHT, title, footer])).split("\n") == [
        title.text,
        *(each.text for each in [*LEFT, *RIGHT]),
        footer.text,
    ]


def test_three_columns_are_read_too() -> None:
    third = [line(f"third column of prose, line {row}", 1500, 200 + 40 * row) for row in range(6)]
    assert text_of(shuffled([*LEFT, *RIGHT, *third])).split("\n") == [each.text for each in [*LEFT, *RIGHT, *third]]


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        ("several conti-", "nents in spring", "several continents in spring"),
        ("several conti-", "Nents in spring", "several conti-\nNents in spring"),
        ("the years 2024-", "2025 were dry", "the years 2024-\n2025 were dry"),
        ("a dash -", "and more", "a dash -\nand more"),
    ],
)
def test_a_word_that_a_line_end_broke_is_whole(first: str, second: str, text: str) -> None:
    assert text_of([line(first, 100, 100), line(second, 100, 140)]) == text


def test_a_page_without_lines_says_nothing() -> None:
    assert text_of([]) == ""


boxes = st.tuples(*[st.integers(0, 3000)] * 2, st.integers(1, 2000), st.integers(1, 90))


@given(st.lists(boxes, max_size=40))
def test_nothing_is_lost_and_nothing_said_twice(places: list[tuple[int, int, int, int]]) -> None:
    words = [f"word{number}" * 5 for number in range(len(places))]
    lines = [Line(x, y, x + wide, y + high, word) for (x, y, wide, high), word in zip(places, words, strict=True)]
    assert sorted(text_of(lines).split()) == sorted(words)


def test_pages_are_counted_over_all_that_is_in_a_file() -> None:
    pace = Pace()
    assert pace.take_pages(MAX_RECOGNIZED_PAGES - 1)
    assert not pace.take_pages(2)
    assert pace.take_pages(1)
    assert not pace.take_pages(1)
