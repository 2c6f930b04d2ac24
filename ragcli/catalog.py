"""Which models exist: role, files with their digests, sources, licence, and what they need.

The facts stand in ``catalog.toml``. Knows nothing of what is installed, and nothing of the network.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from ragcli.errors import ModelError
from ragcli.types import InstalledModel, ModelRow, Role

RANK_OF_STRANGERS = 45
"""Models that the catalog does not know stand between its small and its good ones: someone chose to bring them."""


@dataclass(frozen=True, slots=True)
class WheelSource:
    """A package of the index with pieces of a model inside."""

    package: str
    version: str
    size: int
    sha256: str
    members: Mapping[str, str]
    """Path inside the wheel to the model's file that it is appended to, in order."""

    @property
    def requirement(self) -> str:
        return f"{self.package}=={self.version}"


@dataclass(frozen=True, slots=True)
class HubSource:
    repository: str
    revision: str
    size: int
    """About; the hub tells the exact number."""
    files: tuple[str, ...]
    """Patterns of the paths to take; a pattern without a slash means files at the top."""


@dataclass(frozen=True, slots=True)
class CatalogFile:
    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class CatalogModel:
    """One entry: exactly one of ``wheels`` and ``hub`` is given. Sizes are in bytes."""

    name: str
    role: Role
    format: Literal["sentence-transformers", "gguf", "mlx"]
    licence: str
    description: str
    memory: int
    parameters: int
    rank: int
    default_for: tuple[str, ...] = ()
    languages: str = ""
    """``en`` for an embedder that knows English alone; empty if it knows many, or if that is not known."""
    chat_template: str = ""
    """Used where the source has none."""
    files: tuple[CatalogFile, ...] = ()
    wheels: tuple[WheelSource, ...] = ()
    hub: HubSource | None = None

    @property
    def download(self) -> int:
        return self.hub.size if self.hub else sum(wheel.size for wheel in self.wheels)

    @property
    def disk(self) -> int:
        return sum(file.size for file in self.files) or self.download

    @property
    def pinned(self) -> Literal["catalog", "first-use"]:
        return "catalog" if self.files else "first-use"

    @property
    def source(self) -> str:
        """Where it comes from, in words."""
        if self.hub:
            return f"model hub: {self.hub.repository}"
        first, last = self.wheels[0], self.wheels[-1]
        more = "" if first is last else f" to {last.requirement} ({len(self.wheels)} packages)"
        return f"Python package index: {first.requirement}{more}"


@cache
def entries() -> tuple[CatalogModel, ...]:
    """Every known model, in the order of the file."""
    text = resources.files("ragcli").joinpath("catalog.toml").read_text(encoding="utf-8")
    return tuple(_read_entry(table) for table in tomllib.loads(text)["models"])


def find_model(name: str) -> CatalogModel:
    """The entry of that name. Raises ModelError ``model-unknown``, with the nearest name."""
    known = {entry.name: entry for entry in entries()}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name.lower(), known, n=1)
    hint = f"did you mean {near[0]}? ragcli models list shows all" if near else "ragcli models list shows what there is"
    raise ModelError("model-unknown", f"there is no model {name!r} in the catalog", hint=hint)


def default_model(role: str, engine: str = "llamacpp") -> CatalogModel:
    """What to pull for a role when nothing was chosen; ``engine`` matters for language models only."""
    wanted = "embedder" if role == "embedder" else engine
    return next(entry for entry in entries() if wanted in entry.default_for)


def knows_only_english(name: str) -> bool:
    """Whether the embedder finds what is said in English alone, as far as the catalog knows."""
    return any(entry.name == name and entry.languages == "en" for entry in entries())


def choose_default(installed: Iterable[InstalledModel], engine: str) -> InstalledModel | None:
    """The best installed language model that the engine can load, or None."""
    ranks = {entry.name: entry.rank for entry in entries()}
    able = [model for model in installed if model.role == "llm" and _can_load(model, engine)]
    return max(able, key=lambda model: (ranks.get(model.name, RANK_OF_STRANGERS), model.size), default=None)


def describe_row(entry: CatalogModel | None, model: InstalledModel | None, *, in_use: bool) -> ModelRow:
    """What is known of a model from the catalog, the installed folder, or both; of the two the folder is right."""
    best = model or entry
    if best is None:
        raise ValueError("a row needs an entry or an installed model")
    size = best.size if isinstance(best, InstalledModel) else best.download
    about, memory = (entry.description, entry.memory) if entry else ("", 0)
    return ModelRow(best.name, best.role, best.format, size, best.source, best.licence, about, memory, model, in_use)


def _can_load(model: InstalledModel, engine: str) -> bool:
    return (model.mlx_folder if engine == "mlx" else model.gguf_file) is not None


def _read_entry(table: Mapping[str, Any]) -> CatalogModel:
    plain = {key: value for key, value in table.items() if key not in ("files", "wheels", "hub", "default_for")}
    hub = table.get("hub")
    return CatalogModel(
        **plain,
        default_for=tuple(table.get("default_for", ())),
        files=tuple(CatalogFile(**file) for file in table.get("files", ())),
        wheels=tuple(WheelSource(**wheel) for wheel in table.get("wheels", ())),
        hub=HubSource(**{**hub, "files": tuple(hub["files"])}) if hub else None,
    )
