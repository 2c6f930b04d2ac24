"""What is forgotten is gone, and stays gone when its folder is refreshed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragcli.adapters.files import RignoreWalker
from ragcli.errors import SourceError
from ragcli.flows.forgetting import forget_paths, leave_out
from ragcli.types import Indexed, IndexFinished, IndexReport, Planned, Removed, Root
from tests.fakes.desk import DOCS, Desk

FILES = {"lease.md": "The lease ends in May.", "tax/a.txt": "Income.", "tax/b.txt": "Expenses."}


@pytest.fixture
def desk() -> Desk:
    made = Desk(FILES)
    made.index("")
    return made


def test_sources_below_a_path_leave_the_index(desk: Desk) -> None:
    assert list(forget_paths([DOCS / "tax"], desk.store)) == [
        Removed(DOCS / "tax/a.txt"),
        Removed(DOCS / "tax/b.txt"),
        IndexFinished(IndexReport(removed=2)),
    ]
    assert {each.chunk.path.name for each in desk.store.chunks.values()} == {"lease.md"}
    assert desk.store.roots() == (Root(DOCS, "main", exclude=("/tax",)),)
    assert not desk.store.unfinished


def test_a_forgotten_root_is_no_root_any_more(desk: Desk) -> None:
    list(forget_paths([DOCS], desk.store))
    assert desk.store.roots() == ()
    assert desk.store.chunks == {}
    assert desk.index() == [Planned(0, 0, 0, 0, 0, {})]


def test_naming_a_forgotten_folder_brings_it_back(desk: Desk) -> None:
    list(forget_paths([DOCS / "tax"], desk.store))
    assert desk.index("tax")[1:] == [Indexed(DOCS / "tax/a.txt", 1), Indexed(DOCS / "tax/b.txt", 1)]


def test_an_index_of_another_embedder_can_be_forgotten_from(desk: Desk) -> None:
    desk.embedder.name = "another"
    *_, last = forget_paths([DOCS / "lease.md"], desk.store)
    assert last == IndexFinished(IndexReport(removed=1))


@pytest.mark.parametrize("paths", [[Path("/elsewhere")], []])
def test_what_is_not_indexed_cannot_be_forgotten(desk: Desk, paths: list[Path]) -> None:
    with pytest.raises(SourceError) as raised:
        list(forget_paths(paths, desk.store))
    assert raised.value.slug == "not-indexed"


@pytest.mark.parametrize("name", ["plain.txt", "a b [1]*?.txt", "#hash", "!bang.md", "back\\slash", "trailing ", "caf\udce9.txt"])
def test_the_rule_left_behind_names_that_file_and_no_other(tmp_path: Path, name: str) -> None:
    for each in (name, "inside", "ab 1xy.txt"):
        (tmp_path / each).write_text("x")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / name).write_text("x")
    root = leave_out(Root(tmp_path, "main"), [tmp_path / name, Path("/elsewhere/x")])
    walked = RignoreWalker().walk([root])
    found = {str(stamp.path.relative_to(tmp_path)) for stamp in walked.stamps}
    assert found == {"inside", "ab 1xy.txt", f"deep/{name}"}
    assert leave_out(root, [tmp_path / name]) == root
