"""A store that keeps everything in memory and searches it by the plain formulas."""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from ragcli.adapters.compounds import parts_in
from ragcli.adapters.scoping import ScopeFilter
from ragcli.errors import StoreError
from ragcli.types import (
    Chunk,
    EmbeddedChunk,
    Finding,
    IndexIdentity,
    Ranking,
    Root,
    Scope,
    ScoredChunk,
    SourceUpdate,
    StoredSource,
    StoreStats,
    Vector,
)

SATURATION, LENGTH_WEIGHT = 1.2, 0.75
"""BM25's k1 and b."""


class MemoryStore:
    """Fits the port ``Store``. What is kept can be tampered with through ``chunks``, to see who notices."""

    def __init__(self) -> None:
        self.chunks: dict[str, EmbeddedChunk] = {}
        self._sources: dict[str, StoredSource] = {}
        self._roots: dict[tuple[Path, str], Root] = {}
        self._identity: IndexIdentity | None = None
        self._writing = False
        self._last_indexed_ns: int | None = None
        self._damaged: set[str] = set()
        self._unfinished = False

    def identity(self) -> IndexIdentity | None:
        return self._identity

    @contextmanager
    def writing(self, identity: IndexIdentity) -> Iterator[None]:
        if self._writing:
            raise StoreError("index-locked", "this store is already being written to", hint="wait until it has finished")
        if self._identity not in (None, identity):
            raise StoreError("index-mismatch", "this index was made with another embedder", hint="ragcli index --force")
        self._identity = identity
        self._writing = True
        try:
            yield
        finally:
            self._writing = False

    def sources(self) -> Mapping[str, StoredSource]:
        return dict(self._sources)

    def roots(self) -> tuple[Root, ...]:
        return tuple(self._roots[key] for key in sorted(self._roots))

    def remember_roots(self, roots: Sequence[Root]) -> None:
        self._check_writing()
        self._roots.update({(root.path, root.collection): root for root in roots})

    def forget_roots(self, roots: Sequence[Root]) -> None:
        self._check_writing()
        for root in roots:
            self._roots.pop((root.path, root.collection), None)

    def replace(self, updates: Sequence[SourceUpdate]) -> None:
        self._check_writing()
        for update in updates:
            self._drop_chunks(update.source.id)
            self._unfinished = True
            self._sources[update.source.id] = replace(update.source, chunks=len(update.chunks))
            self.chunks.update({each.chunk.id: each for each in update.chunks})

    def refresh(self, sources: Sequence[StoredSource]) -> None:
        self._check_writing()
        for source in sources:
            if source.id in self._sources:
                self._sources[source.id] = replace(source, chunks=self._sources[source.id].chunks)

    def remove(self, sources: Sequence[StoredSource]) -> None:
        self._check_writing()
        for source in sources:
            self._drop_chunks(source.id)
            self._sources.pop(source.id, None)

    def finish(self, *, quick: bool = False) -> None:
        self._check_writing()
        self._last_indexed_ns = time.time_ns()
        self._unfinished = False

    def reset(self, identity: IndexIdentity) -> None:
        self.chunks.clear()
        self._sources.clear()
        self._identity = identity
        self._last_indexed_ns = None
        self._unfinished = False

    def check(self, *, read_data: bool = False) -> Iterator[Finding]:
        if self._identity is None:
            yield Finding("index", "warning", "there is no index yet", "ragcli index PATH")
        elif read_data and (bad := [each for each in self.chunks.values() if not _is_whole(each.chunk)]):
            yield Finding("content", "error", f"{len(bad)} chunks are damaged", "ragcli check --repair, then ragcli index")
        else:
            yield Finding("content", "ok", f"{len(self.chunks)} chunks are there")

    def repair(self) -> tuple[StoredSource, ...]:
        bad = {each.chunk.source_id for each in self.chunks.values() if not _is_whole(each.chunk)}
        lost = tuple(self._sources.pop(source_id) for source_id in sorted(bad))
        for source in lost:
            self._drop_chunks(source.id)
        return lost

    @property
    def holds_chunks(self) -> bool:
        return bool(self.chunks)

    @property
    def unfinished(self) -> bool:
        return self._unfinished

    @property
    def damaged(self) -> int:
        return len(self._damaged)

    def chunks_of(self, source_id: str) -> tuple[Chunk, ...]:
        self._check_exists()
        own = [each.chunk for each in self.chunks.values() if each.chunk.source_id == source_id]
        return tuple(sorted(filter(self._note, own), key=lambda chunk: chunk.ordinal))

    def embedded_chunks(self, source_ids: Sequence[str]) -> Mapping[str, tuple[EmbeddedChunk, ...]]:
        return {each: tuple(self.chunks[chunk.id] for chunk in self.chunks_of(each)) for each in source_ids}

    def search_meaning(self, vector: Vector, *, limit: int, scope: Scope) -> Ranking:
        scored = [ScoredChunk(each.chunk, _cosine(vector, each.vector)) for each in self._within(scope)]
        return Ranking("meaning", self._best(scored, limit))

    def search_words(self, text: str, *, limit: int, scope: Scope) -> Ranking:
        everywhere = [Counter(_words(each.chunk)) for each in self._within(Scope())]
        mean_length = sum(words.total() for words in everywhere) / max(1, len(everywhere))
        asked = [*_split(text), *parts_in(text, nouns_only=False)]
        weights = {word: _rarity(sum(word in words for words in everywhere), len(everywhere)) for word in asked}
        scored = [
            ScoredChunk(each.chunk, _bm25(Counter(_words(each.chunk)), weights, mean_length)) for each in self._within(scope)
        ]
        return Ranking("words", self._best([entry for entry in scored if entry.score > 0], limit))

    def search_both(self, text: str, vector: Vector, *, limit: int, scope: Scope) -> tuple[Ranking, Ranking]:
        return self.search_words(text, limit=limit, scope=scope), self.search_meaning(vector, limit=limit, scope=scope)

    def similarities(self, vector: Vector, chunk_ids: Sequence[str]) -> Mapping[str, float]:
        self._check_exists()
        return {each: _cosine(vector, self.chunks[each].vector) for each in chunk_ids if each in self.chunks}

    def stats(self) -> StoreStats:
        skipped = sum(bool(source.reason) for source in self._sources.values())
        found = len(self._sources) - skipped
        reasons = Counter(source.reason for source in self._sources.values() if source.reason)
        secrets = sum(bool(source.secrets) for source in self._sources.values())
        ordered = dict(reasons.most_common())
        return StoreStats(found, len(self.chunks), skipped, 0, self._last_indexed_ns, self._identity, ordered, secrets)

    def close(self) -> None:
        pass

    def _within(self, scope: Scope) -> list[EmbeddedChunk]:
        self._check_exists()
        admits = ScopeFilter(scope, [path for path, _ in self._roots]).admits
        allowed = {s.id for s in self._sources.values() if admits(str(s.path), s.collection, s.modified_ns)}
        return [each for each in self.chunks.values() if each.chunk.source_id in allowed]

    def _best(self, scored: Sequence[ScoredChunk], limit: int) -> tuple[ScoredChunk, ...]:
        ordered = sorted(scored, key=lambda entry: (-entry.score, entry.chunk.id))
        return tuple(entry for entry in ordered[: max(0, limit)] if self._note(entry.chunk))

    def _note(self, chunk: Chunk) -> bool:
        if not _is_whole(chunk):
            self._damaged.add(chunk.id)
        return _is_whole(chunk)

    def _drop_chunks(self, source_id: str) -> None:
        self.chunks = {key: each for key, each in self.chunks.items() if each.chunk.source_id != source_id}

    def _check_writing(self) -> None:
        if not self._writing:
            raise RuntimeError("the store is written to only inside writing()")

    def _check_exists(self) -> None:
        if self._identity is None:
            raise StoreError("index-missing", "there is no index", hint="ragcli index PATH makes one")


def _is_whole(chunk: Chunk) -> bool:
    return sha256(chunk.text.encode("utf-8", "replace")).hexdigest() == chunk.digest


def _words(chunk: Chunk) -> list[str]:
    return _split(" ".join([chunk.title, chunk.path.name, *chunk.heading, *parts_in(chunk.text), chunk.text]))


def _split(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())


def _rarity(found_in: int, total: int) -> float:
    return math.log(1 + (total - found_in + 0.5) / (found_in + 0.5))


def _bm25(words: Counter[str], weights: Mapping[str, float], mean_length: float) -> float:
    length = 1 - LENGTH_WEIGHT + LENGTH_WEIGHT * words.total() / mean_length if mean_length else 1
    return sum(weight * words[word] * (SATURATION + 1) / (words[word] + SATURATION * length) for word, weight in weights.items())


def _cosine(one: Vector, other: Vector) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True)) / (math.hypot(*one) * math.hypot(*other))
