"""The part of an assistant that answers with data: records that fit a schema, from the index or from many files in turn."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from ragcli.config import Config
from ragcli.flows.asking import AskOptions, AskPorts
from ragcli.flows.filling import Form, fill_record
from ragcli.flows.gathering import CONTEXT_TOKENS, Batch, batch_from_disk, batch_from_index, extract_records
from ragcli.machine import Machine, resolve
from ragcli.steps.shaping import check_schema, parse_shape
from ragcli.types import Answer, AnswerEvent, AnswerFinished, ExtractionEvent, Mode, Question, Root, Scope

Shape = str | Mapping[str, Any]
"""A JSON Schema, or its short notation: ``name: str, total: number``."""


class RecordMaker:
    config: Config
    machine: Machine
    _ask_ports: Callable[..., AskPorts]
    _ask_options: Callable[..., AskOptions]
    _check_index: Callable[[Question], None]
    _has_fitting_index: Callable[[], bool]

    def record_events(
        self, question: Question, shape: Shape, *, piped: str | Iterable[str] | None = None, only_piped: bool = False
    ) -> Iterator[AnswerEvent]:
        """As ``ask_events``, but the Answer has a ``record`` that fits the shape. An empty question asks for the fields.

        Raises UsageError ``bad-schema``; StoreError; ModelError.
        """
        schema = schema_of(shape)
        question = replace(question, text=question.text.strip() or ", ".join(_names_in(schema)) or "value")
        if not piped:
            self._check_index(question)
        if self.config.answer.model != "auto":
            self.machine.check_model()  # who names a model wants to know that it is not there, whatever is found
        ports = self._ask_ports(with_store=not piped or (not only_piped and self._has_fitting_index()))
        yield from fill_record(question, schema, ports, self._ask_options(), piped=piped)

    def record(self, text: str, shape: Shape, **options: Any) -> Answer:
        """As ``record_events`` for a question of that text, all at once."""
        question = Question(text, limit=self.config.search.limit, mode=cast(Mode, self.config.search.mode))
        *_, last = self.record_events(question, shape, **options)
        assert isinstance(last, AnswerFinished)
        return last.answer

    def extract_events(
        self,
        shape: Shape,
        paths: Sequence[Path] = (),
        *,
        question: str = "",
        scope: Scope | None = None,
        done: Collection[tuple[str, str]] = (),
        context_tokens: int = CONTEXT_TOKENS,
    ) -> Iterator[ExtractionEvent]:
        """One record for each file: of the paths as they are now, or else of the indexed files in the scope.

        Files ``done`` before, by path and digest, are counted and passed over. The last event is ExtractionFinished.
        Raises UsageError ``bad-schema``; SourceError ``path-missing``, ``nothing-to-index``; ModelError.
        """
        form = Form(schema_of(shape), question.strip())
        self.machine.check_model()
        batch = self._batch_of(paths, scope or Scope())
        yield from extract_records(form, batch, lambda: self.machine.model, done=done, context_tokens=context_tokens)

    def _batch_of(self, paths: Sequence[Path], scope: Scope) -> Batch:
        from ragcli.adapters.scoping import ScopeFilter

        machine = self.machine
        if not paths:
            admits = ScopeFilter(scope, [root.path for root in machine.store.roots()]).admits
            sources = machine.store.sources().values()
            chosen = [each for each in sources if admits(str(each.path), each.collection, each.modified_ns)]
            return batch_from_index(chosen, machine.store)
        roots = [Root(resolve(path), "") for path in paths]
        admits = ScopeFilter(replace(scope, collection=None), [root.path for root in roots]).admits
        walked = machine.walker.walk(roots)
        stamps = tuple(stamp for stamp in walked.stamps if admits(str(stamp.path), "", stamp.modified_ns))
        refused = tuple(each for each in walked.refused if admits(str(each.path), "", scope.since_ns or 0))
        walked = replace(walked, stamps=stamps, refused=refused)
        return batch_from_disk(walked, machine.reader, lambda: machine.split, machine.token_limit)


def schema_of(shape: Shape) -> Mapping[str, Any]:
    """Raises UsageError ``bad-schema``."""
    return parse_shape(shape) if isinstance(shape, str) else check_schema(shape)


def _names_in(schema: Mapping[str, Any]) -> Iterator[str]:
    """The fields' names, those of inner objects and lists too, as words."""
    for name, each in schema.get("properties", {}).items():
        yield name.replace("_", " ")
        yield from _names_in(each)
    for inner in (schema.get("items"), *schema.get("anyOf", ())):
        if isinstance(inner, Mapping):
            yield from _names_in(inner)
