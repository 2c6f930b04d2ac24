"""The one place where settings become real adapters, and what Python users hold.

>>> from ragcli import Assistant
>>> with Assistant.open() as assistant:
...     assistant.index([Path("~/Documents").expanduser()])
...     print(assistant.ask("When does the lease end?").text)

Everything heavy is loaded when it is first needed: see ``machine``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ragcli import catalog
from ragcli.config import Config, Locations
from ragcli.errors import SourceError, StoreError
from ragcli.flows.forgetting import forget_paths
from ragcli.flows.indexing import IndexOptions, IndexPorts, index_collections, index_roots
from ragcli.flows.translating import check_languages
from ragcli.layering import load_config
from ragcli.machine import PORTS, Machine, resolve
from ragcli.parts.answerer import Answerer
from ragcli.parts.attendant import IndexAttendant
from ragcli.parts.converser import Converser
from ragcli.parts.declared import collections_to_refresh
from ragcli.parts.examinee import Examinee
from ragcli.parts.guardian import Guardian
from ragcli.parts.map_maker import MapMaker
from ragcli.parts.model_keeper import ModelKeeper
from ragcli.parts.record_maker import RecordMaker
from ragcli.parts.surveyor import CollectionSurveyor
from ragcli.steps.planning import source_id_of
from ragcli.types import (
    Chunk,
    Finding,
    IndexEvent,
    IndexFinished,
    IndexReport,
    Root,
    StoredSource,
    StoreStats,
)

EVALUATIONS = "eval"
"""Folder below the data folder for the indexes of evaluation sets."""


class Assistant(Answerer, ModelKeeper, IndexAttendant, RecordMaker, CollectionSurveyor, Converser, Examinee, Guardian, MapMaker):
    """An index, an embedder and a language model, each made from the settings when first used, or brought by the caller.

    Methods that end in ``_events`` are generators: nothing happens until they are iterated, and closing them stops the work.
    """

    def __init__(self, config: Config, locations: Locations, **ports: Any) -> None:
        """``ports`` replaces any port of the machine: ``store``, ``walker``, ``reader``, ``split``, ``embedder``, ``model``.

        They stay the caller's to close.
        """
        self.config = config
        self.locations = locations
        self.machine = Machine(config, locations, ports)

    @classmethod
    def open(cls, home: Path | None = None, **settings: Any) -> Assistant:
        """An assistant with the user's settings; ``settings`` are dotted keys with ``__`` for the dot, and win.

        A port by its name, as ``embedder``, takes the place of what would be made; ``home`` that of RAGCLI_HOME.
        Raises ConfigError.
        """
        from ragcli.adapters.settings import default_locations

        environment = {**os.environ, **({"RAGCLI_HOME": str(home)} if home else {})}
        locations = default_locations(environment)
        ports = {name: settings.pop(name) for name in PORTS & settings.keys()}
        flags = {key.replace("__", "."): value for key, value in settings.items()}
        return cls(load_config(locations.config_file, environment, flags), locations, **ports)

    def __enter__(self) -> Assistant:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """The memory of the model and the index are free; they are made again if they are needed again. Idempotent."""
        self.machine.close()

    # ---- indexing ----

    def index_events(
        self,
        paths: Sequence[Path] = (),
        *,
        collection: str | None = None,
        force: bool = False,
        dry_run: bool = False,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        retry_failed: bool = False,
    ) -> Iterator[IndexEvent]:
        """The paths, or all known roots if there are none, are indexed; the last event is IndexFinished.

        Raises SourceError: ``path-missing``, ``nothing-to-index``; StoreError; ModelError.
        """
        name = collection or self.config.index.collection
        roots = [Root(resolve(path), name, tuple(include), tuple(exclude)) for path in paths]
        options = IndexOptions(name, force=force, dry_run=dry_run, retry_failed=retry_failed)
        ports = self._index_ports()
        if roots:
            yield from index_roots(roots, ports, options)
        else:
            collections = collections_to_refresh(collection, self.config, ports, rebuild=force and not dry_run)
            yield from index_collections(collections, ports, options)

    def index(self, paths: Sequence[Path] = (), **options: Any) -> IndexReport:
        """As ``index_events``, all at once: what was done."""
        *_, last = self.index_events(paths, **options)
        assert isinstance(last, IndexFinished)
        return last.report

    def forget_events(self, paths: Sequence[Path]) -> Iterator[IndexEvent]:
        """The sources below the paths leave the index for good. Raises SourceError ``not-indexed``."""
        self.forget_surveys()
        return forget_paths([Path(os.path.realpath(path.expanduser())) for path in paths], self.machine.store)

    def _index_ports(self) -> IndexPorts:
        """Raises ModelError ``model-missing``: before anything is looked at."""
        machine = self.machine
        identity = machine.identity
        return IndexPorts(
            store=machine.store,
            walker=machine.walker,
            reader=machine.reader,
            split=lambda: machine.split,
            embedder=lambda: machine.embedder,
            identity=identity,
            token_limit=machine.token_limit,
            reason_to_wait=machine.reason_to_wait,
        )

    def _beside(self, folder: Path, model: str | None) -> Assistant:
        """An assistant with an index of its own for the folder, and what the caller brought to this one."""
        place = Locations(self.locations.data / EVALUATIONS / source_id_of(folder, EVALUATIONS), self.locations.config_file)
        config = replace(self.config, answer=replace(self.config.answer, model=model)) if model else self.config
        brought = {name: port for name, port in self.machine.brought.items() if name != "store"}
        beside = Assistant(config, place, **{"models": self.machine.models, **brought})
        if beside.machine.store.identity() not in (None, beside.machine.identity):
            beside.machine.store.reset(beside.machine.identity)
        return beside

    # ---- looking ----

    def stats(self) -> StoreStats:
        return self.machine.store.stats()

    def roots(self) -> tuple[Root, ...]:
        return self.machine.store.roots()

    def sources(self) -> Mapping[str, StoredSource]:
        return self.machine.store.sources()

    def chunks_of(self, path: Path) -> tuple[Chunk, ...]:
        """The chunks of an indexed file in order. Raises SourceError ``not-indexed``."""
        real = Path(os.path.realpath(path))
        found = [source for source in self.machine.store.sources().values() if source.path == real]
        if not found:
            raise SourceError("not-indexed", f"{path} is not indexed", hint="ragcli ls shows what is")
        if found[0].reason:
            raise SourceError("not-indexed", f"{path} was skipped: {found[0].reason}", hint="ragcli ls shows what is indexed")
        return self.machine.store.chunks_of(found[0].id)

    def check(self, *, read_data: bool = False, repair: bool = False) -> Iterator[Finding]:
        """What is wrong with the index; with ``repair`` it is mended first, and what was lost is read again next time."""
        if repair and self.machine.store.identity() is not None:
            lost = self.machine.store.repair()
            if lost:
                yield Finding("repair", "warning", f"{len(lost)} sources had damaged chunks and were dropped", "ragcli index")
        yield from self.machine.store.check(read_data=read_data)

    def optimize(self) -> None:
        """The word index covers every chunk and old versions are gone. Raises StoreError ``index-missing``."""
        identity = self.machine.store.identity()
        if identity is None:
            raise StoreError("index-missing", "nothing has been indexed yet", hint="ragcli index ~/Documents")
        with self.machine.store.writing(identity):
            self.machine.store.finish()

    def doctor(self) -> Iterator[Finding]:
        """One finding or more for each thing that ragcli needs."""
        from ragcli.adapters.offline import seal_state
        from ragcli.adapters.readers.worker import recognizes_scans
        from ragcli.flows import checking

        yield from checking.check_machine(
            seal=seal_state(),
            airgap=self.config.privacy.airgap,
            models=self.machine.models.installed(),
            embedder=self.config.models.embedder,
            llm=self.config.answer.model,
            engines=self.machine.engines(),
            stats=self.machine.store.stats() if self.machine.store.identity() else None,
            folder=checking.look_at_folder(self.locations.data),
            terminal=checking.look_at_terminal(),
            watcher=self.watch_health(),
            memory=checking.look_at_memory(),
            recognizes_scans=recognizes_scans(),
            memory_needed=max((row.memory for row in self.model_list() if row.in_use and row.role == "llm"), default=0),
        )
        name = self.config.models.embedder
        yield from check_languages(self._sample_texts(), name, knows_only_english=catalog.knows_only_english(name))

    def offline_proof(self) -> Iterator[Finding]:
        """What the kernel answers to each way out, with the libraries, the index and the models loaded; a verdict last."""
        from ragcli.adapters.proof import prove_offline

        yield from prove_offline(self.locations.data, self.open_everything())
