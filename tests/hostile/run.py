"""Indexes a tree as the program does, in a process of its own, and says in JSON what became of it and what it took.

``python -m tests.hostile.run WARM_TREE TREE INDEX TOKENIZER CPU_SECONDS``: the warm tree is indexed first, so that every
library is loaded before memory is measured.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ragcli.adapters import offline
from ragcli.adapters.files import RignoreWalker
from ragcli.adapters.readers.worker import WorkerReader
from ragcli.adapters.splitter import TokenSplitter
from ragcli.adapters.store import LanceStore
from ragcli.flows.indexing import IndexOptions, IndexPorts, index_roots
from ragcli.steps.chunking import POLICY
from ragcli.types import Document, FileStamp, IndexFinished, IndexIdentity, Planned, Root, Scope, Unreadable
from tests.fakes.embedder import HashingEmbedder
from tests.hostile.cases import SECRET_MARKER
from tests.hostile.documents import MARKERS

CHANGING = ("growing.txt", "vanishing.txt", "swapped.txt", "rewritten.txt")
"""Files of the tree that do not hold still once the walk is over; see ``Disturbance``."""


class Forgetful(HashingEmbedder):
    """Keeps none of the texts."""

    def embed_passages(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        vectors = super().embed_passages(texts)
        self.embedded.clear()
        return vectors


class CountingReader:
    """The real reader; counts what it is asked for, and the seconds from the death of a worker to the next answer."""

    def __init__(self, cpu_seconds: float) -> None:
        self._reader = WorkerReader(seconds=10 * cpu_seconds, cpu_seconds=cpu_seconds)
        self.fingerprint = self._reader.fingerprint
        self.asked = 0
        self.recoveries: list[float] = []
        self.slowest: list[tuple[float, str]] = []
        self._died: float | None = None
        close = self._reader.close

        def noticed_close() -> None:
            close()
            self._died = time.monotonic()

        self._reader.close = noticed_close  # type: ignore[method-assign]

    def read(self, stamps: Iterable[FileStamp]) -> Iterator[tuple[FileStamp, Document | Unreadable]]:
        started = time.monotonic()
        self._died = None
        died = None
        for stamp, result in self._reader.read(stamps):
            now = time.monotonic()
            self.asked += stamp.path.name not in CHANGING
            self.slowest.append((now - started, stamp.path.name))
            if died is not None:
                self.recoveries.append(now - died)
            died, self._died = self._died, None
            yield stamp, result
            started = time.monotonic()

    def close(self) -> None:
        self._reader.close()


class Disturbance:
    """From ``begin`` on, files of the tree grow, vanish, are swapped for a pipe and rewritten, until ``end``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._disturb, daemon=True)

    def begin(self) -> None:
        (self._folder / "vanishing.txt").unlink()
        (self._folder / "swapped.txt").unlink()
        os.mkfifo(self._folder / "swapped.txt")
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        self._thread.join()

    def _disturb(self) -> None:
        letters = "ab"
        with (self._folder / "growing.txt").open("ab", buffering=0) as growing:
            while not self._over.wait(0.001):
                growing.write(b"more words\n")
                (self._folder / "rewritten.txt").write_text(letters[0] * 50_000, encoding="ascii")
                letters = letters[::-1]


def main(warm: Path, tree: Path, index: Path, tokenizer: Path, cpu_seconds: float) -> dict[str, Any]:
    offline.close_doors()
    embedder, reader, store = Forgetful(), CountingReader(cpu_seconds), LanceStore(index)
    splitter = TokenSplitter(tokenizer)
    identity = IndexIdentity(embedder.name, embedder.digest, embedder.dimension, embedder.prefixes, POLICY, 1)
    ports = IndexPorts(store, RignoreWalker(), reader, lambda: splitter, lambda: embedder, identity, embedder.token_limit)

    def index_tree(folder: Path, disturbance: Disturbance | None = None, **options: bool) -> dict[str, Any]:
        before, started = reader.asked, time.monotonic()
        for event in index_roots([Root(folder, "main")], ports, IndexOptions("main", **options)):
            if disturbance and isinstance(event, Planned):
                disturbance.begin()
            if isinstance(event, IndexFinished):
                skipped = {spelled(each.path): each.reason for each in event.report.skipped}
                told = {"skipped": skipped, "left_out": dict(event.report.left_out), "changed": event.report.changed}
                return {**told, "asked": reader.asked - before, "seconds": time.monotonic() - started}
        raise AssertionError("the run did not finish")

    index_tree(warm)
    quiet_peak = peak_memory()
    disturbance = Disturbance(tree / "changing")
    first = index_tree(tree, disturbance)
    loud_peak = peak_memory()
    disturbance.end()
    sources = list(store.sources().values())
    texts = {source.path.name: "\n".join(chunk.text for chunk in store.chunks_of(source.id)) for source in sources}
    told = {
        "first": first,
        "again": index_tree(tree),
        "retried": index_tree(tree, retry_failed=True, dry_run=True),
        "failed": sum(bool(source.reason) and source.path.name not in CHANGING for source in sources),
        "indexed": [spelled(source.path) for source in sources if not source.reason],
        "reasons": {spelled(source.path): source.reason for source in sources if source.reason},
        "found": {word: found_by(store, word) for word in MARKERS.values()},
        "texts": [name for name, text in texts.items() if SECRET_MARKER in text],
        "rewritten": texts.get("rewritten.txt", ""),
        "memory_mb": [quiet_peak, loud_peak],
        "recoveries": sorted(reader.recoveries),
        "slowest": sorted(reader.slowest, reverse=True)[:15],
    }
    reader.close()
    store.close()
    return told


def spelled(path: Path) -> str:
    """A path of any bytes, as JSON can hold it."""
    return os.fsencode(path).hex()


def found_by(store: LanceStore, word: str) -> list[str]:
    return [spelled(entry.chunk.path) for entry in store.search_words(word, limit=3, scope=Scope()).entries]


def peak_memory() -> float:
    """Of this process alone, in MiB."""
    scale = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


if __name__ == "__main__":
    report = main(*map(Path, sys.argv[1:5]), float(sys.argv[5]))
    sys.stdout.write(json.dumps(report))
