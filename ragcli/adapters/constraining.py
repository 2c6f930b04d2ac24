"""Holds a model to JSON that fits a schema: which tokens may come next. Owns llguidance.

llama.cpp has the same library built in; this serves engines that have not. It knows nothing of engines.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy
from llguidance import LLMatcher, LLTokenizer
from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask

from ragcli.errors import ModelError

Allowed = numpy.ndarray[Any, numpy.dtype[numpy.bool_]]
"""True or false for each token."""


class JsonConstrainer:
    """Constraints in the tokens of one ``tokenizer.json``. Raises ModelError ``model-failed`` where it cannot be read."""

    def __init__(self, tokenizer_file: Path, stop_ids: Collection[int]) -> None:
        self._file = tokenizer_file
        self._stop_ids = sorted(stop_ids)
        self._tokenizer_of = cache(self._make_tokenizer)

    def begin(self, schema: Mapping[str, Any], width: int) -> JsonConstraint:
        """A constraint that nothing has been said under yet. ``width`` is how many tokens the model tells apart."""
        with translated(self._file.parent.name):
            grammar = LLMatcher.grammar_from_json_schema(json.dumps(dict(schema)))
            matcher = LLMatcher(self._tokenizer_of(width), grammar, log_level=0)
            if matcher.is_error():
                raise ValueError(matcher.get_error().splitlines()[0])
        ends = numpy.isin(numpy.arange(width), self._stop_ids)
        return JsonConstraint(matcher, ends)

    def _make_tokenizer(self, width: int) -> LLTokenizer:
        # By its content: a name that is no file would be looked up on a hub.
        content = self._file.read_text(encoding="utf-8")
        return LLTokenizer(content, n_vocab=width, eos_token=[id for id in self._stop_ids if id < width])


class JsonConstraint:
    """Which tokens keep a beginning of JSON within its schema."""

    def __init__(self, matcher: LLMatcher, ends: Allowed) -> None:
        """``ends`` are the tokens that end an answer: all that is left to say after the JSON."""
        self._matcher = matcher
        self._ends = ends
        self._bits = allocate_token_bitmask(1, len(ends))

    def add(self, token: int) -> None:
        """The token was said. After the JSON's end nothing changes any more."""
        if not self._matcher.is_stopped():
            self._matcher.consume_token(token)

    def allowed(self) -> Allowed:
        """For each token of the model whether it may come next."""
        if self._matcher.is_stopped():
            return self._ends
        fill_next_token_bitmask(self._matcher, self._bits)
        return numpy.unpackbits(self._bits.view(numpy.uint8), bitorder="little")[: len(self._ends)].astype(numpy.bool_)


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Errors of llguidance become ModelError ``model-failed``."""
    try:
        yield
    except Exception as error:
        message = f"{name} cannot be held to the schema: {str(error)[:200]}"
        raise ModelError("model-failed", message, hint="ask for simpler data, or choose another model with --model") from error
