"""The structure lane on Office files made here part by part, and on HTML."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import pytest

from ragcli.adapters.readers import archive, structure
from ragcli.adapters.readers.parsed import UnreadableError
from ragcli.adapters.readers.structure import html_text, read_html, read_office
from tests.readers.test_lines import assert_parsed_sound, pieces

PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = {kind: f"http://schemas.openxmlformats.org/{kind}/2006/main" for kind in ("wordprocessingml", "spreadsheetml")}


def zipped(parts: Mapping[str, str | bytes], *, stored: bool = False) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as container:
        for name, content in parts.items():
            container.writestr(name, content)
    return buffer.getvalue()


def relationships(target: str, kind: str) -> str:
    link = f'<Relationship Id="rId1" Type="{OFFICE}/{kind}" Target="{target}"/>'
    return f'<Relationships xmlns="{PACKAGE}/relationships">{link}</Relationships>'


def content_types(**parts: str) -> str:
    overrides = "".join(f'<Override PartName="{name}" ContentType="{kind}"/>' for name, kind in parts.items())
    defaults = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    defaults += '<Default Extension="xml" ContentType="application/xml"/>'
    return f'<Types xmlns="{PACKAGE}/content-types">{defaults}{overrides}</Types>'


def docx_parts(body: str) -> dict[str, str]:
    """A Word file's parts; styles ``Heading1`` and ``Heading2`` are headings."""
    word = "application/vnd.openxmlformats-officedocument.wordprocessingml"
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="Heading{level}"><w:name w:val="heading {level}"/></w:style>' for level in (1, 2)
    )
    return {
        "[Content_Types].xml": content_types(
            **{"/word/document.xml": f"{word}.document.main+xml", "/word/styles.xml": f"{word}.styles+xml"}
        ),
        "_rels/.rels": relationships("word/document.xml", "officeDocument"),
        "word/_rels/document.xml.rels": relationships("styles.xml", "styles"),
        "word/styles.xml": f'<w:styles xmlns:w="{MAIN["wordprocessingml"]}">{styles}</w:styles>',
        "word/document.xml": f'<w:document xmlns:w="{MAIN["wordprocessingml"]}"><w:body>{body}</w:body></w:document>',
    }


def paragraph(text: str, style: str = "") -> str:
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}<w:r><w:t>{text}</w:t></w:r></w:p>"


def make_docx(*paragraphs: tuple[str, str] | str) -> bytes:
    body = "".join(paragraph(*each) if isinstance(each, tuple) else paragraph(each) for each in paragraphs)
    return zipped(docx_parts(body))


def make_xlsx(sheets: Mapping[str, Mapping[str, str]]) -> bytes:
    """A workbook: sheet name → cell reference → text."""
    sheet_type = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {"_rels/.rels": relationships("xl/workbook.xml", "officeDocument")}
    types = {"/xl/workbook.xml": f"{sheet_type}.sheet.main+xml"}
    names = links = ""
    for number, (name, cells) in enumerate(sheets.items(), start=1):
        names += f'<sheet name="{name}" sheetId="{number}" r:id="rId{number}"/>'
        links += f'<Relationship Id="rId{number}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        rows: dict[int, str] = {}
        for reference, text in cells.items():
            row = int(reference.lstrip("ABCDEFGH"))
            rows[row] = rows.get(row, "") + f'<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>'
        body = "".join(f'<row r="{row}">{content}</row>' for row, content in sorted(rows.items()))
        parts[f"xl/worksheets/sheet{number}.xml"] = (
            f'<worksheet xmlns="{MAIN["spreadsheetml"]}"><sheetData>{body}</sheetData></worksheet>'
        )
        types[f"/xl/worksheets/sheet{number}.xml"] = f"{sheet_type}.worksheet+xml"
    parts["xl/workbook.xml"] = f'<workbook xmlns="{MAIN["spreadsheetml"]}" xmlns:r="{OFFICE}"><sheets>{names}</sheets></workbook>'
    parts["xl/_rels/workbook.xml.rels"] = f'<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>'
    return zipped({"[Content_Types].xml": content_types(**types), **parts})


def reason_for(data: bytes, ending: str) -> str:
    with pytest.raises(UnreadableError) as refusal:
        read_office(data, ending)
    return refusal.value.reason


# ---- what is read -----------------------------------------------------------------------------


def test_a_word_file_is_read_in_sections_by_heading() -> None:
    data = make_docx(
        "Before.", ("Setup", "Heading1"), "Install it.", ("Linux", "Heading2"), "Use the wheel.", ("Use", "Heading1"), "Go."
    )
    parsed = read_office(data, "docx")
    assert_parsed_sound(parsed)
    assert [block.locator.describe() for block in parsed.blocks] == ["whole file", "Setup", "Setup > Linux", "Use"]
    assert pieces(parsed)[2] == "Linux\n\nUse the wheel."
    assert parsed.blocks[2].heading == ("Setup", "Linux")
    assert parsed.title == "Setup"


def test_words_carry_no_marks_of_a_rendering() -> None:
    bold = "<w:p><w:r><w:rPr><w:b/></w:rPr><w:t>bold_word*</w:t></w:r><w:r><w:t> and | plain</w:t></w:r></w:p>"
    assert read_office(zipped(docx_parts(bold)), "docx").text == "bold_word* and | plain"


def test_a_table_is_read_row_by_row() -> None:
    cells = "".join(f"<w:tc>{paragraph(text)}</w:tc>" for text in ("pear", "2"))
    table = f"<w:tbl><w:tr>{cells}</w:tr><w:tr>{cells}</w:tr></w:tbl>"
    assert read_office(zipped(docx_parts(table)), "docx").text == "pear | 2\npear | 2"


def test_each_sheet_of_a_workbook_is_a_block() -> None:
    data = make_xlsx({"Prices": {"A1": "item", "B1": "price", "A2": "pear", "B2": "2"}, "Notes": {"C7": "fresh"}})
    parsed = read_office(data, "xlsx")
    assert_parsed_sound(parsed)
    assert [block.locator.describe() for block in parsed.blocks] == ["Prices!A1:B2", "Notes!C7"]
    assert pieces(parsed) == ["item | price\npear | 2", "fresh"]
    assert parsed.kind == "table"


@pytest.mark.parametrize("ending", ["docx", "docm", "dotx", "doc"])
def test_a_word_file_is_known_by_its_content(ending: str) -> None:
    assert read_office(make_docx("Hello there."), ending).text == "Hello there."


def test_html_is_read_as_words_in_sections() -> None:
    source = """<html><head><title>Fruit &amp; more</title><style>p{}</style><script>evil()</script></head><body>
    <h1>Pears</h1><p>A <b>ripe</b> <a href="http://example.com">pear</a>.</p>
    <h2>Prices</h2><table><tr><th>kg</th></tr><tr><td>2</td></tr></table>
    <template>hidden</template></body></html>"""
    parsed = read_html(source.encode())
    assert_parsed_sound(parsed)
    assert parsed.title == "Fruit & more"
    assert [block.heading for block in parsed.blocks] == [("Fruit & more",), ("Pears",), ("Pears", "Prices")]
    assert "A ripe pear." in parsed.text
    assert not {"evil", "example.com", "hidden"} & set(parsed.text.replace("/", " ").split())
    assert all(block.locator.lines is None for block in parsed.blocks)


def test_html_in_an_old_encoding_is_read() -> None:
    source = '<html><head><meta charset="iso-8859-1"></head><body><p>Öl für die Küche</p></body></html>'
    assert html_text(source.encode("latin-1")) == "Öl für die Küche"


def test_html_under_an_office_name_is_read() -> None:
    from ragcli.adapters.readers.parsing import parse

    assert "kg" in parse(b"<html><body><table><tr><td>kg</td></tr></table></body></html>", "export.xls").text


# ---- what is refused --------------------------------------------------------------------------


def test_a_bomb_is_refused_before_it_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "RATIO_FROM", 1 << 20)
    parts = docx_parts(paragraph("x"))
    assert reason_for(zipped({**parts, "word/media/bomb.bin": bytes(4 << 20)}), "docx") == "too_much_output"


def test_small_parts_may_be_packed_tightly() -> None:
    parts = docx_parts(paragraph("x")) | {"word/comments.xml": " " * 200_000}
    assert read_office(zipped(parts), "docx").text == "x"


def test_too_many_parts_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_ENTRIES", 20)
    parts = docx_parts(paragraph("x")) | {f"word/media/{number}": "" for number in range(20)}
    assert reason_for(zipped(parts), "docx") == "too_much_output"


def test_too_much_declared_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_UNPACKED", 1000)
    assert reason_for(make_docx("x" * 2000), "docx") == "too_much_output"


@pytest.mark.parametrize("declaration", ['<!DOCTYPE a [<!ENTITY x "y">]>', '<!DOCTYPE a SYSTEM "file:///etc/passwd">'])
def test_an_office_part_may_declare_nothing(declaration: str) -> None:
    parts = docx_parts(paragraph("x"))
    parts["word/document.xml"] = declaration + parts["word/document.xml"]
    assert reason_for(zipped(parts), "docx") == "malformed"


def test_locked_files_are_reported_as_such() -> None:
    data = bytearray(make_docx("secret"))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        position = data.find(signature)
        while position >= 0:
            data[position + offset] |= 1
            position = data.find(signature, position + 4)
    assert reason_for(bytes(data), "docx") == "encrypted"
    assert reason_for(archive.OLE_MAGIC + bytes(2000) + "EncryptedPackage".encode("utf-16-le"), "xlsx") == "encrypted"
    manifest = "<manifest:file-entry><manifest:encryption-data/></manifest:file-entry>"
    assert reason_for(zipped({"mimetype": "x", "META-INF/manifest.xml": manifest}), "odt") == "encrypted"
    book = '<encryption><CipherReference URI="chapter1.xhtml"/></encryption>'
    assert reason_for(zipped({"mimetype": "x", "META-INF/encryption.xml": book}), "epub") == "encrypted"


def test_a_library_that_tells_of_too_little_memory_does_not_blame_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run_out(*_: object) -> None:
        raise RuntimeError("Parsing error: DOCX parsing failed: IO error: out of memory")

    monkeypatch.setattr(structure.xberg, "extract", run_out)
    assert reason_for(make_docx("words"), "docx") == "too_much_memory"


@pytest.mark.parametrize("ending", ["docx", "xlsx", "pptx", "odt", "epub"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_truncated_containers_are_malformed(ending: str, share: float) -> None:
    data = make_docx("some words")
    assert reason_for(data[: int(len(data) * share)], ending) == "malformed"


@pytest.mark.parametrize("ending", ["docx", "xlsx", "pptx", "odt", "epub"])
def test_a_container_without_its_parts_is_malformed_or_empty(ending: str) -> None:
    try:
        assert read_office(zipped({"nothing.txt": "x"}), ending).blocks == ()
    except UnreadableError as refusal:
        assert refusal.reason == "malformed"


@pytest.mark.parametrize("ending", ["doc", "xls", "ppt", "msg"])
def test_old_files_cut_short_are_malformed(ending: str) -> None:
    assert reason_for(archive.OLE_MAGIC + bytes(600), ending) == "malformed"
