"""The index equals the disk, whatever happens to the files and however often a run is cut off; and so would a new one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from unittest import mock

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from ragcli.adapters import durability
from ragcli.adapters.chunk_table import ChunkTable
from ragcli.adapters.database import Database
from ragcli.adapters.files import RignoreWalker
from ragcli.adapters.ledger import Ledger
from ragcli.adapters.store import LanceStore
from ragcli.flows.indexing import IndexOptions, IndexPorts, index_roots
from ragcli.steps.planning import source_id_of
from ragcli.types import EmbeddedChunk, IndexFinished, IndexIdentity, Root, Scope
from tests.fakes.embedder import HashingEmbedder
from tests.fakes.split import split_words
from tests.faults.desk_reader import DiskReader
from tests.faults.tally import TRIED, settle, sized

RUNS, STEPS = sized((8, 25), (300, 48))
"""Steps at most: some lives end sooner, and on the average of the full set there are to be 40."""
COLLECTION = "main"
FOLDERS = ("", "x", "y", "x/z")
PATHS = [f"{folder}/{name}".lstrip("/") for folder in FOLDERS for name in ("a", "b", "c")]
TEXTS = [f"{word} stands alone\n\nbelow {word} stands {other}" for word in ("tea", "oak", "sea") for other in ("one", "two")]
MOMENTS = (
    (ChunkTable, "replace"),
    (durability, "flush"),
    (Ledger, "set_table"),
    (Ledger, "put_sources"),
    (ChunkTable, "tidy"),
    (ChunkTable, "clean"),
    (Ledger, "drop_files"),
    (Ledger, "set_last_indexed"),
)
"""What a run is about to do when its process ends."""
PLACES = st.sampled_from(PATHS)
WORDS = st.sampled_from(TEXTS)


class Cut(BaseException):
    """Stands for the end of the process."""


class Desk(RuleBasedStateMachine):
    """A person's folder and its index. While it is watched, every change is followed by a look."""

    @initialize(watched=st.booleans())
    def begin(self, watched: bool) -> None:
        self.place = Path(tempfile.mkdtemp(prefix="ragcli-desk-"))
        self.desk = self.place / "desk"
        self.desk.mkdir()
        self.store = LanceStore(self.place / "index")
        self.watched = watched
        self.stale = True
        self.ever: defaultdict[Path, set[str]] = defaultdict(set)
        TRIED["state machine: runs"] += 1

    # ---- what people do to files -----------------------------------------------------------------

    @rule(place=PLACES, text=WORDS)
    def write(self, place: str, text: str) -> None:
        path = self.desk / place
        if path.is_dir() or any(parent.is_file() for parent in path.parents):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    @rule(place=PLACES)
    def edit_without_a_trace(self, place: str) -> None:
        """Another text of the same size, and the time set back."""
        path = self.desk / place
        if path.is_file():
            before = path.stat()
            path.write_text(path.read_text().swapcase())
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    @rule(place=PLACES, other=PLACES)
    def rename(self, place: str, other: str) -> None:
        old, new = self.desk / place, self.desk / other
        if old.is_file() and not new.is_dir() and new.parent.is_dir():
            old.rename(new)

    @rule(place=PLACES, other=PLACES)
    def swap(self, place: str, other: str) -> None:
        one, two = self.desk / place, self.desk / other
        if one.is_file() and two.is_file() and one != two:
            aside = self.place / "aside"
            one.rename(aside)
            two.rename(one)
            aside.rename(two)

    @rule(place=PLACES, other=PLACES)
    def copy(self, place: str, other: str) -> None:
        old, new = self.desk / place, self.desk / other
        if old.is_file() and new.parent.is_dir() and not new.exists():
            shutil.copy2(old, new)

    @rule(folder=st.sampled_from(("x", "y", "x/z")), other=st.sampled_from(("x", "y", "w")))
    def rename_folder(self, folder: str, other: str) -> None:
        old, new = self.desk / folder, self.desk / other
        if old.is_dir() and not new.exists() and old not in new.parents:
            old.rename(new)

    @rule(place=PLACES)
    def delete(self, place: str) -> None:
        path = self.desk / place
        if path.is_file():
            path.unlink()

    @rule(folder=st.sampled_from(("x", "y", "w")))
    def delete_folder(self, folder: str) -> None:
        shutil.rmtree(self.desk / folder, ignore_errors=True)

    @rule(place=PLACES, text=WORDS)
    def replace_by_a_folder(self, place: str, text: str) -> None:
        path = self.desk / place
        if path.is_file():
            path.unlink()
            path.mkdir()
            (path / "inside").write_text(text)

    @rule(place=PLACES)
    def replace_a_folder(self, place: str) -> None:
        path = self.desk / place
        if path.is_dir():
            text = "".join(inside.read_text() for inside in path.glob("inside"))
            shutil.rmtree(path)
            path.write_text(text)

    @rule(place=PLACES, mode=st.sampled_from((0o600, 0o644, 0o400)))
    def chmod(self, place: str, mode: int) -> None:
        path = self.desk / place
        if path.is_file():
            path.chmod(mode)

    @rule(place=PLACES)
    def touch(self, place: str) -> None:
        path = self.desk / place
        if path.is_file():
            path.touch()

    @rule(place=PLACES)
    def empty(self, place: str) -> None:
        path = self.desk / place
        if path.is_file():
            path.write_text("")

    # ---- what happens to the index ---------------------------------------------------------------

    @rule()
    def start_or_stop_watching(self) -> None:
        self.watched = not self.watched

    @precondition(lambda self: not self.watched)
    @rule()
    def look_now(self) -> None:
        self.look()

    @rule(moment=st.sampled_from(MOMENTS), skip=st.integers(0, 1), place=PLACES, text=WORDS)
    def crash(self, moment: tuple[object, str], skip: int, place: str, text: str) -> None:
        """A run with something to do ends in the middle: every document is then as it was at some time, and whole."""
        self.write(place, text)
        owner, name = moment
        cut = CutAfter(skip, getattr(owner, name))
        # A process that ends does not bring its ledger to rest.
        with mock.patch.object(owner, name, cut), mock.patch.object(Database, "rest", Database.close):
            try:
                self.note_texts()
                self.run(self.store, self.desk)
            except Cut:
                TRIED["state machine: crashes"] += 1
        self.store = LanceStore(self.place / "index")
        for path, text in self.indexed().items():
            assert text in self.ever[path]

    @invariant()
    def everything_is_as_on_the_disk(self) -> None:
        if hasattr(self, "place"):
            TRIED["state machine: steps"] += 1
            if self.watched:
                self.look()

    def look(self) -> None:
        self.note_texts()
        self.run(self.store, self.desk)
        assert self.indexed() == self.on_disk()

    def note_texts(self) -> None:
        for path, text in self.on_disk().items():
            self.ever[path].add(text)

    def run(self, store: LanceStore, root: Path) -> None:
        embedder = HashingEmbedder()
        identity = IndexIdentity(embedder.name, embedder.digest, embedder.dimension, embedder.prefixes, "test", 1)
        ports = IndexPorts(
            store=store,
            walker=RignoreWalker(),
            reader=DiskReader(),
            split=lambda: split_words,
            embedder=lambda: embedder,
            identity=identity,
            token_limit=embedder.token_limit,
        )
        *_, last = index_roots([Root(root, COLLECTION)], ports, IndexOptions(COLLECTION))
        assert isinstance(last, IndexFinished)

    def on_disk(self) -> Mapping[Path, str]:
        return {path: kept(path.read_text()) for path in self.desk.rglob("*") if path.is_file() and path.stat().st_size}

    def indexed(self) -> Mapping[Path, str]:
        """The text of each indexed file, put together from its chunks."""
        if self.store.identity() is None:
            return {}
        sources = [source for source in self.store.sources().values() if not source.reason]
        found = {source.path: kept("\n".join(chunk.text for chunk in self.store.chunks_of(source.id))) for source in sources}
        by_words = {entry.chunk.path for entry in self.store.search_words("stands", limit=500, scope=Scope()).entries}
        assert by_words == set(found), "the word index names other files"
        assert self.store.damaged == 0
        return found

    def teardown(self) -> None:
        if not hasattr(self, "place"):
            return
        try:
            self.look()
            fresh = LanceStore(self.place / "fresh")
            self.run(fresh, self.desk)
            assert rows_of(self.store) == rows_of(fresh), "a fresh rebuild has other rows"
            fresh.close()
            self.store.close()
        finally:
            shutil.rmtree(self.place)


class CutAfter:
    """Lets the first calls through and ends the process at the next."""

    def __init__(self, calls: int, function: object) -> None:
        self._left = calls
        self._function = function

    def __get__(self, instance: object, owner: type) -> object:
        """As a method of whatever it stands in."""
        return lambda *arguments, **options: self(instance, *arguments, **options)

    def __call__(self, *arguments: object, **options: object) -> object:
        if not self._left:
            raise Cut
        self._left -= 1
        assert callable(self._function)
        return self._function(*arguments, **options)


def kept(text: str) -> str:
    """The words of a text: what stands between chunks is white space."""
    return " ".join(text.split())


def rows_of(store: LanceStore) -> dict[str, tuple[EmbeddedChunk, ...]]:
    if store.identity() is None:
        return {}
    stored = {source.id: source for source in store.sources().values()}
    assert all(source_id_of(source.path, COLLECTION) == identifier for identifier, source in stored.items())
    facts = {(s.path, s.size, s.modified_ns, s.changed_ns, s.inode, s.digest, s.chunks, s.reason) for s in stored.values()}
    rows = store.embedded_chunks(list(stored))
    return {"facts": facts, **{key: [(each.chunk, list(each.vector)) for each in chunks] for key, chunks in rows.items()}}


def test_the_index_equals_the_disk_and_a_fresh_rebuild():
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    limits = settings(
        max_examples=RUNS, stateful_step_count=STEPS, deadline=None, derandomize=True, database=None, suppress_health_check=checks
    )
    before = TRIED["state machine: runs"]
    run_state_machine_as_test(Desk, settings=limits)
    settle("state machine", TRIED["state machine: runs"] - before, floor=RUNS)
