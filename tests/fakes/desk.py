"""Everything that indexing and asking need of a machine, on files that exist only as a dictionary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from ragcli.flows.asking import AskOptions, AskPorts
from ragcli.flows.indexing import IndexOptions, IndexPorts, index_roots
from ragcli.steps.chunking import POLICY
from ragcli.types import EmbeddedChunk, IndexEvent, IndexFinished, IndexIdentity, IndexReport, Progressed, Root
from tests.fakes.embedder import HashingEmbedder
from tests.fakes.model import ScriptedModel
from tests.fakes.reader import FakeReader
from tests.fakes.split import split_words
from tests.fakes.store import MemoryStore
from tests.fakes.walker import FakeWalker

DOCS = Path("/docs")
OPTIONS = AskOptions(words_weight=0.3, context_tokens=200, max_tokens=64, min_similarity=0.2, min_confidence=0.55)


class Desk:
    """Files, an index of them, and what was loaded to make it."""

    def __init__(self, files: Mapping[str, str], *, replies: tuple[str, ...] = ()) -> None:
        self.files = {DOCS / name: text for name, text in files.items()}
        self.walker = FakeWalker(self.files)
        self.reader = FakeReader(self.files)
        self.store = MemoryStore()
        self.embedder = HashingEmbedder()
        self.model = ScriptedModel(*replies)
        self.loaded: list[str] = []
        """``embedder`` or ``model`` for each time that one was asked for."""

    @property
    def identity(self) -> IndexIdentity:
        made = self.embedder
        return IndexIdentity(made.name, made.digest, made.dimension, made.prefixes, POLICY, 1)

    def index_ports(self) -> IndexPorts:
        return IndexPorts(
            store=self.store,
            walker=self.walker,
            reader=self.reader,
            split=lambda: split_words,
            embedder=self._load_embedder,
            identity=self.identity,
            token_limit=self.embedder.token_limit,
        )

    def ask_ports(self, *, with_store: bool = True) -> AskPorts:
        return AskPorts(self.store if with_store else None, self._load_embedder, self._load_model)

    def _load_embedder(self) -> HashingEmbedder:
        self.loaded.append("embedder")
        return self.embedder

    def _load_model(self) -> ScriptedModel:
        self.loaded.append("model")
        return self.model

    def events(self, *roots: str, **options: bool) -> Iterator[IndexEvent]:
        """A run over the roots below DOCS, or over all known ones."""
        made = [Root(DOCS / root, "main") for root in roots]
        yield from index_roots(made, self.index_ports(), IndexOptions("main", **options))

    def index(self, *roots: str, **options: bool) -> list[IndexEvent]:
        """The events of a whole run, without the signs of progress and the report."""
        *events, last = self.events(*roots, **options)
        assert isinstance(last, IndexFinished)
        self.report: IndexReport = last.report
        return [event for event in events if not isinstance(event, Progressed)]

    def indexed(self) -> dict[str, EmbeddedChunk]:
        """What is in the index, for comparison with another one."""
        return dict(sorted(self.store.chunks.items()))
