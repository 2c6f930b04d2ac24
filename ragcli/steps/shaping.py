"""What the user says of the data that is wanted becomes a JSON Schema that every engine can keep to.

The short notation: ``name: str, total: number, paid?: bool, status: open|paid, items: [{name: str, price: number}]``.
``?`` allows null. Of JSON Schema only what is listed here is understood; a keyword that would be ignored is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ragcli.errors import UsageError
from ragcli.steps.fitting import KINDS, Schema

NOTATION_HINT = "ragcli ask --schema 'name: str, total: number, paid?: bool, status: open|paid, tags: [str]' QUESTION"
PLAIN_TYPES: Mapping[str, Schema] = {
    **dict.fromkeys(("str", "string", "text"), {"type": "string"}),
    **dict.fromkeys(("int", "integer"), {"type": "integer"}),
    **dict.fromkeys(("number", "float", "num"), {"type": "number"}),
    **dict.fromkeys(("bool", "boolean"), {"type": "boolean"}),
    "date": {"type": "string", "format": "date"},
}
TOKEN = re.compile(r"\s*(?:(?P<word>[^\W\d]\w*(?:-\w+)*)|(?P<mark>[\[\]{}:,|?])|(?P<quoted>\"[^\"\n]*\"))")

NOTES = frozenset({"title", "description", "default", "examples", "$schema", "$id", "$comment", "$defs", "definitions"})
"""Keywords that forbid nothing."""
KEYWORDS: Mapping[str, frozenset[str]] = {
    "string": frozenset({"minLength", "maxLength", "pattern", "format"}),
    "integer": frozenset({"minimum", "maximum"}),
    "number": frozenset({"minimum", "maximum"}),
    "boolean": frozenset(),
    "null": frozenset(),
    "array": frozenset({"items", "minItems", "maxItems"}),
    "object": frozenset({"properties", "required", "additionalProperties"}),
}
FORMATS = frozenset({"date"})
DEEPEST = 8
"""Levels of a schema: more of them no small model keeps apart, and a reference to itself ends here."""


def parse_shape(text: str) -> Schema:
    """The schema that a text stands for: JSON Schema, or the short notation. Raises UsageError ``bad-schema``."""
    stripped = text.strip()
    if re.match(r'\{\s*("|\})', stripped):
        try:
            schema = json.loads(stripped)
        except ValueError as error:
            raise _bad(f"it is not JSON: {error}", "a JSON Schema is one JSON object") from error
    else:
        schema = _Notation(stripped).read()
    return check_schema(schema)


def check_schema(schema: object) -> Schema:
    """The schema without references, all of which can be kept to. Raises UsageError ``bad-schema``."""
    if not isinstance(schema, Mapping):
        raise _bad("it is no JSON object", 'a JSON Schema is an object, as {"type": "object", "properties": {…}}')
    return _checked(schema, schema, "", 0)


def _bad(message: str, hint: str = NOTATION_HINT) -> UsageError:
    return UsageError("bad-schema", f"the schema cannot be used: {message}", hint=hint)


class _Notation:
    """Reads the short notation by recursive descent."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0

    def read(self) -> Schema:
        schema = self._array() if self._peek() == "[" else self._fields("}" if self._take("{") else "")
        if self._peek():
            raise _bad(f"{self._peek()!r} is not expected after what comes before it")
        return schema

    def _fields(self, end: str) -> Schema:
        """``name: type, …`` up to the closing mark. A name alone is a text."""
        properties: dict[str, Schema] = {}
        while self._peek() != end or not properties:
            name = self._word("a field's name")
            if name in properties:
                raise _bad(f"there are two fields {name!r}")
            optional = self._take("?")
            kind = self._type() if self._take(":") else PLAIN_TYPES["str"]
            properties[name] = _nullable(kind) if optional else kind
            if not self._take(","):
                break
        if end and not self._take(end):
            raise _bad(f"there is no {end} after the last field")
        return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}

    def _type(self) -> Schema:
        if self._peek() == "[":
            return self._array()
        if self._take("{"):
            return self._fields("}")
        words = [self._word("a type")]
        while self._take("|"):
            words.append(self._word("another choice"))
        if len(words) > 1:
            return {"type": "string", "enum": words}
        if words[0] not in PLAIN_TYPES:
            raise _bad(f"there is no type {words[0]!r}", f"types: {', '.join(PLAIN_TYPES)}, a|b, [type], {{field: type}}")
        return PLAIN_TYPES[words[0]]

    def _array(self) -> Schema:
        self._take("[")
        items = self._type()
        if not self._take("]"):
            raise _bad("there is no ] after the type of a list")
        return {"type": "array", "items": items}

    def _peek(self) -> str:
        """The next word or mark; empty at the end."""
        found = TOKEN.match(self._text, self._place)
        if found is None and self._text[self._place :].strip():
            raise _bad(f"{self._text[self._place :].strip()[:20]!r} is neither a name nor a type")
        return found[0].strip() if found else ""

    def _take(self, mark: str) -> bool:
        if not mark or self._peek() != mark:
            return False
        self._next()
        return True

    def _word(self, expected: str) -> str:
        word = self._peek()
        if not word or word in "[]{}:,|?":
            raise _bad(f"{expected} is expected" + (f", not {word!r}" if word else " at the end"))
        self._next()
        return word.strip('"')

    def _next(self) -> None:
        found = TOKEN.match(self._text, self._place)
        self._place = found.end() if found else len(self._text)


def _nullable(kind: Schema) -> Schema:
    return {"anyOf": [kind, {"type": "null"}]} if "enum" in kind else {**kind, "type": [kind["type"], "null"]}


# ---- JSON Schema -----------------------------------------------------------------------------


def _checked(schema: Schema, whole: Schema, place: str, depth: int) -> dict[str, Any]:
    """Raises UsageError ``bad-schema`` with the place of what cannot be kept to."""
    where = place or "at the top"
    if not isinstance(schema, Mapping):
        raise _bad(f"{where} stands {json.dumps(schema, default=str)[:30]}, not a schema")
    if depth > DEEPEST:
        raise _bad(f"{where} it goes deeper than {DEEPEST} levels, or refers to itself")
    if "$ref" in schema:
        return _checked(_resolved(schema["$ref"], whole), whole, place, depth + 1)
    notes = {key: schema[key] for key in ("title", "description") if isinstance(schema.get(key), str)}
    if "anyOf" in schema:
        _only(schema, {"anyOf"}, where)
        return {**notes, "anyOf": [_checked(each, whole, place, depth + 1) for each in _listed(schema, "anyOf", where)]}
    if "enum" in schema or "const" in schema:
        _only(schema, {"enum", "const", "type"}, where)
        choices = _listed(schema, "enum", where) if "enum" in schema else [schema["const"]]
        if any(isinstance(choice, list | dict) for choice in choices):
            raise _bad(f"{where} a choice is neither a text, a number, true, false nor null")
        return {**notes, "enum": choices}
    kinds = _kinds(schema, where)
    _only(schema, {"type"}.union(*(KEYWORDS[kind] for kind in kinds)), where)
    limits = {key: value for key, value in schema.items() if any(key in KEYWORDS[kind] for kind in kinds)}
    _check_limits(limits, where)
    checked = {**notes, "type": kinds[0] if len(kinds) == 1 else kinds, **limits}
    if "array" in kinds:
        checked["items"] = _checked(schema.get("items", {}), whole, f"{place}/items", depth + 1)
    if "object" in kinds:
        checked |= _checked_object(schema, whole, place, depth)
    return checked


def _checked_object(schema: Schema, whole: Schema, place: str, depth: int) -> dict[str, Any]:
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        raise _bad(f"{place or 'at the top'} an object has no properties")
    required = schema.get("required", [])
    if not isinstance(required, list) or not set(map(str, required)) <= set(properties):
        raise _bad(f"{place or 'at the top'} a required property is not described")
    checked = {name: _checked(each, whole, f"{place}/{name}", depth + 1) for name, each in properties.items()}
    return {"properties": checked, "required": required, "additionalProperties": False}


def _kinds(schema: Schema, where: str) -> list[str]:
    guessed = "object" if "properties" in schema else "array" if "items" in schema else None
    given = schema.get("type", guessed)
    kinds = list(given) if isinstance(given, list) else [given]
    if not kinds or any(not isinstance(kind, str) or kind not in KEYWORDS for kind in kinds):
        raise _bad(f"{where} there is no type, or none of {', '.join(KEYWORDS)}")
    return kinds


def _only(schema: Schema, known: set[str], where: str) -> None:
    """A keyword that says what data must be like is not passed over."""
    for key in schema:
        if key not in known | NOTES:
            hint = f"understood are: {', '.join(sorted({'anyOf', 'enum', 'const', '$ref', 'type'}.union(*KEYWORDS.values())))}"
            raise _bad(f"{where} stands {key!r}, which cannot be kept to", hint)


def _check_limits(limits: Schema, where: str) -> None:
    for key, value in limits.items():
        is_count = key in {"minLength", "maxLength", "minItems", "maxItems"}
        is_bad = (is_count and not (KINDS["integer"](value) and value >= 0)) or (
            key in {"minimum", "maximum"} and not KINDS["number"](value)
        )
        if is_bad:
            raise _bad(f"{where} {key} is {json.dumps(value, default=str)}")
    if "format" in limits and limits["format"] not in FORMATS:
        raise _bad(f"{where} stands the format {limits['format']!r}, which cannot be kept to", "the format that is known: date")
    if "pattern" in limits:
        try:
            re.compile(limits["pattern"])
        except (re.error, TypeError) as error:
            raise _bad(f"{where} the pattern is no regular expression") from error
    for low, high in (("minLength", "maxLength"), ("minItems", "maxItems"), ("minimum", "maximum")):
        if low in limits and high in limits and limits[low] > limits[high]:
            raise _bad(f"{where} {low} is more than {high}")


def _listed(schema: Schema, key: str, where: str) -> list[Any]:
    values = schema[key]
    if not isinstance(values, list) or not values:
        raise _bad(f"{where} {key} is no list, or an empty one")
    return values


def _resolved(reference: object, whole: Schema) -> Schema:
    """What a reference within the schema points to."""
    found: Any = whole if isinstance(reference, str) and reference.startswith("#/") else None
    for name in str(reference)[2:].split("/"):
        found = found.get(name.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    if found is None:
        raise _bad(f"{reference!r} points to nothing in it", 'refer to "#/$defs/NAME"')
    return found
