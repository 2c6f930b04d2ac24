"""The flow behind ``index``: walk, plan, read, chunk, embed, store; told as events.

What is told as ``Indexed`` is on disk. A run that is cut short keeps every batch that it stored.
"""

from __future__ import annotations

import os
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ragcli.chunking import POLICY, chunk_document, text_to_embed
from ragcli.planning import is_below, keep_excludes, merge_roots, plan_index, source_id_of
from ragcli.ports import Embedder, Reader, Split, Store, Walker
from ragcli.ranking import blend_neighbours
from ragcli.types import (
    Chunk,
    Document,
    EmbeddedChunk,
    FileStamp,
    Indexed,
    IndexEvent,
    IndexFinished,
    IndexIdentity,
    IndexPlan,
    IndexReport,
    Planned,
    Progressed,
    Removed,
    Root,
    Skipped,
    SourceUpdate,
    StoredSource,
    Unreadable,
    Vector,
    Walked,
)

BATCH_CHUNKS = 512
"""Chunks per commit: some seconds of embedding, which is the most that an interrupted run does again."""
BATCH_FILES = 512
"""Files per commit, where they have few chunks or are as they were."""
SLICE_CHUNKS = 64
"""Chunks between two signs of progress."""


@dataclass(frozen=True, slots=True)
class IndexPorts:
    """What indexing needs of the machine. The embedder is loaded only if there is something to embed."""

    store: Store
    walker: Walker
    reader: Reader
    split: Callable[[], Split]
    embedder: Callable[[], Embedder]
    identity: IndexIdentity
    token_limit: int


@dataclass(frozen=True, slots=True)
class IndexOptions:
    collection: str
    force: bool = False
    dry_run: bool = False
    retry_failed: bool = False


def index_roots(new_roots: Sequence[Root], ports: IndexPorts, options: IndexOptions) -> Iterator[IndexEvent]:
    """The index holds what is on disk below the collection's roots that were asked for (all known ones if none were).

    Raises StoreError and ModelError; a file that cannot be read is ``Skipped`` and ends nothing.
    """
    yield from _Run(new_roots, ports, options).events()


def index_collections(names: Sequence[str], ports: IndexPorts, options: IndexOptions) -> Iterator[IndexEvent]:
    """As ``index_roots`` for all known roots of each collection; one report of all comes last."""
    report = IndexReport()
    for name in names:
        for event in index_roots((), ports, replace(options, collection=name)):
            if isinstance(event, IndexFinished):
                report += event.report
            else:
                yield event
    yield IndexFinished(report)


def is_failure(source: StoredSource) -> bool:
    """Whether the source should have been read and was not. A file of no bytes has nothing that anyone could miss."""
    return bool(source.reason) and not (source.reason == "empty" and source.size == 0)


@dataclass
class _Run:
    new_roots: Sequence[Root]
    ports: IndexPorts
    options: IndexOptions
    started: float = field(default_factory=time.monotonic)
    counts: Counter[str] = field(default_factory=Counter)
    took: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Seconds by step."""
    files_done: int = 0
    bytes_done: int = 0

    def events(self) -> Iterator[IndexEvent]:
        store, options = self.ports.store, self.options
        known = [root for root in store.roots() if root.collection == options.collection]
        new = keep_excludes(self.new_roots, known)
        roots = list(new) or known
        walked = self._walk(roots)
        plan = self._plan(walked, roots)
        yield self._planned(plan, walked)
        remembered = merge_roots([*known, *new])
        if options.dry_run or not (self._has_work(plan) or set(remembered) != set(known)):
            yield self._finished(plan, walked, roots)
            return
        with store.writing(self.ports.identity):
            if set(remembered) != set(known):
                store.forget_roots(known)
                store.remember_roots(remembered)
            # Planned again under the lock: another writer may have been at work since.
            plan = self._plan(walked, roots)
            yield from self._remove(plan)
            yield from self._index(plan)
            store.finish()
        yield self._finished(plan, walked, roots)

    def _has_work(self, plan: IndexPlan) -> bool:
        return bool(plan.to_read or plan.removed or self.options.force or self.ports.store.unfinished)

    def _walk(self, roots: Sequence[Root]) -> Walked:
        start = time.monotonic()
        walked = self.ports.walker.walk(roots)
        self.took["walk"] = time.monotonic() - start
        return walked

    def _plan(self, walked: Walked, roots: Sequence[Root]) -> IndexPlan:
        missing = set(walked.missing_roots)
        return plan_index(
            walked.stamps,
            self.ports.store.sources(),
            collection=self.options.collection,
            fingerprint=self.fingerprint,
            # A root that is not there (an unplugged disk) must not empty the index.
            roots=[root.path for root in roots if root.path not in missing],
            force=self.options.force,
            retry_failed=self.options.retry_failed,
        )

    @property
    def fingerprint(self) -> str:
        identity = self.ports.identity
        chunker = f"{POLICY}:{self.ports.token_limit}"
        return f"{self.ports.reader.fingerprint}|{chunker}|{identity.embedder}:{identity.embedder_digest}"

    def _planned(self, plan: IndexPlan, walked: Walked) -> Planned:
        self.bytes_total = sum(stamp.size for stamp in plan.to_read)
        self.files_total = len(plan.to_read)
        return Planned(
            len(plan.added), len(plan.changed), len(plan.removed), len(plan.unchanged), self.bytes_total, walked.left_out
        )

    def _finished(self, plan: IndexPlan, walked: Walked, roots: Sequence[Root]) -> IndexFinished:
        self.took["total"] = time.monotonic() - self.started
        tops = {os.fspath(root.path) for root in roots}
        skipped = {
            source.path: Unreadable(source.path, source.reason, source.detail)
            for source in self.ports.store.sources().values()
            if is_failure(source) and source.collection == self.options.collection and is_below(source.path, tops)
        }
        skipped |= {refused.path: refused for refused in walked.refused}
        skipped |= {path: Unreadable(path, "vanished", "the folder is not there") for path in walked.missing_roots}
        report = IndexReport(
            added=self.counts["added"] if not self.options.dry_run else len(plan.added),
            changed=self.counts["changed"] if not self.options.dry_run else len(plan.changed),
            removed=self.counts["removed"] if not self.options.dry_run else len(plan.removed),
            unchanged=self.counts["unchanged"] + sum(not source.reason for source in plan.unchanged),
            chunks=self.counts["chunks"],
            skipped=tuple(skipped[path] for path in sorted(skipped)),
            left_out=walked.left_out,
            took_ms={name: round(1000 * seconds, 1) for name, seconds in self.took.items()},
        )
        return IndexFinished(report)

    def _remove(self, plan: IndexPlan) -> Iterator[IndexEvent]:
        if plan.removed:
            self.ports.store.remove(plan.removed)
            self.counts["removed"] = len(plan.removed)
            yield from (Removed(source.path) for source in plan.removed)

    def _index(self, plan: IndexPlan) -> Iterator[IndexEvent]:
        known = self.ports.store.sources()
        added = {stamp.path for stamp in plan.added}
        batch = _Batch()
        for stamp, result in self.ports.reader.read(plan.to_read):
            before = known.get(source_id_of(stamp.path, self.options.collection))
            if isinstance(result, Document) and not self.options.force and self._is_only_touched(before, result):
                batch.touched.append(self._source(stamp, result))
            else:
                batch.add(self._update(stamp, result), is_new=stamp.path in added)
            batch.bytes += stamp.size
            if batch.is_full:
                yield from self._store(batch)
                batch = _Batch()
        if batch.files:
            yield from self._store(batch)

    def _is_only_touched(self, before: StoredSource | None, document: Document) -> bool:
        if before is None or before.reason:
            return False
        return (before.digest, before.fingerprint) == (document.digest, self.fingerprint)

    def _source(self, stamp: FileStamp, result: Document | Unreadable) -> StoredSource:
        return StoredSource(
            id=source_id_of(stamp.path, self.options.collection),
            path=stamp.path,
            collection=self.options.collection,
            size=stamp.size,
            modified_ns=stamp.modified_ns,
            inode=stamp.inode,
            digest=result.digest,
            fingerprint=self.fingerprint,
            chunks=0,
            reason=result.reason if isinstance(result, Unreadable) else "",
            detail=result.detail if isinstance(result, Unreadable) else "",
            title=result.title if isinstance(result, Document) else "",
        )

    def _update(self, stamp: FileStamp, result: Document | Unreadable) -> tuple[StoredSource, tuple[Chunk, ...]]:
        source = self._source(stamp, result)
        if isinstance(result, Unreadable):
            return source, ()
        chunks = chunk_document(result, source_id=source.id, split=self.ports.split(), token_limit=self.ports.token_limit)
        return (source, chunks) if chunks else (replace(source, reason="empty"), ())

    def _store(self, batch: _Batch) -> Iterator[IndexEvent]:
        yield from self._embed(batch)
        start = time.monotonic()
        if batch.touched:
            self.ports.store.refresh(batch.touched)
        if batch.updates:
            self.ports.store.replace([batch.finished(source, chunks) for source, chunks in batch.updates])
        self.took["store"] += time.monotonic() - start
        self.counts["unchanged"] += len(batch.touched)
        self.files_done += batch.files
        self.bytes_done += batch.bytes
        yield from self._told(batch)
        yield self._progress(self.bytes_done)

    def _told(self, batch: _Batch) -> Iterator[IndexEvent]:
        for source, chunks in batch.updates:
            if is_failure(source):
                yield Skipped(source.path, source.reason, source.detail)
            if source.reason:
                continue
            self.counts["added" if source.path in batch.new else "changed"] += 1
            self.counts["chunks"] += len(chunks)
            yield Indexed(source.path, len(chunks))

    def _embed(self, batch: _Batch) -> Iterator[IndexEvent]:
        """Longest first, so that each slice pads little and the slowest part comes before the estimate is believed."""
        if not batch.chunks:
            return
        embedder = self.ports.embedder()
        order = sorted(batch.chunks, key=lambda chunk: -len(chunk.text))
        for start in range(0, len(order), SLICE_CHUNKS):
            began = time.monotonic()
            piece = order[start : start + SLICE_CHUNKS]
            vectors = embedder.embed_passages([text_to_embed(chunk) for chunk in piece])
            batch.vectors.update(zip([chunk.id for chunk in piece], vectors, strict=True))
            self.took["embed"] += time.monotonic() - began
            yield self._progress(self.bytes_done + batch.bytes * len(batch.vectors) // len(order), len(batch.vectors))

    def _progress(self, bytes_done: int, chunks: int = 0) -> Progressed:
        return Progressed(self.files_done, self.files_total, bytes_done, self.bytes_total, self.counts["chunks"] + chunks)


@dataclass
class _Batch:
    updates: list[tuple[StoredSource, tuple[Chunk, ...]]] = field(default_factory=list)
    touched: list[StoredSource] = field(default_factory=list)
    new: set[Path] = field(default_factory=set)
    chunks: list[Chunk] = field(default_factory=list)
    vectors: dict[str, Vector] = field(default_factory=dict)
    bytes: int = 0

    @property
    def files(self) -> int:
        return len(self.updates) + len(self.touched)

    @property
    def is_full(self) -> bool:
        return len(self.chunks) >= BATCH_CHUNKS or self.files >= BATCH_FILES

    def add(self, update: tuple[StoredSource, tuple[Chunk, ...]], *, is_new: bool) -> None:
        self.updates.append(update)
        self.chunks.extend(update[1])
        if is_new:
            self.new.add(update[0].path)

    def finished(self, source: StoredSource, chunks: Sequence[Chunk]) -> SourceUpdate:
        vectors = blend_neighbours([self.vectors[chunk.id] for chunk in chunks])
        embedded = tuple(EmbeddedChunk(chunk, vector) for chunk, vector in zip(chunks, vectors, strict=True))
        return SourceUpdate(replace(source, chunks=len(chunks)), embedded)
