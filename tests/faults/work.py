"""What the victims of the fault rig do to an index, and what may be found in it afterwards.

A document is a name and a generation, and each of its chunks tells both, so that a torn one shows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from ragcli.adapters import durability
from ragcli.adapters.lance_files import manifests, table_folders
from ragcli.adapters.store import LanceStore
from ragcli.errors import StoreError
from ragcli.types import SourceUpdate
from tests.fakes.indexed import IDENTITY, stored, update
from tests.fakes.older_ledger import make_older

NOTES = Path("/home/ann/notes")
PARTS = 3
ROUNDS = 25
GONE = -1
"""The generation of a document that is not in the index."""

SAYS = re.compile(r"(\w+) generation(\d+) part(\d+) common")

State = Mapping[str, int]
"""The generation of each document that is in the index."""
Promise = Callable[[str, int], None]
"""Told of each document when the store says that it is on disk, and of each that it says is gone."""


def document(name: str, generation: int) -> SourceUpdate:
    return update(NOTES / name, [f"{name} generation{generation} part{part} common" for part in range(PARTS)])


@contextmanager
def opened(folder: Path) -> Iterator[LanceStore]:
    store = LanceStore(folder)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def writing(folder: Path) -> Iterator[LanceStore]:
    with opened(folder) as store, store.writing(IDENTITY):
        yield store


def put(folder: Path, generations: State, *, finish: bool = True) -> None:
    with writing(folder) as store:
        store.replace([document(name, generation) for name, generation in generations.items()])
        if finish:
            store.finish()


def commit(store: LanceStore, promise: Promise, **generations: int) -> None:
    store.replace([document(name, generation) for name, generation in generations.items()])
    for name, generation in generations.items():
        promise(name, generation)


def withdraw(store: LanceStore, promise: Promise, *names: str) -> None:
    store.remove([stored(NOTES / name) for name in names])
    for name in names:
        promise(name, GONE)


@dataclass(frozen=True, slots=True)
class Work:
    """One thing that people do to an index. Documents that ``may_lack`` names may be found to be gone in between."""

    prepare: Callable[[Path], None]
    run: Callable[[Path, Promise], None]
    before: State
    changes: State
    may_lack: tuple[str, ...] = field(default=())
    begins_broken: bool = False
    """It cannot be read until a writer has mended it."""

    def allows(self, name: str, promised: int | None) -> set[int]:
        """Which generations of the document may be found, where the last promise was this one."""
        before = self.before.get(name, GONE)
        after = self.changes.get(name, before)
        if promised is not None:
            return {promised, after}
        return {before, after, GONE} if name in self.may_lack else {before, after}


FOUR = {"a": 0, "b": 0, "c": 0, "d": 0}


def put_four(folder: Path) -> None:
    put(folder, FOUR)


def index_first(folder: Path, promise: Promise) -> None:
    with writing(folder) as store:
        commit(store, promise, a=0, b=0)
        commit(store, promise, c=0, d=0)
        store.finish()


def index_again(folder: Path, promise: Promise) -> None:
    with writing(folder) as store:
        commit(store, promise, a=1, b=1)
        commit(store, promise, c=1)
        store.finish()


def delete(folder: Path, promise: Promise) -> None:
    with writing(folder) as store:
        withdraw(store, promise, "a")
        withdraw(store, promise, "b", "c")
        store.finish()


def put_untidily(folder: Path) -> None:
    with writing(folder) as store:
        for name, generation in [(name, generation) for generation in (7, 0) for name in FOUR]:
            store.replace([document(name, generation)])


def optimize(folder: Path, promise: Promise) -> None:
    with writing(folder) as store:
        store.finish()


def put_older(folder: Path) -> None:
    put_four(folder)
    make_older(folder / "ledger.db", 1)


def migrate(folder: Path, promise: Promise) -> None:
    with writing(folder) as store:
        commit(store, promise, a=1)
        store.finish()


def rebuild(folder: Path, promise: Promise) -> None:
    with writing(folder) as store:
        store.reset(IDENTITY)
        commit(store, promise, a=1, b=1, c=1, d=1)
        store.finish()


def put_broken(folder: Path) -> None:
    """``d`` has lost its data, and the newest manifest is all zeros."""
    put(folder, {"a": 0, "b": 0, "c": 0})
    (table,) = table_folders(folder)
    kept = set((table / "data").iterdir())
    put(folder, {"d": 0}, finish=False)
    for path in set((table / "data").iterdir()) - kept:
        path.unlink()
    newest = manifests(table)[max(manifests(table))]
    newest.write_bytes(bytes(newest.stat().st_size))


def mend(folder: Path, promise: Promise) -> None:
    with writing(folder) as store:
        withdraw(store, promise, "d")
        commit(store, promise, d=1)
        store.finish()


def nothing(folder: Path) -> None:
    """The index does not exist yet."""


def be_careless(folder: Path, promise: Promise) -> None:
    """As ``index_again``, by a store that flushes nothing of its table."""
    durability.flush = lambda folder, names: None
    index_again(folder, promise)


def compete(folder: Path, promise: Promise) -> None:
    """The same documents, again and again, beside another who does so."""
    for generation in range(100, 100 + ROUNDS):
        while not try_to_write(folder, promise, generation):
            """Somebody else is writing."""


def try_to_write(folder: Path, promise: Promise, generation: int) -> bool:
    try:
        with writing(folder) as store:
            commit(store, promise, a=generation, b=generation, c=generation, d=generation)
            if generation % 4 == 0:
                store.finish()
    except StoreError as error:
        if error.slug != "index-locked":
            raise
        return False
    return True


def churn(folder: Path, promise: Promise) -> None:
    """Documents are replaced and the index tidied until somebody puts an end to it."""
    for generation in count(1):
        with writing(folder) as store:
            commit(store, promise, a=generation, b=generation)
            commit(store, promise, c=generation, d=generation)
            if generation % 3 == 0:
                store.finish()


WORKS: Mapping[str, Work] = {
    "first index": Work(nothing, index_first, {}, FOUR),
    "re-index": Work(put_four, index_again, FOUR, {"a": 1, "b": 1, "c": 1}),
    "delete": Work(put_four, delete, FOUR, {"a": GONE, "b": GONE, "c": GONE}),
    "optimize": Work(put_untidily, optimize, FOUR, {}),
    "migrate": Work(put_older, migrate, FOUR, {"a": 1}),
    "rebuild": Work(put_four, rebuild, FOUR, {"a": 1, "b": 1, "c": 1, "d": 1}, may_lack=tuple(FOUR)),
    "mend": Work(put_broken, mend, FOUR, {"d": 1}, may_lack=("d",), begins_broken=True),
}

OTHERS: Mapping[str, Callable[[Path, Promise], None]] = {"careless": be_careless, "compete": compete, "churn": churn}
"""For suites of their own."""
