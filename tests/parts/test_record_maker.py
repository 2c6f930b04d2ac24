"""An assistant answers with data: from the index, from what is piped in, and from many files in turn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ragcli.assistant import Assistant
from ragcli.config import Config, Locations
from ragcli.errors import ModelError, RagError, StoreError
from ragcli.parts.record_maker import schema_of
from ragcli.types import Extracted, ExtractionFinished, Question, Scope
from tests.fakes.embedder import HashingEmbedder
from tests.fakes.model import ScriptedModel
from tests.fakes.split import split_words
from tests.fakes.store import MemoryStore
from tests.test_assistant import DiskReader

RENT = '{"rent": 900, "tenant": null}'
SHAPE = "rent: number, tenant?: str"


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    (folder / "old").mkdir(parents=True)
    (folder / "mill.md").write_text("The rent of the mill is 900 euros.")
    (folder / "barn.txt").write_text("The rent of the barn is 900 euros.")
    (folder / "old" / "shed.md").write_text("The rent of the shed was 900 euros.")
    return folder


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel(always=RENT)


@pytest.fixture
def assistant(tmp_path: Path, model: ScriptedModel) -> Assistant:
    ports: dict[str, Any] = {"store": MemoryStore(), "reader": DiskReader(), "split": split_words, "embedder": HashingEmbedder()}
    return Assistant(Config(), Locations(tmp_path / "home", tmp_path / "home" / "config.toml"), **ports, model=model)


def names(events: list[Any]) -> dict[str, str]:
    return {event.path.name: event.outcome for event in events if isinstance(event, Extracted)}


def test_a_record_is_made_of_what_is_indexed(assistant: Assistant, docs: Path) -> None:
    assistant.index([docs])
    answer = assistant.record("the rent of the mill", SHAPE)
    assert answer.record
    assert answer.record.data == {"rent": 900, "tenant": None}
    assert answer.citations[0].path.parent in (docs, docs / "old")


def test_without_a_question_the_fields_are_what_is_asked_for(assistant: Assistant, model: ScriptedModel) -> None:
    *_, _ = assistant.record_events(Question("  "), "rent: number, lines: [{mill_name: str}], tenant?: a|b", piped="The rent.")
    assert "Question: rent, lines, mill name, tenant\n" in model.prompts[0].messages[-1].content


def test_piped_text_needs_no_index(assistant: Assistant) -> None:
    answer = assistant.record("rent", SHAPE, piped=["The rent is ", "900 euros.\n"])
    assert answer.record
    with pytest.raises(StoreError):
        assistant.record("rent", SHAPE)


def test_a_bad_schema_is_told_before_anything_is_looked_at(assistant: Assistant) -> None:
    for call in (lambda: assistant.record("rent", "rent: nubmer"), lambda: list(assistant.extract_events({"type": "?"}))):
        with pytest.raises(RagError) as caught:
            call()
        assert caught.value.slug == "bad-schema"


def test_files_are_extracted_from_as_they_are_now_without_an_index(assistant: Assistant, docs: Path) -> None:
    events = list(assistant.extract_events(SHAPE, [docs]))
    assert names(events) == {"mill.md": "filled", "barn.txt": "filled", "shed.md": "filled"}
    assert assistant.stats().sources == 0


def test_a_scope_narrows_both_files_and_index(assistant: Assistant, docs: Path) -> None:
    scope = Scope(globs=("*/old/*",), types=("md",))
    assert names(list(assistant.extract_events(SHAPE, [docs], scope=scope))) == {"shed.md": "filled"}
    assistant.index([docs])
    assert names(list(assistant.extract_events(SHAPE, scope=scope))) == {"shed.md": "filled"}
    assert set(names(list(assistant.extract_events(SHAPE)))) == {"mill.md", "barn.txt", "shed.md"}


def test_what_was_done_from_files_counts_for_the_index_too(assistant: Assistant, docs: Path) -> None:
    """A file is the same by its path and its content, however it is read."""
    assistant.index([docs])
    first = [event for event in assistant.extract_events(SHAPE, [docs]) if isinstance(event, Extracted)]
    *rest, last = assistant.extract_events(SHAPE, done={(str(event.path), event.digest) for event in first})
    assert names(rest) == {}
    assert isinstance(last, ExtractionFinished)
    assert (last.report.resumed, last.report.files) == (3, 3)


def test_a_missing_model_is_told_before_files_are_read(tmp_path: Path, docs: Path) -> None:
    reader = DiskReader()
    bare = Assistant(Config(), Locations(tmp_path / "home", tmp_path / "c.toml"), store=MemoryStore(), reader=reader)
    with pytest.raises(ModelError, match="no language model"):
        list(bare.extract_events(SHAPE, [docs]))
    assert reader.taken == []


def test_a_schema_is_text_or_a_value() -> None:
    assert schema_of("a: int") == schema_of(
        {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}
    )
