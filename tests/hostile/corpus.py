"""The hostile corpus: one folder for each bad thing, and 50 good files between them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.hostile import bombs, damage, filesystem, markup
from tests.hostile.cases import SECRET_MARKER, Case
from tests.hostile.documents import MARKERS, good_files


@dataclass(frozen=True, slots=True)
class Corpus:
    tree: Path
    bad: dict[Path, Case]
    good: dict[Path, str]
    """Each good file with the word that only it has."""


def all_cases(folder: Path, *, full: bool) -> Sequence[Case]:
    secret_file = os.fspath(folder / markup.STOLEN)
    every = [*damage.cases(), *bombs.cases(), *markup.cases(secret_file), *filesystem.cases()]
    return [each for each in every if full or not each.is_heavy]


def build(folder: Path, *, full: bool) -> Corpus:
    """Everything is below ``folder / "tree"``; read in path order, a good file comes after every few bad ones."""
    tree = folder / "tree"
    (folder / markup.STOLEN).write_text(SECRET_MARKER, encoding="utf-8")
    cases = all_cases(folder, full=full)
    bad = {}
    for number, each in enumerate(cases):
        path = tree / f"{number:03}" / each.name
        path.parent.mkdir(parents=True)
        each.make(path)
        bad[path] = each
    good = {}
    for number, (name, content) in good_files().items():
        place = tree / f"{number * len(cases) // len(MARKERS):03}-good"
        place.mkdir()
        (place / name).write_bytes(content)
        good[place / name] = MARKERS[number]
    return Corpus(tree, bad, good)
