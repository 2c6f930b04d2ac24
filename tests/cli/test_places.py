"""What a person types for a place."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragcli.cli.showing.places import split_place, touches
from ragcli.types import Locator


@pytest.mark.parametrize(
    ("text", "path", "lines"),
    [
        ("/a/b.md", "/a/b.md", None),
        ("/a/b.md:12", "/a/b.md", (12, 12)),
        ("/a/b.md:12-14", "/a/b.md", (12, 14)),
        ("/a/b:c.md", "/a/b:c.md", None),
        ("/a/b.md:", "/a/b.md:", None),
        (":3", ":3", None),
    ],
)
def test_split(text: str, path: str, lines: tuple[int, int] | None) -> None:
    assert split_place(text) == (Path(path).absolute(), lines)


def test_a_file_of_that_very_name_comes_first(tmp_path: Path) -> None:
    (tmp_path / "a:12").write_text("")
    assert split_place(f"{tmp_path}/a:12") == (tmp_path / "a:12", None)


def test_what_our_own_output_says_can_be_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert split_place("./a.md:3-4") == (tmp_path / "a.md", (3, 4))


def test_touching() -> None:
    assert touches(Locator(lines=(3, 6)), (6, 9))
    assert not touches(Locator(lines=(3, 6)), (7, 9))
    assert not touches(Locator(page=1), (1, 1))
    assert not touches(Locator(lines=(3, 6), member="inner.txt"), (3, 6))
    assert touches(Locator(page=1), None)
