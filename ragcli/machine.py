"""The one place where settings become real adapters. Each is built when it is first used, and only then is its library loaded."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ragcli import catalog
from ragcli.config import Config, Locations
from ragcli.errors import ModelError, SourceError
from ragcli.steps.chunking import POLICY
from ragcli.types import IndexIdentity, InstalledModel, ModelIdentity, WatchHealth

if TYPE_CHECKING:
    from ragcli.adapters.embedder_files import EmbedderFacts
    from ragcli.adapters.heartbeat import Heartbeat
    from ragcli.adapters.models import ModelFolder
    from ragcli.adapters.services import ServiceManager
    from ragcli.adapters.writer_lock import Patience
    from ragcli.ports import Constraint, Embedder, LanguageModel, Reader, Reranker, Split, Store, Walker, Watcher

SCHEMA = 1
"""Of the index's rows. An index of another schema is built anew."""
PORTS = frozenset({"store", "walker", "reader", "split", "embedder", "reranker", "model", "models"})


class Machine:
    """The ports of one assistant, made from the settings or brought by the caller. Adapters are imported where they are built."""

    def __init__(self, config: Config, locations: Locations, ports: Mapping[str, Any]) -> None:
        """``ports`` replaces any of PORTS; they stay the caller's to close. Raises TypeError for another name."""
        if not set(ports) <= PORTS:
            raise TypeError(f"no such port: {', '.join(sorted(set(ports) - PORTS))}")
        self.config = config
        self.locations = locations
        self.brought = dict(ports)
        self.patience: Patience | None = None
        # Cached properties look into the instance first: what the caller brings is simply there already.
        self.__dict__.update(ports)

    def close(self) -> None:
        """The model, the index and the reader's process that were made here are gone. Idempotent."""
        for name in {"model", "store", "reader"} - set(self.brought):
            port = self.__dict__.pop(name, None)
            if port is not None:
                port.close()

    @cached_property
    def models(self) -> ModelFolder:
        from ragcli.adapters.models import ModelFolder

        return ModelFolder(self.locations.models)

    @cached_property
    def store(self) -> Store:
        from ragcli.adapters.store import LanceStore

        return LanceStore(self.locations.index, patience=self.patience)

    def wait_for_writers(self, seconds: float, tell: Callable[[str], None]) -> None:
        """From now on another writer is waited for so long, and who waits is told so. Before, not at all."""
        from ragcli.adapters.writer_lock import Patience

        self.patience = Patience(seconds, tell)

    @cached_property
    def walker(self) -> Walker:
        from ragcli.adapters.files import RignoreWalker

        settings = self.config.index
        max_bytes = settings.max_file_mb << 20
        return RignoreWalker(index_hidden=settings.hidden, max_file_bytes=max_bytes, exclude=settings.exclude)

    @cached_property
    def reader(self) -> Reader:
        from ragcli.adapters.readers.worker import WorkerReader

        settings = self.config.index
        max_bytes = settings.max_file_mb << 20
        return WorkerReader(max_file_bytes=max_bytes, seconds=settings.read_seconds, memory_mb=settings.read_memory_mb)

    @cached_property
    def installed_embedder(self) -> InstalledModel:
        """The embedder of the settings, if it may be loaded. Raises ModelError ``model-missing``, ``model-refused``."""
        model = self.models.find(self.config.models.embedder)
        self.models.gate(model)
        return model

    @cached_property
    def embedder_facts(self) -> EmbedderFacts:
        from ragcli.adapters.embedder_files import describe_embedder

        return describe_embedder(self.installed_embedder.folder)

    @cached_property
    def embedder(self) -> Embedder:
        """Loads torch only when it has many texts to embed."""
        installed, facts = self.installed_embedder, self.embedder_facts
        from ragcli.adapters.quick_embedder import QuickEmbedder

        return QuickEmbedder(
            installed.folder, facts, name=installed.name, digest=installed.digest, load_other=lambda: self.batch_embedder
        )

    @cached_property
    def batch_embedder(self) -> Embedder:
        installed, facts = self.installed_embedder, self.embedder_facts
        from ragcli.adapters.embedder import SentenceEmbedder

        return SentenceEmbedder(
            installed.folder,
            name=installed.name,
            digest=installed.digest,
            prefixes=facts.prefixes,
            threads=self.config.index.threads,
        )

    @property
    def make_reranker(self) -> Callable[[], Reranker] | None:
        """What loads the reranker of the settings, or the caller's; None if there is none."""
        return (lambda: self.reranker) if self.config.models.reranker or "reranker" in self.brought else None

    @cached_property
    def reranker(self) -> Reranker:
        model = self.models.find(self.config.models.reranker)
        self.models.gate(model)
        if model.role != "reranker":
            hint = "ragcli models list shows which are; ragcli config unset models.reranker"
            raise ModelError("model-refused", f"{model.name} is no reranker", hint=hint)
        from ragcli.adapters.embedder import CrossReranker

        return CrossReranker(model.folder, name=model.name, threads=self.config.index.threads)

    @cached_property
    def split(self) -> Split:
        facts = self.embedder_facts
        from ragcli.adapters.splitter import TokenSplitter

        return TokenSplitter(facts.tokenizer_file)

    @cached_property
    def engine(self) -> Literal["llamacpp", "mlx"]:
        """The engine of the settings; ``auto`` is MLX on Apple Silicon and NVIDIA, llama.cpp elsewhere."""
        from ragcli.adapters.llm_mlx import has_accelerator

        chosen = self.config.answer.engine
        if chosen == "auto":
            chosen = "mlx" if has_accelerator() else "llamacpp"
        return "mlx" if chosen == "mlx" else "llamacpp"

    def choose_model(self) -> InstalledModel:
        """The language model of the settings; ``auto`` is the best installed one. Raises ModelError ``model-missing``."""
        name = self.config.answer.model
        if name == "auto":
            chosen = catalog.choose_default(self.models.installed(), self.engine)
            if chosen is None:
                pull = f"ragcli models pull {catalog.default_model('llm', self.engine).name}"
                raise ModelError("model-missing", "no language model is installed that this machine's engine can run", hint=pull)
            return chosen
        return self.models.find(name)

    def check_model(self) -> None:
        """There is a language model to ask. Raises ModelError ``model-missing``."""
        if "model" not in self.__dict__:
            self.choose_model()

    @cached_property
    def model(self) -> LanguageModel:
        from ragcli.adapters.tokenizer import ChatEncoder

        installed = self.choose_model()
        self.models.gate(installed)
        identity = ModelIdentity(installed.name, self.engine, installed.digest)
        if self.engine == "mlx":
            return self._mlx_model(installed, identity)
        if installed.gguf_file is None:
            hint = "ragcli config set answer.engine mlx, or choose another model: ragcli models list"
            raise ModelError("model-refused", f"{installed.name} is no GGUF model: llama.cpp cannot run it", hint=hint)
        from ragcli.adapters.llm_llamacpp import LlamaCppModel

        encoder, threads = ChatEncoder(installed.folder), self.config.answer.threads
        return LlamaCppModel(installed.gguf_file, encoder, identity, run_folder=self.locations.run, threads=threads)

    @property
    def loaded_model(self) -> LanguageModel | None:
        """The language model, if it is in memory already."""
        return self.__dict__.get("model")

    def _mlx_model(self, installed: InstalledModel, identity: ModelIdentity) -> LanguageModel:
        from ragcli.adapters.llm_mlx import MlxModel
        from ragcli.adapters.tokenizer import ChatEncoder

        if installed.mlx_folder is None:
            hint = f"ragcli models pull {installed.name} --mlx"
            raise ModelError("model-missing", f"{installed.name} is not converted for the MLX engine", hint=hint)
        # The same encoder for both engines, so that both see the same token ids.
        encoder = ChatEncoder(installed.folder)

        def constrain(schema: Mapping[str, Any], width: int) -> Constraint:
            from ragcli.adapters.constraining import JsonConstrainer

            return JsonConstrainer(installed.folder / "tokenizer.json", encoder.stop_ids).begin(schema, width)

        return MlxModel(installed.mlx_folder, encoder, identity, constrain=constrain)

    @cached_property
    def identity(self) -> IndexIdentity:
        """What an index made now would be made with; known without loading the embedder."""
        brought = self.brought.get("embedder")
        if brought is not None:
            return IndexIdentity(brought.name, brought.digest, brought.dimension, brought.prefixes, POLICY, SCHEMA)
        installed, facts = self.installed_embedder, self.embedder_facts
        return IndexIdentity(installed.name, installed.digest, facts.dimension, facts.prefixes, POLICY, SCHEMA)

    @property
    def token_limit(self) -> int:
        """Longest chunk in tokens, its headings included."""
        brought = self.brought.get("embedder")
        limit = brought.token_limit if brought is not None else self.embedder_facts.token_limit
        return min(self.config.chunk.tokens or limit, limit)

    def make_watcher(self) -> Watcher:
        from ragcli.adapters.watcher import WatchdogWatcher

        # Looking at the index touches its files: with them below a root, each look would lead to another.
        own = Path(os.path.realpath(self.locations.data))
        return WatchdogWatcher(own, scratch=self.locations.run, hidden=self.config.index.hidden)

    def watching_alone(self, lock: Path) -> AbstractContextManager[None]:
        """Inside, no other process watches. Raises StoreError ``already-watching``, ``unsafe-folder``."""
        from ragcli.adapters.durability import make_private
        from ragcli.adapters.writer_lock import watcher_lock

        make_private(lock.parent)
        return watcher_lock(lock)

    def writing_alone(self) -> AbstractContextManager[None]:
        """Inside, no other process writes to the index, if there is one. Raises StoreError ``index-locked``."""
        from ragcli.adapters.writer_lock import Patience, writer_lock

        lock = self.locations.index / "writer.lock"
        return writer_lock(lock, self.patience or Patience()) if lock.exists() else nullcontext()

    def make_heartbeat(self, file: Path) -> Heartbeat:
        from ragcli.adapters.heartbeat import Heartbeat

        return Heartbeat(file)

    def read_heartbeat(self, file: Path) -> WatchHealth | None:
        from ragcli.adapters.heartbeat import read_heartbeat

        return read_heartbeat(file)

    def service_manager(self) -> ServiceManager:
        from ragcli.adapters.services import ServiceManager

        return ServiceManager(os.environ, Path.home())

    def give_way(self) -> None:
        """This process stands behind others from now on, as the settings say, and so does what it starts."""
        from ragcli.adapters.manners import give_way

        give_way(niceness=min(self.config.index.nice, 19), disk=self.config.index.disk)

    def reason_to_wait(self) -> str:
        """Why long work should wait now, as on battery; empty if it need not."""
        from ragcli.adapters.manners import reason_to_wait

        return reason_to_wait(self.config.index.pause_below_battery)

    def engines(self) -> Mapping[str, str]:
        """Each engine, and why it cannot be used here: an empty text if it can."""
        has_mlx = find_spec("mlx") and find_spec("mlx_lm")
        return {
            "llamacpp": "" if find_spec("xllamacpp") else "xllamacpp is not installed",
            "mlx": "" if has_mlx else "no MLX backend is installed: pip install 'ragcli[mlx-cpu]'",
        }


def resolve(path: Path) -> Path:
    """The path with all links followed. Raises SourceError ``path-missing``, UsageError ``remote-path``."""
    from ragcli.adapters.offline import refuse_remote

    refuse_remote(os.fspath(path))
    real = Path(os.path.realpath(path.expanduser()))
    if not os.path.lexists(real):
        raise SourceError("path-missing", f"there is no {path}", hint="check the spelling, or quote names with spaces")
    return real
