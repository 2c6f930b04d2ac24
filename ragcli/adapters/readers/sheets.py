"""Tables as lines of text, and sheets cut into runs of rows, so that a place in a sheet is a few rows and not all of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BETWEEN_CELLS = " | "
RUN_CHARACTERS = 500
"""Rows of about this length make a block: about a chunk, for numbers take more tokens than words."""
LONGEST_HEADER = 100


@dataclass(frozen=True, slots=True)
class Row:
    number: int
    """Counted from 0, in the table."""
    text: str


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring rows of a sheet."""

    first: int
    last: int
    text: str


def table_rows(grid: Mapping[str, Any]) -> list[Row]:
    """One line for each row that holds anything, cells apart by bars."""
    rows: dict[int, dict[int, str]] = {}
    for cell in grid["cells"]:
        rows.setdefault(cell["row"], {})[cell["col"]] = " ".join(cell["content"].split())
    lines = []
    for number, row in sorted(rows.items()):
        cells = [row.get(column, "") for column in range(max(row) + 1)]
        if any(cells):
            lines.append(Row(number, BETWEEN_CELLS.join(cells).rstrip(" |")))
    return lines


def cut_rows(rows: Sequence[Row]) -> Iterator[Run]:
    """Runs of whole rows in order, each of about ``RUN_CHARACTERS`` or of a single row."""
    run: list[Row] = []
    length = 0
    for row in rows:
        if run and length + len(row.text) > RUN_CHARACTERS:
            yield _run(run)
            run, length = [], 0
        run.append(row)
        length += len(row.text) + 1
    if run:
        yield _run(run)


def header_of(rows: Sequence[Row]) -> str:
    """The first row if it names the columns: at least two cells, each with a letter; else empty."""
    cells = [cell for cell in rows[0].text.split(BETWEEN_CELLS) if cell.strip()] if rows else []
    names_columns = len(cells) > 1 and all(any(map(str.isalpha, cell)) for cell in cells)
    return rows[0].text[:LONGEST_HEADER] if names_columns else ""


def _run(rows: Sequence[Row]) -> Run:
    return Run(rows[0].number, rows[-1].number, "\n".join(row.text for row in rows))
