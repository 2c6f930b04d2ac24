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
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from ragcli import catalog
from ragcli.asking import AskOptions, AskPorts, ask_question, search_chunks
from ragcli.config import Config, Locations, load_config
from ragcli.errors import SourceError, StoreError, UsageError
from ragcli.indexing import IndexOptions, IndexPorts, forget_sources, index_roots
from ragcli.machine import Machine
from ragcli.planning import is_below, source_id_of
from ragcli.types import (
    Answer,
    AnswerEvent,
    AnswerFinished,
    Chunk,
    EvaluationEvent,
    Finding,
    IndexEvent,
    IndexFinished,
    IndexReport,
    InstalledModel,
    ModelRow,
    PullEvent,
    Question,
    Root,
    SearchResult,
    StoredSource,
    StoreStats,
)

EVALUATIONS = "eval"
"""Folder below the data folder for the indexes of evaluation sets."""


class Assistant:
    """An index, an embedder and a language model, each made from the settings when first used, or brought by the caller.

    Methods that end in ``_events`` are generators: nothing happens until they are iterated, and closing them stops the work.
    """

    def __init__(self, config: Config, locations: Locations, **ports: Any) -> None:
        """``ports`` replaces any port of the machine: ``store``, ``walker``, ``reader``, ``split``, ``embedder``, ``model``."""
        self.config = config
        self.locations = locations
        self.machine = Machine(config, locations, ports)

    @classmethod
    def open(cls, home: Path | None = None, **settings: Any) -> Assistant:
        """An assistant with the user's settings; ``settings`` are dotted keys with ``__`` for the dot, and win.

        ``home`` takes the place of RAGCLI_HOME. Raises ConfigError.
        """
        from ragcli.adapters.settings import default_locations

        environment = {**os.environ, **({"RAGCLI_HOME": str(home)} if home else {})}
        locations = default_locations(environment)
        flags = {key.replace("__", "."): value for key, value in settings.items()}
        return cls(load_config(locations.config_file, environment, flags), locations)

    def __enter__(self) -> Assistant:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """The models' memory and the index are free. Idempotent."""
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
        if roots:
            yield from index_roots(roots, self._index_ports(), options)
            return
        known = {root.collection for root in self.roots()}
        if collection:
            known &= {collection}
        if not known:
            raise SourceError("nothing-to-index", "no folder has been indexed yet", hint="ragcli index ~/Documents")
        ports = self._index_ports()
        if force and not dry_run:
            self.machine.store.reset(self.machine.identity)
        reports = []
        for each in sorted(known):
            for event in index_roots((), ports, replace(options, collection=each)):
                if isinstance(event, IndexFinished):
                    reports.append(event.report)
                else:
                    yield event
        yield IndexFinished(_sum_reports(reports))

    def index(self, paths: Sequence[Path] = (), **options: Any) -> IndexReport:
        """As ``index_events``, all at once: what was done."""
        *_, last = self.index_events(paths, **options)
        assert isinstance(last, IndexFinished)
        return last.report

    def watch_events(self, paths: Sequence[Path] = ()) -> Iterator[IndexEvent]:
        """As ``index_events``, and again whenever something below the paths changes; endless."""
        from ragcli.watching import watch_roots

        resolved = [resolve(path) for path in paths]
        watched = resolved or [root.path for root in self.machine.store.roots()]
        if not watched:
            raise SourceError("nothing-to-index", "no folder has been indexed yet", hint="ragcli watch ~/Documents")
        with closing(self.machine.make_watcher(watched)) as watcher:
            yield from watch_roots(watcher, lambda: self.index_events(resolved))

    def forget_events(self, paths: Sequence[Path]) -> Iterator[IndexEvent]:
        """The sources below the paths leave the index. Raises SourceError ``not-indexed``."""
        tops = {os.path.realpath(path) for path in paths}
        sources = [source for source in self.machine.store.sources().values() if is_below(source.path, tops)]
        roots = [root for root in self.machine.store.roots() if is_below(root.path, tops)]
        if not sources and not roots:
            raise SourceError("not-indexed", f"nothing below {paths[0]} is indexed", hint="ragcli ls shows what is")
        yield from forget_sources(sources, roots, self._index_ports())

    def _index_ports(self) -> IndexPorts:
        machine = self.machine
        return IndexPorts(
            store=machine.store,
            walker=machine.walker,
            reader=machine.reader,
            split=lambda: machine.split,
            embedder=lambda: machine.embedder,
            identity=machine.identity,
            token_limit=machine.token_limit,
        )

    # ---- asking ----

    def search(self, question: Question) -> SearchResult:
        """The best hits. Raises StoreError ``index-missing``, ``index-empty``; UsageError ``empty-question``."""
        check_question(question.text)
        self._check_index()
        return search_chunks(question, self._ask_ports(), words_weight=self.config.search.words_weight)

    def ask_events(self, question: Question, *, piped: str | None = None, max_tokens: int | None = None) -> Iterator[AnswerEvent]:
        """Retrieved, Packed, Deltas, and AnswerFinished last; without close passages only the first and the last.

        ``piped`` is a text to answer from beside the index, which then need not exist. Raises UsageError
        ``empty-question``; StoreError; ModelError.
        """
        check_question(question.text)
        has_index = self.machine.store.stats().chunks > 0
        if not piped:
            self._check_index()
        options = self._ask_options(max_tokens)
        yield from ask_question(question, self._ask_ports(with_store=has_index), options, piped=piped)

    def ask(self, text: str, **options: Any) -> Answer:
        """As ``ask_events`` for a question of that text, all at once."""
        question = Question(text, limit=self.config.search.limit)
        *_, last = self.ask_events(question, **options)
        assert isinstance(last, AnswerFinished)
        return last.answer

    def _ask_ports(self, *, with_store: bool = True) -> AskPorts:
        machine = self.machine
        return AskPorts(machine.store if with_store else None, lambda: machine.embedder, lambda: machine.model)

    def _ask_options(self, max_tokens: int | None = None) -> AskOptions:
        answer = self.config.answer
        return AskOptions(
            words_weight=self.config.search.words_weight,
            context_tokens=answer.context_tokens,
            max_tokens=max_tokens or answer.max_tokens,
            min_similarity=answer.min_similarity,
        )

    def _check_index(self) -> None:
        """An empty or missing index, or one made with another embedder, is said before anything is loaded."""
        stored = self.machine.store.identity()
        if stored is None:
            raise StoreError("index-missing", "nothing has been indexed yet", hint="ragcli index ~/Documents")
        if not self.machine.store.stats().chunks:
            raise StoreError("index-empty", "the index holds no text", hint="ragcli index PATH; ragcli ls shows what was skipped")
        if stored.dimension != self.machine.identity.dimension or stored.embedder != self.machine.identity.embedder:
            message = f"the index was made with {stored.embedder}, the settings say {self.machine.identity.embedder}"
            raise StoreError("index-mismatch", message, hint="ragcli index --force, or ragcli config set models.embedder")

    def evaluate_events(
        self,
        folder: Path,
        *,
        retrieval_only: bool = False,
        limit: int | None = None,
        seed: int = 0,
        model: str | None = None,
        k: int = 8,
    ) -> Iterator[EvaluationEvent]:
        """The set in ``folder`` is indexed apart from the user's files and asked; the last event is EvaluationFinished."""
        from ragcli import evaluating, extracting

        folder = resolve(folder)
        if (folder / "manifest.jsonl").is_file():
            yield from extracting.evaluate_extraction(folder, self.machine.reader)
            return
        options = evaluating.EvaluationOptions(retrieval_only, limit, seed, k)
        evaluating.read_questions(folder, limit=limit, seed=seed)
        place = Locations(self.locations.data / EVALUATIONS / source_id_of(folder, EVALUATIONS), self.locations.config_file)
        config = replace(self.config, answer=replace(self.config.answer, model=model)) if model else self.config
        with Assistant(config, place, models=self.machine.models) as beside:
            for _ in beside.index_events([folder / "corpus"]):
                yield evaluating.EvaluationProgressed(0, 0, "indexing")
            ports, reader = beside._ask_ports(), beside.machine.reader
            yield from evaluating.evaluate_questions(folder, ports, reader, beside._ask_options(), options)

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
        from ragcli import checking
        from ragcli.adapters.offline import seal_state

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
        )

    def offline_proof(self) -> Iterator[Finding]:
        """What the kernel answers to each way out; the last finding is the verdict."""
        from ragcli.adapters.offline import offline_proof

        return offline_proof()

    # ---- models ----

    def model_list(self) -> tuple[ModelRow, ...]:
        """The catalog's models, then those that are only installed."""
        installed = {model.name: model for model in self.machine.models.installed()}
        used = {self.config.models.embedder, self._used_model(installed.values())}
        known = {entry.name: entry for entry in catalog.entries()}
        names = dict.fromkeys([*known, *installed])
        return tuple(catalog.describe_row(known.get(name), installed.get(name), in_use=name in used) for name in names)

    def _used_model(self, installed: Any) -> str:
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
        from ragcli.pulling import pull_model

        convert = self.machine.engine == "mlx" if for_mlx is None else for_mlx
        return pull_model(catalog.find_model(name), self.machine.models, Downloads(), for_mlx=convert)

    def import_model(self, path: Path, name: str | None = None, role: Literal["embedder", "llm"] | None = None) -> InstalledModel:
        return self.machine.models.import_model(path, name, role)

    def remove_model(self, name: str) -> None:
        self.machine.models.remove(name)


def resolve(path: Path) -> Path:
    """The path with all links followed. Raises SourceError ``path-missing``, UsageError ``remote-path``."""
    from ragcli.adapters.offline import refuse_remote

    refuse_remote(os.fspath(path))
    real = Path(os.path.realpath(path.expanduser()))
    if not os.path.lexists(real):
        raise SourceError("path-missing", f"there is no {path}", hint="check the spelling, or quote names with spaces")
    return real


def check_question(text: str) -> None:
    if not text.strip():
        raise UsageError("empty-question", "the question is empty", hint='ragcli ask "When does the lease end?"')


def _sum_reports(reports: Sequence[IndexReport]) -> IndexReport:
    if len(reports) == 1:
        return reports[0]
    total = IndexReport()
    for report in reports:
        total = IndexReport(
            added=total.added + report.added,
            changed=total.changed + report.changed,
            removed=total.removed + report.removed,
            unchanged=total.unchanged + report.unchanged,
            chunks=total.chunks + report.chunks,
            skipped=total.skipped + report.skipped,
            left_out={**total.left_out, **report.left_out},
            took_ms={name: total.took_ms.get(name, 0) + value for name, value in report.took_ms.items()},
        )
    return total
