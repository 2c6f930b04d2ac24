"""The report: one HTML file that says what the index holds. It asks for nothing: no script, style, font or picture elsewhere.

Its content security policy names its own script and style by digest and allows nothing else, so that no text of a file
could load anything either. Everything foreign is cleaned and escaped.
"""

from __future__ import annotations

import base64
import hashlib
import html
import time
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources

from ragcli.cli.showing.paper import age, plural, size
from ragcli.steps.cleaning import clean_line
from ragcli.steps.overviewing import Overview, Point
from ragcli.types import REASONS

WIDTH, HEIGHT, MARGIN = 800, 600, 24
"""Of the map, in its own units."""
ABOUT_MEASURES: Mapping[str, str] = {
    "retrieval": "questions whose answer is in the corpus",
    "answers": "the same questions, against the accepted answers",
    "abstention": "questions that the corpus does not answer",
    "calibration": "confidence, against which questions can be answered",
    "citations": "everything that the answers cite",
    "injection": "questions about files with orders to the model in them",
}


def report_page(overview: Overview, evaluation: Mapping[str, object] | None = None) -> str:
    """The whole file. ``evaluation`` is what ``eval --json`` printed."""
    style, script = _asset("page.css"), _asset("page.js") if overview.points else ""
    sections = [_facts(overview), _types(overview), _ages(overview), _skipped(overview), _map(overview)]
    body = "\n".join(part for section in [*sections, _quality(evaluation or {})] for part in section)
    made = time.strftime("%Y-%m-%d %H:%M", time.localtime(overview.made))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>What ragcli has indexed</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<a class="skip" href="#map">To the map</a>
<header>
<h1>What ragcli has indexed</h1>
<p class="note">Made on {made}. It names your files: share it as you would share a list of them.</p>
</header>
<main>
{body}
</main>
{f"<script>{script}</script>" if script else ""}
</body>
</html>
"""


def _asset(name: str) -> str:
    return resources.files("ragcli.cli.showing").joinpath("report", name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Nothing from anywhere, but for this very style and script."""
    own = f"script-src {_digest(script)}; " if script else ""
    return f"default-src 'none'; {own}style-src {_digest(style)}; img-src data:; base-uri 'none'; form-action 'none'"


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _facts(overview: Overview) -> Iterator[str]:
    stats = overview.stats
    facts = [("files", f"{stats.sources:,}"), ("passages", f"{stats.chunks:,}"), ("skipped", f"{stats.skipped:,}")]
    facts.append(("size of the index", size(stats.bytes_on_disk)))
    if stats.last_indexed_ns is not None:
        facts.append(("last indexed", age(overview.made - stats.last_indexed_ns / 1e9)))
    if stats.identity:
        facts.append(("embedder", stats.identity.embedder))
    yield "<dl class=facts>"
    yield from (f"<div><dt>{name}</dt><dd>{_text(value)}</dd></div>" for name, value in facts)
    yield "</dl>"
    yield from _table("Folders", "", ["folder", "collection"], [[str(root.path), root.collection] for root in overview.roots])


def _types(overview: Overview) -> Iterator[str]:
    most = max((row.files for row in overview.types), default=1)
    rows = [[row.name, _meter(row.files, most), f"{row.files:,}", f"{row.chunks:,}", size(row.bytes)] for row in overview.types]
    yield from _table("Types", "Files by the ending of their names.", ["type", "", "#files", "#passages", "#bytes"], rows)


def _ages(overview: Overview) -> Iterator[str]:
    most = max(overview.ages.values(), default=1) or 1
    rows = [[name, _meter(count, most), f"{count:,}"] for name, count in overview.ages.items()]
    yield from _table("Age", "When the files were changed last.", ["changed", "", "#files"], rows)


def _skipped(overview: Overview) -> Iterator[str]:
    if not overview.skipped:
        return
    rows = [[REASONS.get(reason, reason), reason, f"{count:,}"] for reason, count in overview.skipped.items()]
    note = "Files that are in the folders and cannot be found, and why."
    yield from _table("Not in the index", note, ["reason", "code", "#files"], rows)
    named = [[str(each.path), REASONS.get(each.reason, each.reason), each.detail] for each in overview.skipped_files]
    yield f"<details><summary>{plural(len(named), 'file')} by name</summary>"
    yield from _table("", "", ["file", "reason", "detail"], named)
    yield "</details>"


def _map(overview: Overview) -> Iterator[str]:
    yield '<section id="map" aria-labelledby="map-title"><h2 id="map-title">Map</h2>'
    if not overview.points:
        yield '<p class="note">Nothing to draw yet.</p></section>'
        return
    more = f" {overview.left_off_map:,} more files are not drawn." if overview.left_off_map else ""
    note = f"Each dot is a file; what lies together says similar things. It is a flat picture of many dimensions.{more}"
    yield f'<p class="note">{note}</p>'
    yield '<label for="search">Find a file on the map</label>'
    yield '<input type="search" id="search" autocomplete="off" spellcheck="false" aria-controls="files" aria-describedby="count">'
    yield '<p class="note" id="count" role="status"></p>'
    label = "Map of the files; the list beside it names them"
    yield f'<div class="map"><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">'
    yield from (_dot(number, point) for number, point in enumerate(overview.points))
    yield "</svg>"
    yield '<ol class="files" id="files" role="listbox" tabindex="0" aria-label="Files on the map">'
    yield from (_item(number, point) for number, point in enumerate(overview.points))
    yield "</ol></div></section>"


def _dot(number: int, point: Point) -> str:
    x, y = MARGIN + point.place[0] * (WIDTH - 2 * MARGIN), MARGIN + point.place[1] * (HEIGHT - 2 * MARGIN)
    radius = 3 + min(point.chunks, 400) ** 0.5 / 2
    title = f"{point.title}\n{point.path}"
    return f'<circle id="d{number}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"><title>{_text(title)}</title></circle>'


def _item(number: int, point: Point) -> str:
    about = f"{point.path} · {point.collection}"
    name = f"{_text(point.title)}<small>{_text(about)}</small>"
    return f'<li id="f{number}" data-dot="d{number}" role="option" aria-selected="false">{name}</li>'


def _quality(evaluation: Mapping[str, object]) -> Iterator[str]:
    groups = [(name, evaluation.get(name)) for name in ABOUT_MEASURES]
    rows = [
        [ABOUT_MEASURES[name], str(measure), _meter(value, 1.0), f"{value:.3f}"]
        for name, measures in groups
        if isinstance(measures, Mapping)
        for measure, value in measures.items()
        if isinstance(value, float) and 0 <= value <= 1
    ]
    if not rows:
        return
    yield from _table(
        "Quality of answers", f"Measured on: {evaluation.get('set', '')}.", ["asked", "measure", "", "#value"], rows
    )


def _table(title: str, note: str, heads: list[str], rows: Iterable[list[str]]) -> Iterator[str]:
    """Columns whose head begins with # are numbers."""
    if title:
        yield f"<h2>{title}</h2>"
    if note:
        yield f'<p class="note">{_text(note)}</p>'
    yield "<table><thead><tr>"
    yield "".join(f'<th scope="col"{_kind(head)}>{head.lstrip("#")}</th>' for head in heads)
    yield "</tr></thead><tbody>"
    for row in rows:
        yield "<tr>" + "".join(_cell(head, cell) for head, cell in zip(heads, row, strict=True)) + "</tr>"
    yield "</tbody></table>"


def _cell(head: str, cell: str) -> str:
    if isinstance(cell, _Markup):
        return f'<td class="bar">{cell}</td>'
    return f"<td{_kind(head)}>{_text(cell)}</td>"


def _kind(head: str) -> str:
    return ' class="number"' if head.startswith("#") else ""


class _Markup(str):
    """A cell that is HTML already."""


def _meter(value: float, most: float) -> str:
    """A bar; the number stands in a cell of its own, so that nobody has to measure it."""
    return _Markup(f'<meter min="0" max="{most:g}" value="{value:g}" aria-hidden="true"></meter>')


def _text(foreign: str) -> str:
    """Safe in HTML, in an attribute too, and without control characters."""
    return html.escape("\n".join(map(clean_line, foreign.split("\n"))))
