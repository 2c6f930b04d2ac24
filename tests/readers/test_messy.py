"""Real files of 25 formats from other projects' test sets, read in place; skipped where they are absent."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from ragcli.adapters.readers.worker import WorkerReader, recognizes_scans
from ragcli.types import Document, FileStamp, Unreadable
from tests.contracts.test_reader import assert_sound

MESSY = Path(os.environ.get("RAGCLI_TEST_DATA") or Path(__file__).parents[3] / "shared" / "data") / "messy"
Row = tuple[dict[str, Any], Document | Unreadable]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Each line of the manifest with what the reader made of its file."""
    if not (MESSY / "manifest.jsonl").exists():
        pytest.skip("no evaluation data beside the repository: set RAGCLI_TEST_DATA")
    entries = [json.loads(line) for line in (MESSY / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    reader = WorkerReader()
    try:
        stamps = [FileStamp(MESSY / "corpus" / entry["file"], 0, 0, 0) for entry in entries]
        return [(entry, result) for entry, (_, result) in zip(entries, reader.read(stamps), strict=True)]
    finally:
        reader.close()


def of_tier(rows: list[Row], tier: str, least: int) -> list[Row]:
    chosen = [row for row in rows if row[0]["tier"] == tier]
    assert len(chosen) >= least
    return chosen


def missed(row: Row, key: str) -> list[str]:
    entry, result = row
    text = result.text if isinstance(result, Document) else ""
    plain = re.sub(r"\s+", " ", text.replace("\xad", "").replace("\xa0", " "))
    return [f"{entry['file']}: {wanted}" for wanted in entry[key] if wanted not in plain]


def test_everything_that_core_files_must_yield_is_found(rows: list[Row]) -> None:
    assert [text for row in of_tier(rows, "core", 55) for text in missed(row, "must")] == []


def test_broken_and_hostile_files_are_survived_and_named(rows: list[Row]) -> None:
    robust = of_tier(rows, "robust", 8)
    assert [text for row in robust for text in missed(row, "must")] == []
    reasons = {entry["file"]: result.reason for entry, result in robust if isinstance(result, Unreadable)}
    assert "crashed" not in reasons.values()
    assert reasons["robust/libreoffice-writer-password.pdf"] == "encrypted"
    assert reasons["robust/testEXCEL_protected_passtika.xlsx"] == "encrypted"


def test_scans_are_told_from_texts(rows: list[Row]) -> None:
    ((_, result),) = of_tier(rows, "ocr", 1)
    if recognizes_scans():
        assert isinstance(result, Document)
        assert [block.locator.page for block in result.blocks if "Background" in result.text[block.start : block.end]]
    else:
        assert isinstance(result, Unreadable)
        assert result.reason == "no_text_layer"


def test_old_binary_formats_are_read(rows: list[Row]) -> None:
    assert [text for row in of_tier(rows, "legacy", 2) for text in missed(row, "nice")] == []


def test_what_only_a_rich_reader_yields_is_found(rows: list[Row]) -> None:
    assert [text for row in of_tier(rows, "nice", 7) for text in missed(row, "nice")] == []


def test_every_document_is_sound(rows: list[Row]) -> None:
    documents = [result for _, result in rows if isinstance(result, Document)]
    assert len(documents) >= 60
    for document in documents:
        assert_sound(document)
