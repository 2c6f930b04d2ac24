"""What must be found in messy files is looked for in what was read of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ragcli.errors import SourceError
from ragcli.flows.extracting import evaluate_extraction, fold, read_manifest
from ragcli.types import EvaluationFinished, EvaluationProgressed
from tests.fakes.reader import FakeReader

MANIFEST = [
    {"file": "core/a.txt", "tier": "core", "must": ["soft hyphen", "two words", "absent"], "nice": ["not asked"]},
    {"file": "nice/b.txt", "tier": "nice", "must": ["here"], "nice": ["bonus"]},
    {"file": "ocr/scan.pdf", "tier": "ocr", "must": [], "nice": []},
]
TEXTS = {"core/a.txt": "A soft hy\u00adphen and two\u00a0\n words.", "nice/b.txt": "here is a bonus"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for entry in MANIFEST:
        file = tmp_path / "corpus" / str(entry["file"])
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("bytes")
    (tmp_path / "manifest.jsonl").write_text("\n".join(map(json.dumps, MANIFEST)) + "\n")
    return tmp_path


def reader_of(folder: Path) -> FakeReader:
    texts = {folder / "corpus" / name: text for name, text in TEXTS.items()}
    return FakeReader(texts, broken={folder / "corpus/ocr/scan.pdf": "no_text_layer"})


def test_by_tier_it_is_told_what_was_found_missed_and_skipped(folder: Path) -> None:
    *signs, last = evaluate_extraction(folder, reader_of(folder))
    assert signs == [EvaluationProgressed(n, 3, name) for n, name in enumerate(["a.txt", "b.txt", "scan.pdf"], 1)]
    assert isinstance(last, EvaluationFinished)
    assert last.report == {
        "set": folder.name,
        "n": 3,
        "extraction": {
            "core": {"files": 1, "read": 1, "found": 2, "total": 3, "missed": ["core/a.txt: absent"], "skipped": {}},
            "nice": {"files": 1, "read": 1, "found": 2, "total": 2, "missed": [], "skipped": {}},
            "ocr": {"files": 1, "read": 0, "found": 0, "total": 0, "missed": [], "skipped": {"ocr/scan.pdf": "no_text_layer"}},
        },
    }


def test_how_a_text_was_set_does_not_count() -> None:
    assert fold(" A\u202ftext\u00a0of\n\n  hy\u00adphens\t") == "A text of hyphens"


@pytest.mark.parametrize("line", ["no json", "[]", '{"tier": "core"}'])
def test_a_line_that_describes_no_file_is_an_error(folder: Path, line: str) -> None:
    (folder / "manifest.jsonl").write_text(line)
    with pytest.raises(SourceError) as raised:
        read_manifest(folder)
    assert raised.value.slug == "path-unreadable"


def test_a_file_that_is_not_there_is_an_error(folder: Path) -> None:
    (folder / "corpus/core/a.txt").unlink()
    with pytest.raises(SourceError, match=r"a\.txt") as raised:
        list(evaluate_extraction(folder, reader_of(folder)))
    assert raised.value.slug == "path-missing"
