"""Who wins, where a value came from, and what a person is told who mistyped a setting."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli import config
from ragcli.config import Config, Locations, Value, get_setting, known_settings, parse_setting, with_setting
from ragcli.errors import ConfigError
from ragcli.layering import load_config

SETTINGS = sorted(known_settings())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def refusal(slug: str, call: object, *arguments: object) -> ConfigError:
    """The error that the call must raise."""
    assert callable(call)
    with pytest.raises(ConfigError) as caught:
        call(*arguments)
    assert caught.value.slug == slug
    assert caught.value.hint
    return caught.value


def test_without_a_file_everything_has_its_default(file: Path) -> None:
    settings = load_config(file, {})
    assert settings == Config()
    assert settings.origins == {}


def test_a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default(file: Path) -> None:
    file.write_text('[search]\nlimit = 1\nmode = "words"\n\n[answer]\nmax_tokens = 100\n')
    environment = {"RAGCLI_SEARCH_LIMIT": "2", "RAGCLI_SEARCH_MODE": "meaning"}
    settings = load_config(file, environment, {"search.limit": 3})
    assert (settings.search.limit, settings.search.mode, settings.answer.max_tokens) == (3, "meaning", 100)
    assert settings.answer.engine == Config().answer.engine
    assert settings.origins == {"search.limit": "flag", "search.mode": "environment", "answer.max_tokens": f"file {file}"}


def test_a_value_set_to_its_default_still_knows_who_set_it(file: Path) -> None:
    file.write_text("[search]\nlimit = 8\n")
    assert load_config(file, {}).origins == {"search.limit": f"file {file}"}


def test_every_setting_can_come_from_the_environment(file: Path) -> None:
    for key in SETTINGS:
        name = "RAGCLI_" + key.upper().replace(".", "_")
        settings = load_config(file, {name: as_typed(get_setting(Config(), key))})
        assert settings == Config()
        assert settings.origins == {key: "environment"}


def test_other_variables_are_left_alone(file: Path) -> None:
    assert (
        load_config(file, {"RAGCLI_HOME": "/x", "RAGCLI_TEST_UNSEALED": "1", "SEARCH_LIMIT": "5", "PATH": "/bin"}).origins == {}
    )


@pytest.mark.parametrize(
    ("key", "nearest"), [("search.limt", "search.limit"), ("answer.modle", "answer.model"), ("zzz", "config list")]
)
def test_an_unknown_setting_is_answered_with_the_nearest_known_one(key: str, nearest: str) -> None:
    for call in (lambda: get_setting(Config(), key), lambda: parse_setting(key, "1")):
        assert nearest in refusal("unknown-setting", call).hint


@pytest.mark.parametrize(
    "content", ["[serach]\nlimit = 1\n", "[search]\nlimits = 1\n", "limit = 1\n", "search = 1\n", "[origins]\na = 1\n"]
)
def test_an_unknown_key_in_the_file_is_refused(file: Path, content: str) -> None:
    file.write_text(content)
    refusal("unknown-setting", load_config, file, {})


@pytest.mark.parametrize("content", [b"[search\n", b"\xff\xfe", b"a = 1\na = 2\n"])
def test_a_file_that_is_no_toml_is_named(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert str(file) in refusal("bad-config", load_config, file, {}).message


def test_a_folder_in_place_of_the_file_is_named(file: Path) -> None:
    file.mkdir()
    assert str(file) in refusal("bad-config", load_config, file, {}).message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("search.limit", "many"),
        ("search.limit", "-1"),
        ("search.limit", -1),
        ("search.limit", True),
        ("search.limit", [1]),
        ("search.words_weight", "heavy"),
        ("search.words_weight", -0.1),
        ("search.mode", "both"),
        ("answer.engine", "onnx"),
        ("privacy.airgap", "off"),
        ("index.hidden", "perhaps"),
        ("index.hidden", 2),
        ("index.exclude", [1, 2]),
        ("index.exclude", 5),
    ],
)
def test_a_bad_value_is_refused_by_name(key: str, value: object) -> None:
    assert key in refusal("bad-setting", parse_setting, key, value).message


@pytest.mark.parametrize(
    ("key", "typed", "value"),
    [
        ("search.limit", "12", 12),
        ("search.words_weight", "0.5", 0.5),
        ("search.words_weight", 1, 1.0),
        ("index.hidden", "TRUE", True),
        ("index.hidden", "0", False),
        ("index.exclude", "*.log, build ,,", ("*.log", "build")),
        ("index.exclude", ["*.log", "build"], ("*.log", "build")),
        ("index.exclude", "", ()),
        ("answer.model", "smollm2-135m", "smollm2-135m"),
    ],
)
def test_values_are_read_as_a_person_types_them(key: str, typed: object, value: Value) -> None:
    parsed = parse_setting(key, typed)
    assert (parsed, type(parsed)) == (value, type(value))


def test_a_choice_is_refused_with_all_the_choices() -> None:
    assert refusal("bad-setting", parse_setting, "search.mode", "both").hint == "choose one of: hybrid, meaning, words"


def test_every_choice_is_a_setting_whose_default_is_among_them() -> None:
    for key, allowed in config.ALLOWED.items():
        assert get_setting(Config(), key) in allowed


def test_every_setting_has_a_value_of_its_type_and_a_docstring() -> None:
    source = Path(config.__file__).read_text(encoding="utf-8")
    for key, kind in known_settings().items():
        value = get_setting(Config(), key)
        assert isinstance(value, tuple if "tuple" in str(kind) else kind)
        name = key.split(".")[1]
        assert f"    {name}: " in source and source.split(f"    {name}: ", 1)[1].splitlines()[1].strip().startswith('"""')


def as_typed(value: Value) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)


PLAIN = (
    st.text(st.characters(categories=["L", "N"], include_characters="*._-/ "), min_size=1, max_size=12)
    .map(str.strip)
    .filter(bool)
)


def values(key: str) -> st.SearchStrategy[Value]:
    if key in config.ALLOWED:
        return st.sampled_from(config.ALLOWED[key])
    default = get_setting(Config(), key)
    if isinstance(default, bool):
        return st.booleans()
    if isinstance(default, int):
        return st.integers(0, 10**9)
    if isinstance(default, float):
        return st.floats(0, 1e9)
    return PLAIN if isinstance(default, str) else st.lists(PLAIN, max_size=4).map(tuple)


@given(st.data(), st.sampled_from(SETTINGS))
def test_what_is_set_is_what_is_got_and_nothing_else_changes(data: st.DataObject, key: str) -> None:
    value = data.draw(values(key))
    changed = with_setting(Config(), key, value, origin="flag")
    assert get_setting(changed, key) == value
    assert all(get_setting(changed, other) == get_setting(Config(), other) for other in SETTINGS if other != key)
    assert changed.origins == {key: "flag"}


@given(st.data(), st.sampled_from(SETTINGS))
def test_a_value_survives_being_typed(data: st.DataObject, key: str) -> None:
    value = data.draw(values(key))
    assert parse_setting(key, as_typed(value)) == value
    assert parse_setting(key, value) == value


def test_everything_lives_below_one_folder() -> None:
    places = Locations(Path("/data"), Path("/data/config.toml"))
    below = [places.index, places.models, places.history, places.run]
    assert all(place.parent == Path("/data") for place in below)
    assert len(set(below)) == 4
    assert {field.name for field in fields(places)} == {"data", "config_file"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("search.limit", 2.7, id="broken number for a whole one"),
        pytest.param("search.limit", True, id="truth value for a number"),
        pytest.param("search.words_weight", "nan", id="no number"),
        pytest.param("search.words_weight", float("inf"), id="endless"),
        pytest.param("answer.model", ["a", "b"], id="list for a text"),
        pytest.param("answer.model", 5, id="number for a text"),
    ],
)
def test_a_value_of_another_kind_is_refused_and_not_bent(key: str, value: object) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_setting(key, value)
    assert caught.value.slug == "bad-setting"
