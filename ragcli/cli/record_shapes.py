"""Records as JSON and as rows of a table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ragcli.cli.showing import json_shapes
from ragcli.cli.showing.json_shapes import SCHEMA, Shape
from ragcli.types import Answer, Extracted, FieldValue

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would run; such a text gets an apostrophe in front."""
PLACES = ("path", "outcome", "unsupported", "places")
"""The columns of every table, beside those of the fields."""


def field_shape(value: FieldValue) -> Shape:
    citation = json_shapes.citation_shape(value.citation) if value.citation else None
    return {"field": value.field, "value": value.value, "supported": value.supported, "citation": citation}


def record_answer_shape(answer: Answer) -> Shape:
    """An answer with ``data``, null without evidence, and what stands behind each of its fields."""
    fields = [field_shape(each) for each in answer.record.fields] if answer.record else []
    return {**json_shapes.answer_shape(answer), "data": answer.record.data if answer.record else None, "fields": fields}


def extracted_shape(event: Extracted, job: str) -> Shape:
    """One line of ``extract``. ``job`` names schema and question: records of another job cannot be gone on with."""
    record = event.record
    return {
        "schema": SCHEMA,
        "path": event.path,
        "outcome": event.outcome,
        "data": record.data if record else None,
        "fields": [field_shape(each) for each in record.fields] if record else [],
        "reason": event.reason or None,
        "detail": event.detail,
        "shown": event.shown,
        "passages": event.passages,
        "digest": event.digest,
        "job": job,
    }


def columns_of(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns for the fields: those of an object, or of each entry of a list of objects; else one, ``value``."""
    entry = schema.get("items", schema)
    return tuple(entry.get("properties", {"value": None}))


def table_rows(event: Extracted, columns: tuple[str, ...]) -> Iterator[list[str]]:
    """One row for the file, or one for each entry of its list; a file without a record has a row too."""
    data = event.record.data if event.record else None
    fields = event.record.fields if event.record else ()
    unsupported = " ".join(each.field for each in fields if each.supported is False)
    places = " ".join(dict.fromkeys(each.citation.locator.describe() for each in fields if each.citation))
    for entry in data if isinstance(data, list) and data else [data]:
        values = entry if isinstance(entry, dict) else {"value": entry}
        told = event.outcome if not event.reason else f"{event.outcome}: {event.reason}"
        yield [_cell(str(event.path)), told, unsupported, places, *(_cell(values.get(name)) for name in columns)]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        text = value.encode(errors="replace").decode()
        return f"'{text}" if text.startswith(FORMULA) else text
    return json.dumps(value, ensure_ascii=False)
