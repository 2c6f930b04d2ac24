"""Where the user's settings live (platformdirs) and how one of them is written (tomlkit keeps comments and order).

Knows nothing of what a setting means; ``ragcli.config`` reads and judges them.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from ragcli.config import Locations, Value, parse_setting
from ragcli.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

APPLICATION = "ragcli"
CONFIG_NAME = "config.toml"


def default_locations(environment: Mapping[str, str]) -> Locations:
    """Where ragcli keeps its files: all under ``RAGCLI_HOME`` if that is set, else where the system wants them.

    Raises UsageError ``remote-path`` if ``RAGCLI_HOME`` is an address.
    """
    home = environment.get("RAGCLI_HOME", "")
    if "://" in home:
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
    section, name = key.split(".")
    document = _read_document(config_file)
    table = document.setdefault(section, {})
    table[name] = list(parsed) if isinstance(parsed, tuple) else parsed
    try:
        _replace_file(config_file.resolve(), document.as_string().encode())
    except OSError as error:
        message = f"{config_file} cannot be written: {error.strerror}"
        raise ConfigError("bad-config", message, hint="check the folder that `ragcli config path` names") from error
    return parsed


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
