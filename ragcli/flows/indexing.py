"""The flow behind ``index``: walk, plan, read, chunk, embed, store; told as events.

What is told as ``Indexed`` is on disk. A run that is cut short keeps every batch that it stored.
"""

from __future__ import annotations

import os
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ragcli.flows.embedding import Batch
from ragcli.ports import Embedder, Reader, Split, Store, Walker
from ragcli.steps.chunking import POLICY, chunk_document
from ragcli.steps.planning import as_source, is_below, keep_excludes, merge_roots, plan_index, source_id_of, split_removed
from ragcli.types import (
    Chunk,
    Document,
    FileStamp,
    Indexed,
    IndexEvent,
    IndexFinished,
    IndexIdentity,
    IndexPlan,
    IndexReport,
    Moved,
    Noticed,
    Planned,
    Progressed,
    Removed,
    Root,
    Skipped,
    StoredSource,
    Unreadable,
    Walked,
)

PAUSE_SECONDS = 10.0
"""How often a run that waits looks whether it may go on."""


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
    reason_to_wait: Callable[[], str] = str
    """Why work that takes long should wait now; empty if it need not."""
    wait: Callable[[float], None] = time.sleep


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


def index_collections(roots: Mapping[str, Sequence[Root]], ports: IndexPorts, options: IndexOptions) -> Iterator[IndexEvent]:
    """As ``index_roots`` for each collection's roots, or all known ones if it has none; one report of all comes last."""
    report = IndexReport()
    for name, own in roots.items():
        for event in index_roots(own, ports, replace(options, collection=name)):
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
    known: Mapping[str, StoredSource] = field(default_factory=dict)
    """The ledger's sources as they were last looked up."""
    twins: dict[str, StoredSource] = field(default_factory=dict)
    """By digest, a source whose chunks are in the store."""

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
            walked, plan = self._plan_again(walked, roots)
            self.twins = {source.digest: source for source in self.known.values() if source.chunks}
            gone, origins = split_removed(plan)
            yield from self._remove(gone)
            yield from self._index(plan, origins)
            store.finish(quick=True)
            self.known = store.sources()
        yield self._finished(plan, walked, roots)

    def _has_work(self, plan: IndexPlan) -> bool:
        return bool(plan.to_read or plan.removed or self.options.force or self.ports.store.unfinished)

    def _plan_again(self, walked: Walked, roots: Sequence[Root]) -> tuple[Walked, IndexPlan]:
        """The plan under the lock. If another writer has been at work since, perhaps for long, the walk is old too."""
        before = self.known
        plan = self._plan(walked, roots)
        if self.known != before:
            walked = self._walk(roots)
            plan = self._plan(walked, roots)
        return walked, plan

    def _walk(self, roots: Sequence[Root]) -> Walked:
        start = time.monotonic()
        walked = self.ports.walker.walk(roots)
        self.took["walk"] = time.monotonic() - start
        return walked

    def _plan(self, walked: Walked, roots: Sequence[Root]) -> IndexPlan:
        missing = set(walked.missing_roots)
        self.known = self.ports.store.sources()
        return plan_index(
            walked.stamps,
            self.known,
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
            for source in self.known.values()
            if is_failure(source) and source.collection == self.options.collection and is_below(source.path, tops)
        }
        skipped |= {refused.path: refused for refused in walked.refused}
        skipped |= {path: Unreadable(path, "vanished", "the folder is not there") for path in walked.missing_roots}
        planned = {"added": len(plan.added), "changed": len(plan.changed), "removed": len(plan.removed)}
        counts = planned if self.options.dry_run else self.counts
        report = IndexReport(
            added=counts.get("added", 0),
            changed=counts.get("changed", 0),
            removed=counts.get("removed", 0),
            unchanged=self.counts["unchanged"] + sum(not source.reason for source in plan.unchanged),
            chunks=self.counts["chunks"],
            skipped=tuple(skipped[path] for path in sorted(skipped)),
            left_out=walked.left_out,
            took_ms={name: round(1000 * seconds, 1) for name, seconds in self.took.items()},
            moved=self.counts["moved"],
        )
        return IndexFinished(report)

    def _remove(self, sources: Sequence[StoredSource]) -> Iterator[IndexEvent]:
        if sources:
            self.ports.store.remove(sources)
            self.counts["removed"] += len(sources)
            yield from (Removed(source.path) for source in sources)

    def _index(self, plan: IndexPlan, origins: Iterable[StoredSource]) -> Iterator[IndexEvent]:
        """All to read is stored. ``origins``, whose files are gone, have moved to where their content is, or are removed."""
        gone: defaultdict[str, list[StoredSource]] = defaultdict(list)
        for source in origins:
            gone[source.digest].append(source)
        added = {stamp.path for stamp in plan.added}
        batch = Batch()
        for stamp, result in self.ports.reader.read(plan.to_read):
            before = self.known.get(source_id_of(stamp.path, self.options.collection))
            if isinstance(result, Document) and not self.options.force and self._is_only_touched(before, result):
                batch.touched.append(self._source(stamp, result))
            else:
                source, chunks = self._update(stamp, result)
                is_new = stamp.path in added
                origin = gone[source.digest].pop(0) if is_new and chunks and gone[source.digest] else None
                batch.add(source, chunks, is_new=is_new, origin=origin)
            batch.bytes += stamp.size
            if batch.is_full:
                yield from self._store(batch)
                batch = Batch()
                yield from self._pause()
        if batch.files:
            yield from self._store(batch)
        yield from self._remove([source for same in gone.values() for source in same])

    def _is_only_touched(self, before: StoredSource | None, document: Document) -> bool:
        if before is None or before.reason:
            return False
        return (before.digest, before.fingerprint) == (document.digest, self.fingerprint)

    def _source(self, stamp: FileStamp, result: Document | Unreadable) -> StoredSource:
        return as_source(stamp, result, collection=self.options.collection, fingerprint=self.fingerprint)

    def _update(self, stamp: FileStamp, result: Document | Unreadable) -> tuple[StoredSource, tuple[Chunk, ...]]:
        source = self._source(stamp, result)
        if isinstance(result, Unreadable):
            return source, ()
        chunks = chunk_document(result, source_id=source.id, split=self.ports.split(), token_limit=self.ports.token_limit)
        return (source, chunks) if chunks else (replace(source, reason="empty"), ())

    def _store(self, batch: Batch) -> Iterator[IndexEvent]:
        yield from self._embed(batch)
        start = time.monotonic()
        if batch.touched:
            self.ports.store.refresh(batch.touched)
        if batch.updates:
            self.ports.store.replace(batch.finished())
        if batch.moved:
            self.ports.store.remove(list(batch.moved.values()))
        self.took["store"] += time.monotonic() - start
        self.counts["unchanged"] += len(batch.touched)
        self.counts["chunks"] += batch.embedded
        self.files_done += batch.files
        self.bytes_done += batch.bytes
        yield from self._told(batch)
        yield self._progress()

    def _pause(self) -> Iterator[IndexEvent]:
        """Returns when there is no reason to wait. A run of one batch never asks: it is over before it could do harm."""
        paused = False
        while reason := self.ports.reason_to_wait():
            if not paused:
                yield Noticed(f"paused: {reason}")
            paused = True
            self.ports.wait(PAUSE_SECONDS)
            yield self._progress()
        if paused:
            yield Noticed("work goes on")

    def _told(self, batch: Batch) -> Iterator[IndexEvent]:
        for source, chunks in batch.updates:
            if is_failure(source):
                yield Skipped(source.path, source.reason, source.detail)
            if source.reason:
                continue
            self.twins[source.digest] = source
            if source.id in batch.moved:
                self.counts["moved"] += 1
                yield Moved(source.path, batch.moved[source.id].path, len(chunks))
            else:
                self.counts["added" if source.id in batch.added else "changed"] += 1
                yield Indexed(source.path, len(chunks))

    def _embed(self, batch: Batch) -> Iterator[IndexEvent]:
        if not self.options.force:
            batch.take_over(self.ports.store, self.twins)
        texts = batch.texts()
        if not texts:
            return
        began = time.monotonic()
        for share in batch.embed(texts, self.ports.embedder()):
            self.took["embed"] += time.monotonic() - began
            files, size = int(batch.files * share), int(batch.bytes * share)
            yield self._progress(files, size, batch.embedded)
            began = time.monotonic()

    def _progress(self, files: int = 0, size: int = 0, chunks: int = 0) -> Progressed:
        """With what of a batch is done already beside the batches that are stored."""
        files_done, bytes_done = self.files_done + files, self.bytes_done + size
        return Progressed(files_done, self.files_total, bytes_done, self.bytes_total, self.counts["chunks"] + chunks)
