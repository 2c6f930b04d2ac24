"""The line lane: text, markup, code and tables, read so that every line number is the file's own.

Standard library only, but for the encoding. The text is the file's text: a reader who opens it finds the same lines.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Sequence

from ragcli.adapters.readers import headings
from ragcli.adapters.readers.decoding import decode
from ragcli.adapters.readers.definitions import definition_headings, python_headings
from ragcli.adapters.readers.parsed import Heading, Kind, Parsed, lay_sections

Scan = Callable[[Sequence[str]], Iterable[Heading]]

SCANS: dict[str, tuple[Kind, Scan]] = {
    "markdown": ("markdown", headings.markdown_headings),
    "rst": ("prose", headings.rst_headings),
    "org": ("prose", headings.org_headings),
    "asciidoc": ("prose", headings.asciidoc_headings),
    "tex": ("prose", headings.tex_headings),
    "python": ("code", python_headings),
}
KINDS: dict[str, Kind] = {"plain": "prose", "table": "table"}

SECONDS_IN_BLOCK = 60
"""Cues of about a minute make one block: a single cue is too short to mean anything."""
_CUE = re.compile(r"\s*(?:(\d{1,3}):)?(\d{2}):(\d{2})[.,]\d{3}\s+-->")
_TAG = re.compile(r"<(?:!--.*?--|[/?!]?([A-Za-z_][\w:.-]{0,60})?[^<>]*)>", re.DOTALL)
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#x[0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_INLINE = (
    "a abbr b bold code em emphasis ext-link g i italic italics link literal monospace ph roman sc small span strong sub sup"
)
_INLINE_TAGS = frozenset([*_INLINE.split(), "u", "ulink", "underline", "x", "xref"])


def read_lines(data: bytes, form: str, ending: str = "") -> Parsed:
    """Text whose sections follow from its lines alone; those of code, from the grammar for the name's ending, if there is one.

    Raises UnreadableError: ``binary``, ``encoding``, ``too_much_output``.
    """
    text = decode(data)
    if form == "code":
        return Parsed(text, "code", lay_sections(text, _code_headings(text, ending)))
    if form not in SCANS:
        return Parsed(text, KINDS[form], lay_sections(text), headings.opening_line(text) if form == "plain" else "")
    kind, scan = SCANS[form]
    lines = text.split("\n")
    found = list(scan(lines))
    title = next((heading.title for heading in found if heading.title), "") if kind != "code" else ""
    if form == "markdown":
        title = headings.front_matter_title(lines) or title
    return Parsed(text, kind, lay_sections(text, found), title)


def _code_headings(text: str, ending: str) -> Iterable[Heading]:
    """Functions and classes; none without the extra that knows grammars."""
    try:
        from ragcli.adapters.readers.grammars import find_definitions
    except ImportError:
        return ()
    return definition_headings(text.split("\n"), find_definitions(text.encode("utf-8", "replace"), ending))


def read_xml(data: bytes) -> Parsed:
    """XML with its character references resolved; where most of it is prose, without its tags. Lines stay the file's."""
    text = decode(data)
    words = sum(len(piece) for piece in _TAG.split(text)[::2])
    is_prose = words > len(text) / 2 and "<" in text
    title = re.search(r"<(?:article-)?title\b[^>]{0,200}>([^<]{1,200})<", text)
    if is_prose:
        text = _TAG.sub(_without_tag, text)
    text = _REFERENCE.sub(_resolved, text)
    name = _REFERENCE.sub(_resolved, title[1]).strip() if title else ""
    return Parsed(text, "prose" if is_prose else "code", lay_sections(text), " ".join(name.split()))


def _without_tag(tag: re.Match[str]) -> str:
    """What stands for a tag in prose: its line ends, so that line numbers hold, or else a gap between words."""
    newlines = tag[0].count("\n")
    return "\n" * newlines if newlines else "" if tag[1] in _INLINE_TAGS else " "


def _resolved(reference: re.Match[str]) -> str:
    character = html.unescape(reference[0])
    return " " if character in ("\n", "\r", "\0") or "\ud800" <= character[:1] <= "\udfff" else character


def read_subtitles(data: bytes) -> Parsed:
    """What is said, at its own lines; cue numbers and times are left blank and become the blocks' labels."""
    lines = decode(data).split("\n")
    sections: list[Heading] = []
    began = -SECONDS_IN_BLOCK
    for number, line in enumerate(lines):
        cue = _CUE.match(line[:80])
        if not cue:
            continue
        seconds = int(cue[1] or 0) * 3600 + int(cue[2]) * 60 + int(cue[3])
        if seconds - began >= SECONDS_IN_BLOCK or seconds < began:
            began = seconds
            sections.append(Heading(number, 1, "", label=f"at {seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"))
        lines[number] = ""
        if number and lines[number - 1].strip().isdigit():
            lines[number - 1] = ""
    text = "\n".join(lines)
    return Parsed(text, "prose", lay_sections(text, sections))
