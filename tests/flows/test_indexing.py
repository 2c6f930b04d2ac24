"""The flow behind ``index``, told as events on files that exist only in memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from ragcli.errors import StoreError
from ragcli.flows import embedding
from ragcli.flows.indexing import IndexOptions, index_collections, index_roots
from ragcli.types import (
    Indexed,
    IndexFinished,
    IndexReport,
    Moved,
    Noticed,
    Planned,
    Progressed,
    Removed,
    Root,
    Skipped,
    SourceUpdate,
    Unreadable,
)
from tests.fakes.desk import DOCS, Desk

FILES = {
    "lease.md": "The lease ends on 31 May 2027.\n\n" + "The rent is due on the third day. " * 12,
    "house/rules.txt": "Dinner is served at 18:45.",
    "house/cat.txt": "The cat is called Parsec.",
}
A_LOT = {f"{number:03}.txt": f"File {number} speaks of topic {number * 7}." for number in range(20)}


@pytest.fixture
def desk() -> Desk:
    made = Desk(FILES)
    made.index("")
    made.loaded.clear()
    made.reader.taken.clear()
    made.embedder.embedded.clear()
    return made


def size_of(*names: str) -> int:
    return sum(len(FILES[name]) for name in names)


def test_a_first_run_adds_every_file() -> None:
    desk = Desk(FILES)
    assert desk.index("") == [
        Planned(3, 0, 0, 0, size_of(*FILES), {}),
        Indexed(DOCS / "house/cat.txt", 1),
        Indexed(DOCS / "house/rules.txt", 1),
        Indexed(DOCS / "lease.md", 2),
    ]
    assert (desk.report.added, desk.report.chunks, desk.report.skipped) == (3, 4, ())
    assert desk.store.roots() == (Root(DOCS, "main"),)
    assert not desk.store.unfinished
    assert {"walk", "embed", "store", "total"} <= set(desk.report.took_ms)


def test_progress_counts_files_bytes_and_chunks_up_to_all_of_them() -> None:
    signs = [event for event in Desk(FILES).events("") if isinstance(event, Progressed)]
    for counts in ([sign.bytes_done for sign in signs], [sign.files_done for sign in signs]):
        assert counts == sorted(counts)
    assert all(sign.files_done == 3 for sign in signs if sign.bytes_done == size_of(*FILES))
    assert signs[-1] == Progressed(3, 3, size_of(*FILES), size_of(*FILES), 4)


def test_a_run_with_nothing_changed_loads_nothing_and_locks_nothing(desk: Desk) -> None:
    with desk.store.writing(desk.identity):  # another process is at work
        assert desk.index() == [Planned(0, 0, 0, 3, 0, {})]
    assert desk.loaded == desk.reader.taken == []
    assert desk.report.unchanged == 3


def test_a_touched_file_is_read_and_not_embedded_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    before, stamp = desk.indexed(), desk.walker.stamp
    monkeypatch.setattr(desk.walker, "stamp", lambda path: replace_time(stamp(path)) if path.name == "cat.txt" else stamp(path))
    assert desk.index() == [Planned(0, 1, 0, 2, size_of("house/cat.txt"), {})]
    assert desk.reader.taken == [DOCS / "house/cat.txt"]
    assert desk.loaded == []
    assert (desk.report.unchanged, desk.report.changed) == (3, 0)
    assert desk.indexed() == before
    assert desk.index() == [Planned(0, 0, 0, 3, 0, {})]


def replace_time(stamp: Any) -> Any:
    return type(stamp)(stamp.path, stamp.size, stamp.modified_ns + 1, stamp.inode)


def test_a_changed_file_is_embedded_again_and_the_others_are_not(desk: Desk) -> None:
    desk.files[DOCS / "house/cat.txt"] = "The cat is called Quasar."
    planned, *told = desk.index()
    assert told == [Indexed(DOCS / "house/cat.txt", 1)]
    assert len(desk.embedder.embedded) == 1
    assert (desk.report.changed, desk.report.chunks, desk.report.unchanged) == (1, 1, 2)
    texts = {each.chunk.text for each in desk.store.chunks.values()}
    assert "The cat is called Quasar." in texts
    assert "The cat is called Parsec." not in texts


def test_a_deleted_file_leaves_the_index_without_the_embedder(desk: Desk) -> None:
    del desk.files[DOCS / "house/cat.txt"]
    assert desk.index() == [Planned(0, 0, 1, 2, 0, {}), Removed(DOCS / "house/cat.txt")]
    assert desk.loaded == []
    assert desk.report.removed == 1
    assert len(desk.store.chunks) == 3


def test_an_unreadable_file_is_skipped_reported_and_left_alone_until_it_changes(desk: Desk) -> None:
    scan = DOCS / "scan.pdf"
    desk.files[scan] = "%PDF"
    desk.reader.broken[scan] = "no_text_layer"
    assert desk.index()[1:] == [Skipped(scan, "no_text_layer")]
    assert desk.report.skipped == (Unreadable(scan, "no_text_layer"),)
    desk.reader.taken.clear()
    assert desk.index() == [Planned(0, 0, 0, 4, 0, {})]
    assert desk.report.skipped == (Unreadable(scan, "no_text_layer"),)
    assert desk.report.unchanged == 3
    assert desk.reader.taken == []


def test_what_failed_is_read_again_when_asked_for(desk: Desk) -> None:
    desk.files[DOCS / "slow.pdf"] = "Slow but fine."
    desk.reader.broken[DOCS / "slow.pdf"] = "too_slow"
    desk.index()
    desk.reader.broken.clear()
    assert desk.index(retry_failed=True)[1:] == [Indexed(DOCS / "slow.pdf", 1)]
    assert desk.report.skipped == ()


def test_a_file_that_became_unreadable_is_no_longer_found(desk: Desk) -> None:
    desk.files[DOCS / "house/cat.txt"] = "other bytes"
    desk.reader.broken[DOCS / "house/cat.txt"] = "encrypted"
    assert desk.index()[1:] == [Skipped(DOCS / "house/cat.txt", "encrypted")]
    assert not [each for each in desk.store.chunks.values() if each.chunk.path.name == "cat.txt"]


def test_a_file_refused_by_the_walk_is_in_the_report(desk: Desk) -> None:
    desk.walker.refused[DOCS / "huge.log"] = "too_large"
    desk.index()
    assert desk.report.skipped == (Unreadable(DOCS / "huge.log", "too_large"),)


def test_an_empty_file_is_known_and_no_failure(desk: Desk) -> None:
    desk.files[DOCS / "empty.txt"] = ""
    assert desk.index() == [Planned(1, 0, 0, 3, 0, {})]
    assert desk.report.skipped == ()
    assert desk.index() == [Planned(0, 0, 0, 4, 0, {})]


def test_a_file_whose_bytes_hold_no_text_is_skipped(desk: Desk) -> None:
    desk.files[DOCS / "blank.txt"] = " \n"
    assert desk.index()[1:] == [Skipped(DOCS / "blank.txt", "empty")]
    assert desk.report.skipped == (Unreadable(DOCS / "blank.txt", "empty"),)


def test_an_unplugged_root_keeps_its_sources(desk: Desk) -> None:
    files = dict(desk.files)
    desk.files.clear()
    assert desk.index() == [Planned(0, 0, 0, 0, 0, {})]
    assert desk.report.skipped == (Unreadable(DOCS, "vanished", "the folder is not there"),)
    assert len(desk.store.chunks) == 4
    desk.files.update(files)
    assert desk.index() == [Planned(0, 0, 0, 3, 0, {})]


def test_a_file_that_vanishes_between_walk_and_read_is_skipped_then_forgotten(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.files[DOCS / "brief.txt"] = "here and gone"
    monkeypatch.setattr(desk.reader, "files", {path: text for path, text in desk.files.items() if path.name != "brief.txt"})
    assert desk.index()[1:] == [Skipped(DOCS / "brief.txt", "vanished")]
    del desk.files[DOCS / "brief.txt"]
    assert desk.index()[1:] == [Removed(DOCS / "brief.txt")]


def test_a_dry_run_says_what_would_be_done_and_writes_nothing() -> None:
    desk = Desk(FILES)
    assert desk.index("", dry_run=True) == [Planned(3, 0, 0, 0, size_of(*FILES), {})]
    assert (desk.report.added, desk.report.chunks) == (3, 0)
    assert desk.store.identity() is None
    assert desk.store.roots() == ()
    assert desk.loaded == desk.reader.taken == []


def test_force_reads_and_embeds_everything_again(desk: Desk) -> None:
    before = desk.indexed()
    assert desk.index(force=True)[0] == Planned(0, 3, 0, 0, size_of(*FILES), {})
    assert len(desk.embedder.embedded) == 4
    assert desk.indexed() == before


def test_other_settings_of_reader_or_chunker_make_every_file_new(desk: Desk) -> None:
    desk.reader.fingerprint = "fake reader 2"
    assert desk.index()[0] == Planned(0, 3, 0, 0, size_of(*FILES), {})
    desk.embedder.token_limit = 64
    assert desk.index()[0] == Planned(0, 3, 0, 0, size_of(*FILES), {})
    assert desk.index()[0] == Planned(0, 0, 0, 3, 0, {})


def test_an_index_of_another_embedder_is_not_written_to(desk: Desk) -> None:
    desk.embedder.name = "another"
    with pytest.raises(StoreError, match="another embedder") as raised:
        desk.index()
    assert raised.value.slug == "index-mismatch"


def test_a_part_of_a_root_can_be_refreshed_alone(desk: Desk) -> None:
    desk.files[DOCS / "new.txt"] = "Outside of the house."
    del desk.files[DOCS / "house/cat.txt"]
    assert desk.index("house")[1:] == [Removed(DOCS / "house/cat.txt")]
    assert desk.store.roots() == (Root(DOCS, "main"),)
    assert desk.index()[1:] == [Indexed(DOCS / "new.txt", 1)]


def test_a_new_root_is_remembered_even_if_all_of_it_is_known() -> None:
    desk = Desk(FILES)
    desk.index("house")
    assert desk.store.roots() == (Root(DOCS / "house", "main"),)
    desk.index("")
    assert desk.store.roots() == (Root(DOCS, "main"),)


# ---- moved, renamed and copied ----


def test_a_moved_file_keeps_its_vectors_and_is_told_as_moved(desk: Desk) -> None:
    before = {each.chunk.text: each.vector for each in desk.store.chunks.values()}
    desk.files[DOCS / "attic/lease.md"] = desk.files.pop(DOCS / "lease.md")
    assert desk.index()[1:] == [Moved(DOCS / "attic/lease.md", DOCS / "lease.md", 2)]
    assert desk.loaded == []
    assert {each.chunk.text: each.vector for each in desk.store.chunks.values()} == before
    assert {each.chunk.path for each in desk.store.chunks.values() if "lease" in each.chunk.text} == {DOCS / "attic/lease.md"}
    report = desk.report
    assert (report.moved, report.added, report.removed, report.unchanged, report.chunks) == (1, 0, 0, 2, 0)


def test_a_moved_folder_ends_as_if_it_had_always_been_there() -> None:
    desk, fresh = Desk(A_LOT), Desk({f"new/{name}": text for name, text in A_LOT.items()})
    desk.index("")
    for path in list(desk.files):
        desk.files[DOCS / "new" / path.name] = desk.files.pop(path)
    desk.index()
    fresh.index("")
    assert desk.report.moved == len(A_LOT)
    assert desk.indexed() == fresh.indexed()
    assert {source.path for source in desk.store.sources().values()} == set(desk.files)


def test_a_copy_takes_over_the_vectors_of_what_it_is_a_copy_of(desk: Desk) -> None:
    desk.files[DOCS / "copies/lease.md"] = FILES["lease.md"]
    assert desk.index()[1:] == [Indexed(DOCS / "copies/lease.md", 2)]
    assert desk.loaded == []
    assert (desk.report.added, desk.report.moved, desk.report.chunks) == (1, 0, 0)


def test_the_same_text_in_one_run_is_embedded_once() -> None:
    desk = Desk({"a/note.txt": "The cat is called Parsec.", "b/note.txt": "The cat is called Parsec."})
    desk.index("")
    assert len(desk.embedder.embedded) == 1
    assert (desk.report.added, desk.report.chunks) == (2, 1)


def test_of_two_that_are_gone_and_the_same_one_has_moved_and_one_is_removed(desk: Desk) -> None:
    desk.files[DOCS / "house/cat2.txt"] = FILES["house/cat.txt"]
    desk.index()
    del desk.files[DOCS / "house/cat.txt"], desk.files[DOCS / "house/cat2.txt"]
    desk.files[DOCS / "zoo/cat.txt"] = FILES["house/cat.txt"]
    assert desk.index()[1:] == [Moved(DOCS / "zoo/cat.txt", DOCS / "house/cat.txt", 1), Removed(DOCS / "house/cat2.txt")]


def test_names_that_are_swapped_are_two_changes_and_end_as_a_fresh_index(desk: Desk) -> None:
    cat, rules = DOCS / "house/cat.txt", DOCS / "house/rules.txt"
    desk.files[cat], desk.files[rules] = desk.files[rules], desk.files[cat]
    fresh = Desk({str(path.relative_to(DOCS)): text for path, text in desk.files.items()})
    desk.index()
    fresh.index("")
    assert (desk.report.changed, desk.report.moved) == (2, 0)
    assert desk.indexed() == fresh.indexed()


def test_a_file_of_the_same_size_and_another_content_has_not_moved(desk: Desk) -> None:
    del desk.files[DOCS / "house/cat.txt"]
    desk.files[DOCS / "house/dog.txt"] = FILES["house/cat.txt"].replace("Parsec", "Quasar")
    assert desk.index()[1:] == [Indexed(DOCS / "house/dog.txt", 1), Removed(DOCS / "house/cat.txt")]
    assert len(desk.embedder.embedded) == 1


def test_force_embeds_a_moved_file_anew(desk: Desk) -> None:
    desk.files[DOCS / "attic/lease.md"] = desk.files.pop(DOCS / "lease.md")
    desk.index(force=True)
    assert len(desk.embedder.embedded) == 4
    assert desk.report.moved == 1


@pytest.mark.parametrize("seen", range(0, 24, 2))
def test_a_move_that_is_cut_short_leaves_the_file_found_under_one_of_its_names(seen: int) -> None:
    desk = Desk(A_LOT)
    desk.index("")
    for path in list(desk.files):
        desk.files[DOCS / "new" / path.name] = desk.files.pop(path)
    run = desk.events()
    list(islice(run, seen))
    run.close()  # type: ignore[attr-defined]
    assert {each.chunk.text for each in desk.store.chunks.values()} == set(A_LOT.values())
    desk.index()
    assert {source.path for source in desk.store.sources().values()} == set(desk.files)
    assert len(desk.embedder.embedded) == len(A_LOT)


# ---- waiting for power ----


@pytest.mark.usefixtures("small_batches")
def test_a_long_run_waits_while_there_is_a_reason_and_says_so() -> None:
    desk, waited = Desk(A_LOT), []
    reasons = iter(["on battery, 12 % left", "on battery, 11 % left"])
    ports = replace(desk.index_ports(), reason_to_wait=lambda: next(reasons, ""), wait=waited.append)
    events = list(index_roots([Root(DOCS, "main")], ports, IndexOptions("main")))
    assert [event for event in events if isinstance(event, Noticed)] == [
        Noticed("paused: on battery, 12 % left"),
        Noticed("work goes on"),
    ]
    assert len(waited) == 2
    assert len(desk.store.chunks) == len(A_LOT)


def test_a_short_run_does_not_wait() -> None:
    desk = Desk(FILES)
    ports = replace(desk.index_ports(), reason_to_wait=lambda: "on battery, 1 % left", wait=lambda _: pytest.fail("waited"))
    list(index_roots([Root(DOCS, "main")], ports, IndexOptions("main")))
    assert len(desk.store.chunks) == 4


# ---- interruptions ----


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "BATCH_CHUNKS", 4)
    monkeypatch.setattr(embedding, "SLICE_CHUNKS", 3)


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("seen", range(0, 40, 3))
def test_a_run_that_is_cut_short_is_taken_up_and_ends_the_same(seen: int) -> None:
    undisturbed = Desk(A_LOT)
    undisturbed.index("")
    desk = Desk(A_LOT)
    run = desk.events("")
    told = [event.path for event in islice(run, seen) if isinstance(event, Indexed)]
    run.close()  # type: ignore[attr-defined]
    stored = {each.chunk.path for each in desk.store.chunks.values()}
    assert set(told) <= stored, "what was told as indexed must be in the store"
    before = len(desk.embedder.embedded)
    desk.index("")
    assert desk.indexed() == undisturbed.indexed()
    assert not desk.store.unfinished
    assert len(desk.embedder.embedded) - before == len(A_LOT) - len(stored)


@pytest.mark.usefixtures("small_batches")
def test_a_run_cut_short_before_its_last_step_is_finished_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(A_LOT)
    with monkeypatch.context() as patch:
        patch.setattr(desk.store, "finish", fail)
        with pytest.raises(StoreError):
            desk.index("")
    assert desk.store.unfinished
    assert desk.index() == [Planned(0, 0, 0, 20, 0, {})]
    assert not desk.store.unfinished


@pytest.mark.usefixtures("small_batches")
def test_a_full_disk_ends_the_run_and_keeps_what_was_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    desk, stored = Desk(A_LOT), 0
    replace = desk.store.replace

    def fill_up(updates: Iterable[SourceUpdate]) -> None:
        nonlocal stored
        stored += 1
        if stored > 2:
            fail()
        replace(list(updates))

    with monkeypatch.context() as patch:
        patch.setattr(desk.store, "replace", fill_up)
        with pytest.raises(StoreError, match="full"):
            desk.index("")
    assert len(desk.store.chunks) == 8
    assert desk.index()[0].added == 12  # type: ignore[union-attr]


def fail(**_: bool) -> None:
    raise StoreError("disk-full", "the disk is full", hint="free some space")


def test_files_with_few_chunks_are_stored_in_batches_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "BATCH_FILES", 5)
    desk, sizes = Desk(A_LOT), []
    replace = desk.store.replace
    monkeypatch.setattr(desk.store, "replace", lambda updates: (sizes.append(len(updates)), replace(updates)))
    desk.index("")
    assert sizes == [5, 5, 5, 5]


# ---- several collections ----


def test_all_collections_are_refreshed_and_told_as_one() -> None:
    desk = Desk(FILES)
    ports = desk.index_ports()
    for root, name in ((DOCS / "house", "home"), (DOCS / "lease.md", "papers")):
        list(index_roots([Root(root, name)], ports, IndexOptions(name)))
    desk.files[DOCS / "house/new.txt"] = "A new one."
    del desk.files[DOCS / "lease.md"]
    desk.files[DOCS / "lease.md/inside.txt"] = "It is a folder now."
    *events, last = index_collections({"home": (), "papers": ()}, ports, IndexOptions("main"))
    assert [event for event in events if isinstance(event, Indexed | Removed)] == [
        Indexed(DOCS / "house/new.txt", 1),
        Removed(DOCS / "lease.md"),
        Indexed(DOCS / "lease.md/inside.txt", 1),
    ]
    assert isinstance(last, IndexFinished)
    assert (last.report.added, last.report.removed, last.report.unchanged) == (2, 1, 2)


def test_reports_add_up() -> None:
    one = IndexReport(added=1, chunks=3, left_out={"hidden": 2}, took_ms={"walk": 1.0})
    other = IndexReport(added=2, skipped=(Unreadable(Path("x"), "binary"),), left_out={"hidden": 1, "vcs": 1})
    assert one + other == IndexReport(
        added=3, chunks=3, skipped=other.skipped, left_out={"hidden": 3, "vcs": 1}, took_ms={"walk": 1.0}
    )
