"""What is on disk beside what is stored: every source ends up in one part of the plan."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ragcli.steps.planning import is_below, keep_excludes, merge_roots, plan_index, source_id_of
from ragcli.types import FileStamp, IndexPlan, Root, StoredSource

DOCS = Path("/docs")
names = st.sets(st.sampled_from([f"{folder}{name}.txt" for folder in ("", "a/", "b/") for name in "pqrst"]))


def stamp(name: str, *, modified_ns: int = 1) -> FileStamp:
    return FileStamp(DOCS / name, 10, modified_ns, 5)


def source(name: str, *, collection: str = "main", reason: str = "", fingerprint: str = "now") -> StoredSource:
    path = DOCS / name
    return StoredSource(source_id_of(path, collection), path, collection, 10, 1, 5, "digest", fingerprint, 1, reason)


def by_id(*sources: StoredSource) -> dict[str, StoredSource]:
    return {each.id: each for each in sources}


def plan(stamps: list[FileStamp], *sources: StoredSource, roots: tuple[Path, ...] = (DOCS,), **options: bool) -> IndexPlan:
    return plan_index(stamps, by_id(*sources), collection="main", fingerprint="now", roots=roots, **options)


@given(on_disk=names, stored=names, touched=names, old=names, force=st.booleans())
def test_a_plan_is_a_partition(on_disk: set[str], stored: set[str], touched: set[str], old: set[str], force: bool) -> None:
    made = plan(
        [stamp(name, modified_ns=2 if name in touched else 1) for name in sorted(on_disk)],
        *[source(name, fingerprint="before" if name in old else "now") for name in sorted(stored)],
        force=force,
    )
    parts = [
        {str(each.path.relative_to(DOCS)) for each in part} for part in (made.added, made.changed, made.removed, made.unchanged)
    ]
    added, changed, removed, unchanged = parts
    assert sum(map(len, parts)) == len(on_disk | stored)
    assert added == on_disk - stored
    assert removed == stored - on_disk
    assert changed == (on_disk & stored if force else on_disk & stored & (touched | old))
    assert unchanged == (on_disk & stored) - changed
    assert [each.path for each in made.to_read] == [each.path for each in made.added + made.changed]


def test_a_source_outside_the_roots_or_of_another_collection_stays() -> None:
    other = source("a/p.txt", collection="work")
    assert plan([], other, source("b/q.txt"), roots=(DOCS / "a",)) == IndexPlan((), (), (), ())


def test_the_same_file_in_two_collections_is_two_sources() -> None:
    known = source("p.txt", collection="work")
    assert plan([stamp("p.txt")], known).added == (stamp("p.txt"),)


def test_a_skipped_source_stays_skipped_until_it_changes_or_is_asked_for() -> None:
    skipped = source("p.txt", reason="encrypted")
    assert plan([stamp("p.txt")], skipped).unchanged == (skipped,)
    assert plan([stamp("p.txt", modified_ns=2)], skipped).changed
    assert plan([stamp("p.txt")], skipped, retry_failed=True).changed
    assert plan([stamp("p.txt")], source("p.txt"), retry_failed=True).unchanged


def test_source_ids_are_stable_and_hold_no_name() -> None:
    assert source_id_of(Path("/docs/p.txt"), "main") == source_id_of(Path("/docs/p.txt"), "main")
    assert source_id_of(Path("/docs/p.txt"), "main") != source_id_of(Path("/docs/p.txt"), "work")
    assert int(source_id_of(Path("/docs/caf\udce9.txt"), "main"), 16)


def test_below_means_the_folder_and_not_the_name() -> None:
    assert is_below(DOCS / "a" / "p.txt", {"/docs"})
    assert is_below(DOCS, {"/docs"})
    assert not is_below(Path("/docs-old/p.txt"), {"/docs"})


roots = st.builds(
    Root,
    st.sampled_from([Path("/"), DOCS, DOCS / "a", DOCS / "a" / "b", Path("/other")]),
    st.sampled_from(["main", "work"]),
    st.sampled_from([(), ("*.md",)]),
)


@given(st.lists(roots))
def test_merged_roots_cover_the_same_folders_once(given_roots: list[Root]) -> None:
    latest = {(root.path, root.collection): root for root in given_roots}.values()
    merged = merge_roots(given_roots)
    for root in latest:
        above = [other for other in merged if replace(other, path=root.path) == root and is_below(root.path, {str(other.path)})]
        assert len(above) == 1
    assert set(merged) <= set(latest)
    assert merge_roots(merged) == merged == merge_roots(list(latest)[::-1])


def test_of_two_roots_for_one_folder_the_last_ones_rules_hold() -> None:
    assert merge_roots([Root(DOCS, "main"), Root(DOCS, "main", ("*.md",))]) == (Root(DOCS, "main", ("*.md",)),)


def test_what_was_left_out_stays_left_out_when_a_folder_is_named_again() -> None:
    known = [Root(DOCS, "main", exclude=("/taxes",))]
    assert keep_excludes([Root(DOCS, "main")], known) == (Root(DOCS, "main", exclude=("/taxes",)),)
    assert keep_excludes([Root(DOCS, "main", exclude=("*.log",))], known) == (Root(DOCS, "main", exclude=("*.log",)),)
    assert keep_excludes([Root(DOCS / "taxes", "main")], known) == (Root(DOCS / "taxes", "main"),)
