"""Which settings are in force: layers over layers, the later one wins.

Lowest first: defaults, the user's ``config.toml``, a project's ``.ragcli.toml`` if the user trusts it,
``RAGCLI_<SECTION>_<KEY>``, flags. Within a file, ``profile.NAME`` wins over what stands at its top where that profile is
chosen, and ``collection.NAME`` over both. It reads files; it knows nothing of where they are.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragcli.config import NAMED, Config, Value, base_of, check_known, get_setting, known_settings, with_setting
from ragcli.errors import ConfigError, UsageError
from ragcli.types import Root

NOT_A_PROJECTS = "privacy."
"""The wall and what is kept are the user's own business, whomever they trust."""
COLLECTIONS_OWN = frozenset({"roots", "include", "exclude"})


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """A settings file that lies beside other people's work: foreign until the user trusts exactly these bytes."""

    path: Path
    content: bytes
    trusted: bool = False


def load_config(
    config_file: Path,
    environment: Mapping[str, str],
    flags: Mapping[str, Value] | None = None,
    *,
    project: ProjectFile | None = None,
    profile: str = "",
    collection: str = "",
) -> Config:
    """The settings in force. Raises ConfigError ``bad-config``, ``unknown-setting``, ``bad-setting``; UsageError for a profile
    that there is not."""
    config = Config()
    layers = [(f"file {config_file}", read_user_settings(config_file))]
    if project is not None and project.trusted:
        layers.append((f"project {project.path}", read_project_settings(project)))
    for origin, values in layers:
        config = _with_layer(config, values, origin)
        for choice in (f"profile.{profile}", f"collection.{collection}"):
            config = _with_choice(config, values, choice, origin)
    if profile:
        _check_profile(config, profile)
    config = _with_layer(config, _from_environment(environment), "environment")
    return _with_layer(config, dict(flags or {}), "flag")


def _with_layer(config: Config, values: Mapping[str, Any], origin: str) -> Config:
    for key, value in values.items():
        try:
            config = with_setting(config, key, value, origin=origin)
        except ConfigError as error:
            where = f" ({origin})" if " " in origin else ""
            raise ConfigError(error.slug, f"{error.message}{where}", hint=error.hint) from None
    return config


def _with_choice(config: Config, values: Mapping[str, Any], choice: str, origin: str) -> Config:
    """What the layer says for the chosen profile or collection holds for all from here on."""
    for key in values:
        base = key.removeprefix(f"{choice}.")
        if base != key and base not in COLLECTIONS_OWN:
            config = with_setting(config, base, config.named[key], origin=f"{origin} [{choice}]")
    return config


def _check_profile(config: Config, name: str) -> None:
    known = profiles_of(config)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"ragcli config set profile.{name}.answer.model NAME"
        raise UsageError("bad-argument", f"there is no profile {name!r}", hint=hint)


def profiles_of(config: Config) -> tuple[str, ...]:
    return _names_of(config, "profile")


def collections_of(config: Config) -> tuple[str, ...]:
    """The collections that have settings; there may be others in the index."""
    return _names_of(config, "collection")


def _names_of(config: Config, kind: str) -> tuple[str, ...]:
    found = (NAMED.fullmatch(key) for key in config.named)
    return tuple(sorted({match[2] for match in found if match and match[1] == kind}))


def declared_roots(config: Config, collection: str) -> tuple[Root, ...]:
    """The folders that the settings give the collection; ``~`` is not expanded yet."""
    own: dict[str, Any] = {key: config.named.get(f"collection.{collection}.{key}", ()) for key in COLLECTIONS_OWN}
    return tuple(Root(Path(path), collection, own["include"], own["exclude"]) for path in own["roots"])


# ---- the files -------------------------------------------------------------------------------


def read_user_settings(config_file: Path) -> Mapping[str, Any]:
    """Dotted keys with the file's values; none if there is no file. Raises ConfigError ``bad-config``, ``unknown-setting``."""
    try:
        return check_user_settings(config_file.read_bytes(), str(config_file))
    except FileNotFoundError:
        return {}
    except OSError as error:
        message = f"{config_file} cannot be read: {error.strerror}"
        raise ConfigError("bad-config", message, hint="ragcli config path says where it is") from error


def check_user_settings(content: bytes, name: str) -> Mapping[str, Any]:
    """The content as dotted keys, if it could be the user's file as a whole. Raises ConfigError."""
    values = parse_settings(content, name)
    for key, value in values.items():
        if base_of(key) == "roots" and isinstance(value, list):
            for root in map(str, value):
                if not root.startswith(("/", "~")):
                    message = f"{key} names the folder {root!r}, which is elsewhere for every command ({name})"
                    raise ConfigError("bad-setting", message, hint="write it with / or ~ before it")
    _with_layer(Config(), values, f"file {name}")
    return values


def read_project_settings(project: ProjectFile) -> Mapping[str, Any]:
    """As ``read_user_settings``; folders of collections are counted from the file's own. Raises ``bad-setting`` also."""
    values = dict(parse_settings(project.content, str(project.path)))
    for key, value in values.items():
        if base_of(key).startswith(NOT_A_PROJECTS):
            message = f"a project cannot set {key} ({project.path})"
            raise ConfigError("bad-setting", message, hint=f"set it for yourself: ragcli config set {key} VALUE")
        if base_of(key) == "roots" and isinstance(value, list):
            values[key] = [str(project.path.parent / Path(root).expanduser()) for root in map(str, value)]
    return values


def check_project_settings(values: Mapping[str, Any], name: str) -> tuple[tuple[str, Value], ...]:
    """Each key with its value as its type, if all of them could be in force. Raises ConfigError."""
    config = _with_layer(Config(), values, f"project {name}")
    return tuple((key, get_setting(config, key)) for key in values)


def parse_settings(content: bytes, name: str) -> Mapping[str, Any]:
    """Dotted keys with the values of a TOML text. Raises ConfigError ``bad-config``, ``unknown-setting``."""
    try:
        tables = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = f"{name} cannot be read: {error}"
        raise ConfigError("bad-config", message, hint="ragcli config edit, or move the file away") from error
    return _flatten(tables)


def _flatten(tables: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tables.items():
        key = f"{above}{name}"
        if not isinstance(value, dict):
            if not above:
                check_known(key)
            flat[key] = value
        elif above and not key.startswith(("collection.", "profile.")):
            flat[key] = value  # one table too many: its type will not fit
        else:
            flat |= _flatten(value, f"{key}.")
    return flat


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    names = {f"RAGCLI_{key.replace('.', '_').upper()}": key for key in known_settings()}
    return {names[name]: value for name, value in environment.items() if name in names}
