"""ragcli config: every value with its origin."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

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


def an_editor(tmp_path: Path, script: str) -> dict[str, str]:
    editor = tmp_path / "editor"
    editor.write_text(f"#!/bin/sh\n{script}\n")
    editor.chmod(0o700)
    return {"EDITOR": str(editor)}


def test_a_mistake_made_while_editing_never_replaces_the_file(run: InProcess, terminal: StartTerminal, tmp_path: Path) -> None:
    run("config", "set", "search.limit", "3")
    shown = terminal("config", "edit", env=an_editor(tmp_path, 'echo "[search" > "$1"'))
    shown.wait_for("Edit it again?")
    shown.send("n\r")
    assert shown.finish() == 3
    assert "cannot be read" in shown.text
    assert (tmp_path / "home" / "config.toml").read_text() == "[search]\nlimit = 3\n"


def test_a_mistake_can_be_mended_in_the_editor(terminal: StartTerminal, tmp_path: Path) -> None:
    script = 'if grep -q limt "$1"; then sed -i s/limt/limit/ "$1"; else echo "search.limt = 3" > "$1"; fi'
    shown = terminal("config", "edit", env=an_editor(tmp_path, script))
    shown.wait_for("did you mean search.limit?")
    shown.wait_for("Edit it again?")
    shown.send("\r")
    assert shown.finish() == 0
    assert (tmp_path / "home" / "config.toml").read_text() == "search.limit = 3\n"


@pytest.mark.parametrize("script", ["true", "echo 'search.limit = 3' > \"$1\"; exit 1"])
def test_an_editor_that_changes_nothing_or_fails_leaves_the_file(terminal: StartTerminal, tmp_path: Path, script: str) -> None:
    shown = terminal("config", "edit", env=an_editor(tmp_path, script))
    assert shown.finish() == 0
    assert "as they were" in shown.text
    assert not (tmp_path / "home" / "config.toml").exists()


def test_a_missing_editor_is_told(terminal: StartTerminal) -> None:
    shown = terminal("config", "edit", env={"EDITOR": "/no/such/editor"})
    assert shown.finish() == 3
    assert "cannot be started" in shown.text


def test_unset_gives_the_default_back(run: InProcess) -> None:
    run("config", "set", "search.limit", "3")
    assert run("config", "unset", "search.limit").exit_code == 0
    assert run("config", "get", "search.limit").stdout == "8\n"
    assert "is not set" in run("config", "unset", "search.limit").stderr


def test_a_profile_and_a_collection_are_set_listed_and_chosen(run: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    run("config", "set", "profile.quick.answer.model", "tiny")
    run("config", "set", "collection.work.search.limit", "2")
    run("config", "set", "collection.work.roots", "notes,~/minutes")
    assert run("config", "get", "collection.work.roots").stdout == f"{Path.cwd()}/notes,~/minutes\n"
    listed = run("config", "list", "--profile", "quick", "--collection", "work").stdout
    assert "[profile.quick]" in listed
    assert "[collection.work]" in listed
    assert run.json("config", "list", "--profile", "quick")["settings"]["answer.model"]["value"] == "tiny"
    assert run("config", "get", "answer.model", env={"RAGCLI_PROFILE": "quick"}).stdout == "tiny\n"
    assert run("config", "list", "--profile", "quikc").exit_code == 2


def test_a_project_file_is_used_once_it_is_trusted(run: InProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".ragcli.toml").write_text("[search]\nlimit = 3\n")
    (tmp_path / "src").mkdir()
    monkeypatch.chdir(tmp_path / "src")
    before = run("config", "get", "search.limit")
    assert (before.stdout, "is not trusted and not used" in before.stderr) == ("8\n", True)
    assert run("config", "get", "search.limit", "--json").stdout.startswith("{")
    assert run("trust").stdout == "search.limit = 3\n"
    after = run("config", "get", "search.limit")
    assert (after.stdout, after.stderr) == ("3\n", "")
    assert run("trust", "--list").stdout == f"{tmp_path / '.ragcli.toml'}\n"
    run("trust", "--revoke")
    assert run("config", "get", "search.limit").stdout == "8\n"


def test_a_project_file_that_is_wrong_is_not_trusted(run: InProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("trust").exit_code == 6
    (tmp_path / ".ragcli.toml").write_text("[search]\nlimt = 3\n")
    refused = run("trust")
    assert (refused.exit_code, "did you mean search.limit?" in refused.stderr) == (3, True)
    assert run("trust", "--list").stdout == ""
