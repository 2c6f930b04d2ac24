"""The flow of ``models pull``: say what will come, fetch it, verify it, prepare it for an engine, install it whole.

The only flow that runs with the network open. Knows the order of things; the ports know how.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from ragcli.catalog import CatalogModel
from ragcli.errors import ModelError, StoreError
from ragcli.types import InstalledModel, PullEvent, PullFinished, PullPlanned, PullProgressed, Role

SPACE = 2.1
"""What was fetched and what is put together from it lie side by side for a while."""
CONVERSION_BYTES = 5
"""For each parameter: four while the weights are in full, and what is left of it in 4-bit."""


class Downloads(Protocol):
    def fetch(self, entry: CatalogModel, folder: Path) -> Iterator[tuple[int, int]]:
        """Bytes done and in all; afterwards everything that the entry's source offers is below ``folder``."""
        ...

    def unpack(self, entry: CatalogModel, folder: Path, staging: Path) -> Iterator[tuple[int, int]]:
        """Bytes done and in all; afterwards ``staging`` holds the model's files, verified."""
        ...

    def describe_source(self, entry: CatalogModel, folder: Path) -> str: ...


class Models(Protocol):
    def find(self, name: str) -> InstalledModel: ...

    def gate(self, model: InstalledModel) -> None: ...

    def verify(self, model: InstalledModel) -> None: ...

    def free_bytes(self) -> int: ...

    def workplace(self, name: str) -> AbstractContextManager[Path]: ...

    def stage(self, workplace: Path, model: InstalledModel | None = None) -> Path: ...

    def make_tokenizer(self, staging: Path, name: str) -> None: ...

    def convert_to_mlx(self, staging: Path, name: str) -> None: ...

    def install(
        self,
        staging: Path,
        *,
        name: str,
        role: Role,
        format: str,
        source: str,
        licence: str,
    ) -> InstalledModel: ...


def pull_model(entry: CatalogModel, folder: Models, downloads: Downloads, *, for_mlx: bool = False) -> Iterator[PullEvent]:
    """The model is installed and verified, with a conversion for the MLX engine if ``for_mlx`` and it is a GGUF file.

    An installed model that is whole is not fetched again. Stopped at any point, the next call goes on from there.
    Raises ModelError: ``download-failed``, ``digest-mismatch``, ``model-refused``, ``conversion-failed``,
    ``engine-missing``; StoreError ``disk-full``.
    """
    convert = for_mlx and entry.format == "gguf"
    present = _find_whole(entry, folder)
    if present and (present.mlx_folder or not convert):
        yield PullFinished(present, already_here=True)
        return
    yield PullPlanned(entry.name, 0 if present else entry.download, entry.source, entry.licence)
    with folder.workplace(entry.name) as workplace:
        staging, source = folder.stage(workplace, present), present.source if present else ""
        if not present:
            yield from _fetch(entry, folder, downloads, workplace, convert=convert)
            for done, total in downloads.unpack(entry, workplace, staging):
                yield PullProgressed(done, total, "unpack")
            source = downloads.describe_source(entry, workplace)
        yield from _prepare(entry, folder, staging, fresh=present is None, convert=convert)
        model = folder.install(
            staging, name=entry.name, role=entry.role, format=entry.format, source=source, licence=entry.licence
        )
    folder.gate(model)
    yield PullFinished(model)


def _find_whole(entry: CatalogModel, folder: Models) -> InstalledModel | None:
    """The installed model if every byte of it is right; one that is not will be replaced."""
    try:
        model = folder.find(entry.name)
        folder.verify(model)
    except ModelError:
        return None
    return model


def _fetch(
    entry: CatalogModel, folder: Models, downloads: Downloads, workplace: Path, *, convert: bool
) -> Iterator[PullProgressed]:
    """Checks the space before the first byte, and again when the source tells the exact size."""
    expected = 0
    kept = sum(path.stat().st_size for path in workplace.rglob("*") if path.is_file())
    _check_space(entry, folder, entry.download, kept, convert=convert)
    for done, total in downloads.fetch(entry, workplace):
        if total != expected:
            expected = total
            _check_space(entry, folder, total, max(kept, done), convert=convert)
        yield PullProgressed(done, total, "download")


def _check_space(entry: CatalogModel, folder: Models, size: int, kept: int, *, convert: bool) -> None:
    need = int(size * SPACE) - kept + (entry.parameters * CONVERSION_BYTES if convert else 0)
    free = folder.free_bytes()
    if free < need:
        message = f"{entry.name} needs {_megabytes(need)} of free space while it is installed, and there are {_megabytes(free)}"
        hint = f"free {_megabytes(need - free)}, or move everything with RAGCLI_HOME, then ragcli models pull {entry.name}"
        raise StoreError("disk-full", message, hint=hint)


def _megabytes(count: int) -> str:
    return f"{max(1, count // 1_000_000):,} MB"


def _prepare(entry: CatalogModel, folder: Models, staging: Path, *, fresh: bool, convert: bool) -> Iterator[PullProgressed]:
    if fresh and entry.format == "gguf":
        yield PullProgressed(0, 0, "tokenizer")
        folder.make_tokenizer(staging, entry.name)
    if convert:
        yield PullProgressed(0, 0, "convert")
        folder.convert_to_mlx(staging, entry.name)
