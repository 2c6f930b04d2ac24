"""Settings are where the system wants them, and writing one loses nothing."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.adapters import settings
from ragcli.adapters.settings import default_locations, write_setting
from ragcli.config import get_setting, load_config
from ragcli.errors import ConfigError, UsageError


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
