"""What a document shows nobody is not read; what it shows is, whatever its style."""

from __future__ import annotations

import pytest

from ragcli.adapters.readers.parsing import parse
from ragcli.adapters.readers.unseen import without_unseen_html, without_unseen_runs
from tests.injection.poison import UNSEEN_IN_HTML, UNSEEN_IN_WORD
from tests.readers.test_structure import docx_parts, make_docx, zipped
from tests.tallying import count

SHOWN = [
    '<p style="color:#333">{}</p>',
    '<p style="opacity:0.5">{}</p>',
    '<p style="opacity:1">{}</p>',
    '<p style="font-size:11px">{}</p>',
    '<p style="font-size:0.9em">{}</p>',
    '<p style="background-color:#003;color:white">{}</p>',
    '<table><tr><td bgcolor="#112233"><font color="white">{}</font></td></tr></table>',
    '<p style="left:10px;color:#f0f0aa">{}</p>',
    '<p style="border-color:white">{}</p>',
    '<p style="text-indent:2em">{}</p>',
    "<details><summary>More</summary>{}</details>",
    '<p style="margin-left:-10px">{}</p>',
]


def page(body: str) -> bytes:
    return f"<html><body><p>Above.</p>{body}<p>Below.</p></body></html>".encode()


def word(style: str, text: str = "SECRET", more: str = "") -> bytes:
    run = f"<w:r><w:rPr>{style}</w:rPr><w:t>{text}</w:t></w:r>"
    return zipped(
        docx_parts(f"<w:p>{more}<w:r><w:t>Above.</w:t></w:r></w:p><w:p>{run}</w:p><w:p><w:r><w:t>Below.</w:t></w:r></w:p>")
    )


@pytest.mark.parametrize("form", UNSEEN_IN_HTML.values(), ids=UNSEEN_IN_HTML)
def test_what_a_page_hides_is_not_read(form: str) -> None:
    text = parse(page(form.format("SECRET")), "a.html").text
    assert "SECRET" not in text
    assert text.index("Above.") < text.index("Below.")
    count("ways to hide text in a document, not read", 1)


@pytest.mark.parametrize("form", SHOWN)
def test_what_a_page_shows_is_read(form: str) -> None:
    assert "SHOWN" in parse(page(form.format("SHOWN")), "a.html").text


def test_what_is_hidden_is_hidden_with_all_that_is_in_it() -> None:
    body = '<div style="opacity:0"><p>SECRET <b>SECRET</b></p><ul><li>SECRET</li></ul></div>'
    assert "SECRET" not in parse(page(body), "a.html").text


def test_a_page_that_hides_nothing_is_left_as_it_is() -> None:
    source = page('<p style="color:red">x</p>').decode()
    assert without_unseen_html(source) is source


@pytest.mark.parametrize("style", UNSEEN_IN_WORD.values(), ids=UNSEEN_IN_WORD)
def test_what_a_word_file_hides_is_not_read(style: str) -> None:
    text = parse(word(style), "a.docx").text
    assert "SECRET" not in text and "Above." in text and "Below." in text
    count("ways to hide text in a document, not read", 1)


@pytest.mark.parametrize("style", ['<w:color w:val="FF0000"/>', '<w:sz w:val="20"/>', '<w:vanish w:val="0"/>', "<w:b/>"])
def test_what_a_word_file_shows_is_read(style: str) -> None:
    assert "SECRET" in parse(word(style), "a.docx").text


def test_white_on_a_dark_ground_is_read() -> None:
    dark = '<w:pPr><w:shd w:val="clear" w:fill="112233"/></w:pPr>'
    assert "SECRET" in parse(word('<w:color w:val="FFFFFF"/>', more=dark), "a.docx").text


def test_a_word_file_that_hides_nothing_is_left_as_it_is() -> None:
    data = make_docx("Above.")
    assert without_unseen_runs(data) is data
    assert without_unseen_runs(b"PK no container") == b"PK no container"
