"""Settings: what can be set, the defaults, who wins, and where each value came from.

Precedence, lowest first: defaults, the user's ``config.toml``, ``RAGCLI_<SECTION>_<KEY>``, flags.
A ``Config`` holds only numbers, strings and tuples of strings: it builds nothing.
"""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from ragcli.errors import ConfigError

Value = str | int | float | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IndexSettings:
    collection: str = "main"
    """Where files go when no collection is named."""
    exclude: tuple[str, ...] = ()
    """Patterns of names to leave out, as in a .gitignore."""
    hidden: bool = False
    """Whether files and folders whose names start with a dot are taken."""
    max_file_mb: int = 256
    """Larger files are skipped."""
    read_seconds: int = 30
    """How long reading one file may take."""
    read_memory_mb: int = 768
    """How much memory reading one file may take."""
    threads: int = 0
    """Threads for embedding; 0 takes as many as there are cores."""
    nice: int = 10
    """How far indexing gives way to other programs for the processor: 0 not at all, 19 as far as can be."""
    disk: str = "low"
    """The same for the disk: normal, low or idle."""
    pause_below_battery: int = 20
    """On battery with less percent left, long indexing and watching wait for power; 0 never waits."""


@dataclass(frozen=True, slots=True)
class ChunkSettings:
    tokens: int = 0
    """Longest chunk in tokens of the embedder; 0 takes what the embedder can see."""


@dataclass(frozen=True, slots=True)
class SearchSettings:
    limit: int = 8
    """How many hits are shown or given to the model."""
    mode: str = "hybrid"
    """hybrid, meaning or words."""
    words_weight: float = 0.4
    """How much the best word match weighs beside a cosine of 1."""


@dataclass(frozen=True, slots=True)
class AnswerSettings:
    model: str = "auto"
    """A language model's name; auto takes the best installed one."""
    engine: str = "auto"
    """auto, llamacpp or mlx."""
    max_tokens: int = 256
    """Longest answer."""
    context_tokens: int = 400
    """How much text of the files the model is shown."""
    min_similarity: float = 0.25
    """With no passage at least this close to the question the model is not asked."""
    min_confidence: float = 0.45
    """Below this probability that the files answer, the answer is that they do not."""
    threads: int = 0
    """Threads of the engine; 0 takes the physical cores."""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    embedder: str = "all-minilm-l6-v2"
    """The embedder's name. Another one needs `ragcli index --force`."""


@dataclass(frozen=True, slots=True)
class PrivacySettings:
    airgap: str = "auto"
    """auto seals where the kernel can; require refuses to start where it cannot."""


@dataclass(frozen=True, slots=True)
class Config:
    index: IndexSettings = IndexSettings()
    chunk: ChunkSettings = ChunkSettings()
    search: SearchSettings = SearchSettings()
    answer: AnswerSettings = AnswerSettings()
    models: ModelSettings = ModelSettings()
    privacy: PrivacySettings = PrivacySettings()
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Dotted key to where its value came from; a key that is absent has its default."""


@dataclass(frozen=True, slots=True)
class Locations:
    """Where ragcli keeps its files. All under ``RAGCLI_HOME`` if that is set."""

    data: Path
    config_file: Path

    @property
    def index(self) -> Path:
        return self.data / "index"

    @property
    def models(self) -> Path:
        return self.data / "models"

    @property
    def history(self) -> Path:
        return self.data / "history"

    @property
    def run(self) -> Path:
        """Sockets and other things that live only as long as a process."""
        return self.data / "run"


ALLOWED: Mapping[str, tuple[str, ...]] = {
    "index.disk": ("normal", "low", "idle"),
    "search.mode": ("hybrid", "meaning", "words"),
    "answer.engine": ("auto", "llamacpp", "mlx"),
    "privacy.airgap": ("auto", "require"),
}
SECTIONS = tuple(f.name for f in fields(Config) if f.name != "origins")


def known_settings() -> Mapping[str, type]:
    """Every dotted key and the type of its value."""
    return {
        f"{section}.{key}": kind for section in SECTIONS for key, kind in get_type_hints(type(getattr(Config(), section))).items()
    }


def get_setting(config: Config, key: str) -> Value:
    """The value of a dotted key. Raises ConfigError ``unknown-setting``."""
    check_known(key)
    section, name = key.split(".")
    return getattr(getattr(config, section), name)


def check_known(key: str) -> None:
    if key not in known_settings():
        near = difflib.get_close_matches(key, known_settings(), n=1)
        hint = f"did you mean {near[0]}?" if near else "ragcli config list shows every setting"
        raise ConfigError("unknown-setting", f"there is no setting {key!r}", hint=hint)


def parse_setting(key: str, value: Any) -> Value:
    """``value`` as the key's type; texts are read as a person would type them. Raises ConfigError ``bad-setting``."""
    check_known(key)
    kind = known_settings()[key]
    try:
        parsed = _convert(kind, value)
    except (TypeError, ValueError):
        wanted = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}.get(kind, "a list of texts")
        raise ConfigError("bad-setting", f"{key} must be {wanted}, not {value!r}", hint=f"ragcli config get {key}") from None
    allowed = ALLOWED.get(key)
    if allowed and parsed not in allowed:
        raise ConfigError("bad-setting", f"{key} cannot be {value!r}", hint=f"choose one of: {', '.join(allowed)}")
    if isinstance(parsed, int | float) and parsed < 0:
        raise ConfigError("bad-setting", f"{key} cannot be negative", hint=f"ragcli config get {key}")
    return parsed


def _convert(kind: type, value: Any) -> Value:
    if kind is bool:
        return value if isinstance(value, bool) else {"true": True, "1": True, "false": False, "0": False}[_lower(value)]
    if isinstance(value, bool) or (kind is str and not isinstance(value, str)):
        raise TypeError
    if kind is str:
        return value
    if kind in (int, float):
        return _number(kind, value)
    items = value.split(",") if isinstance(value, str) else value
    if not all(isinstance(item, str) for item in items):
        raise TypeError
    return tuple(item.strip() for item in items if item.strip())


def _number(kind: type, value: Any) -> int | float:
    """Raises ValueError for a broken number where a whole one is wanted, and for what no number is."""
    number = float(value)
    if not math.isfinite(number) or (kind is int and number != int(number)):
        raise ValueError(value)
    return kind(number)


def _lower(value: Any) -> str:
    text = str(value).lower()
    if text not in {"true", "false", "1", "0"}:
        raise ValueError(text)
    return text


def load_config(config_file: Path, environment: Mapping[str, str], flags: Mapping[str, Value] | None = None) -> Config:
    """The settings in force. Raises ConfigError: ``bad-config``, ``unknown-setting``, ``bad-setting``."""
    config = Config()
    layers = [
        (f"file {config_file}", _flatten(read_config_file(config_file))),
        ("environment", _from_environment(environment)),
        ("flag", dict(flags or {})),
    ]
    for origin, values in layers:
        for key, value in values.items():
            config = with_setting(config, key, value, origin=origin)
    return config


def with_setting(config: Config, key: str, value: Any, *, origin: str) -> Config:
    """The same settings, but for one."""
    parsed = parse_setting(key, value)
    section, name = key.split(".")
    changed = replace(getattr(config, section), **{name: parsed})
    return replace(config, **{section: changed}, origins={**config.origins, key: origin})


def read_config_file(config_file: Path) -> Mapping[str, Any]:
    """The file's tables; empty if there is no file. Raises ConfigError ``bad-config``."""
    try:
        return tomllib.loads(config_file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = f"{config_file} cannot be read: {error}"
        raise ConfigError("bad-config", message, hint="ragcli config edit, or move the file away") from error


def _flatten(tables: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for section, values in tables.items():
        if not isinstance(values, dict):
            check_known(section)
        flat |= {f"{section}.{key}": value for key, value in values.items()}
    return flat


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    names = {f"RAGCLI_{key.replace('.', '_').upper()}": key for key in known_settings()}
    return {names[name]: value for name, value in environment.items() if name in names}
