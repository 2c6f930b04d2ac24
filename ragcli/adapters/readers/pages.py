"""The page lane: PDF by PDFium, a block for each page.

PDFium's own text order was measured against layout engines built on it: it keeps table rows on one line and two-column
pages in reading order, where they swap numbers or interleave columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pypdfium2
import pypdfium2.raw as pdfium

from ragcli.adapters.readers.parsed import MAX_TEXT_BYTES, Assembler, Parsed, UnreadableError
from ragcli.types import Locator

MAX_PAGES = 20_000
SCAN_TEXT = 20
"""Pages of pictures with less text than this on average are a scan: programs leave a word or two in it."""
LOOKED_AT = 20
"""How many pages are searched for pictures."""
SOFT_HYPHEN = "\ufffe"
"""PDFium's mark for a hyphen that ends a line inside a word; the word is whole without it."""
_NO_TITLE = re.compile(r"untitled|\(?anonymous\)?|.*\.(?:docx?|xlsx?|pptx?|indd|qxd|dvi|tex|pdf|rtf)", re.IGNORECASE)
_OFFICE_PREFIX = re.compile(r"^Microsoft (?:Word|PowerPoint|Excel) - ")


def read_pdf(data: bytes) -> Parsed:
    """The text layer. Raises UnreadableError: ``encrypted``, ``malformed``, ``no_text_layer``, ``too_much_output``."""
    with _translated(), _opened(data) as document:
        if len(document) > MAX_PAGES:
            raise UnreadableError("too_much_output", f"more than {MAX_PAGES} pages")
        assembler = Assembler()
        broken = letters = 0
        for number in range(len(document)):
            try:
                text = _page_text(document, number)
            except pypdfium2.PdfiumError:
                broken += 1
                continue
            letters += len(text.strip())
            if letters > MAX_TEXT_BYTES:
                raise UnreadableError("too_much_output", f"more than {MAX_TEXT_BYTES >> 20} MiB of text")
            assembler.add(text, Locator(page=number + 1))
        if broken and broken == len(document):
            raise UnreadableError("malformed", "no page can be read")
        parsed = assembler.parsed("prose", _title(document))
        if letters < SCAN_TEXT * len(document) and _is_pictures(document):
            raise UnreadableError("no_text_layer")
        return parsed


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except pypdfium2.PdfiumError as error:
        reason = "encrypted" if getattr(error, "err_code", None) == pdfium.FPDF_ERR_PASSWORD else "malformed"
        raise UnreadableError(reason) from error


@contextmanager
def _opened(data: bytes) -> Iterator[pypdfium2.PdfDocument]:
    document = pypdfium2.PdfDocument(data)
    try:
        yield document
    finally:
        document.close()


def _page_text(document: pypdfium2.PdfDocument, number: int) -> str:
    page = document[number]
    try:
        layer = page.get_textpage()
        text = layer.get_text_range(errors="replace")
        layer.close()
    finally:
        page.close()
    return text.replace("\r\n", "\n").replace("\r", "\n").replace(SOFT_HYPHEN, "").replace("\0", "\ufffd")


def _is_pictures(document: pypdfium2.PdfDocument) -> bool:
    """Whether most of the first pages hold a picture."""
    looked_at = min(len(document), LOOKED_AT)
    return 2 * sum(_has_picture(document, number) for number in range(looked_at)) >= looked_at > 0


def _has_picture(document: pypdfium2.PdfDocument, number: int) -> bool:
    try:
        page = document[number]
    except pypdfium2.PdfiumError:
        return False
    try:
        return any(True for _ in page.get_objects(filter=(pdfium.FPDF_PAGEOBJ_IMAGE,), max_depth=3))
    finally:
        page.close()


def _title(document: pypdfium2.PdfDocument) -> str:
    """The title that the document gives itself; empty where a program only letters its own name or the file's."""
    title = " ".join(document.get_metadata_value("Title").replace("\0", "").split())
    title = _OFFICE_PREFIX.sub("", title)
    has_words = any(character.isalpha() for character in title)
    return title[:300] if has_words and not _NO_TITLE.fullmatch(title) else ""
