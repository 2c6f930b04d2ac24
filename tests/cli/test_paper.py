"""What text is put on: colours, paths, places, folded lines, sizes and times."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.cli.showing import paper
from ragcli.cli.showing.paper import Paper
from ragcli.types import Locator

SCREEN = Paper(width=60, color=True, terminal=True, cwd=Path("/home/me/notes"), home=Path("/home/me"))
PIPE = Paper(cwd=Path("/home/me/notes"), home=Path("/home/me"))
STYLE = re.compile(r"\x1b\[\d+m")
DANGER = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=80)


@pytest.mark.parametrize(
    ("path", "on_screen", "in_pipe"),
    [
        ("/home/me/notes/a.md", "./a.md", "./a.md"),
        ("/home/me/notes", ".", "."),
        ("/home/me/b.md", "~/b.md", "/home/me/b.md"),
        ("/home/me", "~", "/home/me"),
        ("/etc/hosts", "/etc/hosts", "/etc/hosts"),
        ("stdin", "stdin", "stdin"),
        ("/x/caf\udce9\n.md", "/x/caf\\xe9␊.md", "/x/caf\\xe9␊.md"),
    ],
)
def test_paths_are_short_where_that_helps(path: str, on_screen: str, in_pipe: str) -> None:
    assert SCREEN.path(Path(path)) == on_screen
    assert PIPE.path(Path(path)) == in_pipe


@pytest.mark.parametrize(
    ("locator", "place"),
    [
        (Locator(lines=(12, 14)), "/a:12-14"),
        (Locator(lines=(7, 7)), "/a:7"),
        (Locator(page=3), "/a, page 3"),
        (Locator(page=3, lines=(1, 2)), "/a, page 3, lines 1-2"),
        (Locator(label="Prices!A1:C9"), "/a, Prices!A1:C9"),
        (Locator(lines=(3, 4), member="b/c.md"), "/a, b/c.md, lines 3-4"),
        (Locator(), "/a"),
    ],
)
def test_places_can_be_followed(locator: Locator, place: str) -> None:
    assert PIPE.place(Path("/a"), locator) == place


@given(text=ANY_TEXT, query=ANY_TEXT)
def test_nothing_dangerous_is_ever_on_paper(text: str, query: str) -> None:
    for sheet in (SCREEN, PIPE):
        written = [sheet.text(text), sheet.line(text), sheet.quote(text, 40), *sheet.snippet(text, query), *sheet.wrapped(text)]
        assert not any(DANGER.search(STYLE.sub("", line)) for line in written)
        assert "\n" not in sheet.line(text) + sheet.quote(text, 40)


@given(text=st.text(st.characters(categories=["L", "Zs"]), max_size=400))
def test_folded_lines_fit(text: str) -> None:
    assert all(len(line) <= SCREEN.width for line in SCREEN.wrapped(text, "   "))


def test_without_colour_there_is_none() -> None:
    assert [style("x") for style in (PIPE.bold, PIPE.dim, PIPE.good, PIPE.odd, PIPE.bad)] == ["x"] * 5
    assert SCREEN.bold("x") == "\x1b[1mx\x1b[0m"
    assert SCREEN.bold("") == ""


def test_a_snippet_shows_the_lines_that_answer() -> None:
    text = "\n".join(f"line {number}" for number in range(20)) + "\nthe Pelican nests here\nand sleeps\nlong\nafter\nall"
    assert PIPE.snippet(text, "where does the pelican nest?", limit=2) == ["line 19", "the Pelican nests here"]
    assert "\x1b[1mPelican\x1b[0m" in SCREEN.snippet(text, "pelican", limit=1)[0]


def test_code_keeps_its_shape() -> None:
    assert PIPE.wrapped("def f():\n\treturn 1\n\n", "  ") == ["  def f():", "      return 1"]


def test_a_quote_is_cut_for_people_only() -> None:
    long = "word " * 40
    assert SCREEN.quote(long, 30).endswith("…”")
    assert len(SCREEN.quote(long, 30)) <= 30
    assert PIPE.quote(long, 30) == f"“{long.strip()}”"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1234, "1 kB"),
        (1_234_567, "1.2 MB"),
        (123_456_789, "123 MB"),
        (5e12, "5.0 TB"),
        (5e15, "5000.0 TB"),
    ],
)
def test_sizes(count: float, text: str) -> None:
    assert paper.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.42, "0.4 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert paper.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (7200, "2 hours ago"),
        (9e5, "10 days ago"),
        (-90_000, "just now"),
    ],
)
def test_ages(seconds: float, text: str) -> None:
    assert paper.age(seconds) == text
