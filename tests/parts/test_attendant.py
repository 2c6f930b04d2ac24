"""The index follows a real disk: whatever happens to files and folders, index and disk are the same soon afterwards."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ragcli.adapters.files import RignoreWalker
from ragcli.adapters.heartbeat import Heartbeat
from ragcli.assistant import Assistant
from ragcli.config import Config, Locations
from ragcli.errors import SourceError, StoreError
from ragcli.flows.watching import Pace
from ragcli.types import IndexFinished, Noticed, Root, WatchEvent
from tests.fakes.embedder import HashingEmbedder
from tests.fakes.split import split_words
from tests.fakes.store import MemoryStore
from tests.test_assistant import DiskReader

QUICK = Pace(settle=0.05, longest_burst=1.0, sweep=30.0, unsure=1.0, retry=0.05, pulse=0.05, rest=0.0, longest_rest=0.1)
"""Of the same kind as the real pace, some twenty times as quick. What is never told is found within 30 s, far too late."""
MOST_LOOKS = 60
"""After so many the index should have been as the disk long ago."""


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    (tmp_path / "docs" / "deep").mkdir(parents=True)
    (tmp_path / "docs" / "a.txt").write_text("The lease ends in May.")
    (tmp_path / "docs" / "deep" / "b.txt").write_text("The cat is called Parsec.")
    return tmp_path / "docs"


@pytest.fixture
def assistant(tmp_path: Path) -> Iterator[Assistant]:
    """Everything is real but what reads, embeds and stores."""
    locations = Locations(tmp_path / "home", tmp_path / "home" / "config.toml")
    ports = {"store": MemoryStore(), "reader": DiskReader(), "split": split_words, "embedder": HashingEmbedder()}
    with Assistant(Config(), locations, **ports) as made:
        yield made


def on_disk(*roots: Path) -> dict[Path, bytes]:
    stamps = RignoreWalker().walk([Root(root, "main") for root in roots]).stamps
    return {stamp.path: stamp.path.read_bytes() for stamp in stamps}


def in_index(assistant: Assistant) -> dict[Path, bytes]:
    store = assistant.machine.store
    return {
        source.path: "".join(chunk.text for chunk in store.chunks_of(source.id)).encode()
        for source in assistant.sources().values()
    }


class Following:
    """A watcher that goes on only while it is waited for."""

    def __init__(self, assistant: Assistant, events: Iterator[WatchEvent], *roots: Path) -> None:
        self.assistant, self.events, self.roots = assistant, events, roots
        self.notices: list[str] = []

    def catch_up(self, *roots: Path) -> None:
        """Returns once the index is as the disk; fails if it never is."""
        looks = 0
        for event in self.events:
            if isinstance(event, Noticed):
                self.notices.append(event.message)
            if isinstance(event, IndexFinished):
                looks += 1
                if in_index(self.assistant) == on_disk(*(roots or self.roots)):
                    return
                assert looks < MOST_LOOKS, "the index does not become as the disk"


@contextmanager
def following(assistant: Assistant, *paths: Path, roots: tuple[Path, ...] = ()) -> Iterator[Following]:
    with closing(assistant.watch_events(paths, pace=QUICK)) as events:  # type: ignore[type-var]
        watch = Following(assistant, events, *(paths or roots))
        watch.catch_up()
        yield watch


# ---- files and folders -------------------------------------------------------------------------


def create(docs: Path) -> None:
    (docs / "new" / "deeper").mkdir(parents=True)
    (docs / "new" / "deeper" / "c.txt").write_text("Something new.")


def edit(docs: Path) -> None:
    (docs / "a.txt").write_text("The lease ends in June.")


def edit_as_editors_do(docs: Path) -> None:
    (docs / ".a.txt.swp").write_text("The lease ends in July.")
    (docs / ".a.txt.swp").rename(docs / "a.txt")


def rename_file(docs: Path) -> None:
    (docs / "a.txt").rename(docs / "deep" / "z.txt")


def rename_folder(docs: Path) -> None:
    (docs / "deep").rename(docs / "shallow")


def delete(docs: Path) -> None:
    (docs / "deep" / "b.txt").unlink()


def move_folder_out(docs: Path) -> None:
    (docs / "deep").rename(docs.parent / "outside")


def move_folder_in(docs: Path) -> None:
    (docs.parent / "other" / "sub").mkdir(parents=True)
    (docs.parent / "other" / "sub" / "d.txt").write_text("From elsewhere.")
    (docs.parent / "other").rename(docs / "other")


def delete_root_and_make_it_again(docs: Path) -> None:
    shutil.rmtree(docs)
    docs.mkdir()
    (docs / "fresh.txt").write_text("A fresh start.")


def replace_root_by_link(docs: Path) -> None:
    docs.rename(docs.parent / "elsewhere")
    docs.symlink_to(docs.parent / "elsewhere")
    (docs / "a.txt").write_text("Behind a link.")


def ignore(docs: Path) -> None:
    (docs / ".ragignore").write_text("deep/\n")


@pytest.mark.parametrize(
    "change",
    [
        *(create, edit, edit_as_editors_do, rename_file, rename_folder, delete, move_folder_out, move_folder_in),
        *(delete_root_and_make_it_again, replace_root_by_link, ignore),
    ],
    ids=lambda change: change.__name__.replace("_", " "),
)
def test_whatever_happens_the_index_becomes_as_the_disk(assistant: Assistant, docs: Path, change: Callable[[Path], None]) -> None:
    with following(assistant, docs) as watch:
        change(docs)
        watch.catch_up()
        (docs / "after.txt").write_text("And it goes on being heard.")
        watch.catch_up()


def test_a_root_that_goes_and_comes_back_keeps_its_place_in_the_index_meanwhile(assistant: Assistant, docs: Path) -> None:
    with following(assistant, docs) as watch:
        before = in_index(assistant)
        docs.rename(docs.parent / "unplugged")
        next(event for event in watch.events if isinstance(event, IndexFinished))
        assert in_index(assistant) == before
        (docs.parent / "unplugged" / "a.txt").write_text("Edited elsewhere.")
        (docs.parent / "unplugged").rename(docs)
        watch.catch_up()


def test_a_root_that_is_not_there_at_the_start_is_taken_up_when_it_comes(assistant: Assistant, docs: Path) -> None:
    assistant.index([docs])
    docs.rename(docs.parent / "unplugged")
    with closing(assistant.watch_events(pace=QUICK)) as events:  # type: ignore[type-var]
        watch = Following(assistant, events, docs)
        assert isinstance(next(events), IndexFinished)
        (docs.parent / "unplugged" / "new.txt").write_text("Written while nobody watched.")
        (docs.parent / "unplugged").rename(docs)
        watch.catch_up()


# ---- with others -------------------------------------------------------------------------------


def test_roots_that_another_adds_are_taken_up(assistant: Assistant, docs: Path, tmp_path: Path) -> None:
    assistant.index([docs])
    other = tmp_path / "other"
    other.mkdir()
    with following(assistant, roots=(docs,)) as watch:
        assistant.index([other])
        watch.catch_up(docs, other)
        (other / "c.txt").write_text("In the other folder.")
        watch.catch_up(docs, other)


def test_another_writer_is_waited_for(assistant: Assistant, docs: Path) -> None:
    with following(assistant, docs) as watch:
        edit(docs)
        with assistant.machine.store.writing(assistant.machine.identity):
            event = next(event for event in watch.events if isinstance(event, Noticed))
            assert event.message == "this store is already being written to; waiting until that is over"
        watch.catch_up()
        assert isinstance(next(event for event in watch.events if isinstance(event, Noticed)), Noticed)


def test_known_folders_keep_the_rules_they_were_indexed_with(assistant: Assistant, docs: Path) -> None:
    (docs / "note.md").write_text("A note.")
    assistant.index([docs], collection="notes", include=["*.md"])
    with closing(assistant.watch_events([docs], pace=QUICK)) as events:  # type: ignore[type-var]
        for number in range(2):
            assert any(isinstance(event, IndexFinished) for event in events)
            (docs / f"{number}.md").write_text("Another note.")
    assert {(source.path.suffix, source.collection) for source in assistant.sources().values()} == {(".md", "notes")}
    assert assistant.roots() == (Root(docs, "notes", ("*.md",)),)


def test_a_second_watcher_is_refused_and_the_first_says_how_it_does(assistant: Assistant, docs: Path) -> None:
    assert assistant.watch_health() is None
    with following(assistant, docs):
        health = assistant.watch_health()
        assert health is not None
        assert (health.process, health.alive, health.trouble) == (os.getpid(), True, "")
        with pytest.raises(StoreError) as raised:
            next(assistant.watch_events([docs]))
        assert raised.value.slug == "already-watching"
    assert assistant.watch_health() is None
    assert [path.name for path in assistant.locations.run.iterdir()] == ["watch.lock"]


def test_a_folder_that_never_was_is_a_mistake(assistant: Assistant, tmp_path: Path) -> None:
    for paths, slug in (([tmp_path / "typo"], "path-missing"), ([], "nothing-to-index")):
        with pytest.raises(SourceError) as raised:
            next(assistant.watch_events(paths))
        assert raised.value.slug == slug


def test_the_doctor_sees_a_watcher_that_went_without_a_word(assistant: Assistant) -> None:
    assistant.locations.run.mkdir(parents=True)
    Heartbeat(assistant.locations.run / "watch.json", clock=lambda: 0.0).say("listening", 0.0, "")
    finding = next(finding for finding in assistant.doctor() if finding.name == "watcher")
    assert finding.level == "warning"
    assert "has said nothing for" in finding.message
