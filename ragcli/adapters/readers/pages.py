"""The page lane: PDF by PDFium, a block for each page. Pages that are pictures are recognised where the extra ``ocr`` is.

PDFium's own text order was measured against layout engines built on it: it keeps table rows on one line and two-column
pages in reading order, where they swap numbers or interleave columns.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from ragcli.adapters.readers.pacing import MAX_RECOGNIZED_PAGES, Pace
from ragcli.adapters.readers.parsed import MAX_TEXT_BYTES, Assembler, Parsed, UnreadableError
from ragcli.adapters.readers.scanned import Line, Picture, text_of
from ragcli.types import Locator

MAX_PAGES = 20_000
SCAN_TEXT = 20
"""Pages of pictures with less text than this on average are a scan: programs leave a word or two in it."""
LOOKED_AT = 20
"""How many pages are searched for pictures."""
POINTS, DOTS = 72, 200
"""In an inch: of the page and of the picture that is made of it."""
LONGEST_SIDE = 3000
"""Of that picture, in dots: A4 has 2,339, and a page can claim to be a mile."""
SOFT_HYPHEN = "\ufffe"
"""PDFium's mark for a hyphen that ends a line inside a word; the word is whole without it."""
_NO_TITLE = re.compile(r"untitled|\(?anonymous\)?|.*\.(?:docx?|xlsx?|pptx?|indd|qxd|dvi|tex|pdf|rtf)", re.IGNORECASE)
_OFFICE_PREFIX = re.compile(r"^Microsoft (?:Word|PowerPoint|Excel) - ")


Recognizer = Callable[[Picture, Pace], list[Line]]


def read_pdf(data: bytes, pace: Pace | None = None) -> Parsed:
    """The text layer, and what is recognised of pages that are pictures and have none.

    Raises UnreadableError: ``encrypted``, ``malformed``, ``no_text_layer``, ``too_much_output``.
    """
    with _translated(), _opened(data) as document:
        if len(document) > MAX_PAGES:
            raise UnreadableError("too_much_output", f"more than {MAX_PAGES} pages")
        texts = _layers(document)
        if texts and all(text is None for text in texts):
            raise UnreadableError("malformed", "no page can be read")
        refusal = _recognize(document, texts, pace or Pace())
        letters = sum(len((text or "").strip()) for text in texts)
        if refusal is not None and letters < SCAN_TEXT * len(document) and _is_pictures(document):
            raise UnreadableError("no_text_layer", refusal)
        assembler = Assembler()
        for number, text in enumerate(texts, start=1):
            assembler.add(text or "", Locator(page=number))
        return assembler.parsed("prose", _title(document))


def _layers(document: pypdfium2.PdfDocument) -> list[str | None]:
    """The text of each page, None where the page is broken. Raises UnreadableError ``too_much_output``."""
    texts: list[str | None] = []
    letters = 0
    for number in range(len(document)):
        try:
            text = _page_text(document, number)
        except pypdfium2.PdfiumError:
            texts.append(None)
            continue
        letters += len(text.strip())
        if letters > MAX_TEXT_BYTES:
            raise UnreadableError("too_much_output", f"more than {MAX_TEXT_BYTES >> 20} MiB of text")
        texts.append(text)
    return texts


def _recognize(document: pypdfium2.PdfDocument, texts: list[str | None], pace: Pace) -> str | None:
    """What is recognised of pages that are pictures takes the place of their texts. Otherwise why it does not, in a few words."""
    scans = _scans(document, texts)
    find_lines = _recognizer(pace) if scans else None
    if find_lines is None:
        return ""
    if not pace.take_pages(len(scans)):
        return f"more than {MAX_RECOGNIZED_PAGES} pages to recognise"
    for number in scans:
        pace.begin_step()
        try:
            texts[number] = text_of(find_lines(_picture_of(document, number), pace)) or texts[number]
        except (pypdfium2.PdfiumError, UnreadableError):
            continue  # the page says as little as it did before
    return None


def _scans(document: pypdfium2.PdfDocument, texts: Sequence[str | None]) -> list[int]:
    """Pages with a picture and next to no text."""
    bare = [number for number, text in enumerate(texts) if text is not None and len(text.strip()) < SCAN_TEXT]
    return [number for number in bare if _has_picture(document, number)]


def _recognizer(pace: Pace) -> Recognizer | None:
    """What recognises text on this system, if the extra is installed. Loading it is a step of its own."""
    if not find_spec("ocrmac" if sys.platform == "darwin" else "rapidocr"):
        return None
    pace.begin_step()
    try:
        if sys.platform == "darwin":
            from ragcli.adapters.readers.vision import find_lines
        else:
            from ragcli.adapters.readers.recognizing import find_lines
    except ImportError:
        return None
    return find_lines


def _picture_of(document: pypdfium2.PdfDocument, number: int) -> Picture:
    """The page as it would be printed. Raises UnreadableError ``malformed`` for a page without a size, and PdfiumError."""
    page = document[number]
    try:
        if min(page.get_size()) <= 0:
            raise UnreadableError("malformed", "a page without a size")
        scale: Any = min(DOTS / POINTS, LONGEST_SIDE / max(page.get_size()))  # taken as a whole number where none is written
        printed = page.render(scale=scale, grayscale=True)
        picture = Picture(printed.width, printed.height, printed.stride, bytes(printed.buffer))
        printed.close()
        return picture
    finally:
        page.close()


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
