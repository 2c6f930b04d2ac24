"""A page as a picture, the lines that are found in it, and the order in which a person reads them.

Standard library only: whatever recognises text is given a ``Picture`` and hands back ``Line``s.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

FEWEST_IN_COLUMN = 4
PROSE = 20
"""Characters of a line. Columns of shorter ones are a table, whose rows are read across."""
MOST_ACROSS = 0.25
"""Of all lines may cross from one column into the next: titles, footers."""
_HYPHENATED = re.compile(r"(?<=[^\W\d_])-\n(?=([^\W\d_]))")


@dataclass(frozen=True, slots=True)
class Picture:
    """Grey pixels of a byte each, in rows from the top; a row takes ``stride`` bytes."""

    width: int
    height: int
    stride: int
    pixels: bytes


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text or a piece of one, in its upright box: pixels from the upper left."""

    left: float
    top: float
    right: float
    bottom: float
    text: str

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2

    @property
    def height(self) -> float:
        return self.bottom - self.top


def text_of(lines: Iterable[Line]) -> str:
    """What the page says: a row on a line, columns of prose one after the other, words whole that a line end broke."""
    rows = (" ".join(" ".join(line.text.split()) for line in row) for row in _in_order(list(lines)))
    return _HYPHENATED.sub(lambda found: "" if found[1].islower() else found[0], "\n".join(rows))


def _in_order(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Rows in reading order. What crosses the gap between two columns parts them: above is read before below."""
    gap = _gap_between_columns(lines)
    if gap is None:
        yield from _rows(lines)
        return
    band: list[Line] = []
    for line in sorted(lines, key=lambda line: line.middle):
        if line.left < gap < line.right:
            yield from _side_by_side(band, gap)
            yield [line]
            band = []
        else:
            band.append(line)
    yield from _side_by_side(band, gap)


def _side_by_side(lines: Sequence[Line], gap: float) -> Iterator[list[Line]]:
    yield from _in_order([line for line in lines if line.right <= gap])
    yield from _in_order([line for line in lines if line.left >= gap])


def _gap_between_columns(lines: Sequence[Line]) -> float | None:
    """Where the right column begins, if there are two columns of prose: the place that the fewest lines cross."""
    gaps = []
    for gap in {line.left for line in lines}:
        left = [line for line in lines if line.right <= gap]
        right = [line for line in lines if line.left >= gap]
        across = len(lines) - len(left) - len(right)
        if across <= MOST_ACROSS * len(lines) and _is_column(left) and _is_column(right):
            gaps.append((across, gap))
    return min(gaps)[1] if gaps else None


def _is_column(lines: Sequence[Line]) -> bool:
    return len(lines) >= FEWEST_IN_COLUMN and median(len(line.text) for line in lines) >= PROSE


def _rows(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Each line goes on with the row that ends nearest to its height, from the left: so a page that lies askew keeps its rows."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: line.left):
        nearest = min(rows, key=lambda row: abs(row[-1].middle - line.middle), default=None)
        if nearest and abs(nearest[-1].middle - line.middle) < min(nearest[-1].height, line.height) / 2:
            nearest.append(line)
        else:
            rows.append([line])
    yield from sorted(rows, key=lambda row: row[0].middle)
