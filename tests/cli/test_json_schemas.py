"""ragcli schema: what it says of the output is what the commands print, key by key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import jsonschema
import pytest

from ragcli.cli.showing.json_schemas import infer_schema, names_of_outputs, output_schema, samples
from tests.cli.conftest import InProcess

SHOWN = {
    "ask": ["ask", "lease", "--json"],
    "ask --schema": ["ask", "--schema", "end, made_up", "lease", "--json"],
    "search": ["search", "lease", "--json"],
    "search --explain": ["search", "lease", "--explain", "--json"],
    "extract": ["extract", "--schema", "total", "/a.md", "/scan.pdf"],
    "index": ["index", "--json"],
    "forget": ["forget", "/files/lease.md", "--json"],
    "status": ["status", "--json"],
    "ls": ["ls", "--json"],
    "show": ["show", "/files/lease.md", "--json"],
    "check": ["check", "--read-data", "--json"],
    "doctor": ["doctor", "--json"],
    "models list": ["models", "list", "--json"],
    "models show": ["models", "show", "tiny", "--json"],
    "config list": ["config", "list", "--json"],
    "config get": ["config", "get", "search.limit", "--json"],
    "eval": ["eval", "/", "--json"],
    "ask --ndjson": ["ask", "lease", "--ndjson"],
    "index --ndjson": ["index", "--ndjson"],
    "eval --ndjson": ["eval", "/", "--ndjson"],
}
"""A run whose output each schema is for."""
ELSEWHERE = {"ask --all", "ask --all --ndjson", "models import", "models pull --ndjson", "purge", "error"}


def test_every_schema_is_tried_on_real_output_or_named_here() -> None:
    assert set(names_of_outputs()) == set(SHOWN) | ELSEWHERE


@pytest.mark.parametrize("name", names_of_outputs())
def test_every_schema_is_one_of_the_standard(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(output_schema(name))


@pytest.mark.parametrize("name", SHOWN)
def test_what_a_command_prints_fits_its_schema(run: InProcess, name: str) -> None:
    lines = run(*SHOWN[name]).stdout.splitlines()
    assert lines
    for line in lines:
        jsonschema.validate(json.loads(line), output_schema(name))


@pytest.mark.parametrize("arguments", [["search", "locked"], ["ask", ""], ["ask", "lease", "--model", "absent"]])
def test_errors_fit_theirs(run: InProcess, arguments: list[str]) -> None:
    jsonschema.validate(json.loads(run(*arguments, "--json").stdout), output_schema("error"))


def test_no_answer_fits_too(run: InProcess) -> None:
    jsonschema.validate(json.loads(run("ask", "zebra", "--json").stdout), output_schema("ask"))
    jsonschema.validate(json.loads(run("ask", "--schema", "end", "zebra", "--json").stdout), output_schema("ask --schema"))


def test_a_schema_is_closed_and_says_what_may_be_null(run: InProcess) -> None:
    answer = json.loads(run("ask", "lease", "--json").stdout)
    schema = output_schema("ask")
    assert schema["properties"]["schema"] == {"const": 1}
    assert schema["properties"]["outcome"] == {"enum": ["answered", "no_evidence"]}
    assert set(schema["properties"]["model"]["type"]) == {"object", "null"}
    for wrong in (
        {**answer, "more": 1},
        {**answer, "outcome": "perhaps"},
        {key: answer[key] for key in answer if key != "usage"},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


def test_the_command_prints_one_all_or_the_names(run: InProcess) -> None:
    assert run("schema").stdout.splitlines() == names_of_outputs()
    assert json.loads(run("schema", "models", "list").stdout) == output_schema("models list")
    assert json.loads(run("schema", "ask --ndjson").stdout)["title"] == "ragcli ask --ndjson"
    assert set(json.loads(run("schema", "--json").stdout)) == set(names_of_outputs())
    unknown = run("schema", "asc")
    assert (unknown.exit_code, unknown.stderr) == (2, "error: there is no schema 'asc'\nhint: ragcli schema lists them all\n")


def test_samples_make_every_choice_of_a_type() -> None:
    assert samples(int | None) == (1, None)
    assert samples(Literal["a", "b"]) == ("a", "b")
    assert samples(tuple[int, int]) == ((1, 1),)
    assert samples(tuple[bool, ...]) == ((True, False), ())
    assert samples(Mapping[str, float]) == ({"*": 0.5},)


@pytest.mark.parametrize(
    ("values", "schema"),
    [
        ([1, 0.5], {"type": "number"}),
        (["a", None], {"type": ["string", "null"]}),
        ([Path("/a")], {"type": "string"}),
        ([[], [1]], {"type": "array", "items": {"type": "integer"}}),
        (
            [{"a": 1, "b": True}, {"a": None}],
            {
                "type": "object",
                "properties": {"a": {"type": ["integer", "null"]}, "b": {"type": "boolean"}},
                "required": ["a"],
                "additionalProperties": False,
            },
        ),
        ([{"*": 1}, {}], {"type": "object", "additionalProperties": {"type": "integer"}}),
        ([{}], {"type": "object", "additionalProperties": True}),
    ],
)
def test_a_schema_is_inferred_from_values(values: list[Any], schema: dict[str, Any]) -> None:
    assert infer_schema(values) == schema
