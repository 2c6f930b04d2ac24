"""The pictures of the documentation: what draws them reads a terminal rightly, and they fetch and give away nothing."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ElementTree
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parent.parent
FOLDER = REPOSITORY / "docs" / "pictures"
FILES = sorted(FOLDER.iterdir())
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
MOST_BYTES = 60_000
SVG = "http://www.w3.org/2000/svg"


@pytest.fixture(scope="module")
def pictures() -> Any:
    loader = SourceFileLoader("pictures", str(REPOSITORY / "scripts" / "pictures"))
    spec = spec_from_loader("pictures", loader)
    assert spec
    module = module_from_spec(spec)
    sys.modules["pictures"] = module  # where dataclasses look for it
    loader.exec_module(module)
    return module


def shown(screen: Any) -> list[str]:
    lines = ["".join(cell.sign for cell in row).rstrip() for row in screen.rows]
    return lines[: max((number for number, line in enumerate(lines, 1) if line), default=0)]


# ---- the files -------------------------------------------------------------------------------


def named_pictures() -> dict[str, str]:
    """File by name, as the pages name it, with the words that stand for it."""
    found = {}
    for page in PAGES:
        for words, target in re.findall(r"!\[([^]]*)\]\(([^)]+)\)", page.read_text("utf-8")):
            found[str((page.parent / target).resolve())] = words
    return found


def test_every_picture_is_shown_by_a_page_with_words_in_its_place(pictures: Any) -> None:
    named = named_pictures()
    assert set(named) == {str(file.resolve()) for file in FILES}
    assert [file.name for file in FILES] == sorted(f"{picture.name}.svg" for picture in pictures.PICTURES)
    assert all(len(words) > 20 for words in named.values())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_picture_fetches_nothing_and_runs_nothing(file: Path) -> None:
    text = file.read_text("utf-8")
    assert len(text.encode()) < MOST_BYTES
    assert set(re.findall(r"\w+://[^\s\"'<)]*", text)) == {SVG}
    assert not re.search(r"@import|@font-face|url\(|href|src=|\son\w+=", text)
    assert {each.tag for each in ElementTree.fromstring(text).iter()} <= {f"{{{SVG}}}{tag}" for tag in DRAWN}


DRAWN = ("svg", "title", "style", "rect", "text")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_picture_names_no_place_of_the_machine_that_drew_it(file: Path) -> None:
    assert not re.search(r"/(?:home|root|tmp|Users|work|var|private|usr|opt)/", file.read_text("utf-8"))


# ---- the screen ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("one\r\ntwo", ["one", "two"]),
        ("Searching…\r\x1b[Kfound", ["found"]),
        ("a\r\nb\x1b[1A\x1b[2K\rc", ["c", "b"]),
        ("abc\b\bX", ["aXc"]),
        ("> \x1b[3Cx\x1b[2Dy", [">   yx"]),
        ("keep\r\ngone\r\ngone\x1b[1A\r\x1b[J", ["keep"]),
        ("\x1b]0;title\x07shown \x1b]8;;file:a\x1b\\link\x1b]8;;\x1b\\", ["shown link"]),
        ("\x1b[?2004h\x1b[?25lquiet\x1b[?25h", ["quiet"]),
    ],
)
def test_what_a_terminal_shows(pictures: Any, written: str, expected: list[str]) -> None:
    screen = pictures.Screen()
    screen.feed(written)
    assert shown(screen) == expected


def test_bytes_may_come_one_by_one(pictures: Any) -> None:
    """As they do from a pipe: no character and no sequence is torn."""
    screen = pictures.Screen()
    for byte in "é 日 🦊\x1b[32mgreen\x1b[0m\x1b]0;title\x07.".encode():
        screen.feed(bytes([byte]))
    assert shown(screen) == ["é 日 🦊green."]


def test_a_long_line_goes_on_below_unless_that_is_switched_off(pictures: Any) -> None:
    wide = "x" * pictures.COLUMNS
    wrapped, cut = pictures.Screen(), pictures.Screen()
    wrapped.feed(wide + "yz")
    cut.feed(f"\x1b[?7l{wide}yz")
    assert shown(wrapped) == [wide, "yz"]
    assert shown(cut) == [wide[:-1] + "z"]


def test_the_cursor_is_told_where_it_is(pictures: Any) -> None:
    assert pictures.Screen().feed("a\r\nbc\x1b[6n") == [b"\x1b[2;3R"]


@pytest.mark.parametrize("written", ["\x1b[5;5r", "\x1b[2J", "\x1b[53mframed", "\n" * 200])
def test_what_is_not_understood_is_not_guessed(pictures: Any, written: str) -> None:
    with pytest.raises(ValueError, match="unknown|more than"):
        pictures.Screen().feed(written)


def test_styles_become_classes_and_text_stays_text(pictures: Any) -> None:
    screen = pictures.Screen()
    screen.feed("\x1b[1;36ma < b\x1b[0m  \x1b[7mmarked\x1b[27m \x1b[2;9mgone\x1b[22;29mplain")
    drawn = "\n".join(pictures.drawing(screen.rows, 'ask "a & b"'))
    assert "<title>ask &quot;a &amp; b&quot;</title>" in drawn
    assert re.search(r'class="bold cyan">a &lt; b</text>', drawn)
    assert re.search(r'<rect class="mark"[^>]*/>\n<text [^>]*class="reverse">marked</text>', drawn)
    assert re.search(r'class="dim struck">gone</text>', drawn)
    assert re.search(r'textLength="42">plain</text>', drawn)
