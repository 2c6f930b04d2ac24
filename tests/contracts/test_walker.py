"""What every walker keeps: the fake one that flows are tested with, and the real one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ragcli.adapters.files import RignoreWalker
from ragcli.ports import Walker
from ragcli.types import Root
from tests.fakes.walker import FakeWalker

Make = Callable[[dict[str, str]], Walker]


@pytest.fixture(params=["fake", "real"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Makes a walker over a tree that holds these files (relative name → text)."""

    def make_walker(tree: dict[str, str]) -> Walker:
        if request.param == "fake":
            return FakeWalker({tmp_path / name: text for name, text in tree.items()})
        for name, text in tree.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        return RignoreWalker()

    return make_walker


TREE = {"b.txt": "two", "a.txt": "one", "notes/deep/c.md": "three", "notes/d.md": "four"}


def root(path: Path) -> Root:
    return Root(path, "main")


def test_every_file_below_a_root_comes_once_in_path_order(make: Make, tmp_path: Path) -> None:
    walked = make(TREE).walk([root(tmp_path)])
    assert [str(stamp.path.relative_to(tmp_path)) for stamp in walked.stamps] == sorted(TREE)
    assert [stamp.path for stamp in walked.stamps] == sorted(stamp.path for stamp in walked.stamps)


def test_paths_are_absolute_and_sizes_true(make: Make, tmp_path: Path) -> None:
    walked = make(TREE).walk([root(tmp_path)])
    assert all(stamp.path.is_absolute() for stamp in walked.stamps)
    sizes = {str(stamp.path.relative_to(tmp_path)): stamp.size for stamp in walked.stamps}
    assert sizes == {name: len(text) for name, text in TREE.items()}


def test_roots_that_overlap_give_each_file_once(make: Make, tmp_path: Path) -> None:
    walked = make(TREE).walk([root(tmp_path / "notes"), root(tmp_path), root(tmp_path / "a.txt")])
    assert len(walked.stamps) == len(TREE)


def test_a_root_may_be_a_file(make: Make, tmp_path: Path) -> None:
    walked = make(TREE).walk([root(tmp_path / "a.txt")])
    assert [stamp.path for stamp in walked.stamps] == [tmp_path / "a.txt"]


def test_a_root_that_is_not_there_is_named(make: Make, tmp_path: Path) -> None:
    walked = make(TREE).walk([root(tmp_path / "gone"), root(tmp_path / "a.txt")])
    assert walked.missing_roots == (tmp_path / "gone",)
    assert len(walked.stamps) == 1


def test_two_walks_over_the_same_files_are_equal(make: Make, tmp_path: Path) -> None:
    walker = make(TREE)
    assert walker.walk([root(tmp_path)]) == walker.walk([root(tmp_path)])


def test_no_roots_no_files(make: Make) -> None:
    assert make(TREE).walk([]).stamps == ()
