"""Jupyter notebooks: a block for each cell, with what it printed. JSON hides the lines, so places are cell numbers."""

from __future__ import annotations

import json
from typing import Any

from ragcli.adapters.readers.decoding import decode
from ragcli.adapters.readers.headings import markdown_headings
from ragcli.adapters.readers.parsed import Assembler, Parsed, UnreadableError
from ragcli.types import Locator

MAX_OUTPUT = 4000
"""Characters kept of one output: enough for a table or a traceback's end, too few for a training log."""


def read_notebook(data: bytes) -> Parsed:
    """Cells in order below the last Markdown heading. Raises UnreadableError: ``malformed`` and what ``decode`` raises."""
    try:
        cells = json.loads(decode(data))["cells"]
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableError("malformed", "no notebook cells") from error
    assembler = Assembler()
    heading: tuple[str, ...] = ()
    title = ""
    for number, cell in enumerate(cells if isinstance(cells, list) else [], start=1):
        if not isinstance(cell, dict):
            continue
        source = _joined(cell.get("source"))
        if cell.get("cell_type") == "markdown":
            names = [found.title for found in markdown_headings(source.split("\n"))]
            heading = (names[0],) if names else heading
            title = title or next(iter(names), "")
        assembler.add(source + _outputs(cell), Locator(label=f"cell {number}"), heading)
    return assembler.parsed("markdown", title)


def _joined(value: Any) -> str:
    """A notebook's text is one string or a list of lines."""
    parts = value if isinstance(value, list) else [value]
    return "".join(part for part in parts if isinstance(part, str))


def _outputs(cell: dict[str, Any]) -> str:
    outputs = cell.get("outputs")
    texts = []
    for output in outputs if isinstance(outputs, list) else []:
        if isinstance(output, dict):
            shown = output.get("data")
            plain = shown.get("text/plain") if isinstance(shown, dict) else output.get("text")
            texts.append(_joined(plain)[:MAX_OUTPUT].rstrip())
    return "".join(f"\n\n{text}" for text in texts if text)
