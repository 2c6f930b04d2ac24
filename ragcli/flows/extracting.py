"""The flow behind ``eval`` of an extraction set: whether what must be found in messy files is found."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragcli.errors import SourceError
from ragcli.ports import Reader
from ragcli.types import (
    Document,
    EvaluationEvent,
    EvaluationFinished,
    EvaluationProgressed,
    FileStamp,
    Unreadable,
)

FOLDED = str.maketrans({"\u00ad": None, "\u00a0": " ", "\u202f": " "})
"""Soft hyphens and non-breaking spaces: how a text was set, not what it says."""


@dataclass(frozen=True, slots=True)
class ExpectedFile:
    """One line of a set's ``manifest.jsonl``."""

    file: str
    tier: str
    strings: tuple[str, ...]


def read_manifest(folder: Path) -> list[ExpectedFile]:
    """The files of the set and the strings that reading them should yield: ``must``, and outside the core ``nice`` too.

    Raises SourceError ``path-unreadable``.
    """
    lines = (folder / "manifest.jsonl").read_text(encoding="utf-8").split("\n")
    try:
        return [_expected(json.loads(line)) for line in lines if line.strip()]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        hint = 'each line is an object with "file", "tier" and "must"'
        raise SourceError("path-unreadable", "a line of manifest.jsonl describes no file", hint=hint) from error


def _expected(line: Mapping[str, Any]) -> ExpectedFile:
    wanted = [*line.get("must", ()), *(line.get("nice", ()) if line.get("tier") != "core" else ())]
    return ExpectedFile(line["file"], line["tier"], tuple(wanted))


def evaluate_extraction(folder: Path, reader: Reader) -> Iterator[EvaluationEvent]:
    """Progress for each file, then the report: by tier how many strings were found, and which were missed.

    Raises SourceError: ``path-unreadable``, or ``path-missing`` if a file of the manifest is not there.
    """
    expected = read_manifest(folder)
    stamps = {entry.file: _stamp(folder / "corpus" / entry.file) for entry in expected}
    results: dict[Path, Document | Unreadable] = {}
    for stamp, result in reader.read(list(stamps.values())):
        results[stamp.path] = result
        yield EvaluationProgressed(len(results), len(expected), stamp.path.name)
    yield EvaluationFinished(
        {
            "set": folder.name,
            "n": len(expected),
            "extraction": extraction_of(expected, {name: results[stamp.path] for name, stamp in stamps.items()}),
        }
    )


def extraction_of(
    expected: Sequence[ExpectedFile], results: Mapping[str, Document | Unreadable]
) -> Mapping[str, Mapping[str, object]]:
    """By tier: strings found and looked for, what was missed, and the files that were skipped with their reasons."""
    tiers: dict[str, dict[str, Any]] = defaultdict(
        lambda: {"files": 0, "read": 0, "found": 0, "total": 0, "missed": [], "skipped": {}}
    )
    for entry in expected:
        tier, result = tiers[entry.tier], results[entry.file]
        tier["files"] += 1
        tier["total"] += len(entry.strings)
        missed = list(entry.strings)
        if isinstance(result, Document):
            tier["read"] += 1
            text = fold(result.text)
            missed = [wanted for wanted in entry.strings if fold(wanted) not in text]
        else:
            tier["skipped"][entry.file] = result.reason
        tier["found"] += len(entry.strings) - len(missed)
        tier["missed"] += [f"{entry.file}: {wanted}" for wanted in missed]
    return dict(tiers)


def fold(text: str) -> str:
    """The text with each run of white space as one space, without soft hyphens."""
    return " ".join(text.translate(FOLDED).split())


def _stamp(path: Path) -> FileStamp:
    try:
        status = path.stat()
    except OSError as error:
        message = f"the manifest names {path.name}, which is not there"
        raise SourceError("path-missing", message, hint="a set has corpus/ and manifest.jsonl") from error
    return FileStamp(path, status.st_size, status.st_mtime_ns, status.st_ino)
