"""What surveys remember on disk: private, whole lines only, the newest few."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ragcli.adapters.step_memory import MOST_SURVEYS, FileStepMemory, forget_surveys


def test_a_later_process_recalls_what_was_kept(tmp_path: Path) -> None:
    first = FileStepMemory(tmp_path / "surveys", "one")
    first.pace = 0.02
    first.keep("step", "an answer\nof two lines")
    again = FileStepMemory(tmp_path / "surveys", "one")
    assert again.recall("step") == "an answer\nof two lines"
    assert again.recall("other") is None
    assert again.pace == 0.02
    assert FileStepMemory(tmp_path / "surveys", "two").recall("step") is None


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        memory = FileStepMemory(tmp_path / "surveys", "one")
        memory.pace = 1.0
        memory.keep("step", "words of a file")
    finally:
        os.umask(before)
    assert (tmp_path / "surveys").stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "surveys").glob("*.json*")} == {0o600}


@pytest.mark.parametrize("damage", [b'["step", "ans', b"\xff\xfe\n", b'{"a": 1}\n', b'["only one"]\n'])
def test_a_line_that_was_cut_short_is_left_out(tmp_path: Path, damage: bytes) -> None:
    memory = FileStepMemory(tmp_path, "one")
    memory.keep("first", "kept")
    with (tmp_path / "one.jsonl").open("ab") as file:
        file.write(damage)
    assert FileStepMemory(tmp_path, "one").recall("first") == "kept"


def test_the_oldest_surveys_go(tmp_path: Path) -> None:
    for number in range(MOST_SURVEYS + 3):
        FileStepMemory(tmp_path, f"survey-{number}").keep("step", "reply")
        os.utime(tmp_path / f"survey-{number}.jsonl", (number, number))
    kept = {file.stem for file in tmp_path.glob("*.jsonl")}
    assert len(kept) == MOST_SURVEYS
    assert "survey-0" not in kept


def test_a_full_disk_costs_the_memory_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = FileStepMemory(tmp_path, "one")

    def refuse(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ragcli.adapters.step_memory.os.open", refuse)
    memory.keep("step", "reply")
    assert memory.recall("step") == "reply"


def test_forgetting_leaves_nothing(tmp_path: Path) -> None:
    FileStepMemory(tmp_path / "surveys", "one").keep("step", "reply")
    forget_surveys(tmp_path / "surveys")
    forget_surveys(tmp_path / "surveys")
    assert not (tmp_path / "surveys").exists()
