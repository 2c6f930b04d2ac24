"""A source of models that lies on no network: files are made from the catalog entry's own description."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from ragcli.catalog import CatalogModel


class LocalDownloads:
    """Offers the given files; fails once, half-way, for each exception it is given."""

    def __init__(self, files: Mapping[str, bytes], *failures: Exception) -> None:
        self.files = dict(files)
        self.failures = list(failures)
        self.fetched: list[str] = []
        """Which files were fetched, each time they were."""

    def fetch(self, entry: CatalogModel, folder: Path) -> Iterator[tuple[int, int]]:
        total, done = sum(map(len, self.files.values())), 0
        for number, (path, content) in enumerate(self.files.items()):
            kept = folder / f"piece-{number}"
            if not kept.exists():
                self.fetched.append(path)
                kept.write_bytes(content)
            done += len(content)
            yield done, total
            if self.failures:
                raise self.failures.pop(0)

    def unpack(self, entry: CatalogModel, folder: Path, staging: Path) -> Iterator[tuple[int, int]]:
        total, done = sum(map(len, self.files.values())), 0
        for number, (path, content) in enumerate(self.files.items()):
            (staging / path).parent.mkdir(parents=True, exist_ok=True)
            (staging / path).write_bytes((folder / f"piece-{number}").read_bytes())
            done += len(content)
            yield done, total

    def describe_source(self, entry: CatalogModel, folder: Path) -> str:
        return entry.source
