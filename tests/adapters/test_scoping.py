"""Which files a scope admits."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.adapters.scoping import ScopeFilter
from ragcli.types import Scope

ROOT = Path("/home/ann/Documents")


def admits(glob: str, path: str, root: Path = ROOT) -> bool:
    return ScopeFilter(Scope(globs=(glob,)), [root]).admits(path, "main", 0)


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("tea.md", "/home/ann/Documents/tea.md"),
        ("*.md", "/home/ann/Documents/deep/down/tea.md"),
        ("notes", "/home/ann/Documents/notes/tea.md"),
        ("notes/", "/home/ann/Documents/notes/tea.md"),
        ("Documents", "/home/ann/Documents/tea.md"),
        ("notes/2024", "/home/ann/Documents/old/notes/2024/tea.md"),
        ("Documents/notes", "/home/ann/Documents/notes/tea.md"),
        ("notes/**/*.md", "/home/ann/Documents/notes/tea.md"),
        ("notes/**/*.md", "/home/ann/Documents/notes/a/b/tea.md"),
        ("**/tea.md", "/home/ann/Documents/tea.md"),
        ("/home/ann/Documents", "/home/ann/Documents/tea.md"),
        ("/home/*/Documents", "/home/ann/Documents/tea.md"),
        ("/home/**", "/home/ann/Documents/tea.md"),
        ("/", "/home/ann/Documents/tea.md"),
        ("t?a.[mM]d", "/home/ann/Documents/tea.Md"),
        ("[!a]*", "/home/ann/Documents/tea.md"),
        ("a[1].md", "/home/ann/Documents/a1.md"),
        ("[z-a]", "/home/ann/Documents/[z-a]"),
        ("a[", "/home/ann/Documents/a["),
        ("line*break", "/home/ann/Documents/line\nbreak"),
        ("stdin", "stdin"),
    ],
)
def test_admitted(glob, path):
    assert admits(glob, path)


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("tea", "/home/ann/Documents/tea.md"),
        ("home", "/home/ann/Documents/tea.md"),
        ("ann", "/home/ann/Documents/tea.md"),
        ("note", "/home/ann/Documents/notes/tea.md"),
        ("notes/*.md", "/home/ann/Documents/notes/deep/tea.md"),
        ("notes/*", "/home/ann/Documents/my-notes/tea.md"),
        ("/home/ann/Doc", "/home/ann/Documents/tea.md"),
        ("/ann/Documents", "/home/ann/Documents/tea.md"),
        ("?", "/home/ann/Documents/ab"),
        ("a[!/]c", "/home/ann/Documents/a/c"),
    ],
)
def test_not_admitted(glob, path):
    assert not admits(glob, path)


def test_patterns_that_start_here_are_about_the_working_folder(tmp_path, monkeypatch):
    (tmp_path / "notes").mkdir()
    monkeypatch.chdir(tmp_path / "notes")
    inside, beside = str(tmp_path / "notes" / "a.md"), str(tmp_path / "b.md")
    for glob in (".", "./", "./*.md", "../notes"):
        assert admits(glob, inside, tmp_path)
        assert not admits(glob, beside, tmp_path)
    assert admits("..", beside, tmp_path)


def test_patterns_may_start_at_home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    assert admits("~/Documents/*.md", "/home/ann/Documents/tea.md")
    assert not admits("~/Documents/*.md", "/home/bob/Documents/tea.md")


def test_endings_are_compared_without_regard_to_case():
    scope = ScopeFilter(Scope(types=("md", ".tar.gz")))
    assert [name for name in ("A.MD", "b.tar.GZ", "c.gz", "md") if scope.admits(name, "main", 0)] == ["A.MD", "b.tar.GZ"]


def test_conditions_add_up_and_globs_do_not():
    scope = ScopeFilter(Scope(collection="work", globs=("a*", "b*"), since_ns=5), [ROOT])
    assert scope.admits(f"{ROOT}/b.md", "work", 5)
    assert not scope.admits(f"{ROOT}/b.md", "work", 4)
    assert not scope.admits(f"{ROOT}/b.md", "main", 5)
    assert not scope.admits(f"{ROOT}/c.md", "work", 5)


NAMES = st.text(st.characters(exclude_characters="/\0", codec=None), min_size=1, max_size=8).filter(
    lambda name: name not in (".", "..")
)


@given(names=st.lists(NAMES, min_size=1, max_size=4), glob=st.text("ab*?[]!-^\\/.~", max_size=8))
def test_no_pattern_is_an_error_and_every_path_admits_itself(names, glob):
    path = ROOT.joinpath(*names)
    admits(glob, str(path))
    literal = "".join(f"[{each}]" if each in "*?[" else each for each in str(path))
    assert admits(literal, str(path))
