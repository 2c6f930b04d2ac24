"""Small whole documents of many formats, to be spoiled or to be found."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.readers.test_pages import make_pdf
from tests.readers.test_structure import MAIN, OFFICE, PACKAGE, content_types, make_docx, make_xlsx, relationships, zipped

PRESENTATION = "http://schemas.openxmlformats.org/presentationml/2006/main"
DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
ODF = "urn:oasis:names:tc:opendocument:xmlns"


def make_pptx(text: str) -> bytes:
    kind = "application/vnd.openxmlformats-officedocument.presentationml"
    names = f'xmlns:p="{PRESENTATION}" xmlns:a="{DRAWING}" xmlns:r="{OFFICE}"'
    body = f"<p:sp><p:txBody><a:bodyPr/><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"
    parts = {"/ppt/presentation.xml": f"{kind}.presentation.main+xml", "/ppt/slides/slide1.xml": f"{kind}.slide+xml"}
    slide = '<p:sldId id="256" r:id="rId1"/>'
    link = f'<Relationship Id="rId1" Type="{OFFICE}/slide" Target="slides/slide1.xml"/>'
    return zipped(
        {
            "[Content_Types].xml": content_types(**parts),
            "_rels/.rels": relationships("ppt/presentation.xml", "officeDocument"),
            "ppt/presentation.xml": f"<p:presentation {names}><p:sldIdLst>{slide}</p:sldIdLst></p:presentation>",
            "ppt/_rels/presentation.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{link}</Relationships>',
            "ppt/slides/slide1.xml": f"<p:sld {names}><p:cSld><p:spTree>{body}</p:spTree></p:cSld></p:sld>",
        }
    )


def odt_parts(text: str, prologue: str = "") -> dict[str, str]:
    names = f'xmlns:office="{ODF}:office:1.0" xmlns:text="{ODF}:text:1.0"'
    body = f"<office:body><office:text><text:p>{text}</text:p></office:text></office:body>"
    return {
        "mimetype": "application/vnd.oasis.opendocument.text",
        "content.xml": f"{prologue}<office:document-content {names}>{body}</office:document-content>",
    }


def epub_parts(text: str, prologue: str = "", chapter: str = "chapter.xhtml") -> dict[str, str]:
    container = "urn:oasis:names:tc:opendocument:xmlns:container"
    item = f'<item id="c" href="{chapter}" media-type="application/xhtml+xml"/>'
    dc = 'xmlns:dc="http://purl.org/dc/elements/1.1/"'
    return {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": f'<container xmlns="{container}"><rootfiles><rootfile full-path="book.opf" '
        'media-type="application/oebps-package+xml"/></rootfiles></container>',
        "book.opf": f'<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata {dc}><dc:title>Book</dc:title>'
        f'</metadata><manifest>{item}</manifest><spine><itemref idref="c"/></spine></package>',
        chapter: f'{prologue}<html xmlns="http://www.w3.org/1999/xhtml"><body><p>{text}</p></body></html>',
    }


def make_notebook(text: str) -> bytes:
    return json.dumps({"cells": [{"cell_type": "markdown", "source": [text]}], "nbformat": 4}).encode()


def make_mail(text: str) -> bytes:
    header = "From: a@example.org\r\nTo: b@example.org\r\nSubject: News\r\nDate: Mon, 1 Jan 2024 10:00:00 +0000"
    return f"{header}\r\n\r\n{text}\r\n".encode()


MAKERS: dict[str, Callable[[str], bytes]] = {
    "txt": lambda text: f"{text}\n".encode(),
    "md": lambda text: f"# Note\n\n{text}\n".encode(),
    "html": lambda text: f"<html><body><p>{text}</p></body></html>".encode(),
    "pdf": lambda text: make_pdf([(72, 700, text)]),
    "docx": lambda text: make_docx(text),
    "xlsx": lambda text: make_xlsx({"Sheet": {"A1": text}}),
    "pptx": make_pptx,
    "odt": lambda text: zipped(odt_parts(text)),
    "epub": lambda text: zipped(epub_parts(text)),
    "rtf": lambda text: rf"{{\rtf1\ansi {text}\par}}".encode(),
    "eml": make_mail,
    "ipynb": make_notebook,
    "csv": lambda text: f"name,value\n{text},1\n".encode(),
    "xml": lambda text: f"<a><p>{text}, and some more words to make it prose.</p></a>".encode(),
    "py": lambda text: f'"""{text}"""\n'.encode(),
}
"""For each ending a function that makes a whole document of that format which holds the text."""

MARKERS = {number: f"goodmarker{number:02}zz" for number in range(50)}


def good_files() -> dict[int, tuple[str, bytes]]:
    """The 50 files that must all be found: number → name and content. Each format comes in turn."""
    endings = list(MAKERS)
    return {
        number: (
            f"good{number:02}.{endings[number % len(endings)]}",
            MAKERS[endings[number % len(endings)]](f"The word here is {word} today."),
        )
        for number, word in MARKERS.items()
    }


SPREADSHEET = MAIN["spreadsheetml"]
