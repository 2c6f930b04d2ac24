"""Where headings stand in plain-text markup: lines in, headings out. Pure, and linear in the text's length."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ragcli.adapters.readers.parsed import Heading

LONGEST_TITLE = 300
"""A longer line is no heading, whatever it starts with."""
LONGEST_OPENING = 300
"""Bytes of a plain text's title: so many Latin letters, and a third as many Chinese characters."""
NO_TITLE_ENDS = ("。", ",", "，", "、", ";", "；")
"""How Chinese sentences and salutations end, and no title does. Titles of papers end with a full stop: without them scientific
claims were found worse by 0.013 of nDCG@10."""
_TEX = re.compile(r"\s{0,8}\\(part|chapter|(?:sub){0,2}section|paragraph)\*?\s{0,4}(?:\[[^\]]{0,200}\])?\{(.{1,250})\}")
_TEX_LEVELS = ("part", "chapter", "section", "subsection", "subsubsection", "paragraph")
_RST_RULES = "=-~`'\"^_*+#<>:."


def markdown_headings(lines: Sequence[str]) -> Iterator[Heading]:
    """ATX and Setext headings outside of code fences and front matter."""
    fence = ""
    start = _front_matter_end(lines)
    for number in range(start, len(lines)):
        line = lines[number]
        bare = line.lstrip(" ")
        mark = bare[:3]
        if mark in ("```", "~~~") and len(line) - len(bare) < 4:
            if not fence:
                fence = mark
            elif mark == fence and not bare.strip("`~ \t"):
                fence = ""
        elif not fence and len(line) <= LONGEST_TITLE:
            heading = _atx(number, bare) or _setext(lines, number, start)
            if heading and len(line) - len(bare) < 4:
                yield heading


def _front_matter_end(lines: Sequence[str]) -> int:
    if lines and lines[0].rstrip() == "---":
        for number, line in enumerate(lines[1:100], start=1):
            if line.rstrip() in ("---", "..."):
                return number + 1
    return 0


def opening_line(text: str) -> str:
    """The first line of a plain text if it stands alone above more text and is short enough for a title; else empty."""
    first, _, rest = text[: 4 * LONGEST_TITLE].lstrip("\n").partition("\n")
    below, _, more = rest.partition("\n")
    stands_alone = not below.strip() and bool(more.strip())
    title = plain_title(first.strip()) if stands_alone else ""
    return "" if title.endswith(NO_TITLE_ENDS) or len(title.encode()) > LONGEST_OPENING else title


def front_matter_title(lines: Sequence[str]) -> str:
    """The ``title:`` of a YAML block at the top; empty if there is none."""
    for line in lines[: _front_matter_end(lines)]:
        key, colon, value = line.partition(":")
        if colon and key == "title":
            return value.strip().strip("\"'")
    return ""


def _atx(number: int, bare: str) -> Heading | None:
    level = len(bare) - len(bare.lstrip("#"))
    rest = bare[level:]
    if not 1 <= level <= 6 or rest[:1] not in (" ", "\t"):
        return None
    title = rest.strip()
    closed = title.rstrip("#")
    title = closed.rstrip() if closed.endswith((" ", "\t")) else title
    return Heading(number, level, plain_title(title)) if title.strip("#") else None


def _setext(lines: Sequence[str], number: int, start: int) -> Heading | None:
    """A paragraph of one line whose next line is all ``=`` or ``-``."""
    title = lines[number].strip()
    below = lines[number + 1].strip() if number + 1 < len(lines) else ""
    is_rule = len(below) >= 2 and (not below.strip("=") or not below.strip("-"))
    stands_alone = number == start or not lines[number - 1].strip()
    if not (is_rule and stands_alone and title) or title[0] in "#>|-*+=<":
        return None
    return Heading(number, 1 if below[0] == "=" else 2, plain_title(title))


def plain_title(title: str) -> str:
    """A heading without its emphasis and link marks."""
    title = re.sub(r"!?\[([^\[\]]*)\]\([^()]*\)", r"\1", title[:LONGEST_TITLE])
    return re.sub(r"[*`]+", "", title).strip()


def rst_headings(lines: Sequence[str]) -> Iterator[Heading]:
    """Titles with a rule below (and perhaps above) them; levels in the order in which rules appear."""
    levels: list[str] = []
    for number in range(len(lines) - 1):
        title, below = lines[number].rstrip(), lines[number + 1].rstrip()
        if not title or title[0].isspace() or not _is_rule(below) or len(below) < len(title) or _is_rule(title):
            continue
        over = number > 0 and lines[number - 1].rstrip() == below
        if number and not over and lines[number - 1].strip():
            continue
        style = below[0] + ("o" if over else "")
        if style not in levels:
            levels.append(style)
        yield Heading(number - over, levels.index(style) + 1, plain_title(title.strip()))


def _is_rule(line: str) -> bool:
    return len(line) >= 3 and line[0] in _RST_RULES and not line.strip(line[0])


def org_headings(lines: Sequence[str]) -> Iterator[Heading]:
    return _starred(lines, "*")


def asciidoc_headings(lines: Sequence[str]) -> Iterator[Heading]:
    return _starred(lines, "=")


def _starred(lines: Sequence[str], mark: str) -> Iterator[Heading]:
    for number, line in enumerate(lines):
        level = len(line) - len(line.lstrip(mark))
        if level and line[level : level + 1] == " " and len(line) <= LONGEST_TITLE and line[level:].strip():
            yield Heading(number, level, plain_title(line[level:].strip()))


def tex_headings(lines: Sequence[str]) -> Iterator[Heading]:
    for number, line in enumerate(lines):
        found = _TEX.match(line[:600])
        if found:
            title = re.sub(r"\\[a-zA-Z]+\s?|[{}$]", "", found[2]).strip()
            yield Heading(number, _TEX_LEVELS.index(found[1]) + 1, title)
