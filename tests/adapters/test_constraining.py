"""Which tokens may come next, of a real tokenizer, so that what is said stays within a schema."""

from __future__ import annotations

import json
from pathlib import Path

import numpy
import pytest
from tokenizers import Tokenizer

from ragcli.adapters.constraining import JsonConstrainer
from ragcli.errors import ModelError
from tests.fakes.tiny_model import write_tokenizer

END = 258
WIDER = 300
"""Models often tell more tokens apart than their tokenizer has."""


@pytest.fixture
def constrainer(tmp_path: Path) -> JsonConstrainer:
    write_tokenizer(tmp_path)
    return JsonConstrainer(tmp_path / "tokenizer.json", {256, END})


def walk(constrainer: JsonConstrainer, folder: Path, schema: dict[str, object], text: str) -> bool:
    """Whether each token of the text, and then the end, was allowed."""
    constraint = constrainer.begin(schema, WIDER)
    for token in Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text).ids:
        if not constraint.allowed()[token]:
            return False
        constraint.add(token)
    return bool(constraint.allowed()[END])


@pytest.mark.parametrize(
    ("value", "is_allowed"), [("open", True), ("paid", True), ("other", False), ("", False), (None, False), (3, False)]
)
def test_only_what_fits_can_be_said(constrainer: JsonConstrainer, tmp_path: Path, value: object, is_allowed: bool) -> None:
    assert walk(constrainer, tmp_path, {"enum": ["open", "paid"]}, json.dumps(value)) is is_allowed


def test_after_the_end_nothing_but_the_end_can_be_said(constrainer: JsonConstrainer) -> None:
    constraint = constrainer.begin({"type": "boolean"}, WIDER)
    while not constraint.allowed()[END]:
        constraint.add(int(numpy.argmax(constraint.allowed())))
    assert set(numpy.flatnonzero(constraint.allowed())) == {256, END}
    constraint.add(END)
    constraint.add(END)
    assert set(numpy.flatnonzero(constraint.allowed())) == {256, END}


def test_tokens_that_the_tokenizer_does_not_have_are_never_allowed(constrainer: JsonConstrainer) -> None:
    allowed = constrainer.begin({"type": "string"}, WIDER).allowed()
    assert allowed.shape == (WIDER,)
    assert not allowed[262:].any()


def test_a_schema_that_cannot_be_kept_to_is_told(constrainer: JsonConstrainer) -> None:
    with pytest.raises(ModelError, match="uniqueItems"):
        constrainer.begin({"type": "array", "uniqueItems": True}, WIDER)


def test_a_tokenizer_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        JsonConstrainer(tmp_path / "tokenizer.json", {1}).begin({"type": "string"}, WIDER)
