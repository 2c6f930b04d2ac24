"""Data is held to its schema as the standard says, and a bounded schema admits only what comes to an end."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.steps.fitting import bound_schema, describe_fields, fits, is_single, leaves_of
from ragcli.steps.shaping import parse_shape

SCHEMAS = [
    parse_shape(text)
    for text in (
        "name: str, total: number, paid?: bool",
        "when: date, status: open|paid, year?: int",
        "tags: [str], at: {city: str, zip?: int}",
        "[{name: str}]",
        '{"type": "string", "minLength": 2, "maxLength": 3, "pattern": "^[a-c]+$"}',
        '{"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 3}, "minItems": 1, "maxItems": 2}',
        '{"anyOf": [{"type": "boolean"}, {"enum": [1, null, "x"]}]}',
        '{"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "null"}}, "required": ["a"]}',
    )
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-4, 4),
    st.just(1.5),
    st.text("abx", max_size=4),
    st.sampled_from(["2026-01-31", "open"]),
)
KEYS = st.sampled_from(["name", "total", "paid", "when", "status", "year", "tags", "at", "city", "zip", "a", "b"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)), max_leaves=6
)


@given(st.sampled_from(SCHEMAS), VALUES)
def test_what_fits_is_what_the_standard_lets_through(schema: dict[str, Any], value: Any) -> None:
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    assert fits(value, schema) == validator.is_valid(value)


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        ({"name": "A", "total": 1, "paid": None}, SCHEMAS[0]),
        ({"when": "2026-02-28", "status": "paid", "year": 3}, SCHEMAS[1]),
        ({"tags": ["a", "b"], "at": {"city": "X", "zip": None}}, SCHEMAS[2]),
        ([], SCHEMAS[3]),
        ("abc", SCHEMAS[4]),
    ],
)
def test_good_data_fits(value: Any, schema: dict[str, Any]) -> None:
    assert fits(value, schema)


@pytest.mark.parametrize("value", ["2026-02-30", "20260131", "31.1.2026", ""])
def test_a_date_is_a_day_that_there_is(value: str) -> None:
    assert not fits({"when": value, "status": "open", "year": None}, SCHEMAS[1])


@given(st.sampled_from(SCHEMAS), VALUES)
def test_what_fits_the_bounded_schema_fits_the_whole_one(schema: dict[str, Any], value: Any) -> None:
    bounded = bound_schema(schema, characters=2, items=2)
    assert not fits(value, bounded) or fits(value, schema)


def test_everything_that_could_go_on_without_end_is_bounded() -> None:
    bounded = bound_schema(parse_shape("a: str, b: [{c?: str}], d: number"), characters=9, items=4)["properties"]
    assert bounded["a"]["maxLength"] == 9
    assert bounded["b"]["maxItems"] == 4
    assert bounded["b"]["items"]["properties"]["c"]["maxLength"] == 9
    assert bounded["d"]["maximum"] == -bounded["d"]["minimum"] == 10**15


def test_the_users_own_limits_win_where_they_are_tighter_or_least() -> None:
    limits = '{"type": "array", "items": {"type": "string", "minLength": 7, "maxLength": 8}, "maxItems": 2}'
    bounded = bound_schema(parse_shape(limits), characters=3, items=9)
    assert (bounded["maxItems"], bounded["items"]["maxLength"]) == (2, 7)


def test_leaves_have_pointers() -> None:
    data = {"a": [1, {"b/c": "x"}], "~": None, "empty": []}
    assert list(leaves_of(data)) == [("/a/0", 1), ("/a/1/b~1c", "x"), ("/~0", None)]
    assert list(leaves_of(3)) == [("", 3)]


def test_one_value_is_told_from_many() -> None:
    assert is_single(parse_shape("total: number"))
    assert is_single(parse_shape("at: {city: str}"))
    assert not is_single(parse_shape("name, total: number"))
    assert not is_single(parse_shape("[str]"))


def test_a_model_is_told_the_fields_in_words() -> None:
    schema = parse_shape("name, when?: date, items: [{status: open|paid}]")
    assert list(describe_fields(schema)) == [
        "- name: text",
        "- when: date as YYYY-MM-DD",
        "- items: list",
        '  - status: one of "open", "paid"',
    ]
