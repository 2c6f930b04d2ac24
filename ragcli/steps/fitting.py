"""Data and its schema: whether one fits the other, what a model is told of it, and limits that let every answer end.

Schemas are those that ``shaping.check_schema`` let through: no references, and only what every engine can keep to.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

Schema = Mapping[str, Any]

KINDS: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
LARGEST_NUMBER = 10**15
"""Without a limit a small model may write digits until it is stopped. Beyond this, doubles lose whole numbers."""
COMPACT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""How llguidance is told to leave no choice of white space: another thing that small models repeat without end."""


def bound_schema(schema: Schema, *, characters: int, items: int) -> Schema:
    """The schema with a length for whatever has none, so that every answer that fits it comes to an end."""
    return {**_bounded(schema, characters, items), "x-guidance": COMPACT}


def _bounded(schema: Schema, characters: int, items: int) -> dict[str, Any]:
    bounded = dict(schema)
    kinds = schema.get("type", ())
    if "anyOf" in schema:
        bounded["anyOf"] = [_bounded(each, characters, items) for each in schema["anyOf"]]
    if "string" in kinds and not {"pattern", "format"} & schema.keys():
        bounded["maxLength"] = min(schema.get("maxLength", characters), max(characters, schema.get("minLength", 0)))
    if {"number", "integer"} & ({kinds} if isinstance(kinds, str) else set(kinds)):
        bounded = {"minimum": -LARGEST_NUMBER, "maximum": LARGEST_NUMBER} | bounded
    if "array" in kinds:
        bounded["maxItems"] = min(schema.get("maxItems", items), max(items, schema.get("minItems", 0)))
        bounded["items"] = _bounded(schema["items"], characters, items)
    if "object" in kinds:
        bounded["properties"] = {name: _bounded(each, characters, items) for name, each in schema["properties"].items()}
    return bounded


def fits(value: Any, schema: Schema) -> bool:
    """Whether the value validates against a checked schema."""
    if "anyOf" in schema:
        return any(fits(value, each) for each in schema["anyOf"])
    if "enum" in schema:
        return any(value == choice and isinstance(value, bool) == isinstance(choice, bool) for choice in schema["enum"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return any(KINDS[kind](value) and _LIMITS[kind](value, schema) for kind in kinds)


def _fits_text(value: str, schema: Schema) -> bool:
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        return False
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return False
    return schema.get("format") != "date" or _is_date(value)


def _is_date(value: str) -> bool:
    try:
        return len(value) == len("2026-01-31") and bool(date.fromisoformat(value))
    except ValueError:
        return False


def _fits_number(value: float, schema: Schema) -> bool:
    return schema.get("minimum", value) <= value <= schema.get("maximum", value)


def _fits_list(value: Sequence[Any], schema: Schema) -> bool:
    right_length = schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value))
    return right_length and all(fits(each, schema["items"]) for each in value)


def _fits_object(value: Mapping[str, Any], schema: Schema) -> bool:
    known = schema["properties"]
    return set(schema["required"]) <= set(value) <= set(known) and all(fits(each, known[key]) for key, each in value.items())


_LIMITS: Mapping[str, Callable[[Any, Schema], bool]] = {
    "string": _fits_text,
    "number": _fits_number,
    "integer": _fits_number,
    "array": _fits_list,
    "object": _fits_object,
    "boolean": lambda value, schema: True,
    "null": lambda value, schema: True,
}


def leaves_of(value: Any, place: str = "") -> Iterator[tuple[str, str | int | float | bool | None]]:
    """Every value that is neither a list nor an object, with its JSON pointer."""
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            name = str(key).replace("~", "~0").replace("/", "~1")
            yield from leaves_of(each, f"{place}/{name}")
    else:
        yield place, value


def is_single(schema: Schema) -> bool:
    """Whether the schema asks for one value alone."""
    kinds = schema.get("type", ())
    if "array" in kinds or "anyOf" in schema:
        return False
    return "object" not in kinds or (len(schema["properties"]) == 1 and all(map(is_single, schema["properties"].values())))


def describe_fields(schema: Schema, depth: int = 0) -> Iterator[str]:
    """The fields in words, one a line, those of lists and objects indented below them."""
    for name, each in schema.get("properties", {}).items():
        note = each.get("description") or each.get("title")
        yield f"{'  ' * depth}- {name}: {_described(each)}" + (f" ({note})" if note else "")
        inner = each.get("items", each)
        yield from describe_fields(inner, depth + 1)
    if "items" in schema and not depth:
        yield f"- each entry of the list: {_described(schema['items'])}"
        yield from describe_fields(schema["items"], depth + 1)


def _described(schema: Schema) -> str:
    if "anyOf" in schema:
        return " or ".join(_described(each) for each in schema["anyOf"])
    if "enum" in schema:
        return "one of " + ", ".join(json.dumps(choice, ensure_ascii=False) for choice in schema["enum"])
    if schema.get("format") == "date":
        return "date as YYYY-MM-DD"
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    words = {"string": "text", "array": "list", "null": "null if it is not said"}
    return " or ".join(words.get(str(kind), str(kind)) for kind in kinds)
