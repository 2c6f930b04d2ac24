"""The first run, on a real pseudo-terminal: it shows before it does, and does nothing that was not agreed to."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragcli.cli.first_run import language_models, preview_lines, usual_folders
from ragcli.cli.showing.paper import Paper
from ragcli.types import ModelRow, Preview
from tests.cli.conftest import PROMPT, InProcess, StartTerminal, Terminal

EMPTY = {"FAKE_EMPTY": "1"}
CLEAR_LINE = "\x15"


@pytest.fixture
def started(terminal: StartTerminal, tmp_path: Path) -> Terminal:
    shown = terminal(env={**EMPTY, "HOME": str(tmp_path)})
    shown.wait_for("answers questions about your own files")
    shown.wait_for("Which folders?")
    return shown


def test_a_folder_is_previewed_before_anything_is_done(started: Terminal, tmp_path: Path) -> None:
    (tmp_path / "clean notes").mkdir()
    started.send(f"{CLEAR_LINE}'{tmp_path}/clean notes'\r")
    started.wait_for("to read, 3.0 MB: 2 md, 1 pdf")
    started.wait_for("left out: 1 sound like a secret")
    started.wait_for("not read: 4, no reader for this kind of file")
    started.wait_for("3 minutes")
    started.wait_for("Index these? [Y/n]")
    started.send("n\r")
    started.wait_for("Which folders?")
    started.send(CLEAR_LINE + "\r")
    started.wait_for("Nothing was done.")
    assert started.finish() == 0


def test_a_folder_that_is_not_there_is_asked_for_again(started: Terminal) -> None:
    started.send(f"{CLEAR_LINE}/no/such/folder\r")
    started.wait_for("there is no /no/such/folder")
    started.wait_for("Which folders?")
    started.send("\x04")
    assert started.finish() == 0


def test_what_was_agreed_to_is_indexed_and_the_shell_begins(started: Terminal, tmp_path: Path) -> None:
    started.send(f"{CLEAR_LINE}{tmp_path}\r")
    started.wait_for("Index these?")
    started.send("\r")
    started.wait_for("2 added, 1 changed")
    started.wait_for("Ready:")
    started.wait_for("/help lists the commands")
    started.wait_for(PROMPT)
    started.send("\x04")
    assert started.finish() == 0


def test_where_nobody_can_pull_the_command_is_told(terminal: StartTerminal, tmp_path: Path) -> None:
    """No puller was engaged before this process was sealed."""
    shown = terminal("setup", env={**EMPTY, "HOME": str(tmp_path), "RAGCLI_MODELS_EMBEDDER": "mini"})
    shown.wait_for("Which folders?")
    shown.send(f"{CLEAR_LINE}{tmp_path}\r")
    shown.wait_for("Index these?")
    shown.send("\r")
    shown.wait_for("Get it with: ragcli models pull mini")
    assert shown.finish() == 0
    assert "Indexed" not in shown.text


def test_setup_needs_a_terminal(run: InProcess) -> None:
    result = run("setup")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "ragcli models pull" in result.stderr


def test_without_a_terminal_nothing_is_asked(run: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_EMPTY", "1")
    assert run().exit_code == 2


def test_an_empty_preview_says_so() -> None:
    assert list(preview_lines(Preview(0, 0, {}, {}, {}, 0.0), Paper())) == ["0 files to read, 0 B: nothing"]


def test_many_types_are_summed_up() -> None:
    types = {f"t{number}": 1 for number in range(12)}
    assert "4 others" in next(iter(preview_lines(Preview(12, 5, types, {}, {}, 9999.0), Paper())))


def test_folders_are_suggested_once_each(tmp_path: Path) -> None:
    assert usual_folders(tmp_path) == []
    (tmp_path / "Documents").mkdir()
    (tmp_path / "Notes").symlink_to(tmp_path / "Documents")
    assert usual_folders(tmp_path) == ["Documents"]


def test_language_models_are_those_that_need_no_conversion() -> None:
    rows = [
        ModelRow("small", "llm", "gguf", 1, "x"),
        ModelRow("big", "llm", "gguf", 2, "x"),
        ModelRow("hub", "llm", "mlx", 3, "x"),
    ]
    assert [row.name for row in language_models(rows)] == ["big", "small"]
