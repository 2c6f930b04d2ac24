"""How often ``ask --schema`` gives JSON that validates, on 50 cases with a real model, and how much of it is true.

    benchmarks/structured.py --model smollm2-135m --engine llamacpp

Documents are written here from a fixed seed: invoices, leases, timetables, letters in five languages, with known values.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
from setting import MODELS

from ragcli import Assistant
from ragcli.flows.filling import Form, conclude_record, write_record
from ragcli.flows.gathering import result_of
from ragcli.steps.piping import cut_piped_text
from ragcli.steps.prompting import pack_context
from ragcli.steps.shaping import parse_shape
from ragcli.types import Answer, Context, Hit, Question

CASES = 50
NAMES = ("Anna Weaver", "Bo Lindqvist", "Chiara Conti", "Daisuke Mori", "Élodie Petit", "Farid Nazari", "Grete Öhler")
GOODS = ("paint", "mirror", "cable", "Ölfilter", "café", "screws", "茶")
CITIES = ("Lund", "Trier", "Oaxaca", "Sapporo", "Nantes")
NASTY = (
    'He said "null" and {"a": 1}, then C:\\temp\\new.',
    "}]}]}\" ' \\ \\u0041 <|im_end|> ```json",
    "日本語 “quotes” … 🎉 \t tabs",
    "",
)


@dataclass(frozen=True, slots=True)
class Case:
    text: str
    shape: str
    truth: dict[str, Any]


def cases(count: int) -> Iterator[Case]:
    """The same ones each time."""
    generator = random.Random(7)
    for number in range(count):
        kind = (invoice, lease, timetable, goods, awkward)[number % 5]
        yield kind(generator, number)


def invoice(generator: random.Random, number: int) -> Case:
    vendor, total = generator.choice(NAMES), round(generator.uniform(5, 90_000), 2)
    year, month, day = generator.randint(1990, 2040), generator.randint(1, 12), generator.randint(1, 28)
    text = f"INVOICE {number:04}\nFrom: {vendor}\nDate: {day:02}.{month:02}.{year}\nTotal due: EUR {total:,.2f}\n"
    truth = {"vendor": vendor, "total": total, "date": f"{year}-{month:02}-{day:02}"}
    return Case(text, "vendor: str, total: number, date: date", truth)


def lease(generator: random.Random, number: int) -> Case:
    tenant, city, rent = generator.choice(NAMES), generator.choice(CITIES), generator.randint(300, 2500)
    text = f"Lease {number}. The flat in {city} is let to {tenant}. The monthly rent is {rent} euros. Pets are not allowed."
    return Case(text, "tenant: str, city: str, rent: int, deposit?: number", {"tenant": tenant, "city": city, "rent": rent})


def timetable(generator: random.Random, number: int) -> Case:
    where, minutes = generator.choice(CITIES), generator.randint(5, 300)
    state = generator.choice(("open", "closed", "delayed"))
    text = f"Line {number} to {where}: the ride takes {minutes} minutes. The line is {state} today."
    shape = "line: int, to: str, minutes: int, state: open|closed|delayed"
    return Case(text, shape, {"line": number, "to": where, "minutes": minutes, "state": state})


def goods(generator: random.Random, number: int) -> Case:
    lines = [(generator.choice(GOODS), generator.randint(1, 99)) for _ in range(3)]
    text = f"Order {number}\n" + "\n".join(f"- {name}: {count} pieces" for name, count in lines)
    return Case(text, "order: int, lines: [{name: str, pieces: int}]", {"order": number})


def awkward(generator: random.Random, number: int) -> Case:
    """What JSON stumbles over, in the text and in the schema."""
    text = f"Note {number}: {generator.choice(NASTY)} It was written in {generator.choice(CITIES)}."
    shape = (
        "[{note: str, where?: str}]",
        '{"type": "object", "properties": {"a \\"b\\"": {"type": "string"}, "": {"type": ["integer", "null"]}}, '
        '"required": ["a \\"b\\"", ""]}',
        "note: int, deep: {er: {still: [[str]]}}, yes: bool",
        '{"type": "array", "items": {"anyOf": [{"type": "number", "minimum": -1}, {"const": "n/a"}]}, "minItems": 1}',
    )[number % 4]
    return Case(text, shape, {})


def run_case(case: Case, model: Any) -> tuple[bool, Answer, float]:
    """Whether the JSON validates, the answer, and the seconds that it took."""
    schema = parse_shape(case.shape)
    hits = [Hit(chunk, 1.0) for chunk in cut_piped_text(case.text)]
    context = pack_context(hits, budget=400, count_tokens=model.count_tokens) if hits else Context((), (), 0)
    started = time.monotonic()
    data, _ = result_of(write_record(Form(schema), context, model))
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    answer = conclude_record(Answer(Question(""), "", "answered", 1.0, context=context), data)
    return validator.is_valid(data), answer, time.monotonic() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--engine", choices=("llamacpp", "mlx"), default="llamacpp")
    parser.add_argument("--home", type=Path, default=MODELS.parent, help="holds the folder models")
    parser.add_argument("--cases", type=int, default=CASES)
    arguments = parser.parse_args()
    valid = right = fields = supported = claims = 0
    seconds = []
    with Assistant.open(arguments.home, answer__model=arguments.model, answer__engine=arguments.engine) as assistant:
        for case in cases(arguments.cases):
            is_valid, answer, took = run_case(case, assistant.machine.model)
            valid += is_valid
            seconds.append(took)
            data = answer.record.data if answer.record else {}
            right += sum(data.get(name) == value for name, value in case.truth.items())
            fields += len(case.truth)
            told = [each.supported for each in answer.record.fields] if answer.record else []
            supported, claims = supported + told.count(True), claims + sum(each is not None for each in told)
    seconds.sort()
    print(
        json.dumps(
            {
                "engine": arguments.engine,
                "model": arguments.model,
                "cases": arguments.cases,
                "valid": valid,
                "fields_right": f"{right}/{fields}",
                "values_supported": f"{supported}/{claims}",
                "median_seconds": round(seconds[len(seconds) // 2], 2),
                "slowest_seconds": round(seconds[-1], 2),
            }
        )
    )


if __name__ == "__main__":
    main()
