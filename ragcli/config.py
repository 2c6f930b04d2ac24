"""Settings: what can be set, the defaults, and where each value came from; who wins is told in ``layering``.

A ``Config`` holds only numbers, strings and tuples of strings: it builds nothing.
"""

from __future__ import annotations

import difflib
import math
import re
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
    context_tokens: int = 350
    """How much text of the files the model is shown, in tokens; a small model answers no better with more."""
    min_similarity: float = 0.25
    """With no passage at least this close to the question the model is not asked, unless it is not plainly English and shares a
    long word."""
    min_confidence: float = 0.65
    """Below this probability that the files answer, the answer is that they do not."""
    threads: int = 0
    """Threads of the engine; 0 takes the physical cores."""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    embedder: str = "all-minilm-l6-v2"
    """The embedder's name. Another one needs `ragcli index --force`."""
    reranker: str = ""
    """A cross-encoder's name, which looks at the best hits once more; none by default."""


@dataclass(frozen=True, slots=True)
class PrivacySettings:
    airgap: str = "auto"
    """auto seals where the kernel can; require refuses to start where it cannot."""
    history: bool = True
    """Whether the shell keeps the last thousand lines typed, for the arrow keys; false keeps none."""


@dataclass(frozen=True, slots=True)
class Config:
    index: IndexSettings = IndexSettings()
    chunk: ChunkSettings = ChunkSettings()
    search: SearchSettings = SearchSettings()
    answer: AnswerSettings = AnswerSettings()
    models: ModelSettings = ModelSettings()
    privacy: PrivacySettings = PrivacySettings()
    named: Mapping[str, Value] = field(default_factory=dict)
    """What ``collection.NAME.KEY`` and ``profile.NAME.KEY`` say: it holds where that collection or profile is chosen."""
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
    def sessions(self) -> Path:
        """Conversations that the user asked to keep."""
        return self.data / "sessions"

    @property
    def trusted(self) -> Path:
        """Which project files the user trusts, each with its digest."""
        return self.data / "trusted.json"

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
SECTIONS = tuple(f.name for f in fields(Config) if f.name not in ("named", "origins"))
ONE_FOR_ALL = frozenset({"chunk.tokens", "models.embedder", "privacy.airgap", "privacy.history"})
"""There is one index, made with one embedder, behind one wall: neither a collection nor a profile has its own."""
COLLECTION_KEYS: Mapping[str, Any] = dict.fromkeys(("roots", "include", "exclude"), tuple[str, ...])
"""What only a collection has: its folders, and the patterns of names to take and to leave out."""
NAMED = re.compile(r"(collection|profile)\.([^.]+)\.(.+)")


def known_settings() -> Mapping[str, type]:
    """Every dotted key and the type of its value."""
    return {
        f"{section}.{key}": kind for section in SECTIONS for key, kind in get_type_hints(type(getattr(Config(), section))).items()
    }


def get_setting(config: Config, key: str) -> Value:
    """The value of a dotted key. Raises ConfigError ``unknown-setting``, for a named one too that is not set."""
    check_known(key)
    if NAMED.fullmatch(key):
        if key not in config.named:
            raise ConfigError("unknown-setting", f"{key} is not set", hint=f"ragcli config set {key} VALUE")
        return config.named[key]
    section, name = key.split(".")
    return getattr(getattr(config, section), name)


def kinds_beside(key: str) -> Mapping[str, Any]:
    """Every key that could stand in this one's place, with the type of its value: those of its collection or profile, if any."""
    found = NAMED.fullmatch(key)
    if found is None:
        return known_settings()
    of_collection = found[1] == "collection"
    sections = ("search.", "answer.") if of_collection else tuple(f"{section}." for section in SECTIONS)
    own = COLLECTION_KEYS if of_collection else {}
    shared = {base: kind for base, kind in known_settings().items() if base.startswith(sections) and base not in ONE_FOR_ALL}
    return {f"{found[1]}.{found[2]}.{base}": kind for base, kind in {**own, **shared}.items()}


def check_known(key: str) -> None:
    """Raises ConfigError ``unknown-setting``, which names the nearest key that there is."""
    known = kinds_beside(key)
    if key not in known:
        base = base_of(key)
        near = difflib.get_close_matches(base, map(base_of, known), n=1)
        hint = f"did you mean {key.removesuffix(base)}{near[0]}?" if near else "ragcli config list shows every setting"
        raise ConfigError("unknown-setting", f"there is no setting {key!r}", hint=hint)


def parse_setting(key: str, value: Any) -> Value:
    """``value`` as the key's type; texts are read as a person would type them. Raises ConfigError ``bad-setting``."""
    check_known(key)
    kind, base = kinds_beside(key)[key], base_of(key)
    try:
        parsed = _convert(kind, value)
    except (TypeError, ValueError):
        wanted = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}.get(kind, "a list of texts")
        raise ConfigError("bad-setting", f"{key} must be {wanted}, not {value!r}", hint=f"ragcli config get {key}") from None
    allowed = ALLOWED.get(base)
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


def base_of(key: str) -> str:
    """The setting that a key of a collection or profile is about; any other key is about itself."""
    found = NAMED.fullmatch(key)
    return found[3] if found else key


def with_setting(config: Config, key: str, value: Any, *, origin: str) -> Config:
    """The same settings, but for one."""
    parsed = parse_setting(key, value)
    origins = {**config.origins, key: origin}
    if NAMED.fullmatch(key):
        return replace(config, named={**config.named, key: parsed}, origins=origins)
    section, name = key.split(".")
    changed = replace(getattr(config, section), **{name: parsed})
    return replace(config, **{section: changed}, origins=origins)
