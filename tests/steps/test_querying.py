"""What a question says outright, and what a passage names."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.steps.querying import (
    MOST_NAMESAKES,
    ask_directly,
    marks_in,
    named_in,
    names_in,
    share_of_marks,
    stands_in,
    write_out_years,
)
from ragcli.steps.sentences import words_of
from tests.fakes.passages import chunk


@pytest.mark.parametrize(
    ("question", "marks"),
    [
        ("When does the lease end?", ()),
        ('Who directed "Pretty  Woman"?', ("pretty woman",)),
        ("Was sagt „Die Ordnung“ dazu?", ("die ordnung",)),
        ("「星际」是哪一年的", ("星际",)),
        ("what is error E4021 in read_file?", ("e4021", "read_file")),
        ("Where does parseConfig read app.toml?", ("parseconfig", "app.toml")),
        ("What happened on 2025-10-14?", ("2025-10-14",)),
        ("What was invoice INV-2025-0471 for?", ("inv-2025-0471",)),
        ("what does e-412 mean in v3.8.2, and CVE-2024-3094?", ("e-412", "v3.8.2", "cve-2024-3094")),
        ("Is the F-16 HIV-1-infected on 31.12.2025?", ("f-16", "hiv-1", "31.12.2025")),
        ("a 12-inch pipe of the 1990-1995 period, 3.5 m long", ()),
        ("Does FGF21 change the GDP, or FGF21?", ("fgf21", "gdp")),
        ("苹果iPhone11的发布日期", ("iphone11",)),
        ("WHEN DOES THE LEASE END?", ()),
        ("Who won the U.S. Open in 2019?", ()),
    ],
)
def test_marks_are_what_can_be_looked_up_as_it_stands(question: str, marks: tuple[str, ...]) -> None:
    assert marks_in(question) == marks


@given(st.text())
def test_any_text_has_marks_and_names_of_its_own(text: str) -> None:
    assert len(set(marks_in(text))) == len(marks_in(text))
    assert all(name in text for name in names_in(text, besides=""))
    assert names_in(text, besides=text) == ()


def test_a_mark_may_stand_in_text_title_or_file_name_but_not_inside_another() -> None:
    held = chunk("Error E4021 came\ntwice.", path=Path("/logs/app.log"), title="Night run")
    assert share_of_marks(("e4021", "app.log", "night run", "came twice"), held) == 1.0
    assert share_of_marks(("e402", "e4021"), held) == 0.5
    assert share_of_marks((), held) == 0.0


def test_in_a_script_without_spaces_a_name_has_letters_beside_it() -> None:
    assert stands_in("iphone11", "苹果iphone11的发布")
    assert stands_in("星际", "看星际去")
    assert not stands_in("iphone1", "苹果iphone11的发布")


def test_names_begin_with_a_capital_and_are_not_in_the_question() -> None:
    text = "The band was formed by James Hetfield in Los Angeles, and by the Ulrichs."
    assert names_in(text, besides="who is hetfield, and who is ulrich?") == ("James", "Angeles")
    assert names_in("乐队成立于洛杉矶", besides="") == ()


def test_a_short_title_and_one_of_many_files_name_nothing() -> None:
    text = "See Plan and Overview."
    assert named_in(text, [chunk("x", path=Path("/f/p.md"), title="Pla")]) == frozenset()
    few = [chunk("x", path=Path(f"/f/{place}.md"), title="Overview") for place in range(MOST_NAMESAKES)]
    assert named_in(text, few) == {each.id for each in few}
    assert named_in(text, [*few, chunk("x", path=Path("/f/last.md"), title="Overview")]) == frozenset()


@pytest.mark.parametrize(
    ("question", "written"),
    [
        ("Sales in FY2023?", "Sales in 2023?"),
        ("As of FY2023Q1, why?", "As of first quarter 2023, why?"),
        ("FY98, FY 1998 and FY'23", "1998, 1998 and 2023"),
        ("Who flew the FYX2023?", "Who flew the FYX2023?"),
    ],
)
def test_fiscal_years_are_searched_for_as_files_write_them(question: str, written: str) -> None:
    assert write_out_years(question) == written


@pytest.mark.parametrize(
    ("question", "direct"),
    [
        ("Who won in May?", "Who won in May?"),
        ("In May, who won?", "Who won in May?"),
        ("As of May, by how many points did Anna lead?", "By how many points did Anna lead as of May?"),
        ("Using the table, what is the sum? Answer in euros.", "What is the sum using the table?"),
        ("Anna, who won in May, lost when?", "Anna, who won in May, lost when?"),
        ("name the winner", "name the winner"),
        ("", ""),
    ],
)
def test_what_a_question_says_before_it_asks_may_stand_behind(question: str, direct: str) -> None:
    assert ask_directly(question) == direct


@given(st.lists(st.sampled_from(["In May", ", ", "who", "won", "? ", "By", "how", "Anna", "."])).map(" ".join) | st.text())
def test_asked_directly_a_question_has_no_words_but_its_own(text: str) -> None:
    assert words_of(ask_directly(text)) <= words_of(text)
