"""A large index made of synthetic texts and vectors by the real store: `python benchmarks/scale.py chunks|files|edits [COUNT]`.

`chunks`  writes COUNT chunks (1,000,000) as indexing does, then searches: memory while writing, disk, p50 and p95 of searches.
`files`   indexes COUNT tiny files (100,000) with vectors from nowhere, then runs the whole program with nothing changed.
`edits`   edits one file at a time, COUNT times (10,000): disk and search time after, against a fresh index of the same files.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from ragcli.adapters.offline import close_doors

close_doors()

import numpy  # noqa: E402  # the doors are closed first, as in the program
from setting import MODELS, median_line, tell_unchanged, write_notes  # noqa: E402

from ragcli.adapters.durability import list_files  # noqa: E402
from ragcli.adapters.store import LanceStore  # noqa: E402
from ragcli.assistant import Assistant  # noqa: E402
from ragcli.flows.asking import AskPorts  # noqa: E402
from ragcli.flows.embedding import BATCH_CHUNKS  # noqa: E402
from ragcli.flows.searching import search_chunks  # noqa: E402
from ragcli.steps.planning import source_id_of  # noqa: E402
from ragcli.types import (  # noqa: E402
    Chunk,
    EmbeddedChunk,
    IndexIdentity,
    Locator,
    Mode,
    Question,
    Scope,
    SourceUpdate,
    StoredSource,
)

DIMENSION = 384
CHUNKS_PER_FILE = 10
WORDS_PER_CHUNK = 110
VOCABULARY = 60_000
TOPICS = 2_000
"""Centres that the vectors lie around: real ones are never spread evenly."""
QUERIES = 200
EVERYWHERE = Scope()
LIVE_FILES = 500
"""Of the edits: as many as a person works on."""
ROUNDS = 5


class Synthesizer:
    """Texts whose words are as frequent as in a language, and vectors around topics; the same in every run."""

    def __init__(self, seed: int = 7) -> None:
        self.random = numpy.random.default_rng(seed)
        lengths = self.random.integers(2, 11, VOCABULARY)
        letters = self.random.choice(list("etaoinshrdlucmfwypvbgkjqxz"), (VOCABULARY, 10))
        self.words = numpy.array(["".join(row[:length]) for row, length in zip(letters, lengths, strict=True)])
        shares = 1 / numpy.arange(1, VOCABULARY + 1) ** 1.05
        self._up_to = numpy.cumsum(shares / shares.sum())
        self.topics = self.random.standard_normal((TOPICS, DIMENSION), dtype=numpy.float32)

    def texts(self, count: int, words: int = WORDS_PER_CHUNK) -> list[str]:
        places = numpy.searchsorted(self._up_to, self.random.random((count, words))).clip(max=VOCABULARY - 1)
        return [" ".join(row) for row in self.words[places]]

    def vectors(self, count: int) -> Any:
        near = self.topics[self.random.integers(0, TOPICS, count)]
        made = near + 0.8 * self.random.standard_normal((count, DIMENSION), dtype=numpy.float32)
        return made / numpy.linalg.norm(made, axis=1, keepdims=True)


class SyntheticEmbedder:
    """Fits the port ``Embedder`` and passes for the installed one."""

    def __init__(self, identity: IndexIdentity, token_limit: int) -> None:
        self.name, self.digest, self.dimension = identity.embedder, identity.embedder_digest, identity.dimension
        self.prefixes, self.token_limit = identity.prefixes, token_limit
        self._made = Synthesizer()

    def embed_passages(self, texts: Sequence[str]) -> Any:
        return self._made.vectors(len(texts))

    def embed_query(self, text: str) -> Any:
        return self._made.vectors(1)[0]


IDENTITY = IndexIdentity("synthetic", "0" * 64, DIMENSION, ("", ""), "synthetic", 1)


def update_of(number: int, edition: int, texts: Sequence[str], vectors: Any) -> SourceUpdate:
    path = Path(f"/home/ann/documents/{number % 97:02}/note{number}.txt")
    source_id = source_id_of(path, "main")
    digest = hashlib.sha256(f"{number}:{edition}".encode()).hexdigest()
    chunks, start = [], 0
    for ordinal, text in enumerate(texts):
        chunk_id = hashlib.sha256(f"{source_id}:{digest}:{ordinal}".encode()).hexdigest()[:32]
        place = Locator(lines=(ordinal + 1, ordinal + 1))
        own = hashlib.sha256(text.encode()).hexdigest()
        chunk = Chunk(chunk_id, source_id, path, f"Note {number}", (), ordinal, start, start + len(text), text, place, own)
        chunks.append(EmbeddedChunk(chunk, vectors[ordinal]))
        start += len(text) + 1
    source = StoredSource(
        source_id, path, "main", start, edition, number, digest, "synthetic", len(chunks), title=f"Note {number}"
    )
    return SourceUpdate(source, tuple(chunks))


def updates(
    made: Synthesizer, files: Iterator[int] | range, edition: int = 0, per_file: int = CHUNKS_PER_FILE
) -> Iterator[SourceUpdate]:
    numbers = iter(files)
    while some := list(islice(numbers, 64)):
        texts, vectors = made.texts(len(some) * per_file), made.vectors(len(some) * per_file)
        for place, number in enumerate(some):
            own = slice(place * per_file, (place + 1) * per_file)
            yield update_of(number, edition, texts[own], vectors[own])


def write(store: LanceStore, made: Synthesizer, files: range, per_file: int = CHUNKS_PER_FILE) -> None:
    """The files are in the store, in commits as large as those of indexing."""
    source = updates(made, files, per_file=per_file)
    started, done = time.perf_counter(), 0
    with store.writing(IDENTITY):
        while batch := list(islice(source, max(1, BATCH_CHUNKS // per_file))):
            store.replace(batch)
            done += sum(len(each.chunks) for each in batch)
            if done % 50_000 < BATCH_CHUNKS:
                print(f"  {done:>9,} chunks, {time.perf_counter() - started:7.1f} s, peak {peak_mb():,.0f} MB", flush=True)
        began = time.perf_counter()
        store.finish()
        print(f"  finished in {time.perf_counter() - began:.1f} s more, peak {peak_mb():,.0f} MB", flush=True)


def peak_mb() -> float:
    """The most memory that this process has had."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def disk_bytes(folder: Path) -> int:
    return sum(list_files(folder).values())


def search_times(
    store: LanceStore, made: Synthesizer, mode: Mode, scope: Scope = EVERYWHERE, count: int = QUERIES
) -> list[float]:
    embedder: Any = SyntheticEmbedder(IDENTITY, 256)
    ports = AskPorts(store, lambda: embedder, lambda: None)  # type: ignore[arg-type, return-value]  # no model is asked
    took = []
    for text in made.texts(count + 10, words=7):
        started = time.perf_counter()
        store.identity(), store.holds_chunks
        search_chunks(Question(text, mode=mode, scope=scope), ports, words_weight=0.4)
        took.append(1000 * (time.perf_counter() - started))
    return took[10:]


def spread_line(name: str, values: Sequence[float]) -> str:
    p50, p95 = numpy.percentile(values, [50, 95])
    return f"{name:<44} p50 {p50:7.1f} ms  p95 {p95:7.1f} ms  (max {max(values):.1f}, n {len(values)})"


def measure_chunks(count: int, folder: Path) -> None:
    made = Synthesizer()
    store = LanceStore(folder / "index")
    if not (folder / "index").exists():
        started = time.perf_counter()
        write(store, made, range(count // CHUNKS_PER_FILE))
        print(f"{count:,} chunks written in {time.perf_counter() - started:,.0f} s, peak memory {peak_mb():,.0f} MB")
    store.close()
    print(f"on disk {disk_bytes(folder) / 1e6:,.0f} MB")
    scopes: dict[str, Scope] = {
        "": EVERYWHERE,
        ", one collection": Scope(collection="main"),
        ", --in GLOB": Scope(globs=("1*/*",)),
    }
    for name, scope in scopes.items():
        print(spread_line(f"hybrid search{name}", search_times(store, made, "hybrid", scope)), flush=True)
    for mode in ("meaning", "words"):
        print(spread_line(f"search --mode {mode}", search_times(store, made, mode)), flush=True)
    with store.writing(IDENTITY):
        for edition in (1, 2, 3):
            started = time.perf_counter()
            store.replace(list(updates(made, range(1), edition)))
            wrote = time.perf_counter() - started
            store.finish(quick=True)
            print(f"one edited file: written in {wrote:.2f} s, finished in {time.perf_counter() - started - wrote:.2f} s more")
    print(f"peak memory of this process {peak_mb():,.0f} MB")
    store.close()


def measure_files(count: int, folder: Path) -> None:
    home, files = folder / "home", folder / "files"
    if not home.exists():
        home.mkdir(mode=0o700, parents=True)
        (home / "models").symlink_to(MODELS)
        write_notes(files, count)
        with Assistant.open(home) as real:
            identity, limit = real.machine.identity, real.machine.token_limit
            made = Assistant(real.config, real.locations, embedder=SyntheticEmbedder(identity, limit))
        started = time.perf_counter()
        report = made.index([files])
        made.close()
        print(f"first index of {report.added:,} files: {time.perf_counter() - started:.0f} s, peak memory {peak_mb():,.0f} MB")
    tell_unchanged(home, files, ROUNDS)


def measure_edits(count: int, folder: Path) -> None:
    made, per_file = Synthesizer(), 4
    fresh, edited = LanceStore(folder / "fresh"), LanceStore(folder / "edited")
    for store in (fresh, edited):
        write(store, made, range(LIVE_FILES), per_file)
    largest, started = 0, time.perf_counter()
    for edition in range(1, count + 1):
        with edited.writing(IDENTITY):
            edited.replace(list(updates(made, range(edition % LIVE_FILES, edition % LIVE_FILES + 1), edition, per_file)))
            edited.finish(quick=True)
        if edition % 20 == 0:
            largest = max(largest, disk_bytes(folder / "edited"))
        if edition % 500 == 0:
            print(
                f"  {edition:,} edits, {(time.perf_counter() - started) / edition * 1000:.0f} ms each, {peak_mb():,.0f} MB",
                flush=True,
            )
    live, now = disk_bytes(folder / "fresh"), disk_bytes(folder / "edited")
    print(
        f"disk: fresh {live / 1e6:.1f} MB, after the edits {now / 1e6:.1f} MB ({now / live:.2f} x), at most {largest / live:.2f}"
    )
    print(f"an edit: {(time.perf_counter() - started) / count * 1000:.0f} ms; peak memory {peak_mb():,.0f} MB")
    pairs = [
        (search_times(fresh, made, "hybrid", count=20), search_times(edited, made, "hybrid", count=20)) for _ in range(ROUNDS)
    ]
    ratios = [numpy.median(after) / numpy.median(before) for before, after in pairs]
    print(median_line("search after the edits / fresh", ratios, "x"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("chunks", "files", "edits"))
    parser.add_argument("count", nargs="?", type=int)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="make the index there, or search the one that is there")
    options = parser.parse_args()
    measure, usual = {
        "chunks": (measure_chunks, 1_000_000),
        "files": (measure_files, 100_000),
        "edits": (measure_edits, 10_000),
    }[options.what]
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        measure(options.count or usual, options.keep)
    else:
        with tempfile.TemporaryDirectory() as scratch:
            measure(options.count or usual, Path(scratch))


if __name__ == "__main__":
    main()
