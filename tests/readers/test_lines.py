"""The line lane: what is read is the file's own text, at the file's own lines, below the right headings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.adapters.readers.lines import read_lines, read_subtitles, read_xml
from ragcli.adapters.readers.notebook import read_notebook
from ragcli.adapters.readers.parsed import Parsed, UnreadableError
from ragcli.adapters.readers.parsing import parse
from ragcli.types import Document
from tests.contracts.test_reader import assert_sound


def assert_parsed_sound(parsed: Parsed) -> None:
    document = Document(Path("x"), parsed.title or "x", parsed.text, "0" * 64, parsed.kind, parsed.blocks)
    assert_sound(document)


def sections(parsed: Parsed) -> list[tuple[tuple[str, ...], tuple[int, int] | None]]:
    return [(block.heading, block.locator.lines) for block in parsed.blocks]


def pieces(parsed: Parsed) -> list[str]:
    return [parsed.text[block.start : block.end] for block in parsed.blocks]


# ---- text -------------------------------------------------------------------------------------


def test_plain_text_is_one_block_without_the_blank_lines_around_it() -> None:
    parsed = read_lines(b"\n\n  one\n\ntwo\n\n", "plain")
    assert parsed.text == "\n\n  one\n\ntwo\n\n"
    assert sections(parsed) == [((), (3, 5))]
    assert pieces(parsed) == ["  one\n\ntwo"]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_line_ends_become_one_character_and_lines_keep_their_numbers(line_end: str) -> None:
    parsed = read_lines(line_end.join(["# A", "x", "", "# B", "y"]).encode(), "markdown")
    assert parsed.text == "# A\nx\n\n# B\ny"
    assert sections(parsed) == [(("A",), (1, 2)), (("B",), (4, 5))]


def test_other_separators_of_unicode_are_no_line_ends() -> None:
    parsed = read_lines("a\x0cb\x0bc\u2028d\x85e\nf".encode(), "plain")
    assert sections(parsed) == [((), (1, 2))]


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", b"\xef\xbb\xbf"),
        ("utf-16-le", b"\xff\xfe"),
        ("utf-16-be", b"\xfe\xff"),
        ("utf-32-le", b"\xff\xfe\0\0"),
        ("utf-32-be", b"\0\0\xfe\xff"),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
    ],
)
def test_unicode_is_read_with_and_without_its_mark(encoding: str, mark: bytes) -> None:
    text = "Grüße an alle, die dies lesen.\nSecond line."
    assert read_lines(mark + text.encode(encoding), "plain").text == text


@pytest.mark.parametrize("encoding", ["cp1252", "shift_jis", "gb18030", "cp1251"])
def test_old_encodings_are_recognised(encoding: str) -> None:
    text = {
        "cp1252": "Äpfel und Öl für die Küche, größer als früher. " * 20,
        "shift_jis": "日本語の文章がここにあります。東京は大きな都市です。" * 20,
        "gb18030": "这是一个中文文件,里面有很多字。北京是中国的首都。" * 20,
        "cp1251": "Это русский текст, который нужно прочитать без ошибок. " * 20,
    }[encoding]
    assert read_lines(text.encode(encoding), "plain").text == text


def test_a_file_that_declares_its_encoding_is_believed() -> None:
    text = "<?xml version='1.0' encoding='iso-8859-15'?><a>10 € für Öl</a>"
    assert read_lines(text.encode("iso-8859-15"), "code").text == text


def test_a_utf8_file_with_a_broken_character_is_still_utf8() -> None:
    parsed = read_lines("übergroß ".encode() * 200 + b"\xc3\n", "plain")
    assert parsed.text.startswith("übergroß übergroß")


def test_binary_content_is_refused_whatever_its_name() -> None:
    with pytest.raises(UnreadableError) as refusal:
        read_lines(bytes(range(256)) * 20, "code")
    assert refusal.value.reason == "binary"


def test_a_stray_nul_is_replaced() -> None:
    data = b"log line\n" * 10_000 + b"\0end"
    assert read_lines(data, "plain").text.endswith("\ufffdend")


def test_more_text_than_allowed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragcli.adapters.readers.decoding.MAX_TEXT_BYTES", 1000)
    assert read_lines(b"x" * 1000, "plain").blocks
    for data in (b"x" * 1001, "ü".encode() * 501):
        with pytest.raises(UnreadableError) as refusal:
            read_lines(data, "plain")
        assert refusal.value.reason == "too_much_output"


@given(st.text(), st.sampled_from(["plain", "markdown", "rst", "org", "asciidoc", "tex", "python", "code", "table"]))
def test_any_text_gives_sound_blocks(text: str, form: str) -> None:
    data = text.encode("utf-8", "replace")
    try:
        parsed = read_lines(data, form)
    except UnreadableError as refusal:
        assert refusal.reason in ("binary", "encoding")
        return
    if parsed.blocks:
        assert_parsed_sound(parsed)
    else:
        assert not parsed.text.strip()


LINES = [
    "# A",
    "## B",
    "=====",
    "---",
    "```",
    "~~~",
    "text",
    "",
    "    # code",
    "- item",
    "\\section{S}",
    "* O",
    "== D",
    "def f():",
]


@given(st.lists(st.sampled_from(LINES)), st.sampled_from(["markdown", "rst", "org", "asciidoc", "tex", "python"]))
def test_any_markup_gives_sound_blocks(lines: list[str], form: str) -> None:
    parsed = read_lines("\n".join(lines).encode(), form)
    if parsed.blocks:
        assert_parsed_sound(parsed)


# ---- markup -----------------------------------------------------------------------------------


def test_markdown_sections_know_their_path_of_headings() -> None:
    source = "intro\n\n# Setup\ntext\n\n## Linux ##\nmore\n\n# [Use](x.md) `it`\nend\n"
    parsed = read_lines(source.encode(), "markdown")
    assert sections(parsed) == [((), (1, 1)), (("Setup",), (3, 4)), (("Setup", "Linux"), (6, 7)), (("Use it",), (9, 10))]
    assert parsed.title == "Setup"
    assert parsed.kind == "markdown"


def test_markdown_underlined_headings_count() -> None:
    parsed = read_lines(b"Title\n=====\n\ntext\n\nPart\n----\nmore\n\nno heading,\nbut a rule\n---\n", "markdown")
    assert sections(parsed) == [(("Title",), (1, 4)), (("Title", "Part"), (6, 12))]


def test_markdown_code_and_front_matter_hold_no_headings() -> None:
    source = '---\ntitle: "A plan"\n# a comment\n---\n\n```sh\n# not this\n```\n\n# This\n~~~\n```\n# nor this\n~~~\n#hashtag\n'
    parsed = read_lines(source.encode(), "markdown")
    assert [heading for heading, _ in sections(parsed)] == [(), ("This",)]
    assert parsed.title == "A plan"


@pytest.mark.parametrize(
    ("form", "source"),
    [
        ("rst", "=====\nGuide\n=====\n\nhello\n\nInstall\n-------\n\nsteps\n\nWindows\n~~~~~~~\n\nmore\n"),
        ("org", "* Guide\n\nhello\n\n\n\n** Install\n\nsteps\n\n*** Windows\n\nmore\n"),
        ("asciidoc", "= Guide\n\nhello\n\n\n\n== Install\n\nsteps\n\n=== Windows\n\nmore\n"),
        ("tex", "\\section{Guide}\nhello\n\n\n\n\n\\subsection*{Install}\n\nsteps\n\\subsubsection[s]{\\emph{Windows}}\nmore\n"),
    ],
)
def test_other_markup_has_headings_too(form: str, source: str) -> None:
    parsed = read_lines(source.encode(), form)
    assert [heading for heading, _ in sections(parsed)] == [("Guide",), ("Guide", "Install"), ("Guide", "Install", "Windows")]
    assert parsed.title == "Guide"


def test_python_functions_and_classes_are_blocks_of_their_own() -> None:
    source = "import os\n\n# why\n@cache\ndef first():\n    return 1\n\n\nclass Second:\n    def method(self): ...\n\nTHIRD = 3\n"
    parsed = read_lines(source.encode(), "python")
    assert sections(parsed) == [((), (1, 1)), (("first",), (3, 6)), (("Second",), (9, 10)), ((), (12, 12))]
    assert (parsed.kind, parsed.title) == ("code", "")


def test_tables_keep_their_rows_as_they_are() -> None:
    parsed = read_lines(b"name;price\npear;2\n", "table")
    assert (parsed.kind, parsed.text) == ("table", "name;price\npear;2\n")


# ---- xml and subtitles ------------------------------------------------------------------------


def test_prose_xml_loses_its_tags_and_keeps_its_lines() -> None:
    words = "The long and readable prose of an article goes on. " * 8
    source = (
        f"<article>\n<title>On &#x4B;r&uuml;ppel</title>\n<p\n id='a'><italic>Zinc</italic>-finger</p><p>{words}</p>\n</article>"
    )
    parsed = read_xml(source.encode())
    assert_parsed_sound(parsed)
    lines = parsed.text.split("\n")
    assert len(lines) == source.count("\n") + 1
    assert (lines[1].strip(), lines[3].split("  ")[0]) == ("On Krüppel", "Zinc-finger")
    assert (parsed.title, parsed.kind) == ("On Krüppel", "prose")


def test_xml_that_is_mostly_tags_is_kept_as_it_is() -> None:
    source = '<project>\n  <dependency id="one" version="1.2"/>\n  <name>Gr&#252;n</name>\n</project>\n'
    parsed = read_xml(source.encode())
    assert (parsed.text, parsed.kind) == (source.replace("&#252;", "ü"), "code")


@given(st.text(alphabet="<>&;/!-ab \n=\"'#x1", max_size=200))
def test_any_xml_gives_sound_blocks(text: str) -> None:
    parsed = read_xml(text.encode())
    assert parsed.text.count("\n") == text.count("\n")
    if parsed.blocks:
        assert_parsed_sound(parsed)


def test_subtitles_say_when_and_keep_their_lines() -> None:
    cues = ["00:00:05,000 --> 00:00:07,000\nHello there.", "00:00:30,000 --> 00:00:31,000\nStill here."]
    cues += ["01:02:03,500 --> 01:02:04,000\nMuch later."]
    source = "\n\n".join(f"{number}\n{cue}" for number, cue in enumerate(cues, start=1))
    parsed = read_subtitles(source.encode())
    assert_parsed_sound(parsed)
    places = [(block.locator.label, block.locator.lines) for block in parsed.blocks]
    assert places == [("at 0:00:05", (3, 7)), ("at 1:02:03", (11, 11))]
    assert parsed.text.split() == ["Hello", "there.", "Still", "here.", "Much", "later."]


def test_web_subtitles_may_leave_out_the_hours() -> None:
    parsed = read_subtitles(b"WEBVTT\n\n04:05.000 --> 04:06.000\nHi.\n")
    assert [block.locator.describe() for block in parsed.blocks] == ["line 1", "at 0:04:05, line 4"]


# ---- notebooks --------------------------------------------------------------------------------


def notebook(*cells: dict[str, object]) -> bytes:
    return json.dumps({"cells": cells, "nbformat": 4}).encode()


@pytest.mark.parametrize(
    ("first", "title"),
    [
        ("Notes on the pump", "Notes on the pump"),
        ("Who signed it?", "Who signed it?"),
        ("Dear Mr Berg,", ""),
        ("Repairs of pumps by hand.", "Repairs of pumps by hand."),
        ("泵在五月由安娜修理。", ""),
        ("水泵的维修记录", "水泵的维修记录"),
        ("水泵的维修记录" * 15, ""),
    ],
)
def test_a_plain_text_begins_with_its_title_if_that_is_as_short_as_one(first: str, title: str) -> None:
    assert read_lines(f"{first}\n\nIt runs again.\n".encode(), "plain").title == title


def test_a_notebook_is_read_cell_by_cell_with_what_it_printed() -> None:
    data = notebook(
        {"cell_type": "markdown", "source": ["# Results\n", "of the run"]},
        {"cell_type": "code", "source": "evaluate()", "outputs": [{"output_type": "stream", "text": ["accuracy 0.93\n"]}]},
        {"cell_type": "code", "source": "", "outputs": []},
        {"cell_type": "code", "source": "x", "outputs": [{"data": {"text/plain": ["42"], "image/png": "iVBOR"}}]},
    )
    parsed = read_notebook(data)
    assert [block.locator.label for block in parsed.blocks] == ["cell 1", "cell 2", "cell 4"]
    assert pieces(parsed) == ["# Results\nof the run", "evaluate()\n\naccuracy 0.93", "x\n\n42"]
    assert parsed.title == "Results"
    assert parsed.blocks[1].heading == ("Results",)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"cells": 3', b'"x"'])
def test_what_is_no_notebook_is_malformed(data: bytes) -> None:
    with pytest.raises(UnreadableError) as refusal:
        read_notebook(data)
    assert refusal.value.reason == "malformed"


KEYS = st.sampled_from(["cells", "source", "outputs", "data", "text", "text/plain", "cell_type"])
VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=20
)


@given(VALUES)
def test_a_notebook_of_any_shape_is_read_or_refused(value: object) -> None:
    try:
        parsed = read_notebook(json.dumps({"cells": value}).encode())
    except UnreadableError:
        return
    if parsed.blocks:
        assert_parsed_sound(parsed)


# ---- which lane -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Makefile", "LICENSE", "notes", "data.unknown", ".gitignore", "conf.d", "README"])
def test_text_of_any_name_is_read(name: str) -> None:
    assert parse(b"some words\n", name).text == "some words\n"


@pytest.mark.parametrize("name", ["noname", "a.unknown", "photo.jpeg", "a.py", "a.md"])
def test_bytes_of_any_name_are_refused(name: str) -> None:
    with pytest.raises(UnreadableError) as refusal:
        parse(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)), name)
    assert refusal.value.reason == "binary"


def test_an_office_name_on_plain_text_is_read_as_text() -> None:
    assert parse(b"name\tprice\npear\t2\n", "export.xls").text == "name\tprice\npear\t2\n"


@given(st.binary(max_size=300), st.sampled_from(["a", "a.txt", "a.md", "a.ipynb", "a.srt", "a.xml", "a.eml", "a.mbox", "a.csv"]))
def test_any_bytes_are_read_soundly_or_refused(data: bytes, name: str) -> None:
    try:
        parsed = parse(data, name)
    except UnreadableError:
        return
    if parsed.blocks:
        assert_parsed_sound(parsed)
