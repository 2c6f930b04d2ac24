"""Small files that unpack, loop or nest without end: containers and PDFs."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence

from tests.hostile.cases import INDEXED, LIMITS, Case, case
from tests.hostile.documents import epub_parts, odt_parts
from tests.readers.test_pages import make_pdf
from tests.readers.test_structure import docx_parts, make_docx, make_xlsx, paragraph, zipped

MEGABYTE = 1 << 20


def cases() -> Iterator[Case]:
    yield from _containers()
    yield from _archives()
    yield from _streams()
    yield from _page_trees()


# ---- containers -------------------------------------------------------------------------------


def _containers() -> Iterator[Case]:
    parts = docx_parts(paragraph("words"))
    yield case("ratio.docx", lambda: zipped({**parts, "word/media/bomb.bin": bytes(64 * MEGABYTE)}), "too_much_output")
    yield case("ratio.epub", lambda: zipped({**epub_parts("words"), "bomb.css": bytes(64 * MEGABYTE)}), "too_much_output")
    yield case("ratio.odt", lambda: zipped({**odt_parts("words"), "Pictures/bomb": bytes(64 * MEGABYTE)}), "too_much_output")
    yield case("gigabyte.docx", lambda: _gigabyte_docx(1024), "too_much_output", heavy=True)
    yield case("body.docx", lambda: zipped(docx_parts(paragraph("word " * 50) * 160_000)), *LIMITS, "malformed")
    yield case("entries.docx", lambda: zipped({**parts, **{f"word/media/{n}": "" for n in range(10_001)}}), "too_much_output")
    yield case("lying-sizes.docx", _lying_docx, *LIMITS, "malformed")
    yield case("overlapping.docx", lambda: _overlapping(make_docx("words"), 2000), "malformed", "too_much_output", INDEXED)
    yield case("nested.docx", lambda: zipped({**parts, "word/embeddings/inner.docx": _nested(make_docx("deep"), 20)}), INDEXED)
    yield case("sparse-sheet.xlsx", lambda: make_xlsx({"S": {"A1": "first", "H1048576": "last"}}), "too_much_output")
    yield case("many-cells.xlsx", _wide_sheet, *LIMITS, "malformed", INDEXED)
    yield case("same-name.docx", _twice_named, "malformed", INDEXED)
    yield case("trailing.docx", make_docx("words") + bytes(100_000), "malformed", INDEXED)
    yield case("prefixed.docx", b"#!/bin/sh\n" + make_docx("words"), "malformed", INDEXED)
    yield case("stored-method-99.docx", make_docx("words").replace(b"\x08\x00", b"\x63\x00"), "malformed", "encrypted")


def _gigabyte_docx(megabytes: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as container:
        for name, content in docx_parts(paragraph("words")).items():
            container.writestr(name, content)
        with container.open("word/media/bomb.bin", "w", force_zip64=True) as entry:
            for _ in range(megabytes):
                entry.write(bytes(MEGABYTE))
    return buffer.getvalue()


def _lying_docx() -> bytes:
    """The body says that it unpacks to 1000 bytes; it unpacks to 50 MB."""
    parts = docx_parts(paragraph("word " * 50) * 190_000)
    real = len(parts["word/document.xml"]).to_bytes(4, "little")
    return zipped(parts).replace(real, (1000).to_bytes(4, "little"))


def _overlapping(whole: bytes, copies: int) -> bytes:
    """Every entry of the directory again and again, all with the same bytes behind them."""
    end = whole.rindex(b"PK\x05\x06")
    count, size, start = struct.unpack("<HII", whole[end + 10 : end + 20])
    directory = whole[start : start + size] * copies
    many = min(count * copies, 0xFFFF)
    tail = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, many, many, len(directory), start, 0)
    return whole[:start] + directory + tail


def _nested(data: bytes, depth: int) -> bytes:
    for _ in range(depth):
        data = zipped({"inner.zip": data})
    return data


def _wide_sheet() -> bytes:
    rows = "".join(f'<row r="{row}">' + '<c t="inlineStr"><is><t>x</t></is></c>' * 1000 + "</row>" for row in range(1, 1200))
    whole = make_xlsx({"S": {"A1": "here"}})
    with zipfile.ZipFile(io.BytesIO(whole)) as container:
        parts = {name: container.read(name) for name in container.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"].decode()
    return zipped({**parts, "xl/worksheets/sheet1.xml": sheet.replace("</sheetData>", f"{rows}</sheetData>")})


def _twice_named() -> bytes:
    """Two entries of one name: the checker might see one, and the reader the other."""
    import warnings

    buffer = io.BytesIO(make_docx("first"))
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "a") as container:
        warnings.simplefilter("ignore")  # that a name comes twice is the point
        container.writestr("word/document.xml", docx_parts(paragraph("second"))["word/document.xml"])
    return buffer.getvalue()


def _archives() -> Iterator[Case]:
    refused = ("too_much_output", "malformed", "empty")
    yield case("ratio.zip", lambda: zipped({"zeros.txt": bytes(64 * MEGABYTE)}), *refused)
    yield case("entries.zip", lambda: zipped({f"{n}.txt": "x" for n in range(10_001)}), "too_much_output")
    yield case("nested.zip", lambda: _nested(b"words", 30), *refused)
    yield case("overlapping.zip", lambda: _overlapping(zipped({"a.txt": "words " * 50_000}), 2000), *refused, "too_slow", INDEXED)
    yield case("itself.zip", lambda: _overlapping(zipped({"a.zip": zipped({"b.txt": "x"})}), 500), *refused, INDEXED)
    yield case("ratio.gz", lambda: zlib.compress(bytes(128 * MEGABYTE), wbits=31), *refused, "binary", "too_much_memory")
    yield case("climbing.zip", lambda: zipped({"../../../../escaped.txt": "out", "/escaped-too.txt": "out"}), INDEXED, "empty")
    yield case("climbing.tar", _climbing_tar, INDEXED, "empty", "malformed")
    yield case("lying.tar", _lying_tar, *refused, "too_slow", INDEXED, heavy=True)
    yield case("truncated.zip", zipped({"a.txt": "words " * 1000})[:60], "malformed")
    yield case("random.7z", bytes(range(256)), "unsupported")


def _climbing_tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, kind, target in (
            ("../../escaped.txt", tarfile.REGTYPE, ""),
            ("link", tarfile.SYMTYPE, "/etc/passwd"),
            ("pipe", tarfile.FIFOTYPE, ""),
        ):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, target
            entry.size = 3 if kind == tarfile.REGTYPE else 0
            archive.addfile(entry, io.BytesIO(b"out"))
    return buffer.getvalue()


def _lying_tar() -> bytes:
    """Its one member says that it has a terabyte."""
    entry = tarfile.TarInfo("large.txt")
    entry.size = 1 << 40
    return entry.tobuf(tarfile.GNU_FORMAT) + b"words" + bytes(2000)


# ---- PDF --------------------------------------------------------------------------------------


def pdf_of(objects: Sequence[bytes], trailer: str = "/Root 1 0 R", tail: bytes | None = None) -> bytes:
    """The objects, numbered from 1, with their table; ``tail`` takes the place of what comes after the table."""
    body, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    start = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    ending = b"trailer << /Size %d %s >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, trailer.encode(), start)
    return bytes(body) + (ending if tail is None else tail.replace(b"START", b"%d" % start))


CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 4 0 R >> >> /Contents 5 0 R >>"
WORDS = b"BT /F1 10 Tf 72 700 Td (a few words) Tj ET"


def stream(data: bytes, entries: bytes = b"") -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), entries, data)


def one_page(content: bytes, *more: bytes, page: bytes = PAGE) -> bytes:
    return pdf_of([CATALOG, b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", page, FONT, content, *more])


def _streams() -> Iterator[Case]:
    harmless = (INDEXED, "empty", "no_text_layer", "malformed", "too_slow")
    yield case("stacked-flate.pdf", lambda: one_page(_stacked_flate(64, 3)), *LIMITS, *harmless)
    yield case("flate-gigabyte.pdf", lambda: one_page(_stacked_flate(2048, 4)), *LIMITS, *harmless, heavy=True)
    runs = b"/Filter [/FlateDecode /RunLengthDecode]"
    yield case(
        "run-length.pdf", lambda: one_page(stream(zlib.compress(b"\x81 " * 2_000_000 + b"\x80"), runs)), *LIMITS, *harmless
    )
    yield case("lzw.pdf", lambda: one_page(stream(_lzw_spaces(3000), b"/Filter /LZWDecode")), *harmless)
    yield case(
        "words-bomb.pdf",
        lambda: one_page(stream(zlib.compress(WORDS * 400_000), b"/Filter /FlateDecode")),
        *LIMITS,
        "crashed",
        INDEXED,
        heavy=True,
    )
    yield case("huge-image.pdf", lambda: one_page(stream(b"q BI /W 1000000 /H 1000000 /BPC 8 /CS /RGB ID x EI Q")), *harmless)
    picture = b"/Type /XObject /Subtype /Image /Width 65000 /Height 65000 /BitsPerComponent 8 /ColorSpace /DeviceRGB"
    picture += b" /Filter /FlateDecode"
    with_picture = PAGE.replace(b"/Font", b"/XObject << /I 6 0 R >> /Font")
    packed = zlib.compress(bytes(MEGABYTE))
    yield case("huge-picture.pdf", one_page(stream(b"q /I Do Q"), stream(packed, picture), page=with_picture), *harmless)
    form = b"/Type /XObject /Subtype /Form /BBox [0 0 1 1] /Resources << /XObject << /I 6 0 R >> >>"
    yield case(
        "form-in-itself.pdf", one_page(stream(b"/I Do"), stream(b"/I Do /I Do", form), page=with_picture), *harmless, heavy=True
    )
    yield case("length-of-itself.pdf", one_page(b"<< /Length 5 0 R >>\nstream\n%s\nendstream" % WORDS), *harmless)
    yield case("negative-length.pdf", one_page(stream(WORDS).replace(b"/Length 42", b"/Length -1")), *harmless)
    yield case("deep-arrays.pdf", one_page(stream(b"[" * 500_000)), *harmless)
    yield case("deep-dictionaries.pdf", one_page(b"<< /A " * 100_000 + b">>" * 100_000), *harmless)
    yield case("font-loop.pdf", one_page(stream(WORDS)).replace(b"/BaseFont /Helvetica", b"/ToUnicode 4 0 R    "), *harmless)


def _stacked_flate(megabytes: int, layers: int) -> bytes:
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(b" " * MEGABYTE) for _ in range(megabytes)) + packer.flush()
    for _ in range(layers - 1):
        data = zlib.compress(data, 9)
    return stream(data, b"/Filter [%s]" % (b"/FlateDecode " * layers))


def _lzw_spaces(codes: int) -> bytes:
    """LZW in which each code is one longer than the one before: about codes² / 2 spaces."""
    bits, width, table = "", 9, 258
    for step in range(codes):
        code = 256 if step == 0 else 32 if step == 1 else table
        bits += f"{code:0{width}b}"
        if step > 1:
            table += 1
        width = 9 if table < 511 else 10 if table < 1023 else 11 if table < 2047 else 12
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8))


def _page_trees() -> Iterator[Case]:
    harmless = (INDEXED, "empty", "malformed", "no_text_layer")
    page, words = PAGE, stream(WORDS)
    kids = b"3 0 R " * 25_000
    yield case(
        "many-pages.pdf",
        pdf_of([CATALOG, b"<< /Type /Pages /Kids [%s] /Count 25000 >>" % kids, page, FONT, words]),
        "too_much_output",
    )
    yield case(
        "claimed-pages.pdf",
        pdf_of([CATALOG, b"<< /Type /Pages /Kids [3 0 R] /Count 2000000000 >>", page, FONT, words]),
        "too_much_output",
        *harmless,
    )
    yield case(
        "negative-pages.pdf", pdf_of([CATALOG, b"<< /Type /Pages /Kids [3 0 R] /Count -1 >>", page, FONT, words]), *harmless
    )
    yield case(
        "circular-pages.pdf", pdf_of([CATALOG, b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 9 >>", page, FONT, words]), *harmless
    )
    deep = [b"<< /Type /Pages /Kids [%d 0 R] /Count 1 >>" % (number + 3) for number in range(20_000)]
    yield case("deep-pages.pdf", pdf_of([CATALOG, *deep]), *harmless)
    loop = b"trailer << /Size 6 /Root 1 0 R /Prev START >>\nstartxref\nSTART\n%%EOF"
    pages = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
    yield case("xref-loop.pdf", pdf_of([CATALOG, pages, page, FONT, words], tail=loop), *harmless)
    far = b"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n99999999999999\n%%EOF"
    yield case("xref-nowhere.pdf", pdf_of([CATALOG, pages, page, FONT, words], tail=far), *harmless)
    yield case("root-loop.pdf", pdf_of([b"1 0 R", pages, page, FONT, words]), *harmless)
    yield case(
        "claimed-objects.pdf", pdf_of([CATALOG, pages, page, FONT, words]).replace(b"/Size 6", b"/Size 999999999"), *harmless
    )
    yield case("many-objects.pdf", lambda: pdf_of([CATALOG, pages, page, FONT, words, *[b"<< >>"] * 50_000]), INDEXED)
    yield case("million-objects.pdf", lambda: _million_objects(), INDEXED, *LIMITS, heavy=True)
    stream_in_itself = stream(b"1 0 2 9", b"/Type /ObjStm /N 2 /First 8 /Extends 6 0 R")
    yield case("objects-in-themselves.pdf", one_page(words, stream_in_itself), *harmless)
    yield case("no-end.pdf", b"%PDF-1.7\n" + b"1 0 obj\n" * 200_000, *harmless)
    yield case("two-headers.pdf", make_pdf([(72, 700, "first")]) + make_pdf([(72, 700, "second")]), *harmless)


def _million_objects() -> bytes:
    whole = one_page(stream(WORDS))
    return whole[:9] + b"".join(b"%d 0 obj\n<< >>\nendobj\n" % number for number in range(10, 1_000_010)) + whole[9:]
