"""The page lane on PDFs made here, byte by byte."""

from __future__ import annotations

import pytest

from ragcli.adapters.readers.pages import read_pdf
from ragcli.adapters.readers.parsed import UnreadableError
from tests.readers.test_lines import assert_parsed_sound, pieces

Line = tuple[int, int, str]
"""Where from the lower left in points, and what is written there."""


def make_pdf(*pages: list[Line], title: str = "", picture: bool = False) -> bytes:
    """A PDF with these pages in Helvetica, and on each a one-pixel picture if asked for."""
    kids = " ".join(f"{5 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        f"<< /Title ({title}) >>",
    ]
    image = "q 600 0 0 700 0 0 cm BI /W 1 /H 1 /BPC 8 /CS /G ID x EI Q\n" if picture else ""
    for number, lines in enumerate(pages):
        content = image + "".join(f"BT /F1 10 Tf {x} {y} Td ({text}) Tj ET\n" for x, y, text in lines)
        resources = f"/Resources << /Font << /F1 3 0 R >> >> /Contents {6 + 2 * number} 0 R"
        objects.append(f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] {resources} >>")
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}endstream")
    body, offsets = b"%PDF-1.4\n", []
    for number, text in enumerate(objects, start=1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{text}\nendobj\n".encode()
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    trailer = f"trailer << /Size {len(objects) + 1} /Root 1 0 R /Info 4 0 R >>\nstartxref\n{len(body)}\n%%EOF"
    return body + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{trailer}".encode()


def test_each_page_with_text_is_a_block_with_its_number() -> None:
    parsed = read_pdf(make_pdf([(72, 700, "First page.")], [], [(72, 700, "Third page.")]))
    assert_parsed_sound(parsed)
    assert [block.locator.describe() for block in parsed.blocks] == ["page 1", "page 3"]
    assert pieces(parsed) == ["First page.", "Third page."]


def test_two_columns_are_read_one_after_the_other() -> None:
    left = [(60, 700 - 12 * row, f"left column line {row}") for row in range(5)]
    right = [(330, 700 - 12 * row, f"right column line {row}") for row in range(5)]
    text = read_pdf(make_pdf([*left, *right])).text
    assert text.index("left column line 4") < text.index("right column line 0")


def test_a_row_of_a_table_is_one_line() -> None:
    rows = [
        (x, y, text) for y, name in ((700, "Sales"), (688, "Costs")) for x, text in ((72, name), (300, "79,268"), (400, "94,665"))
    ]
    assert read_pdf(make_pdf(rows)).text.split("\n") == ["Sales 79,268 94,665", "Costs 79,268 94,665"]


def test_a_word_that_is_hyphenated_at_a_line_end_is_whole() -> None:
    text = read_pdf(make_pdf([(72, 700, "several conti-"), (72, 688, "nents in spring")])).text
    assert "continents" in text


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Annual report", "Annual report"),
        ("untitled", ""),
        ("Microsoft Word - plan.docx", ""),
        ("Microsoft Word - My plan", "My plan"),
        ("", ""),
    ],
)
def test_titles_that_programs_leave_behind_are_dropped(title: str, shown: str) -> None:
    assert read_pdf(make_pdf([(72, 700, "text")], title=title)).title == shown


def test_a_scan_is_reported_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragcli.adapters.readers.pages.find_spec", lambda name: None)  # without the extra that reads it
    for pages in ([[]], [[(72, 700, "Scan")], [], []]):
        with pytest.raises(UnreadableError) as refusal:
            read_pdf(make_pdf(*pages, picture=True))
        assert refusal.value.reason == "no_text_layer"


def test_a_short_text_beside_a_picture_is_no_scan() -> None:
    parsed = read_pdf(make_pdf([(72, 700, "An invitation to the party")], picture=True))
    assert parsed.text == "An invitation to the party"


def test_an_empty_pdf_has_no_blocks() -> None:
    assert read_pdf(make_pdf([])).blocks == ()


@pytest.mark.parametrize(
    "data", [b"%PDF-1.4\n", b"%PDF-1.4\n" + b"\0" * 5000, b"not a pdf at all", make_pdf([(1, 1, "x")])[:300]]
)
def test_what_is_no_whole_pdf_is_malformed(data: bytes) -> None:
    with pytest.raises(UnreadableError) as refusal:
        read_pdf(data)
    assert refusal.value.reason == "malformed"


def test_more_text_than_allowed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragcli.adapters.readers.pages.MAX_TEXT_BYTES", 20)
    with pytest.raises(UnreadableError) as refusal:
        read_pdf(make_pdf([(72, 700, "a dozen words")], [(72, 700, "and a dozen more")]))
    assert refusal.value.reason == "too_much_output"
