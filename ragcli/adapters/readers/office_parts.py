"""What xberg leaves out of Office files, read from their parts: where sheets begin, and comments on cells and slides.

Standard library only. The container was checked before; whatever is odd in a part, nothing is found in it.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

MAX_PART = 64 << 20
"""Larger parts are not looked into: places in them are then named less exactly."""
ODD = (zipfile.BadZipFile, zlib.error, ElementTree.ParseError, KeyError, ValueError, IndexError, EOFError, OSError, RuntimeError)
_CELL = re.compile(
    rb'<(?:\w+:)?c\s(?:[^<>]*?\s)?r="([A-Z]{1,3})(\d{1,7})"[^<>]*(?<!/)>(?:<(?:\w+:)?f[^<>]*/>|<(?:\w+:)?f\b[^<]*</(?:\w+:)?f>)?<(?:\w+:)?(?:v|is)>'
)
"""A cell that holds something, in the XML of a sheet."""


@dataclass(frozen=True, slots=True)
class UsedRange:
    """The smallest rectangle of a sheet that holds all its cells; row and column are counted from 0."""

    row: int
    column: int
    rows: int
    columns: int

    def label(self, first: int, last: int) -> str:
        """The cells of the range's rows ``first`` to ``last``, as in ``A1:C9``, or ``B2`` for a single one."""
        begin = f"{column_name(self.column)}{self.row + first + 1}"
        end = f"{column_name(self.column + self.columns - 1)}{self.row + last + 1}"
        return begin if begin == end else f"{begin}:{end}"


def column_name(number: int) -> str:
    """``A`` for 0, ``Z`` for 25, ``AA`` for 26."""
    name = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def column_number(name: str) -> int:
    number = 0
    for letter in name:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def used_ranges(data: bytes, ending: str) -> Mapping[str, UsedRange]:
    """Each sheet's name and where its cells stand; without the sheets of which that cannot be told."""
    found: dict[str, UsedRange] = {}
    with suppress(*ODD), zipfile.ZipFile(io.BytesIO(data)) as container:
        if ending == "xlsx":
            for name, part in _sheets(container):
                cells = _CELL.findall(_read(container, part))
                _note(found, name, [(int(row) - 1, column_number(column.decode())) for column, row in cells])
        elif ending == "ods":
            for sheet in ElementTree.fromstring(_read(container, "content.xml")).iter():
                if _local(sheet.tag) == "table":
                    _note(found, _attribute(sheet, "name"), list(_ods_cells(sheet)))
    return found


def _note(found: dict[str, UsedRange], name: str, cells: list[tuple[int, int]]) -> None:
    if cells:
        rows, columns = [row for row, _ in cells], [column for _, column in cells]
        top, left = min(rows), min(columns)
        found[name] = UsedRange(top, left, max(rows) - top + 1, max(columns) - left + 1)


def _ods_cells(sheet: Element) -> Iterator[tuple[int, int]]:
    """Row and column of the cells that hold something; repeated ones are told by their first and last."""
    row = 0
    for line in sheet.iter():
        if _local(line.tag) != "table-row":
            continue
        repeated, column = _count(line, "number-rows-repeated"), 0
        for cell in line:
            if _local(cell.tag) not in ("table-cell", "covered-table-cell"):
                continue
            times = _count(cell, "number-columns-repeated")
            if any(_local(child.tag) == "p" for child in cell):
                yield from ((row, column), (row + repeated - 1, column + times - 1))
            column += times
        row += repeated


def cell_comments(data: bytes) -> Iterator[tuple[str, str]]:
    """Sheet and text of the comments in a workbook, one a line: the cell, who says it, what."""
    with suppress(*ODD), zipfile.ZipFile(io.BytesIO(data)) as container:
        for name, part in _sheets(container):
            lines = []
            for target in _related(container, part).values():
                if "omments/" in target or "comments" in posixpath.basename(target):
                    lines += list(_comments_in(_parsed(container, target)))
            if lines:
                yield name, "\n".join(dict.fromkeys(lines))


def _comments_in(part: Element) -> Iterator[str]:
    authors = [_words(author) for author in part.iter() if _local(author.tag) == "author"]
    for comment in part.iter():
        if _local(comment.tag) in ("comment", "threadedComment") and (text := _words(comment)):
            index = _attribute(comment, "authorId")
            author = authors[int(index)] if index.isdigit() and int(index) < len(authors) else ""
            author = "" if author.startswith("tc=") else author  # how Excel marks the copy of a newer kind of comment
            yield f"{_attribute(comment, 'ref')}{f' ({author})' if author else ''}: {text}"


def slide_comments(data: bytes) -> Iterator[tuple[int, str]]:
    """Slide number and text of the comments in a presentation."""
    with suppress(*ODD), zipfile.ZipFile(io.BytesIO(data)) as container:
        targets = _related(container, "ppt/presentation.xml")
        names = [
            _attribute(each, "id") for each in _parsed(container, "ppt/presentation.xml").iter() if _local(each.tag) == "sldId"
        ]
        for number, name in enumerate(names, start=1):
            for target in _related(container, targets[name]).values():
                if target.startswith("ppt/comments/"):
                    for comment in _parsed(container, target):
                        if text := _words(comment):
                            yield number, f"Comment: {text}"


def _sheets(container: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """Name and part of each sheet, in the workbook's order."""
    targets = _related(container, "xl/workbook.xml")
    for sheet in _parsed(container, "xl/workbook.xml").iter():
        if _local(sheet.tag) == "sheet":
            yield " ".join(sheet.get("name", "").split()), targets[_attribute(sheet, "id")]


def _related(container: zipfile.ZipFile, part: str) -> dict[str, str]:
    """The parts that a part refers to, by the id it calls them."""
    folder, name = posixpath.split(part)
    links = f"{folder}/_rels/{name}.rels"
    if links not in container.namelist():
        return {}
    return {
        link.get("Id", ""): posixpath.normpath(posixpath.join(f"/{folder}", link.get("Target", ""))).lstrip("/")
        for link in _parsed(container, links)
        if link.get("TargetMode") != "External"
    }


def _parsed(container: zipfile.ZipFile, part: str) -> Element:
    return ElementTree.fromstring(_read(container, part))


def _read(container: zipfile.ZipFile, part: str) -> bytes:
    with container.open(part) as stream:
        data = stream.read(MAX_PART + 1)
    if len(data) > MAX_PART or b"<!ENTITY" in data:
        raise ValueError("a part that is not looked into")
    return data


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2]


def _attribute(element: Element, name: str) -> str:
    """The attribute of this name in any namespace, the one of a relationship before one without a namespace."""
    values = {key: value for key, value in element.attrib.items() if _local(key) == name}
    return next((value for key, value in values.items() if "}" in key), values.get(name, ""))


def _count(element: Element, name: str) -> int:
    value = _attribute(element, name)
    return int(value) if value.isdigit() else 1


def _words(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())
