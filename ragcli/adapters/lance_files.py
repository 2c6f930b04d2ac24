"""How LanceDB lays out a table's folder, as far as it takes to keep a broken version from hiding a good one."""

from __future__ import annotations

import re
from pathlib import Path

from ragcli.adapters.durability import write_durably
from ragcli.adapters.ledger import TableState

FOLDERS = ("data", "_indices", "_deletions")
"""What a manifest refers to."""
_NEWEST = 2**64 - 1
_MANIFEST = re.compile(r"([0-9]{20})\.manifest")
_TABLE = re.compile(r"chunks-([0-9]+)")
_SET_ASIDE = ".set-aside"
_MUTABLE = re.compile(r"_versions/(latest_version_hint\.json|.*\.set-aside|.*\.draft|\.tmp.*)")


def lance_folder(folder: Path, table: str) -> Path:
    return folder / f"{table}.lance"


def next_table(table: str | None) -> str:
    """A name that no table of this index has had."""
    number = _TABLE.fullmatch(table or "chunks-0")
    if number is None:
        raise ValueError("not a name of a chunk table")
    return f"chunks-{int(number[1]) + 1}"


def table_folders(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*.lance") if _TABLE.fullmatch(path.stem)]


def manifest_path(table_folder: Path, version: int) -> Path:
    # Names count down, so that the newest version is listed first.
    return table_folder / "_versions" / f"{_NEWEST - version:020}.manifest"


def manifests(table_folder: Path) -> dict[int, Path]:
    """The manifest of each version that is on disk, whole or not."""
    named = [(_MANIFEST.fullmatch(path.name), path) for path in (table_folder / "_versions").glob("*.manifest")]
    return {_NEWEST - int(match[1]): path for match, path in named if match}


def is_whole(table_folder: Path, state: TableState) -> bool:
    """The manifest of the state's version is on disk as it was written."""
    try:
        return manifest_path(table_folder, state.version).read_bytes() == state.manifest
    except FileNotFoundError:
        return False


def is_lasting(name: str) -> bool:
    """Whether a file, once written, never changes until it is removed."""
    return not _MUTABLE.fullmatch(name) and not name.startswith("_transactions/")


def return_to(table_folder: Path, state: TableState) -> None:
    """The state's version is the newest, and whole. Other manifests in its way are set aside, not deleted."""
    for version, path in manifests(table_folder).items():
        if version > state.version:
            path.replace(path.with_name(path.name + _SET_ASIDE))
    if not is_whole(table_folder, state):
        path = manifest_path(table_folder, state.version)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            path.replace(path.with_name(path.name + _SET_ASIDE))
        write_durably(path, state.manifest)


def hides_rows(table_folder: Path) -> bool:
    """Whether rows that were removed still stand in its files, with a mark beside them that they are gone."""
    return any((table_folder / "_deletions").glob("*"))


def remove_set_aside(table_folder: Path) -> None:
    for path in (table_folder / "_versions").glob(f"*{_SET_ASIDE}"):
        path.unlink(missing_ok=True)


def lay_over(overlay: Path, folder: Path, state: TableState) -> None:
    """In the overlay the state's version is the newest there is, and whole; its files are links to those of the folder."""
    shown, real = lance_folder(overlay, state.name), lance_folder(folder, state.name).absolute()
    good = manifest_path(shown, state.version)
    good.parent.mkdir(parents=True)
    good.write_bytes(state.manifest)
    for part in FOLDERS:
        (shown / part).symlink_to(real / part)
