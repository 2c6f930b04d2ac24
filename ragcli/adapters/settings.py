"""Where settings live (platformdirs), how one is written (tomlkit keeps comments and order), whose project files are trusted.

Knows nothing of what a setting means; ``ragcli.config`` and ``ragcli.layering`` read and judge them.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

from ragcli.adapters.offline import REMOTE
from ragcli.config import Locations, Value, check_known, parse_setting
from ragcli.errors import ConfigError, SourceError, UsageError
from ragcli.layering import ProjectFile

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

APPLICATION = "ragcli"
CONFIG_NAME = "config.toml"
PROJECT_NAME = ".ragcli.toml"
LARGEST_PROJECT_FILE = 1 << 16
"""Bytes: a longer file is no file of settings."""


def default_locations(environment: Mapping[str, str]) -> Locations:
    """Where ragcli keeps its files: all under ``RAGCLI_HOME`` if that is set, else where the system wants them.

    Raises UsageError ``remote-path`` if ``RAGCLI_HOME`` is an address.
    """
    home = environment.get("RAGCLI_HOME", "")
    if REMOTE.match(home.strip()):
        message = f"RAGCLI_HOME is an address, not a folder: {home}"
        raise UsageError("remote-path", message, hint="set RAGCLI_HOME to a folder on this machine")
    if home:
        folder = Path(home).expanduser().absolute()
        return Locations(data=folder, config_file=folder / CONFIG_NAME)
    data = platformdirs.user_data_path(APPLICATION, appauthor=False)
    config = platformdirs.user_config_path(APPLICATION, appauthor=False)
    return Locations(data=data, config_file=config / CONFIG_NAME)


def write_setting(config_file: Path, key: str, value: object) -> Value:
    """The setting stands in the file, which is whole at every moment and mode 0600; the rest of it is as it was.

    Gives the value as its type. Raises ConfigError: ``unknown-setting``, ``bad-setting``, ``bad-config``.
    """
    parsed = parse_setting(key, value)
    document = _read_document(config_file)
    table: Any = document
    *above, name = key.split(".")
    for each in above:
        table = table.setdefault(each, {})
    table[name] = list(parsed) if isinstance(parsed, tuple) else parsed
    replace_settings(config_file, document.as_string().encode())
    return parsed


def remove_setting(config_file: Path, key: str) -> bool:
    """The file does not set the key any more, and its tables that became empty are gone. Gives whether it did set it.

    Raises ConfigError: ``unknown-setting``, ``bad-config``.
    """
    check_known(key)
    document = _read_document(config_file)
    tables: list[Any] = [document]
    *above, name = key.split(".")
    for each in above:
        tables.append(tables[-1].get(each, {}))
    if name not in tables[-1]:
        return False
    del tables[-1][name]
    for outer, inner in zip(reversed(tables[:-1]), reversed(above), strict=True):
        if not outer[inner]:
            del outer[inner]
    replace_settings(config_file, document.as_string().encode())
    return True


def replace_settings(config_file: Path, content: bytes) -> None:
    """The file has this content and mode 0600; a link to it stays one. Raises ConfigError ``bad-config``."""
    try:
        _replace_file(config_file.resolve(), content)
    except OSError as error:
        message = f"{config_file} cannot be written: {error.strerror}"
        raise ConfigError("bad-config", message, hint="check the folder that `ragcli config path` names") from error


# ---- projects --------------------------------------------------------------------------------


def find_project_file(folder: Path, trusted: Path) -> ProjectFile | None:
    """The settings file of the project that the folder is in: in it, or in the nearest folder above that has one.

    Read once, so that what is trusted is what is used. One that cannot be read is as good as absent.
    """
    for place in (folder, *folder.parents):
        file = place / PROJECT_NAME
        try:
            if not file.is_file() or file.stat().st_size > LARGEST_PROJECT_FILE:
                continue
            content = file.read_bytes()
        except OSError:
            continue
        return ProjectFile(file, content, trusted_files(trusted).get(str(file)) == hashlib.sha256(content).hexdigest())
    return None


def trusted_files(trusted: Path) -> Mapping[str, str]:
    """Each trusted project file and the digest that it must have; none where nothing or no such list is written."""
    try:
        listed = json.loads(trusted.read_bytes())
    except (OSError, ValueError):
        return {}
    return {name: digest for name, digest in listed.items() if isinstance(digest, str)} if isinstance(listed, dict) else {}


def trust_project(project: ProjectFile, trusted: Path) -> None:
    """These bytes of the file, and no others, are trusted from now on. Raises ConfigError ``bad-config``."""
    digest = hashlib.sha256(project.content).hexdigest()
    _write_trusted({**trusted_files(trusted), str(project.path): digest}, trusted)


def distrust_project(file: Path, trusted: Path) -> None:
    """The file is not trusted any more. Raises SourceError ``path-missing`` if it was not."""
    listed = dict(trusted_files(trusted))
    if listed.pop(str(file), None) is None:
        raise SourceError("path-missing", f"{file} is not trusted", hint="ragcli trust --list shows what is")
    _write_trusted(listed, trusted)


def _write_trusted(listed: Mapping[str, str], trusted: Path) -> None:
    replace_settings(trusted, json.dumps(listed, indent=1).encode())


# ---- files -----------------------------------------------------------------------------------


def _read_document(config_file: Path) -> TOMLDocument:
    import tomlkit  # writing is rare, and every command looks up its locations: do not make them all pay for it
    from tomlkit.exceptions import TOMLKitError

    try:
        return tomlkit.parse(config_file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return tomlkit.document()
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        message = f"{config_file} cannot be read: {error}"
        raise ConfigError("bad-config", message, hint="ragcli config edit, or move the file away") from error


def _replace_file(path: Path, content: bytes) -> None:
    from ragcli.adapters.durability import flush_entry  # as above

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    flush_entry(path.parent)
