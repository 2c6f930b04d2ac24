"""The flow behind ``ask --schema``: passages become a record that fits a schema, and each of its values is looked up in them.

A model fills in whatever it is made to fill in. So a record of which nothing stands in the passages is no answer.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ragcli.errors import ModelError
from ragcli.flows.asking import AskOptions, AskPorts, find_context
from ragcli.flows.saying import judge_answer
from ragcli.flows.searching import Stopwatch
from ragcli.ports import LanguageModel
from ragcli.steps.defusing import Defused, defuse_context, explain_fence, put_between_fences
from ragcli.steps.fitting import Schema, bound_schema, describe_fields, fits, is_single
from ragcli.steps.grounding import ground_record
from ragcli.steps.prompting import SYSTEM, describe_source
from ragcli.types import (
    Answer,
    AnswerEvent,
    AnswerFinished,
    Citation,
    Context,
    Delta,
    FieldValue,
    Message,
    Prompt,
    Question,
    Record,
    Usage,
)

LIMITS = ((400, 24), (120, 8), (40, 3))
"""Characters of a text and entries of a list: what is tried in turn, until the record comes to an end within the window."""
LONGEST_RECORD = 1024
"""Tokens: a page of JSON. A small model that is still at it then counts digits or repeats itself."""
TASK = (
    "Fill in this record from the passages, with words and numbers copied from them. "
    "What they do not say is null where that is allowed, else left empty.\n{fields}\nAnswer with the JSON alone."
)


@dataclass(frozen=True, slots=True)
class Form:
    """What is wanted: a checked schema, and the question that it answers, if there is one."""

    schema: Schema
    question: str = ""


def fill_record(
    question: Question, schema: Schema, ports: AskPorts, options: AskOptions, *, piped: str | Iterable[str] | None = None
) -> Iterator[AnswerEvent]:
    """Hits, context, empty deltas, the record's JSON, and last the Answer with its ``record``.

    With no evidence there is none. Raises ModelError ``model-failed`` where no record comes to an end; StoreError.
    """
    watch = Stopwatch()
    unsaid, model, task = yield from find_context(question, ports, options, piped, watch)
    if model is None:
        yield AnswerFinished(replace(unsaid, took_ms=watch.total()))
        return
    context = unsaid.context
    data, usage = yield from write_record(Form(schema, question.text), context, model)
    watch.lap("answer")
    answer = conclude_record(replace(unsaid, usage=usage), data)
    # No single sentence can state all of a record, so only one that is a single fact is judged as an answer is.
    if answer.record and is_single(schema) and task != "full":
        values = " ".join(str(each.value) for each in answer.record.fields)
        sure = judge_answer(question.text, values, context, model, options.min_confidence)
        refused = replace(unsaid, usage=usage, confidence=sure)
        answer = replace(answer, confidence=sure) if sure >= options.min_confidence else refused
    if answer.record:
        yield Delta(answer.text)
    yield AnswerFinished(replace(answer, took_ms=watch.total()))


def write_record(form: Form, context: Context, model: LanguageModel) -> Generator[Delta, None, tuple[Any, Usage]]:
    """Empty deltas while the model writes; what was begun may have to be begun again, shorter. Gives the data.

    Raises ModelError ``model-failed``.
    """
    defused = defuse_context(context, form.question)
    for characters, items in LIMITS:
        prompt = build_form(form, defused, bound_schema(form.schema, characters=characters, items=items))
        said = ""
        for event in model.stream(prompt, max_tokens=min(LONGEST_RECORD, model.window)):
            if isinstance(event, Delta):
                said += event.text
                yield Delta("")
            elif event.reason == "stop":
                return _read(said, form.schema), event.usage
    message = f"{model.identity.name} wrote no whole record within {min(LONGEST_RECORD, model.window)} tokens"
    raise ModelError("model-failed", message, hint="ask for fewer fields, or limit texts and lists: maxLength, maxItems")


def _read(said: str, schema: Schema) -> Any:
    try:
        data = json.loads(said)
    except ValueError:
        data = None
    if not fits(data, schema):
        message = "the model's answer does not fit the schema"
        raise ModelError("model-failed", message, hint="ask for simpler data, without a pattern, or choose another model")
    return data


def build_form(form: Form, defused: Defused, schema: Schema) -> Prompt:
    """The passages between two of the fence, the question, and last the fields, where a small model looks."""
    passages = "\n\n".join(
        f"[{passage.number}] {describe_source(passage.hit)}\n{passage.text}" for passage in defused.context.passages
    )
    question = f"Question: {form.question}\n" if form.question else ""
    task = TASK.format(fields="\n".join(describe_fields(form.schema)) or "One value.")
    user = f"{put_between_fences(passages, defused.fence)}\n\n{question}{task}"
    return Prompt((Message("system", explain_fence(SYSTEM, defused.fence)), Message("user", user)), schema)


def conclude_record(answer: Answer, data: Any) -> Answer:
    """The answer with its record and citations, or with the outcome that the files do not say.

    They do not if every value is empty, or if no value that could stand in a text does. ``confidence`` is the share of the
    values that stand in the passages.
    """
    fields = ground_record(data, answer.context)
    claims = [each for each in fields if each.supported is not None]
    could_stand = [each for each in claims if not isinstance(each.value, bool)]
    supported = sum(each.citation is not None for each in claims)
    if not claims or (could_stand and not supported):
        return replace(answer, outcome="no_evidence", confidence=0.0)
    return replace(
        answer,
        text=json.dumps(data, ensure_ascii=False),
        outcome="answered",
        confidence=round(supported / len(claims), 3),
        citations=_distinct(fields),
        record=Record(data, fields),
    )


def _distinct(fields: Sequence[FieldValue]) -> tuple[Citation, ...]:
    """Each cited place once, in the order of the fields."""
    return tuple(dict.fromkeys(each.citation for each in fields if each.citation is not None))
