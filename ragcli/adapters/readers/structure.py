"""The structure lane: Office files, e-books, Outlook mail and HTML by xberg, as plain text in sections.

xberg renders to Markdown of its own making; its document nodes give the words without marks, and what they belong to:
a slide, a sheet, or a path of headings.
"""

from __future__ import annotations

import asyncio
import html
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import xberg

from ragcli.adapters.readers.archive import OLE_MAGIC, check_container
from ragcli.adapters.readers.decoding import decode
from ragcli.adapters.readers.headings import markdown_headings
from ragcli.adapters.readers.members import is_left_out, member_name
from ragcli.adapters.readers.office_parts import UsedRange, cell_comments, slide_comments, used_ranges
from ragcli.adapters.readers.parsed import MAX_TEXT_BYTES, Assembler, Parsed, UnreadableError, lay_sections
from ragcli.adapters.readers.sheets import cut_rows, header_of, table_rows
from ragcli.adapters.readers.unseen import without_unseen_html, without_unseen_runs
from ragcli.types import Block, Locator

SLIDES = frozenset(["pptx", "pptm", "ppsx", "odp", "otp", "ppt", "pps"])
SHEETS = frozenset(["xlsx", "xlsm", "xltx", "ods", "ots", "xls", "xlt"])
ALIASES = {"docm": "docx", "dotx": "docx", "pptm": "pptx", "ppsx": "pptx", "xltx": "xlsx", "xlsm": "xlsx", "dot": "doc"}
ALIASES |= {"ott": "odt", "otp": "odp", "ots": "ods", "pps": "ppt", "xlt": "xls"}
BINARY_TWIN = {"docx": "doc", "xlsx": "xls", "pptx": "ppt"}
"""What a file of this name is if it starts like an old Office file, and the other way round if it does not."""
NEW_TWIN = {old: new for new, old in BINARY_TWIN.items()}
MAX_CELLS = 2_000_000
MAX_PART_RATIO = 10_000
"""xberg looks at single parts, where a sparse sheet packs better than 100 to 1; the whole container was checked before."""
LAYERS = {"header": "page header", "footer": "page footer", "footnote": "notes and comments"}
TITLE_WITHIN = 65536
_HTML_TITLE = re.compile(r"<title\b[^>]{0,200}>([^<]{1,300})", re.IGNORECASE)
_COMMENT_MARK = re.compile(r"\[cmt:\d+\]")
_BAD_TITLE = re.compile(r"\\'|^\W*$")
# Marks that are not words: they would stand between the words of a quotation.
_NO_MARKS = ["a", "abbr", "b", "code", "em", "font", "i", "mark", "s", "small", "span", "strong", "u"]


def read_office(data: bytes, ending: str) -> Parsed:
    """Sections of an Office file, e-book or Outlook message.

    Raises UnreadableError: ``encrypted``, ``malformed``, ``too_much_memory``, ``too_much_output``, ``unsupported``.
    """
    ending = _true_ending(data, ALIASES.get(ending, ending))
    check_container(data, ending)
    result = _extract(without_unseen_runs(data) if ending == "docx" else data, ending, _config())
    nodes = result.document.nodes if result.document else []
    attached = frozenset(child.path for child in result.children or []) if ending == "msg" else frozenset[str]()
    sections = _Sections(ending, ranges=used_ranges(data, ending), attached=attached)
    for node in sorted(nodes, key=lambda node: str(node.content_layer) != "header"):  # a page header stands above the text
        sections.take(node)
    for page in result.pages or []:
        sections.add_note(page.page_number, page.speaker_notes or "")
    if ending == "pptx":
        for number, comment in slide_comments(data):
            sections.add_note(number, comment)
    if ending == "xlsx":
        for sheet, comments in cell_comments(data):
            sections.add_comments(sheet, comments)
    parsed = sections.parsed(_title(result))
    if not parsed.blocks and any("skipped" in warning.message for warning in result.processing_warnings):
        raise UnreadableError("too_much_output", "its few cells are spread over too large a sheet")
    return parsed


def read_html(data: bytes) -> Parsed:
    """The page's words as Markdown, in sections by heading. Raises UnreadableError as ``read_office`` and ``decode`` do."""
    source = decode(data)
    result = _extract(without_unseen_html(source).encode("utf-8", "replace"), "html", _html_config())
    text = result.content.strip("\n")
    title = _html_title(source)
    if title and title not in text:
        text = f"# {title}\n\n{text}"
    blocks = tuple(_without_lines(block) for block in lay_sections(text, markdown_headings(text.split("\n"))))
    first = next((block.heading[0] for block in blocks if block.heading), "")
    return Parsed(text, "markdown", blocks, title or first)


def _html_title(source: str) -> str:
    found = _HTML_TITLE.search(source[:TITLE_WITHIN])
    return " ".join(html.unescape(found[1]).split()) if found else ""


def html_text(data: bytes) -> str:
    """The words of a piece of HTML; empty if it cannot be read."""
    try:
        return read_html(data).text
    except UnreadableError:
        return ""


def _without_lines(block: Block) -> Block:
    """The lines are of the rendering, not of the file: a heading path says more truly where the block stands."""
    return Block(block.start, block.end, Locator(label=" > ".join(block.heading)), block.heading)


def _config(**more: Any) -> xberg.ExtractionConfig:
    """Nothing fetched, nothing kept on disk, nothing guessed from content, one thread, archives inside left closed."""
    settings: dict[str, Any] = {
        "disable_ocr": True,
        "use_cache": False,
        "tree_sitter": xberg.TreeSitterConfig(enabled=False),
        "mime_detection_policy": "trust_extension",
        "escape_markdown": False,
        "include_document_structure": True,
        "output_format": "markdown",
        "pages": xberg.PageConfig(extract_pages=True),
        "security_limits": xberg.SecurityLimits(
            max_table_cells=MAX_CELLS, max_content_size=MAX_TEXT_BYTES, max_compression_ratio=MAX_PART_RATIO
        ),
        "concurrency": xberg.ConcurrencyConfig(max_threads=1),
        "max_archive_depth": 1,
    }
    return xberg.ExtractionConfig(**settings, **more)


def _html_config() -> xberg.ExtractionConfig:
    options = xberg.ConversionOptions(
        skip_images=True, extract_metadata=False, escape_misc=False, compact_tables=True, strip_tags=_NO_MARKS
    )
    return _config(html_options=options)


def _extract(data: bytes, ending: str, config: xberg.ExtractionConfig) -> xberg.ExtractedDocument:
    source: dict[str, Any] = {"kind": "bytes", "bytes": data, "filename": f"source.{ending}"}
    with _translated():
        result = asyncio.run(xberg.extract(xberg.ExtractInput(**source), config))
    if not result.results:
        raise UnreadableError(_reason(" ".join(error.message for error in result.errors)))
    return result.results[0]


@contextmanager
def _translated() -> Iterator[None]:
    """xberg raises its own errors for some failures and bare RuntimeErrors for others; their texts may quote the file."""
    try:
        yield
    except xberg.UnsupportedFormatError as error:
        raise UnreadableError("unsupported") from error
    except (xberg.XbergError, RuntimeError, ValueError, OSError) as error:
        raise UnreadableError(_reason(str(error))) from error


def _reason(message: str) -> str:
    message = message.lower()
    if message.endswith("out of memory"):  # some of xberg's parts say so, where others end the process
        return "too_much_memory"
    if "password" in message or "encrypt" in message:
        return "encrypted"
    return "too_much_output" if "security limit" in message or "exceeds" in message else "malformed"


def _true_ending(data: bytes, ending: str) -> str:
    """The ending that the content has where people and programs confuse old and new Office formats."""
    if data.startswith(OLE_MAGIC):
        return BINARY_TWIN.get(ending, ending)
    if data.startswith(b"{\\rtf"):
        return "rtf"
    return NEW_TWIN.get(ending, ending) if data.startswith(b"PK") else ending


def _title(result: xberg.ExtractedDocument) -> str:
    title = " ".join((result.metadata.title or "").split())
    return "" if _BAD_TITLE.search(title) else title[:300]


class _Sections:
    """Gathers nodes into sections: by slide, by sheet, or by heading path."""

    def __init__(
        self, ending: str, *, ranges: Mapping[str, UsedRange] = MappingProxyType({}), attached: frozenset[str] = frozenset()
    ) -> None:
        self._ranges, self._attached = ranges, attached
        self._by = "slide" if ending in SLIDES else "sheet" if ending in SHEETS else "heading"
        self._assembler = Assembler()
        self._slides: dict[int, list[str]] = {}
        self._slide = 1
        self._path: list[tuple[int, str]] = []
        self._layer = "body"
        self._texts: list[str] = []
        self._first_heading: str | None = None

    def take(self, node: Any) -> None:
        content = json.loads(str(node.content))
        layer = str(node.content_layer)
        if layer != self._layer:
            self._close()
            self._layer = layer
        if content["node_type"] == "slide":
            self._slide = content["number"]
        elif self._by == "slide" and node.page:
            self._slide = node.page
        if content["node_type"] == "heading" and not _BAD_TITLE.search(content["text"]):
            self._begin(content["level"], " ".join(content["text"].split()))
        if content["node_type"] == "metadata_block":
            self._first_heading = next((entry["value"] for entry in content["entries"] if entry["key"] == "Subject"), "")
        if self._by == "sheet" and content["node_type"] == "table":
            self._add_rows(content["grid"])
            return
        text = _node_text(content)
        if self._by == "slide":
            self._slides.setdefault(self._slide, []).append(text)
        elif not (self._by == "sheet" and content["node_type"] == "heading"):
            self._texts.append(text)

    def add_note(self, slide: int, note: str) -> None:
        """What is said about a slide is a part of it."""
        texts = self._slides.setdefault(slide, [])
        if self._by == "slide" and note.strip() and not any(note.strip() in text for text in texts):
            texts.append(note.strip())

    def add_comments(self, sheet: str, comments: str) -> None:
        self._close()
        self._assembler.add(comments, Locator(label=f"comments on {sheet}"), (sheet, "comments"))

    def _add_rows(self, grid: dict[str, Any]) -> None:
        """Runs of rows, each at its cells; those that do not begin with the columns' names stand below them."""
        self._close()
        name = self._path[-1][1] if self._path else ""
        used, rows = self._ranges.get(name), table_rows(grid)
        is_exact = used is not None and (used.rows, used.columns) == (grid["rows"], grid["cols"])
        header = header_of(rows)
        for number, run in enumerate(cut_rows(rows)):
            place = f"{name}!{used.label(run.first, run.last)}" if used and is_exact else f"sheet {name}" if name else ""
            above = (name, header) if number else (name,)
            self._assembler.add(run.text, Locator(label=place), tuple(filter(None, above)))

    def parsed(self, title: str) -> Parsed:
        """The sections so far. The title falls back on the first heading, but for sheets, whose names say little."""
        self._close()
        if self._by == "slide":
            for number, texts in sorted(self._slides.items()):
                heading = next((text for text in texts if text), "").split("\n")[0][:200]
                self._assembler.add(_joined(texts), Locator(label=f"slide {number}"), (heading,) if heading else ())
        kind = "table" if self._by == "sheet" else "prose"
        return self._assembler.parsed(kind, title or ("" if self._by == "sheet" else self._first_heading or ""))

    def _begin(self, level: int, text: str) -> None:
        if self._by != "slide":
            self._close()
        if self._first_heading is None:
            self._first_heading = text
        self._path = [step for step in self._path if step[0] < level] + [(level, text)]

    def _close(self) -> None:
        heading = tuple(text for _, text in self._path if text) if self._layer == "body" else ()
        text, self._texts = _joined(self._texts), []
        place = Locator(label=" > ".join(heading) if self._layer == "body" else LAYERS.get(self._layer, self._layer))
        if heading and heading[0] in self._attached:
            place = Locator(label=" > ".join(heading[1:]), member=f"attachment {member_name(heading[0])}")
            text = "" if is_left_out(member_name(heading[0])) else text
        elif self._by == "sheet" and heading:
            place = Locator(label=f"sheet {place.label}")
        self._assembler.add(text, place, heading)


def _joined(texts: list[str]) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(text for text in texts if text.strip()))


def _node_text(content: dict[str, Any]) -> str:
    """The words of one node; empty for those that only hold others."""
    kind = content["node_type"]
    if kind == "table":
        return "\n".join(row.text for row in table_rows(content["grid"])) + "\n"
    if kind == "metadata_block":
        return "\n".join(f"{entry['key']}: {entry['value']}" for entry in content["entries"])
    if kind in ("group", "list", "image"):
        return ""
    words = [content.get(name) for name in ("title", "term", "text", "definition", "content")]
    text = _COMMENT_MARK.sub("", ": ".join(word for word in words if isinstance(word, str) and word.strip()))
    if kind in ("paragraph", "code", "heading"):
        return f"{text.strip()}\n"
    return f"- {text.strip()}" if kind == "list_item" and text.strip() else text
