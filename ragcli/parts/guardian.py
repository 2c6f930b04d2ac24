"""The part of an assistant that looks after what it keeps of the user's files: who could see it, and that it can go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from ragcli.config import Locations
from ragcli.errors import RagError, StoreError
from ragcli.flows import checking
from ragcli.machine import Machine
from ragcli.types import Finding, InstalledModel, Removed, Scope, StoredSource, WatchHealth

KEPT = ("index", "eval", "surveys", "history", "sessions", "run", "trusted.json")
"""Below the data folder, what tells of the user's files or questions. Models and settings tell nothing of them."""


class Guardian:
    """Privacy at rest, for one data folder."""

    locations: Locations
    machine: Machine
    watch_health: Callable[[], WatchHealth | None]

    def purge_events(self, *, models: bool = False) -> Iterator[Removed]:
        """Nothing that ragcli made of the user's files or questions is left below the data folder; the files themselves stay.

        With ``models`` these go too. Settings stay, and so does whatever else lies there. An index that cannot be read goes
        like any other. Raises StoreError ``already-watching``, ``index-locked``, ``unsafe-folder``.
        """
        from ragcli.adapters.durability import check_private, remove_for_good

        check_private(self.locations.index)
        self._refuse_watcher()
        self.machine.close()
        with self.machine.writing_alone():
            for path in self.kept_paths(models=models):
                if remove_for_good(path):
                    yield Removed(path)

    def kept_paths(self, *, models: bool = False) -> list[Path]:
        """What ``purge_events`` would remove now."""
        named = [self.locations.data / name for name in KEPT] + ([self.locations.models] if models else [])
        return [path for path in named if path.exists()]

    def _refuse_watcher(self) -> None:
        watcher = self.watch_health()
        if watcher is not None and watcher.alive:
            hint = f"end it first: kill {watcher.process}"
            raise StoreError("already-watching", f"process {watcher.process} would index the files again", hint=hint)

    def open_everything(self) -> list[InstalledModel]:
        """Whatever of index, embedder and language model there is has been opened, its libraries loaded, and used once.

        Gives the models.
        """
        store, machine = self.machine.store, self.machine
        models: list[InstalledModel] = []
        with suppress(RagError):
            if store.identity() is not None:
                store.search_words("proof", limit=1, scope=Scope())
        with suppress(RagError):
            machine.embedder.embed_query("proof")
            machine.batch_embedder.embed_query("proof")
            models.append(machine.installed_embedder)
        with suppress(RagError):
            machine.model.count_tokens("proof")
            models.append(machine.choose_model())
        return models

    def place_finding(self) -> Finding:
        """Whether the data folder lies where a sync client would upload it."""
        return checking.check_synced(self.locations.data)

    def sources_with_secrets(self) -> tuple[StoredSource, ...]:
        """The indexed files whose texts seem to hold keys or passwords, in path order."""
        if not self.machine.store.stats().secrets:
            return ()
        return tuple(source for source in self.machine.store.sources().values() if source.secrets)
