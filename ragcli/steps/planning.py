"""What is on disk, beside what is stored, becomes a plan. Knows nothing of reading or storing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from ragcli.steps.spotting import spot_secrets
from ragcli.types import Document, FileStamp, IndexPlan, Root, StoredSource, Unreadable


def source_id_of(path: Path, collection: str) -> str:
    """A hex name for a source that is the same in every run; never holds text of the user's."""
    return hashlib.sha256(collection.encode() + b"\0" + os.fsencode(path)).hexdigest()[:32]


def plan_index(
    stamps: Iterable[FileStamp],
    stored: Mapping[str, StoredSource],
    *,
    collection: str,
    fingerprint: str,
    roots: Iterable[Path],
    force: bool = False,
    retry_failed: bool = False,
) -> IndexPlan:
    """Every stamp and every stored source below the roots is in exactly one part of the plan.

    A source is unchanged if size, times and inode are as stored and the same reader, chunker and embedder made it.
    A source that was skipped stays skipped until its file changes, unless ``retry_failed``.
    Stored sources of the collection that lie below a root and have no stamp are removed.
    """
    added: list[FileStamp] = []
    changed: list[FileStamp] = []
    unchanged: list[StoredSource] = []
    seen: set[str] = set()
    for stamp in stamps:
        source_id = source_id_of(stamp.path, collection)
        seen.add(source_id)
        known = stored.get(source_id)
        if known is None:
            added.append(stamp)
        elif force or not is_current(known, stamp, fingerprint) or (known.reason and retry_failed):
            changed.append(stamp)
        else:
            unchanged.append(known)
    tops = {os.fspath(root) for root in roots}
    removed = tuple(
        source
        for source in stored.values()
        if source.id not in seen and source.collection == collection and is_below(source.path, tops)
    )
    return IndexPlan(tuple(added), tuple(changed), removed, tuple(unchanged))


def as_source(stamp: FileStamp, result: Document | Unreadable, *, collection: str, fingerprint: str) -> StoredSource:
    """What is to be known of a source that was read, or could not be; its chunks are not counted yet."""
    source = StoredSource(
        id=source_id_of(stamp.path, collection),
        path=stamp.path,
        collection=collection,
        size=stamp.size,
        modified_ns=stamp.modified_ns,
        changed_ns=stamp.changed_ns,
        inode=stamp.inode,
        digest=result.digest,
        fingerprint=fingerprint,
        chunks=0,
    )
    if isinstance(result, Unreadable):
        return replace(source, reason=result.reason, detail=result.detail)
    return replace(source, title=result.title, secrets=",".join(spot_secrets(result.text)))


def split_removed(plan: IndexPlan) -> tuple[tuple[StoredSource, ...], tuple[StoredSource, ...]]:
    """The removed sources: first those that are gone for good, then those whose content may stand in an added file.

    A file that was moved or renamed has the size that it had.
    """
    sizes = {stamp.size for stamp in plan.added}
    gone, origins = [], []
    for source in plan.removed:
        (origins if source.size in sizes and not source.reason else gone).append(source)
    return tuple(gone), tuple(origins)


def keep_excludes(roots: Iterable[Root], known: Iterable[Root]) -> tuple[Root, ...]:
    """The roots, with what was left out of them before if they do not say themselves what to leave out.

    A person who names a folder again does not take back what they had said to leave out or to forget.
    """
    before = {(root.path, root.collection): root.exclude for root in known}
    return tuple(root if root.exclude else replace(root, exclude=before.get((root.path, root.collection), ())) for root in roots)


def is_current(source: StoredSource, stamp: FileStamp, fingerprint: str) -> bool:
    """Whether the stamp gives no reason to read the file again."""
    return (source.size, source.modified_ns, source.changed_ns, source.inode, source.fingerprint) == (
        stamp.size,
        stamp.modified_ns,
        stamp.changed_ns,
        stamp.inode,
        fingerprint,
    )


def is_below(path: Path, tops: set[str]) -> bool:
    """Whether the path is one of the tops or lies in one."""
    return os.fspath(path) in tops or any(os.fspath(parent) in tops for parent in path.parents)


def merge_roots(roots: Iterable[Root]) -> tuple[Root, ...]:
    """The same roots in path order, without those that lie below another of the same collection and rules.

    Of several for one path and collection the last one's rules hold.
    """
    latest = {(root.path, root.collection): root for root in roots}
    merged: list[Root] = []
    for root in sorted(latest.values(), key=lambda root: (root.path.parts, root.collection)):
        peers = {
            os.fspath(other.path)
            for other in merged
            if (other.collection, other.include, other.exclude) == (root.collection, root.include, root.exclude)
        }
        if not is_below(root.path, peers):
            merged.append(root)
    return tuple(merged)
