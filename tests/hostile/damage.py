"""Whole documents spoiled in the ways that disks, downloads and liars spoil them; and locked ones."""

from __future__ import annotations

import random
from collections.abc import Iterator

from ragcli.adapters.readers.archive import OLE_MAGIC
from tests.hostile.cases import BROKEN, INDEXED, Case, case
from tests.hostile.documents import MAKERS
from tests.readers.test_pages import make_pdf
from tests.readers.test_structure import make_docx, zipped

TEXT = "Some words of a document that was whole before. " * 20
BINARY_FORMATS = ("pdf", "docx", "xlsx", "pptx", "odt", "epub", "doc")
TEXT_FORMATS = ("rtf", "ipynb", "eml", "html")


def cases() -> Iterator[Case]:
    for ending in (*BINARY_FORMATS, *TEXT_FORMATS):
        whole = OLE_MAGIC + bytes(range(256)) * 20 if ending == "doc" else MAKERS[ending](TEXT)
        is_text = ending in TEXT_FORMATS
        survives = {INDEXED} if is_text and ending != "ipynb" else set()
        half = {INDEXED} if ending == "pdf" else set()  # PDFium rebuilds what it can
        yield case(f"truncated.{ending}", whole[: len(whole) // 2], *BROKEN, *survives, *half)
        yield case(f"zeros.{ending}", bytes(len(whole)), *BROKEN)
        yield case(f"nul-filled.{ending}", whole[:64] + bytes(len(whole) - 64), *BROKEN, *({INDEXED} if ending == "rtf" else ()))
        yield case(f"random.{ending}", random.Random(ending).randbytes(5000), *BROKEN, "encoding")
        yield case(f"wrong-magic.{ending}", b"XXXXXXXX" + whole[8:], *BROKEN, *survives, *half)
    yield from _liars()
    yield from _locked()


def _liars() -> Iterator[Case]:
    """Names that promise another format than the content has."""
    yield case("picture.docx", b"\x89PNG\r\n\x1a\n" + bytes(200), *BROKEN)
    yield case("word.pdf", make_docx(TEXT), "malformed")
    yield case("pdf.docx", make_pdf([(72, 700, "A portable page")]), "malformed", INDEXED)
    yield case("program.txt", b"\x7fELF" + bytes(range(256)) * 8, "binary")
    yield case("empty.pdf", b"", "empty")
    yield case("empty.docx", b"", "empty")
    yield case("one-byte.xlsx", b"P", *BROKEN, INDEXED)


def _locked() -> Iterator[Case]:
    yield case("locked.pdf", locked_pdf(), "encrypted")
    yield case("locked.docx", OLE_MAGIC + bytes(2000) + "EncryptedPackage".encode("utf-16-le"), "encrypted")
    yield case("locked.xlsx", locked_zip(make_docx("words")), "encrypted")
    yield case("locked.zip", locked_zip(zipped({"a.txt": "words"})), "encrypted")
    yield case("locked.odt", zipped({"mimetype": "x", "META-INF/manifest.xml": "<encryption-data/>"}), "encrypted")


def locked_pdf() -> bytes:
    """A PDF whose standard lock opens with no password that anyone knows."""
    lock = f"/Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O <{'41' * 32}> /U <{'42' * 32}> >> "
    lock += f"/ID [<{'43' * 16}> <{'43' * 16}>]"
    return make_pdf([(72, 700, "words")]).replace(b"/Info 4 0 R", f"/Info 4 0 R {lock}".encode())


def locked_zip(data: bytes) -> bytes:
    """The same container, each entry flagged as encrypted."""
    changed = bytearray(data)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        position = changed.find(signature)
        while position >= 0:
            changed[position + offset] |= 1
            position = changed.find(signature, position + 4)
    return bytes(changed)
