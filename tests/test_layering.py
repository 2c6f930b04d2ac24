"""Which layer wins, and what a profile, a collection or a project may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragcli.config import Config
from ragcli.errors import ConfigError, UsageError
from ragcli.layering import (
    ProjectFile,
    check_project_settings,
    check_user_settings,
    collections_of,
    declared_roots,
    load_config,
    profiles_of,
    read_project_settings,
)
from ragcli.types import Root

USERS = """
[search]
limit = 1
mode = "words"
words_weight = 0.1

[profile.quick.answer]
model = "tiny"
max_tokens = 50

[collection.work]
roots = ["/work", "~/minutes"]
exclude = ["*.log"]

[collection.work.answer]
max_tokens = 60
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "config.toml"
    file.write_text(USERS)
    return file


def project(content: str, *, trusted: bool = True) -> ProjectFile:
    return ProjectFile(Path("/src/.ragcli.toml"), content.encode(), trusted)


def test_each_layer_beats_the_one_below(file: Path) -> None:
    theirs = project("[search]\nlimit = 2\nmode = 'meaning'\n[answer]\nmax_tokens = 2\n")
    settings = load_config(file, {"RAGCLI_SEARCH_LIMIT": "3", "RAGCLI_ANSWER_THREADS": "3"}, {"search.limit": 4}, project=theirs)
    assert (settings.search.limit, settings.answer.threads) == (4, 3)
    assert (settings.search.mode, settings.search.words_weight, settings.index.nice) == ("meaning", 0.1, Config().index.nice)
    assert {key: origin for key, origin in settings.origins.items() if not key.startswith(("profile", "collection"))} == {
        "search.limit": "flag",
        "search.mode": "project /src/.ragcli.toml",
        "search.words_weight": f"file {file}",
        "answer.max_tokens": "project /src/.ragcli.toml",
        "answer.threads": "environment",
    }


def test_a_project_file_that_is_not_trusted_is_not_even_parsed(file: Path) -> None:
    assert load_config(file, {}, project=project("[[[", trusted=False)).search.limit == 1


def test_a_profile_holds_where_it_is_chosen(file: Path) -> None:
    assert load_config(file, {}).answer == Config().answer
    quick = load_config(file, {}, profile="quick")
    assert (quick.answer.model, quick.answer.max_tokens) == ("tiny", 50)
    assert quick.origins["answer.model"] == f"file {file} [profile.quick]"
    assert load_config(file, {"RAGCLI_ANSWER_MODEL": "large"}, profile="quick").answer.model == "large"


def test_a_collection_beats_a_profile_of_the_same_file(file: Path) -> None:
    both = load_config(file, {}, profile="quick", collection="work")
    assert (both.answer.model, both.answer.max_tokens) == ("tiny", 60)


def test_a_profile_that_there_is_not_is_refused_with_the_nearest(file: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_config(file, {}, profile="quikc")
    assert caught.value.hint == "did you mean quick?"


def test_a_collection_without_settings_is_fine(file: Path) -> None:
    assert load_config(file, {}, collection="letters").search.limit == 1


def test_names_and_folders_are_known(file: Path) -> None:
    settings = load_config(file, {})
    assert (profiles_of(settings), collections_of(settings)) == (("quick",), ("work",))
    assert declared_roots(settings, "work") == (
        Root(Path("/work"), "work", exclude=("*.log",)),
        Root(Path("~/minutes"), "work", exclude=("*.log",)),
    )
    assert declared_roots(settings, "letters") == ()


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        ("[collection.work.answr]\nmodel = 'x'\n", "collection.work.answer.model"),
        ("[collection.work]\nroot = ['/x']\n", "collection.work.roots"),
        ("[profile.quick.serach]\nlimit = 1\n", "profile.quick.search.limit"),
        ("[profile.quick]\nroots = ['/x']\n", "config list"),
        ("[collection.work.models]\nembedder = 'x'\n", ""),
        ("[profile.quick.privacy]\nairgap = 'auto'\n", ""),
        ("profile = 5\n", ""),
    ],
)
def test_an_unknown_key_of_a_profile_or_collection_is_refused(file: Path, content: str, hint: str) -> None:
    file.write_text(content)
    with pytest.raises(ConfigError) as caught:
        load_config(file, {})
    assert caught.value.slug == "unknown-setting"
    assert hint in caught.value.hint


def test_a_mistake_names_the_file_that_it_is_in(file: Path) -> None:
    file.write_text("[search]\nlimit = 'many'\n")
    with pytest.raises(ConfigError, match=str(file)):
        load_config(file, {})


def test_a_relative_folder_would_be_another_for_every_command(file: Path) -> None:
    with pytest.raises(ConfigError, match="elsewhere"):
        check_user_settings(b"[collection.work]\nroots = ['notes']\n", "config.toml")


def test_a_projects_folders_are_counted_from_its_file() -> None:
    values = read_project_settings(project("[collection.docs]\nroots = ['docs', '/abs']\n"))
    assert check_project_settings(values, "x") == (("collection.docs.roots", ("/src/docs", "/abs")),)


def test_a_project_cannot_touch_the_wall() -> None:
    with pytest.raises(ConfigError) as caught:
        read_project_settings(project("[privacy]\nairgap = 'auto'\n"))
    assert caught.value.slug == "bad-setting"
