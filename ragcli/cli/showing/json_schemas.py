"""The JSON Schemas of what the program prints, made from the program itself.

Sample values are built from the types in ``types``, with every choice that a type leaves, and sent through the functions
that make the output; what comes out says what can. So no schema can differ from what is printed, and none is written by hand.
"""

from __future__ import annotations

import dataclasses
from collections import abc
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ragcli.cli import record_shapes, surveys
from ragcli.cli.showing import json_shapes
from ragcli.cli.showing.json_shapes import Shape
from ragcli.config import Config, known_settings
from ragcli.errors import FAMILIES, UsageError
from ragcli.types import (
    Answer,
    AnswerEvent,
    Chunk,
    EvaluationEvent,
    Extracted,
    Finding,
    IndexReport,
    InstalledModel,
    ModelRow,
    PullEvent,
    Root,
    SearchResult,
    StoredSource,
    StoreStats,
    Survey,
    SurveyEvent,
    WatchEvent,
    WatchHealth,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ANY_KEY = "*"
"""The one key of a sample mapping, which stands for all that there may be."""


class Choice(str):
    """A text of a few that there can be."""

    choices: tuple[str, ...] = ()

    def __deepcopy__(self, _memo: object) -> Choice:
        return self


class Anything:
    """Stands for a value of any kind."""

    def __deepcopy__(self, _memo: object) -> Anything:
        return self


PLAIN: Mapping[object, tuple[Any, ...]] = {
    str: ("text", ""),
    int: (1,),
    float: (0.5,),
    bool: (True, False),
    NoneType: (None,),
    Path: (Path("/path"),),
    Any: (Anything(),),
    object: (Anything(),),
}


@cache
def samples(kind: Any) -> tuple[Any, ...]:
    """Values of the type that together make every choice that it leaves, one at a time."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind in PLAIN:
        return PLAIN[kind]
    if origin is Literal:
        return tuple(_choice(value, inner) for value in inner)
    if origin in (Union, UnionType):
        return tuple(value for each in inner for value in samples(each))
    if origin is tuple and inner[-1:] != (...,):
        return (tuple(samples(each)[0] for each in inner),)
    if origin in (tuple, list, abc.Sequence):
        return (samples(inner[0]), ())
    if origin in (dict, abc.Mapping):
        return tuple({ANY_KEY: value} for value in samples(inner[1]))
    return _instances(kind)


def _choice(value: object, choices: tuple[object, ...]) -> object:
    made = Choice(value)
    made.choices = tuple(map(str, choices))
    return made


def _instances(kind: Any) -> tuple[Any, ...]:
    hints = get_type_hints(kind)
    choices = {field.name: samples(hints[field.name]) for field in dataclasses.fields(kind)}
    most = max(map(len, choices.values()), default=1)
    return tuple(kind(**{name: values[min(turn, len(values) - 1)] for name, values in choices.items()}) for turn in range(most))


def infer_schema(values: Iterable[Any]) -> dict[str, Any]:
    """The narrowest schema of its kind that each of the values fits."""
    known = list(values)
    if any(isinstance(value, Anything) for value in known):
        return {}
    choices = [value for value in known if isinstance(value, Choice)]
    if choices and len(choices) == len(known):
        return {"enum": list(dict.fromkeys(choice for value in choices for choice in value.choices))}
    schema: dict[str, Any] = {"type": _types(known)}
    lists = [value for value in known if isinstance(value, list | tuple)]
    if items := [item for value in lists for item in value]:
        schema["items"] = infer_schema(items)
    if objects := [value for value in known if isinstance(value, Mapping)]:
        schema |= _object_schema(objects)
    return schema


def _types(values: Iterable[Any]) -> str | list[str]:
    names = dict.fromkeys(_type(value) for value in values)
    if "number" in names:
        names.pop("integer", None)
    return next(iter(names)) if len(names) == 1 else list(names)


def _type(value: Any) -> str:
    kinds = {bool: "boolean", int: "integer", float: "number", NoneType: "null", list: "array", tuple: "array"}
    if isinstance(value, str | Path):
        return "string"
    return "object" if isinstance(value, Mapping) else kinds[type(value)]


def _object_schema(objects: list[Mapping[str, Any]]) -> dict[str, Any]:
    held = [each[ANY_KEY] for each in objects if ANY_KEY in each]
    names = dict.fromkeys(name for each in objects for name in each if name != ANY_KEY)
    schema: dict[str, Any] = {"additionalProperties": infer_schema(held) if held else not names}
    if not names:
        return schema
    properties = {name: infer_schema([each[name] for each in objects if name in each]) for name in names}
    for name in {"schema", "event"} & names.keys():
        properties[name] = {"const": next(each[name] for each in objects if name in each)}
    required = [name for name in names if all(name in each for each in objects)]
    return {"properties": properties, "required": required, **schema}


# ---- what is printed -------------------------------------------------------------------------


def _events(kind: Any, shape: Callable[[Any], Shape]) -> list[list[Shape]]:
    """The samples of a union of events, by event."""
    return [[shape(event) for event in samples(each)] for each in get_args(kind)]


def _statuses() -> list[Shape]:
    sources = samples(StoredSource)
    watchers = (*samples(WatchHealth), None)
    stats = samples(StoreStats)
    turns = max(len(watchers), len(stats))
    return [
        json_shapes.status_shape(
            stats[min(turn, len(stats) - 1)], samples(Root), Path("/index"), watchers[min(turn, len(watchers) - 1)], sources
        )
        for turn in range(turns)
    ]


def _settings() -> list[Shape]:
    """The keys are the program's, and those that the user makes."""
    whole = json_shapes.settings_shape(Config(), Path("/config"))
    return [{**whole, "settings": {ANY_KEY: setting}} for setting in whole["settings"].values()]


def _each(kind: Any, shape: Callable[[Any], Shape]) -> list[Shape]:
    return [shape(value) for value in samples(kind)]


OUTPUTS: Mapping[str, Callable[[], list[Shape]]] = {
    "ask": lambda: _each(Answer, json_shapes.answer_shape),
    "ask --schema": lambda: _each(Answer, record_shapes.record_answer_shape),
    "ask --all": lambda: _each(Survey, surveys.survey_shape),
    "search": lambda: _each(SearchResult, json_shapes.search_shape),
    "search --explain": lambda: _each(SearchResult, lambda result: json_shapes.search_shape(result, explain=True)),
    "extract": lambda: _each(Extracted, lambda event: record_shapes.extracted_shape(event, "job")),
    "index": lambda: _each(IndexReport, json_shapes.report_shape),
    "status": _statuses,
    "ls": lambda: [json_shapes.sources_shape(samples(StoredSource))],
    "show": lambda: [json_shapes.chunks_shape(Path("/path"), samples(Chunk))],
    "check": lambda: [json_shapes.findings_shape(samples(Finding))],
    "models list": lambda: [json_shapes.models_shape(samples(ModelRow))],
    "models show": lambda: _each(ModelRow, json_shapes.model_shape),
    "models import": lambda: _each(InstalledModel, json_shapes.installed_shape),
    "config list": _settings,
    "config get": lambda: [json_shapes.setting_shape(key, Config()) for key in known_settings()],
    "purge": lambda: [json_shapes.purged_shape([Path("/path")])],
    "eval": lambda: [json_shapes.evaluation_shape({ANY_KEY: Anything()})],
    "error": lambda: [json_shapes.error_shape(kind(slug, "text", hint="text")) for kind in FAMILIES for slug in kind.slugs],
}
"""What a command prints with ``--json`` (``extract``: each of its lines)."""
SAME: Mapping[str, str] = {"forget": "index", "doctor": "check"}
EVENTS: Mapping[str, Callable[[], list[list[Shape]]]] = {
    "ask --ndjson": lambda: _events(AnswerEvent, json_shapes.event_shape),
    "ask --all --ndjson": lambda: _events(SurveyEvent, surveys.event_shape),
    "index --ndjson": lambda: _events(WatchEvent, json_shapes.event_shape),
    "models pull --ndjson": lambda: _events(PullEvent, json_shapes.event_shape),
    "eval --ndjson": lambda: _events(EvaluationEvent, json_shapes.event_shape),
}
"""What each line of a command is with ``--ndjson``."""


def names_of_outputs() -> list[str]:
    """Everything that has a schema."""
    return sorted([*OUTPUTS, *SAME, *EVENTS])


def output_schema(name: str) -> Shape:
    """The JSON Schema of what the command prints. Raises UsageError ``bad-argument`` for a name that there is not."""
    wanted = SAME.get(name, name)
    if wanted in OUTPUTS:
        schema = infer_schema(OUTPUTS[wanted]())
    elif wanted in EVENTS:
        schema = {"anyOf": [infer_schema(shapes) for shapes in EVENTS[wanted]()]}
    else:
        raise UsageError("bad-argument", f"there is no schema {name!r}", hint="ragcli schema lists them all")
    return {"$schema": DIALECT, "title": f"ragcli {name}", **schema}
