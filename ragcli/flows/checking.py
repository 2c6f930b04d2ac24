"""The doctor: what is known of the machine and the index → findings, each with the command that mends it.

It gets values and changes nothing, but for one probe file that it makes and removes in the data folder.
It knows no library and no model; who calls it tells which are there.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ragcli.types import Finding, InstalledModel, SealState, StoreStats, WatchHealth

OLDEST_PYTHON = (3, 11)
SILENT_SECONDS = 300.0
"""A watcher speaks every half minute, but not while it makes a large index small."""
LOW_DISK = 2 * 1024**3
"""Bytes: room for the largest default model and an index beside it."""

SYNCED_NAMES: Mapping[str, str] = {
    "cloudstorage": "a cloud drive",
    "dropbox": "Dropbox",
    "google drive": "Google Drive",
    "googledrive": "Google Drive",
    "icloud drive": "iCloud",
    "mobile documents": "iCloud",
    "my drive": "Google Drive",
    "nextcloud": "Nextcloud",
    "onedrive": "OneDrive",
    "owncloud": "ownCloud",
    "pcloud": "pCloud",
    "syncthing": "Syncthing",
}
"""How sync clients name their folders: the start of a folder's name, lower case."""
SYNC_MARKS: Mapping[str, str] = {
    ".stfolder": "Syncthing",
    ".dropbox.cache": "Dropbox",
    ".sync_*.db": "Nextcloud",
    "._sync_*.db": "ownCloud",
    ".tmp.driveupload": "Google Drive",
    ".sync/ID": "Resilio Sync",
}
"""What sync clients leave at the top of the folders that they sync, whatever these are called."""


@dataclass(frozen=True, slots=True)
class FolderState:
    """What the machine says of the data folder. ``mode`` is None where there is no folder yet."""

    path: Path
    mode: int | None
    mine: bool
    free_bytes: int
    hard_links: bool | None
    """Whether a hard link can be made in it; None where that was not tried."""


@dataclass(frozen=True, slots=True)
class Terminal:
    interactive: bool
    encoding: str


def look_at_folder(path: Path) -> FolderState:
    """The folder's state. Makes two names for one empty file in it and removes both."""
    nearest = next(folder for folder in (path, *path.parents) if folder.exists())
    free = shutil.disk_usage(nearest).free
    if nearest != path:
        return FolderState(path, None, True, free, None)
    status = path.stat()
    mine = not hasattr(os, "getuid") or status.st_uid == os.getuid()
    return FolderState(path, stat.S_IMODE(status.st_mode), mine, free, _hard_links_work(path))


def _hard_links_work(folder: Path) -> bool | None:
    try:
        with tempfile.TemporaryDirectory(prefix=".probe-", dir=folder) as probe:
            first = Path(probe, "first")
            first.touch()
            try:
                Path(probe, "second").hardlink_to(first)
            except OSError:
                return False
    except OSError:
        return None
    return True


@dataclass(frozen=True, slots=True)
class MemoryState:
    """Bytes of main memory: all, and what programs could have now (all of it where the system does not say)."""

    total: int
    available: int


def look_at_memory() -> MemoryState | None:
    """None where the system tells nothing."""
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        available = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return MemoryState(total, total)
    return MemoryState(total, available)


def look_at_terminal() -> Terminal:
    return Terminal(sys.stdout.isatty(), (sys.stdout.encoding or "").lower())


def check_machine(
    *,
    seal: SealState,
    airgap: str,
    models: Sequence[InstalledModel],
    embedder: str,
    llm: str,
    engines: Mapping[str, str],
    stats: StoreStats | None,
    folder: FolderState,
    terminal: Terminal,
    watcher: WatchHealth | None = None,
    memory: MemoryState | None = None,
    memory_needed: int = 0,
    recognizes_scans: bool = True,
    python: tuple[int, ...] = sys.version_info[:3],
) -> Iterator[Finding]:
    """One finding or more for each thing that ragcli needs.

    ``embedder`` and ``llm`` are the configured names, ``auto`` meaning any. ``engines`` maps each engine to why it
    cannot be used, an empty text if it can. ``stats`` is None while there is no index. ``memory_needed`` is in bytes, that of
    the language model in use; 0 if not known. ``recognizes_scans`` is whether the extra for it is installed.
    """
    yield check_python(python)
    yield check_seal(seal, airgap)
    yield check_model(models, "embedder", embedder)
    yield check_model(models, "llm", llm)
    yield check_engines(engines)
    yield check_memory(memory, memory_needed)
    yield check_index(stats, embedder)
    if stats and not recognizes_scans and (scans := stats.reasons.get("no_text_layer")):
        yield check_scans(scans)
    yield check_watcher(watcher, time.time())
    yield check_permissions(folder)
    yield check_synced(folder.path)
    yield check_disk(folder)
    yield check_hard_links(folder)
    yield check_terminal(terminal)


def check_python(version: tuple[int, ...]) -> Finding:
    shown = ".".join(map(str, version))
    if version[:2] >= OLDEST_PYTHON:
        return Finding("python", "ok", shown)
    return Finding("python", "error", f"{shown} is too old", "install Python 3.11 or newer")


def check_seal(seal: SealState, airgap: str) -> Finding:
    if seal.kind != "none":
        return Finding("network", "ok", f"the kernel refuses network sockets ({seal.kind}: {seal.detail})")
    level = "error" if airgap == "require" else "warning"
    return Finding("network", level, f"not sealed: {seal.detail}", "ragcli doctor --offline-proof shows what is open")


def check_model(models: Sequence[InstalledModel], role: str, wanted: str) -> Finding:
    name = "embedder" if role == "embedder" else "language model"
    fitting = [model for model in models if model.role == role and wanted in ("auto", model.name)]
    if fitting:
        return Finding(name, "ok", ", ".join(f"{model.name} ({_size(model.size)})" for model in fitting))
    if wanted == "auto":
        return Finding(name, "error", "none is installed", "ragcli models list shows what can be pulled")
    return Finding(name, "error", f"{wanted} is not installed", f"ragcli models pull {wanted}")


def check_engines(engines: Mapping[str, str]) -> Finding:
    usable = [name for name, trouble in engines.items() if not trouble]
    broken = "; ".join(f"{name}: {trouble}" for name, trouble in engines.items() if trouble)
    if usable:
        return Finding("engine", "ok", ", ".join(usable) + (f" (not {broken})" if broken else ""))
    return Finding("engine", "error", broken or "no engine is known", "pip install --force-reinstall xllamacpp")


def check_memory(memory: MemoryState | None, needed: int) -> Finding:
    if memory is None:
        return Finding("memory", "ok", "the system does not tell how much there is")
    shown = f"{_size(memory.available)} of {_size(memory.total)} free"
    if needed <= memory.available:
        return Finding("memory", "ok", shown + (f"; the language model needs {_size(needed)}" if needed else ""))
    message, smaller = f"{shown}, but the language model needs {_size(needed)}", "take a smaller model: ragcli models list"
    if needed > memory.total:
        return Finding("memory", "error", message, smaller)
    return Finding("memory", "warning", message, f"end other programs, or {smaller}")


def check_index(stats: StoreStats | None, embedder: str) -> Finding:
    if stats is None or not stats.sources:
        return Finding("index", "warning", "nothing is indexed yet", "ragcli index FOLDER")
    shown = f"{stats.sources} sources, {stats.chunks} chunks, {_size(stats.bytes_on_disk)}"
    maker = stats.identity.embedder if stats.identity else embedder
    if maker != embedder:
        hint = f"ragcli config set models.embedder {maker}, or rebuild with: ragcli index --force"
        return Finding("index", "error", f"{shown}; made with {maker}, but the embedder is {embedder}", hint)
    if stats.skipped:
        return Finding("index", "ok", f"{shown}, {stats.skipped} skipped", "ragcli status says why")
    return Finding("index", "ok", shown)


def check_scans(count: int) -> Finding:
    message = f"{count} files hold only pictures of text, and the extra that reads them is not installed"
    return Finding("scans", "warning", message, "pip install -c constraints.txt '.[ocr]', then ragcli index")


def check_watcher(watcher: WatchHealth | None, now: float) -> Finding:
    """Whether a watcher does what it should. ``now`` is in seconds since 1970."""
    if watcher is None:
        return Finding("watcher", "ok", "none is running; ragcli watch keeps the index up to date")
    name = f"process {watcher.process}"
    if not watcher.alive:
        hint = "start it again: ragcli watch, or as a service: ragcli watch --install"
        return Finding("watcher", "warning", f"the last one ({name}) ended without a word", hint)
    silent = now - watcher.said
    if silent > SILENT_SECONDS:
        hint = f"end it and start it again: kill {watcher.process}; ragcli watch"
        return Finding("watcher", "warning", f"{name} has said nothing for {silent / 60:.0f} minutes", hint)
    if watcher.trouble:
        return Finding("watcher", "warning", f"{name}: {watcher.trouble}", "ragcli index takes up what it may have missed")
    looked = f", looked {now - watcher.looked:.0f} s ago" if watcher.looked else ""
    return Finding("watcher", "ok", f"{name}, {watcher.state}{looked}")


def check_permissions(folder: FolderState) -> Finding:
    path = folder.path
    if folder.mode is None:
        return Finding("privacy", "ok", f"{path} will be made, for you alone")
    if not folder.mine:
        return Finding("privacy", "error", f"{path} belongs to another user", "set RAGCLI_HOME to a folder of your own")
    if folder.mode & 0o077 and os.name == "posix":
        return Finding("privacy", "error", f"others can open {path} (mode {folder.mode:04o})", f"chmod 700 '{path}'")
    return Finding("privacy", "ok", f"only you can open {path}")


def check_synced(path: Path) -> Finding:
    service = synced_by(path)
    if service:
        hint = "set RAGCLI_HOME to a folder that is not synced"
        return Finding("sync", "error", f"{path} is in a folder of {service}, which would upload the index", hint)
    return Finding("sync", "ok", "the data folder is in no known sync folder")


def synced_by(path: Path) -> str:
    """The service whose folder the path is in, by its name or by the marks that sync clients leave; empty if in none."""
    for part in (part.lower() for part in path.parts):
        for name, service in SYNCED_NAMES.items():
            if part.startswith(name):
                return service
    for folder in (path, *path.parents):
        for mark, service in SYNC_MARKS.items():
            if any(folder.glob(mark)):
                return service
    return ""


def check_disk(folder: FolderState) -> Finding:
    free = _size(folder.free_bytes)
    if folder.free_bytes < LOW_DISK:
        return Finding("disk", "warning", f"only {free} free", "free some space, or set RAGCLI_HOME to another disk")
    return Finding("disk", "ok", f"{free} free")


def check_hard_links(folder: FolderState) -> Finding:
    if folder.hard_links is None:
        return Finding("file system", "ok", "not tried: the data folder is not there yet or cannot be written")
    if folder.hard_links:
        return Finding("file system", "ok", "hard links work")
    message = f"{folder.path} allows no hard links, so the index cannot be written"
    return Finding("file system", "error", message, "set RAGCLI_HOME to a local disk (not exFAT or a network drive)")


def check_terminal(terminal: Terminal) -> Finding:
    if not terminal.interactive:
        return Finding("terminal", "ok", "output is not a terminal: plain text")
    if "utf" not in terminal.encoding:
        return Finding("terminal", "warning", f"its encoding is {terminal.encoding or 'unknown'}", "export LC_ALL=C.UTF-8")
    return Finding("terminal", "ok", terminal.encoding)


def _size(number: int) -> str:
    amount = float(number)
    for unit in ("B", "KB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"
