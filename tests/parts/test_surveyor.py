"""Surveys and conversations as Python users hold them: on a real folder for what is kept, and an index in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragcli.assistant import Assistant
from ragcli.config import Config, Locations, with_setting
from ragcli.errors import SourceError, StoreError, UsageError
from ragcli.types import Question, Scope, SurveyFinished, Turn
from tests.fakes.desk import DOCS, Desk
from tests.fakes.model import ScriptedModel
from tests.flows.test_surveying import FILES, SUPPLIERS, Reading, name_suppliers

CONFIG = with_setting(Config(), "answer.min_similarity", 0.9, origin="flag")


def assistant_with(model: ScriptedModel, home: Path, files: dict[str, str] | None = None) -> Assistant:
    desk = Desk(FILES if files is None else files)
    desk.index("")
    place = Locations(home, home / "config.toml")
    return Assistant(CONFIG, place, store=desk.store, embedder=desk.embedder, model=model)


def test_a_survey_is_known_to_a_later_process_until_files_are_forgotten(tmp_path: Path) -> None:
    first, again, after = Reading(name_suppliers), Reading(name_suppliers), Reading(name_suppliers)
    found = assistant_with(first, tmp_path).survey(SUPPLIERS.text).survey
    assert len(found.items) == 3
    assert assistant_with(again, tmp_path).survey(SUPPLIERS.text).survey.items == found.items
    assert (len(first.prompts), len(again.prompts)) == (3, 0)
    list(assistant_with(again, tmp_path).forget_events([DOCS / "cat.txt"]))
    assert not (tmp_path / "surveys").exists()
    assistant_with(after, tmp_path).survey(SUPPLIERS.text)
    assert len(after.prompts) == 3


def test_a_question_for_everything_is_recognised_and_one_that_names_a_folder_is_a_summary(tmp_path: Path) -> None:
    model = Reading(lambda text: text.splitlines()[1])
    assistant = assistant_with(model, tmp_path)
    assert assistant.recognise_survey(SUPPLIERS)
    assert assistant.recognise_survey(Question("Summarise cat.txt"))
    assert not assistant.recognise_survey(Question("How is the cat called?"))
    *_, last = assistant.survey_events(Question("Summarise cat.txt"))
    assert isinstance(last, SurveyFinished)
    assert (last.survey.kind, last.survey.answer.text) == ("summary", f"{FILES['cat.txt']} [1]")


def test_a_summary_keeps_to_the_scope(tmp_path: Path) -> None:
    assistant = assistant_with(Reading(lambda text: text.splitlines()[1]), tmp_path)
    *_, last = assistant.summarize_events(DOCS, scope=Scope(types=("txt",)))
    assert isinstance(last, SurveyFinished)
    assert last.survey.coverage.files == 2


def test_what_cannot_be_surveyed_is_said(tmp_path: Path) -> None:
    assistant = assistant_with(ScriptedModel(), tmp_path)
    with pytest.raises(UsageError):
        list(assistant.survey_events(Question(" ")))
    with pytest.raises(SourceError, match="nothing at /nowhere is indexed"):
        list(assistant.summarize_events(Path("/nowhere")))
    with pytest.raises(StoreError):
        list(assistant_with(ScriptedModel(), tmp_path, {}).survey_events(SUPPLIERS))


LEASE = Turn("When does the lease end?", "When does the lease end?", "In May")


def test_a_model_that_is_in_memory_rewrites_what_the_rules_only_put_together(tmp_path: Path) -> None:
    model = ScriptedModel("Who signed the lease?", "And who is the king of France?")
    assistant = assistant_with(model, tmp_path)
    alone = assistant.stand_alone("Who signed it?", [LEASE])
    assert (alone.text, alone.by) == ("Who signed the lease?", "scripted")
    unsafe = assistant.stand_alone("Who signed it?", [LEASE])
    assert (unsafe.text, unsafe.by) == ("Who signed it? (When does the lease end? In May.)", "rules")


def test_what_stands_alone_asks_no_model(tmp_path: Path) -> None:
    model = ScriptedModel()
    assert assistant_with(model, tmp_path).stand_alone("When is dinner?", [LEASE]).text == "When is dinner?"
    assert model.prompts == []
