"""ragcli config: every value with its origin."""

from __future__ import annotations

import stat
from pathlib import Path

from ragcli.config import known_settings
from tests.cli.conftest import InProcess, StartTerminal


def test_list_names_every_setting_and_its_origin(run: InProcess, tmp_path: Path) -> None:
    run("config", "set", "search.limit", "12")
    lines = run("config", env={"RAGCLI_SEARCH_MODE": "words"}).stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(known_settings())
    told = {line.split()[0]: line.split(maxsplit=3)[2:] for line in lines if "limit" in line or "mode" in line}
    assert told["search.limit"] == ["12", f"file {tmp_path / 'home' / 'config.toml'}"]
    assert told["search.mode"] == ["words", "environment"]


def test_list_as_json(run: InProcess, tmp_path: Path) -> None:
    settings = run.json("config", "list")
    assert settings["file"] == str(tmp_path / "home" / "config.toml")
    assert settings["settings"]["search.limit"] == {"value": 8, "origin": "default"}


def test_get_prints_what_set_takes(run: InProcess) -> None:
    for key, value in (("index.exclude", "build,*.log"), ("index.hidden", "true"), ("search.words_weight", "0.5")):
        assert run("config", "set", key, value).exit_code == 0
        assert run("config", "get", key).stdout == f"{value}\n"


def test_a_negative_value_is_judged_not_taken_for_an_option(run: InProcess) -> None:
    result = run("config", "set", "search.limit", "-1")
    assert result.exit_code == 3
    assert result.stderr.splitlines()[0] == "error: search.limit cannot be negative"


def test_an_unknown_setting_names_the_nearest(run: InProcess) -> None:
    result = run("config", "set", "search.limt", "3")
    assert (result.exit_code, result.stderr) == (
        3,
        "error: there is no setting 'search.limt'\nhint: did you mean search.limit?\n",
    )


def test_set_warns_where_the_environment_overrules(run: InProcess) -> None:
    result = run("config", "set", "search.limit", "3", env={"RAGCLI_SEARCH_LIMIT": "4"})
    assert "RAGCLI_SEARCH_LIMIT" in result.stderr


def test_the_file_is_private(run: InProcess, tmp_path: Path) -> None:
    run("config", "set", "search.limit", "3")
    assert stat.S_IMODE((tmp_path / "home" / "config.toml").stat().st_mode) == 0o600


def test_path_can_be_asked_though_the_file_is_broken(run: InProcess, tmp_path: Path) -> None:
    file = tmp_path / "home" / "config.toml"
    file.parent.mkdir()
    file.write_text("[search")
    assert run("config", "path").stdout == f"{file}\n"
    assert run("config", "list").exit_code == 3
    assert run("search", "lease").exit_code == 3


def test_edit_needs_a_terminal(run: InProcess) -> None:
    assert run("config", "edit").exit_code == 2


def test_edit_opens_the_editor_on_a_private_file(terminal: StartTerminal, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho "search.limit = 3" > "$1"\n')
    editor.chmod(0o700)
    shown = terminal("config", "edit", env={"EDITOR": str(editor)})
    assert shown.finish() == 0
    file = tmp_path / "home" / "config.toml"
    assert file.read_text() == "search.limit = 3\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "1 setting is not the default." in shown.text


def test_a_mistake_made_while_editing_is_told(terminal: StartTerminal, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho "[search" > "$1"\n')
    editor.chmod(0o700)
    shown = terminal("config", "edit", env={"EDITOR": str(editor)})
    assert shown.finish() == 3
    assert "cannot be read" in shown.text


def test_a_missing_editor_is_told(terminal: StartTerminal) -> None:
    shown = terminal("config", "edit", env={"EDITOR": "/no/such/editor"})
    assert shown.finish() == 3
    assert "cannot be started" in shown.text
