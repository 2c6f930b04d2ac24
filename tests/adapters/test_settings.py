"""Settings are where the system wants them, and writing one loses nothing."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.adapters import settings
from ragcli.adapters.settings import (
    PROJECT_NAME,
    default_locations,
    distrust_project,
    find_project_file,
    remove_setting,
    trust_project,
    trusted_files,
    write_setting,
)
from ragcli.config import get_setting
from ragcli.errors import ConfigError, SourceError, UsageError
from ragcli.layering import load_config


def test_home_moves_everything(tmp_path: Path) -> None:
    locations = default_locations({"RAGCLI_HOME": str(tmp_path)})
    assert locations.data == tmp_path
    assert locations.config_file == tmp_path / "config.toml"
    assert {locations.index.parent, locations.models.parent, locations.history.parent} == {tmp_path}


def test_without_home_the_system_decides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    locations = default_locations({})
    assert locations.data.name == "ragcli"
    assert locations.config_file.name == "config.toml"
    assert locations.data.is_absolute()


def test_relative_home_is_made_absolute() -> None:
    assert default_locations({"RAGCLI_HOME": "here"}).data == Path.cwd() / "here"


def test_home_must_be_local() -> None:
    with pytest.raises(UsageError) as caught:
        default_locations({"RAGCLI_HOME": "s3://bucket/home"})
    assert caught.value.slug == "remote-path"


def test_a_written_setting_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "config.toml"
    assert write_setting(file, "search.limit", "12") == 12
    config = load_config(file, {})
    assert get_setting(config, "search.limit") == 12
    assert config.origins["search.limit"] == f"file {file}"


def test_file_and_folder_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_setting(tmp_path / "private" / "config.toml", "index.hidden", "true")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "private").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "private" / "config.toml").stat().st_mode) == 0o600


def test_comments_and_other_settings_stay(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("# mine\n[search]\nlimit = 3 # few\nmode = 'words'\n")
    write_setting(file, "search.limit", 5)
    assert file.read_text() == "# mine\n[search]\nlimit = 5 # few\nmode = 'words'\n"


def test_a_link_to_the_file_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    real.write_text("")
    link = tmp_path / "config.toml"
    link.symlink_to(real)
    write_setting(link, "search.limit", 5)
    assert link.is_symlink()
    assert "limit = 5" in real.read_text()


@pytest.mark.parametrize(
    ("key", "value", "slug"),
    [("search.limt", "5", "unknown-setting"), ("search.limit", "many", "bad-setting"), ("search.mode", "magic", "bad-setting")],
)
def test_a_bad_setting_writes_nothing(tmp_path: Path, key: str, value: str, slug: str) -> None:
    file = tmp_path / "config.toml"
    with pytest.raises(ConfigError) as caught:
        write_setting(file, key, value)
    assert caught.value.slug == slug
    assert not file.exists()


@pytest.mark.parametrize("content", [b"[search", b"\xff\xfe", b"a = 1\na = 2\n"])
def test_a_broken_file_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        write_setting(file, "search.limit", 5)
    assert caught.value.slug == "bad-config"
    assert file.read_bytes() == content


def test_a_failed_write_leaves_the_old_file_and_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[search]\nlimit = 3\n")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(settings.os, "fsync", full)
    with pytest.raises(ConfigError) as caught:
        write_setting(file, "search.limit", 5)
    assert "No space left" in caught.value.message
    assert file.read_text() == "[search]\nlimit = 3\n"
    assert os.listdir(tmp_path) == ["config.toml"]  # noqa: PTH208  names only


@given(patterns=st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters=","), min_size=1, max_size=8)))
def test_lists_of_texts_survive(tmp_path_factory: pytest.TempPathFactory, patterns: list[str]) -> None:
    file = tmp_path_factory.mktemp("config") / "config.toml"
    write_setting(file, "index.exclude", patterns)
    wanted = tuple(text.strip() for text in patterns if text.strip())
    assert get_setting(load_config(file, {}), "index.exclude") == wanted


def test_a_setting_of_a_collection_is_written_below_its_table(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    write_setting(file, "collection.work.answer.model", "tiny")
    write_setting(file, "collection.work.roots", "/work,~/minutes")
    assert load_config(file, {}).named == {
        "collection.work.answer.model": "tiny",
        "collection.work.roots": ("/work", "~/minutes"),
    }
    assert load_config(file, {}, collection="work").answer.model == "tiny"


def test_what_is_removed_leaves_the_rest_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("# mine\n[search]\nlimit = 3 # few\nmode = 'words'\n")
    assert remove_setting(file, "search.limit")
    assert file.read_text() == "# mine\n[search]\nmode = 'words'\n"
    assert not remove_setting(file, "search.limit")


def test_a_table_that_became_empty_goes_too(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    write_setting(file, "profile.quick.answer.model", "tiny")
    assert remove_setting(file, "profile.quick.answer.model")
    assert file.read_text().strip() == ""


def test_the_nearest_project_file_counts(tmp_path: Path) -> None:
    deep = tmp_path / "project" / "src" / "deep"
    deep.mkdir(parents=True)
    assert find_project_file(deep, tmp_path / "trusted.json") is None
    (tmp_path / "project" / PROJECT_NAME).write_text("[search]\nlimit = 3\n")
    found = find_project_file(deep, tmp_path / "trusted.json")
    assert found is not None
    assert (found.path, found.trusted) == (tmp_path / "project" / PROJECT_NAME, False)


def test_trust_is_for_these_bytes_alone(tmp_path: Path) -> None:
    file, trusted = tmp_path / PROJECT_NAME, tmp_path / "home" / "trusted.json"
    file.write_text("[search]\nlimit = 3\n")
    project = find_project_file(tmp_path, trusted)
    assert project is not None
    trust_project(project, trusted)
    assert stat.S_IMODE(trusted.stat().st_mode) == 0o600
    assert list(trusted_files(trusted)) == [str(file)]
    again = find_project_file(tmp_path, trusted)
    assert again is not None
    assert again.trusted
    file.write_text("[search]\nlimit = 4\n")
    changed = find_project_file(tmp_path, trusted)
    assert changed is not None
    assert not changed.trusted


def test_trust_can_be_taken_back(tmp_path: Path) -> None:
    file, trusted = tmp_path / PROJECT_NAME, tmp_path / "trusted.json"
    file.write_text("")
    project = find_project_file(tmp_path, trusted)
    assert project is not None
    trust_project(project, trusted)
    distrust_project(file, trusted)
    assert trusted_files(trusted) == {}
    with pytest.raises(SourceError):
        distrust_project(file, trusted)


@pytest.mark.parametrize("listed", ["", "[1]", '{"/x": 5}', "\xff"])
def test_a_broken_list_of_trusted_files_trusts_nothing(tmp_path: Path, listed: str) -> None:
    (tmp_path / "trusted.json").write_text(listed)
    assert trusted_files(tmp_path / "trusted.json") == {}


def test_what_is_too_long_for_settings_is_no_project_file(tmp_path: Path) -> None:
    (tmp_path / PROJECT_NAME).write_text("# " + "x" * settings.LARGEST_PROJECT_FILE)
    assert find_project_file(tmp_path, tmp_path / "trusted.json") is None
