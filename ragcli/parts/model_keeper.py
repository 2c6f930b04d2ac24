"""The part of an assistant that needs no index: models are listed, fetched, brought in and removed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from ragcli import catalog
from ragcli.config import Config
from ragcli.machine import Machine
from ragcli.types import InstalledModel, ModelRow, PullEvent, Role


class ModelKeeper:
    """The models of one machine, as the settings choose among them."""

    config: Config
    machine: Machine

    def model_list(self) -> tuple[ModelRow, ...]:
        """The catalog's models, then those that are only installed."""
        installed = {model.name: model for model in self.machine.models.installed()}
        used = {self.config.models.embedder, self.config.models.reranker, self._used_model(installed.values())}
        known = {entry.name: entry for entry in catalog.entries()}
        names = dict.fromkeys([*known, *installed])
        return tuple(catalog.describe_row(known.get(name), installed.get(name), in_use=name in used) for name in names)

    def _used_model(self, installed: Iterable[InstalledModel]) -> str:
        chosen = self.config.answer.model
        best = catalog.choose_default(installed, self.machine.engine) if chosen == "auto" else None
        return best.name if best else chosen

    def show_model(self, name: str) -> ModelRow:
        """The row of that name. Raises ModelError ``model-unknown``."""
        for row in self.model_list():
            if row.name == name:
                return row
        catalog.find_model(name)
        raise AssertionError("a model of the catalog has a row")

    def pull_events(self, name: str, for_mlx: bool | None = None) -> Iterator[PullEvent]:
        """The model is fetched, verified and installed. Needs a process that is not sealed. Raises ModelError, StoreError."""
        from ragcli.adapters.downloads import Downloads
        from ragcli.flows.pulling import pull_model

        convert = self.machine.engine == "mlx" if for_mlx is None else for_mlx
        return pull_model(catalog.find_model(name), self.machine.models, Downloads(), for_mlx=convert)

    def import_model(self, path: Path, name: str | None = None, role: Role | None = None) -> InstalledModel:
        """The local files are copied and installed. Raises ModelError ``model-refused``, SourceError, UsageError."""
        from ragcli.adapters.offline import refuse_remote

        refuse_remote(os.fspath(path))
        return self.machine.models.import_model(path, name, role)

    def remove_model(self, name: str) -> None:
        """The model's folder is gone. Raises ModelError ``model-missing``."""
        self.machine.models.remove(name)
