"""What the user says of the wanted data becomes a schema, or one line that says why it cannot."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.errors import UsageError
from ragcli.steps.shaping import check_schema, parse_shape


def test_a_name_alone_is_a_text_and_all_fields_are_wanted() -> None:
    assert parse_shape("name, total: number") == {
        "type": "object",
        "properties": {"name": {"type": "string"}, "total": {"type": "number"}},
        "required": ["name", "total"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("notation", "schema"),
    [
        ("x: int", {"type": "integer"}),
        ("x?: bool", {"type": ["boolean", "null"]}),
        ("x: date", {"type": "string", "format": "date"}),
        ("x: open|paid", {"enum": ["open", "paid"]}),
        ('x: "in part"|paid', {"enum": ["in part", "paid"]}),
        ("x?: open|paid", {"anyOf": [{"enum": ["open", "paid"]}, {"type": "null"}]}),
        ("x: [str]", {"type": "array", "items": {"type": "string"}}),
        ("größe: [[number]]", {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}),
        ("x:str,", {"type": "string"}),
    ],
)
def test_the_short_notation(notation: str, schema: dict[str, Any]) -> None:
    (parsed,) = parse_shape(notation)["properties"].values()
    assert parsed == schema


def test_objects_in_lists() -> None:
    schema = parse_shape("[{name: str, price?: number}]")
    jsonschema.validate([{"name": "a", "price": None}], schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate([{"name": "a"}], schema)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "name:",
        "name: text: number",
        "name: nubmer",
        "name, name",
        "a: [str",
        "a: {b: str",
        "a b",
        "a: str }",
        "{",
        "5: str",
        "a: x|",
        '{"type": "object"}',
        '{"type": "object", "properties": {}}',
        '{"type": "widget"}',
        '{"type": "string", "minLength": 9, "maxLength": 3}',
        '{"type": "string", "maxLength": -1}',
        '{"type": "string", "pattern": "["}',
        '{"type": "string", "format": "uuid"}',
        '{"type": "array", "items": {"type": "string"}, "uniqueItems": true}',
        '{"type": "array"}',
        '{"oneOf": [{"type": "string"}]}',
        '{"anyOf": []}',
        '{"enum": [[1]]}',
        '{"$ref": "#/$defs/absent"}',
        '{"$ref": "https://example.org/schema"}',
        '{"$ref": "#/$defs/a", "$defs": {"a": {"type": "array", "items": {"$ref": "#/$defs/a"}}}}',
        '{"type": "object", "properties": {"a": 3}, "required": []}',
        '{"type": "object", "properties": {"a": {"type": "string"}}, "required": ["b"]}',
        '{"type": "object", "properties": {"a": {"type": "string"}} "required": []}',
        '{"type": "string", "minLengt": 3}',
    ],
)
def test_what_cannot_be_kept_to_is_refused_in_one_line_with_a_hint(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_shape(text)
    assert caught.value.slug == "bad-schema"
    assert "\n" not in caught.value.message + caught.value.hint
    assert len(caught.value.message) < 160


def test_a_keyword_that_would_be_passed_over_names_its_place() -> None:
    schema = {"type": "object", "properties": {"items": {"type": "array", "items": {"type": "number", "multipleOf": 2}}}}
    with pytest.raises(UsageError, match="/items/items stands 'multipleOf'"):
        check_schema(schema)


def test_references_within_the_schema_are_followed() -> None:
    """As pydantic writes them."""
    schema = {
        "$defs": {
            "Line": {"title": "Line", "type": "object", "properties": {"price": {"type": "number"}}, "required": ["price"]}
        },
        "type": "object",
        "title": "Invoice",
        "properties": {
            "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        },
        "required": ["lines"],
    }
    checked = check_schema(schema)
    assert checked["properties"]["lines"]["items"]["properties"] == {"price": {"type": "number"}}
    assert "$ref" not in json.dumps(checked)
    jsonschema.validate({"lines": [{"price": 3.5}]}, checked)


NAMES = st.from_regex(re.compile(r"[a-z][a-z_]{0,8}"), fullmatch=True)
TYPES = st.recursive(
    st.sampled_from(["str", "int", "number", "bool", "date", "a|b|c"]),
    lambda inner: st.one_of(
        inner.map(lambda kind: f"[{kind}]"),
        st.dictionaries(NAMES, inner, min_size=1, max_size=3).map(
            lambda fields: "{" + ", ".join(f"{name}: {kind}" for name, kind in fields.items()) + "}"
        ),
    ),
    max_leaves=5,
)


@given(st.dictionaries(NAMES, st.tuples(TYPES, st.booleans()), min_size=1, max_size=4))
def test_every_notation_is_a_schema_of_the_standard_and_its_own_fixed_point(fields: dict[str, tuple[str, bool]]) -> None:
    text = ", ".join(f"{name}{'?' * optional}: {kind}" for name, (kind, optional) in fields.items())
    schema = parse_shape(text)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert list(schema["properties"]) == list(fields)
    assert check_schema(schema) == schema
    assert parse_shape(json.dumps(schema)) == schema


@given(st.text(max_size=40))
def test_any_text_is_a_schema_or_an_error_of_ours(text: str) -> None:
    try:
        jsonschema.Draft202012Validator.check_schema(parse_shape(text))
    except UsageError as error:
        assert error.hint
