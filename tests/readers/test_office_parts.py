"""Places in sheets, and what is said beside the text: comments on cells and slides, headers, attachments."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.adapters.readers import sheets
from ragcli.adapters.readers.office_parts import UsedRange, cell_comments, column_name, column_number, slide_comments, used_ranges
from ragcli.adapters.readers.sheets import Row, cut_rows, header_of
from ragcli.adapters.readers.structure import read_office
from tests.readers.test_lines import assert_parsed_sound, pieces
from tests.readers.test_structure import OFFICE, PACKAGE, make_xlsx, zipped

SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def with_parts(data: bytes, parts: Mapping[str, str]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as container:
        return zipped({**{name: container.read(name) for name in container.namelist()}, **parts})


def relations(**targets: str) -> str:
    links = "".join(f'<Relationship Id="{name}" Type="{OFFICE}/x" Target="{target}"/>' for name, target in targets.items())
    return f'<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>'


def places(data: bytes, ending: str) -> list[str]:
    parsed = read_office(data, ending)
    assert_parsed_sound(parsed)
    return [block.locator.describe() for block in parsed.blocks]


# ---- cells ------------------------------------------------------------------------------------


@given(st.integers(0, 16_383))
def test_columns_are_numbered_as_spreadsheets_do(number: int) -> None:
    assert column_number(column_name(number)) == number


@pytest.mark.parametrize(("number", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (16_383, "XFD")])
def test_columns_have_their_names(number: int, name: str) -> None:
    assert column_name(number) == name


def test_a_sheet_is_placed_by_the_cells_that_it_uses() -> None:
    data = make_xlsx({"Q 1": {"C7": "fresh", "E9": "x", "D12": "last"}, "Empty": {}, "One": {"B2": "solo"}})
    assert used_ranges(data, "xlsx") == {"Q 1": UsedRange(6, 2, 6, 3), "One": UsedRange(1, 1, 1, 1)}
    assert places(data, "xlsx") == ["Q 1!C7:E12", "One!B2"]


def test_cells_that_hold_nothing_do_not_count() -> None:
    data = make_xlsx({"S": {"B2": "solo"}})
    with zipfile.ZipFile(io.BytesIO(data)) as container:
        sheet = container.read("xl/worksheets/sheet1.xml").decode()
    styled = sheet.replace("<sheetData>", '<sheetData><row r="1"><c r="A1" s="3"/><c r="B1"></c></row>')
    assert places(with_parts(data, {"xl/worksheets/sheet1.xml": styled}), "xlsx") == ["S!B2"]


def test_a_place_that_cannot_be_told_exactly_is_told_by_the_sheet() -> None:
    data = make_xlsx({"S": {"B2": "solo", "C3": "x"}})
    with zipfile.ZipFile(io.BytesIO(data)) as container:
        sheet = container.read("xl/worksheets/sheet1.xml").decode()
    unnamed = sheet.replace(' r="B2"', "").replace(' r="C3"', "").replace(' r="2"', "").replace(' r="3"', "")
    assert places(with_parts(data, {"xl/worksheets/sheet1.xml": unnamed}), "xlsx") == ["sheet S"]


def test_a_long_sheet_is_cut_into_runs_of_rows_below_its_columns_names() -> None:
    cells = {"A1": "fruit", "B1": "price"} | {f"{column}{row}": f"{column} {row}" for row in range(2, 102) for column in "AB"}
    parsed = read_office(make_xlsx({"Prices": cells}), "xlsx")
    assert_parsed_sound(parsed)
    labels = [block.locator.label for block in parsed.blocks]
    assert labels[0].startswith("Prices!A1:B")
    assert labels[-1].endswith(":B101")
    starts = [int(label.split("!A")[1].split(":")[0]) for label in labels]
    ends = [int(label.rpartition("B")[2]) for label in labels]
    assert starts[1:] == [end + 1 for end in ends[:-1]]
    assert [block.heading for block in parsed.blocks] == [("Prices",), *[("Prices", "fruit | price")] * (len(labels) - 1)]
    assert all(f"A {start} | B {start}" in piece for start, piece in zip(starts[1:], pieces(parsed)[1:], strict=True))


ODS = "urn:oasis:names:tc:opendocument:xmlns"


def test_repeated_rows_and_cells_of_a_calc_sheet_are_counted() -> None:
    body = (
        '<table:table table:name="S"><table:table-row table:number-rows-repeated="4">'
        '<table:table-cell table:number-columns-repeated="5"/></table:table-row><table:table-row>'
        '<table:table-cell table:number-columns-repeated="2"/><table:table-cell><text:p>hello</text:p></table:table-cell>'
        "</table:table-row></table:table>"
    )
    spaces = f'xmlns:office="{ODS}:office:1.0" xmlns:table="{ODS}:table:1.0" xmlns:text="{ODS}:text:1.0"'
    content = f"<office:document-content {spaces}><office:body><office:spreadsheet>{body}"
    content += "</office:spreadsheet></office:body></office:document-content>"
    data = zipped({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": content})
    assert used_ranges(data, "ods") == {"S": UsedRange(4, 2, 1, 1)}


@given(st.lists(st.text(alphabet="ab |", min_size=1, max_size=300)))
def test_runs_hold_all_rows_in_order(texts: list[str]) -> None:
    rows = [Row(number * 2, text) for number, text in enumerate(texts)]
    runs = list(cut_rows(rows))
    assert "\n".join(run.text for run in runs) == "\n".join(texts)
    assert all(len(run.text) <= sheets.RUN_CHARACTERS + run.last - run.first or run.first == run.last for run in runs)


@pytest.mark.parametrize(
    ("row", "header"), [("fruit | price", "fruit | price"), ("1 | 2", ""), ("A title", ""), ("x | 2019", "")]
)
def test_a_row_that_names_columns_is_known(row: str, header: str) -> None:
    assert header_of([Row(0, row)]) == header
    assert header_of([]) == ""


# ---- comments ---------------------------------------------------------------------------------

COMMENTS = (
    f'<comments xmlns="{SHEET}"><authors><author>Ann</author><author>tc={{1}}</author></authors><commentList>'
    '<comment ref="B2" authorId="0"><text><r><t>Too </t></r><r><t>dear!</t></r></text></comment>'
    '<comment ref="C3" authorId="1"><text><t>New kind</t></text></comment></commentList></comments>'
)


def test_comments_on_cells_are_read() -> None:
    data = make_xlsx({"Prices": {"A1": "pear"}, "Notes": {"A1": "x"}})
    parts = {"xl/worksheets/_rels/sheet1.xml.rels": relations(rId9="../comments1.xml"), "xl/comments1.xml": COMMENTS}
    data = with_parts(data, parts)
    assert list(cell_comments(data)) == [("Prices", "B2 (Ann): Too dear!\nC3: New kind")]
    assert places(data, "xlsx") == ["Prices!A1", "Notes!A1", "comments on Prices"]


def test_comments_on_slides_are_read_with_the_slide() -> None:
    p = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
    show = f'<p:presentation {p} xmlns:r="{OFFICE}"><p:sldIdLst><p:sldId id="256" r:id="rId2"/><p:sldId id="257" r:id="rId1"/>'
    data = zipped(
        {
            "ppt/presentation.xml": show + "</p:sldIdLst></p:presentation>",
            "ppt/_rels/presentation.xml.rels": relations(rId1="slides/slide1.xml", rId2="slides/slide2.xml"),
            "ppt/slides/_rels/slide1.xml.rels": relations(rId1="../comments/comment1.xml"),
            "ppt/comments/comment1.xml": f"<p:cmLst {p}><p:cm><p:text>Say it shorter.</p:text></p:cm></p:cmLst>",
        }
    )
    assert list(slide_comments(data)) == [(2, "Comment: Say it shorter.")]


@pytest.mark.parametrize(
    "parts",
    [
        {"xl/comments1.xml": "<broken"},
        {"xl/comments1.xml": COMMENTS.replace("<comments", '<!DOCTYPE x [<!ENTITY a "b">]><comments', 1)},
        {"xl/worksheets/_rels/sheet1.xml.rels": relations(rId9="../../../../etc/passwd_comments.xml")},
        {"xl/_rels/workbook.xml.rels": "<x/>"},
    ],
)
def test_odd_parts_yield_no_comments(parts: dict[str, str]) -> None:
    base = {"xl/worksheets/_rels/sheet1.xml.rels": relations(rId9="../comments1.xml"), "xl/comments1.xml": COMMENTS}
    assert list(cell_comments(with_parts(make_xlsx({"S": {"A1": "x"}}), {**base, **parts}))) == []
    assert list(cell_comments(b"no zip")) == list(slide_comments(b"")) == []
    assert used_ranges(b"no zip", "xlsx") == {}


# ---- slides and chapters ----------------------------------------------------------------------

DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
SHOW = "http://schemas.openxmlformats.org/presentationml/2006/main"


def slide_part(kind: str, *texts: str) -> str:
    shapes = "".join(
        f'<p:sp><p:nvSpPr><p:cNvPr id="{number}" name="s{number}"/><p:cNvSpPr/>'
        '<p:nvPr><p:ph type="body"/></p:nvPr></p:nvSpPr><p:spPr/>'
        f"<p:txBody><a:bodyPr/><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"
        for number, text in enumerate(texts, start=2)
    )
    return f'<p:{kind} xmlns:p="{SHOW}" xmlns:a="{DRAWING}"><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:{kind}>'


def make_pptx(slides: Mapping[str, str]) -> bytes:
    """A presentation: text of each slide → what the speaker notes say about it."""
    parts = {
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{link("rId1", "officeDocument", "ppt/presentation.xml")}'
    }
    parts["_rels/.rels"] += "</Relationships>"
    ids = links = ""
    for number, (text, notes) in enumerate(slides.items(), start=1):
        ids += f'<p:sldId id="{255 + number}" r:id="rId{number}"/>'
        links += link(f"rId{number}", "slide", f"slides/slide{number}.xml")
        parts[f"ppt/slides/slide{number}.xml"] = slide_part("sld", text)
        parts[f"ppt/slides/_rels/slide{number}.xml.rels"] = (
            f'<Relationships xmlns="{PACKAGE}/relationships">'
            f"{link('rId1', 'notesSlide', f'../notesSlides/notesSlide{number}.xml')}</Relationships>"
        )
        parts[f"ppt/notesSlides/notesSlide{number}.xml"] = slide_part("notes", notes)
    parts["ppt/_rels/presentation.xml.rels"] = f'<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>'
    parts["ppt/presentation.xml"] = (
        f'<p:presentation xmlns:p="{SHOW}" xmlns:r="{OFFICE}"><p:sldIdLst>{ids}</p:sldIdLst></p:presentation>'
    )
    return zipped(parts)


def link(name: str, kind: str, target: str) -> str:
    return f'<Relationship Id="{name}" Type="{OFFICE}/{kind}" Target="{target}"/>'


def test_slides_have_numbers_and_speaker_notes() -> None:
    parsed = read_office(make_pptx({"The fans": "Say that they are new.", "The cost": "Do not mention Bremen."}), "pptx")
    assert_parsed_sound(parsed)
    assert [block.locator.describe() for block in parsed.blocks] == ["slide 1", "slide 2"]
    assert [("fans" in text, "they are new" in text, "Bremen" in text) for text in pieces(parsed)] == [
        (True, True, False),
        (False, False, True),
    ]


def test_a_book_is_read_chapter_by_chapter() -> None:
    def page(title: str, text: str) -> str:
        body = f"<body><h1>{title}</h1><p>{text}</p></body>"
        return f'<html xmlns="http://www.w3.org/1999/xhtml"><head><title>{title}</title></head>{body}</html>'

    items = "".join(f'<item id="c{n}" href="c{n}.xhtml" media-type="application/xhtml+xml"/>' for n in (1, 2))
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="i">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>A book</dc:title></metadata>'
        f'<manifest>{items}</manifest><spine><itemref idref="c2"/><itemref idref="c1"/></spine></package>'
    )
    space = "urn:oasis:names:tc:opendocument:xmlns:container"
    root = '<rootfiles><rootfile full-path="b.opf" media-type="application/oebps-package+xml"/></rootfiles>'
    book = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": f'<container xmlns="{space}" version="1.0">{root}</container>',
        "b.opf": package,
        "c1.xhtml": page("Later", "It ended."),
        "c2.xhtml": page("First", "It began."),
    }
    parsed = read_office(zipped(book), "epub")
    assert_parsed_sound(parsed)
    assert parsed.title == "A book"
    assert [block.locator.label for block in parsed.blocks] == ["First", "Later"]
