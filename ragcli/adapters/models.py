"""The models folder: what is installed, and how a model comes in, is looked at, and goes.

``<models>/<name>/`` holds a model's files and its manifest; ``<models>/.partial/<name>/`` holds what a pull or an import
has so far. A model appears whole, by one rename, or not at all. Knows nothing of downloads; conversions run in
children of their own, which seal themselves before a model library reads a byte.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ragcli.adapters.durability import flush_entry
from ragcli.adapters.model_gate import (
    ALLOWED_SUFFIXES,
    CONVERSION,
    MANIFEST,
    check_contents,
    check_model,
    check_weights,
    describe_model,
    list_files,
    pins_of,
    record_file,
    refused,
    write_manifest,
)
from ragcli.errors import ModelError, SourceError, StoreError, UsageError
from ragcli.types import InstalledModel, Role

PARTIAL = ".partial"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
PACKAGE_ROOT = str(Path(__file__).parents[2])
"""Where a child finds this package, since ``-P`` keeps it from importing what lies in the current folder."""


class ModelFolder:
    """The models folder at ``path``, which need not exist yet."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    # ---- looking ----

    def installed(self) -> list[InstalledModel]:
        """Every model with a sound manifest, by name. Reads manifests only."""
        return [model for model in map(self._describe, self._folders()) if model is not None]

    def find(self, name: str) -> InstalledModel:
        """The installed model. Raises ModelError: ``model-missing``, or ``model-refused`` if its manifest is damaged."""
        folder = self.path / name
        if NAME.fullmatch(name) is None or not folder.is_dir():
            raise ModelError("model-missing", f"model {name} is not installed", hint=f"ragcli models pull {name}")
        return describe_model(folder)

    def gate(self, model: InstalledModel) -> None:
        """The model may be loaded: see ``model_gate.check_model``. A few milliseconds."""
        check_model(model)

    def verify(self, model: InstalledModel) -> None:
        """As ``gate``, with every digest taken anew: about a second for each gigabyte."""
        check_model(model, every_digest=True)

    def free_bytes(self) -> int:
        existing = next(folder for folder in (self.path, *self.path.parents) if folder.is_dir())
        return shutil.disk_usage(existing).free

    def _folders(self) -> list[Path]:
        if not self.path.is_dir():
            return []
        return sorted(folder for folder in self.path.iterdir() if NAME.fullmatch(folder.name) and folder.is_dir())

    def _describe(self, folder: Path) -> InstalledModel | None:
        try:
            return describe_model(folder)
        except ModelError:
            return None  # whoever asks for it by name is told why

    # ---- coming in and going ----

    @contextmanager
    def workplace(self, name: str) -> Iterator[Path]:
        """A private folder for making the model, kept for the next attempt if this one fails, gone when it is installed.

        Raises ModelError ``download-failed`` if another process is at work on the same model, StoreError ``disk-full``.
        """
        if NAME.fullmatch(name) is None:
            hint = "use lower-case letters, digits, dots and hyphens"
            raise UsageError("bad-argument", f"{name!r} cannot be the name of a model", hint=hint)
        with translate_full_disk(), self._alone(name):
            workplace = _private_folder(self.path / PARTIAL / name)
            yield workplace
            shutil.rmtree(workplace)

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        _private_folder(_private_folder(self.path) / PARTIAL)
        lock = os.open(self.path / PARTIAL / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            _lock(lock, name)
            yield
        finally:
            os.close(lock)

    def stage(self, workplace: Path, model: InstalledModel | None = None) -> Path:
        """An empty folder for the model's files, or one with the files of an installed model, at no cost of space."""
        staging = workplace / "model"
        shutil.rmtree(staging, ignore_errors=True)
        _private_folder(staging)
        if model is not None:
            for relative in model.files:
                _private_folder((staging / relative).parent)
                os.link(model.folder / relative, staging / relative)
        return staging

    def install(
        self,
        staging: Path,
        *,
        name: str,
        role: Role,
        format: str,
        source: str,
        licence: str,
    ) -> InstalledModel:
        """The staged files are the installed model ``name``, on disk, with a manifest; an older one is replaced.

        Raises ModelError: ``model-refused``, ``digest-mismatch`` if the catalog knows other files by this name.
        """
        check_contents(staging, name)
        check_weights(staging, name, list_files(staging, name))
        _make_durable(staging)
        records = {path: record_file(staging / path) for path in list_files(staging, name)}
        pins = pins_of(name)
        if any(path not in records or records[path].sha256 != sha256 for path, sha256 in pins.items()):
            message = f"these are not the files that the catalog knows as {name}"
            raise ModelError("digest-mismatch", message, hint="ragcli models import PATH --name ANOTHER-NAME")
        about = {"name": name, "role": role, "format": format, "source": source, "licence": licence}
        write_manifest(staging, {**about, "pinned": "catalog" if pins else "first-use"}, records)
        self._swap_in(staging, self.path / name)
        return describe_model(self.path / name)

    def _swap_in(self, staging: Path, target: Path) -> None:
        old = staging.with_name("old")
        shutil.rmtree(old, ignore_errors=True)
        if target.exists():
            target.replace(old)
        staging.replace(target)
        flush_entry(self.path)
        shutil.rmtree(old, ignore_errors=True)

    def remove(self, name: str) -> None:
        """The model is gone, and what an unfinished pull of it left. Raises ModelError ``model-missing``."""
        folder, partial = self.path / name, self.path / PARTIAL / name
        if NAME.fullmatch(name) is None or not (folder.is_dir() or partial.is_dir()):
            raise ModelError("model-missing", f"model {name} is not installed", hint="ragcli models list")
        with self._alone(name):
            shutil.rmtree(partial, ignore_errors=True)
            if folder.is_symlink():
                folder.unlink()
            elif folder.is_dir():
                folder.replace(partial)  # one rename: no one sees half a model
                shutil.rmtree(partial)

    def import_model(self, path: Path, name: str | None = None, role: Role | None = None) -> InstalledModel:
        """A copy of a local model is installed: a GGUF file, a sentence-transformers folder or an MLX folder.

        Files of other kinds (read-me texts, code, pickles) are left behind; the original is not touched.
        Raises SourceError ``path-missing``, UsageError, ModelError: ``model-refused``, ``conversion-failed``.
        """
        format, role = _recognise(path, role)
        name = name or re.sub(r"[^a-z0-9._-]+", "-", (path.stem if path.is_file() else path.name).lower()).strip("-._")
        with self.workplace(name) as workplace:
            staging = self.stage(workplace)
            _copy_model(path, staging)
            if format == "gguf":
                self.make_tokenizer(staging, name)
            source, licence = f"imported from {path.name}", "as its maker says"
            model = self.install(staging, name=name, role=role, format=format, source=source, licence=licence)
        self.gate(model)
        return model

    # ---- conversions ----

    def make_tokenizer(self, staging: Path, name: str) -> None:
        """The GGUF file's own tokenizer and chat template stand beside it. Raises ModelError ``conversion-failed``."""
        _convert("tokenizer", _gguf_file(staging, name), staging, name)

    def convert_to_mlx(self, staging: Path, name: str) -> None:
        """``staging/mlx`` is the staged GGUF model for the MLX engine, 4-bit. Raises ModelError ``conversion-failed``."""
        dequantized = staging.with_name("dequantized")
        for folder in (dequantized, staging / CONVERSION):
            shutil.rmtree(folder, ignore_errors=True)
        try:
            _convert("dequantize", _gguf_file(staging, name), dequantized, name)
            _convert("mlx", dequantized, staging / CONVERSION, name)
        finally:
            shutil.rmtree(dequantized, ignore_errors=True)


@contextmanager
def translate_full_disk() -> Iterator[None]:
    """A full disk becomes StoreError ``disk-full``."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        hint = "free some space and repeat the command: what is whole is kept"
        raise StoreError("disk-full", "the disk of the models folder is full", hint=hint) from error


def _lock(descriptor: int, name: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        message = f"another process is at work on {name}"
        raise ModelError("download-failed", message, hint="wait for it, then ragcli models list") from error


def _private_folder(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _make_durable(staging: Path) -> None:
    """Everything below is private and on disk, whatever the umask was."""
    staging.chmod(0o700)
    for path in staging.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
        flush_entry(path)
    flush_entry(staging)


def _recognise(path: Path, role: Role | None) -> tuple[str, Role]:
    if not path.exists():
        raise SourceError("path-missing", f"there is no {path}", hint="give a GGUF file or a model's folder")
    if path.is_file() and path.suffix == ".gguf":
        kind, natural = "gguf", "llm"
    elif _is_cross_encoder(path):
        kind, natural = "sentence-transformers", "reranker"
    elif (path / "modules.json").is_file():
        kind, natural = "sentence-transformers", "embedder"
    elif (path / "config.json").is_file():
        kind, natural = "mlx", "llm"
    else:
        hint = "give a GGUF file, a sentence-transformers folder (modules.json) or an MLX folder (config.json)"
        raise UsageError("bad-argument", f"{path.name} is not a model that ragcli can load", hint=hint)
    if role not in (None, natural):
        raise UsageError("bad-argument", f"{path.name} is an {natural}, not an {role}", hint="leave the role out")
    return kind, natural


def _is_cross_encoder(folder: Path) -> bool:
    """Whether its settings say that it gives a score for a pair of texts."""
    try:
        made = json.loads((folder / "config_sentence_transformers.json").read_bytes()).get("model_type")
    except (OSError, ValueError, AttributeError):
        made = None
    try:
        kinds = json.loads((folder / "config.json").read_bytes()).get("architectures") or ()
    except (OSError, ValueError, AttributeError):
        kinds = ()
    return made == "CrossEncoder" or any(str(kind).endswith("ForSequenceClassification") for kind in kinds)


def _copy_model(path: Path, staging: Path) -> None:
    """Copies what the gate lets through. Links to files are followed: hub caches are made of them."""
    if path.is_file():
        shutil.copyfile(path, staging / path.name)
        return
    for file in sorted(path.rglob("*")):
        relative = file.relative_to(path)
        hidden = any(part.startswith(".") for part in relative.parts)
        if file.is_file() and file.suffix in ALLOWED_SUFFIXES and file.name != MANIFEST and not hidden:
            _private_folder((staging / relative).parent)
            shutil.copyfile(file, staging / relative)


def _gguf_file(staging: Path, name: str) -> Path:
    files = sorted(staging.glob("*.gguf"))
    if len(files) != 1:
        raise refused(name, f"it holds {len(files)} GGUF files where one is needed")
    check_weights(staging, name, [files[0].name])
    return files[0]


def _convert(step: str, source: Path, target: Path, name: str) -> None:
    """One step of ``ragcli.adapters.conversion`` in a child, whose chatter is swallowed and whose last line is the reason."""
    command = [sys.executable, "-P", "-m", "ragcli.adapters.conversion", step, str(source), str(target)]
    environment = {**os.environ, "PYTHONPATH": PACKAGE_ROOT}
    outcome = subprocess.run(
        command, check=False, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
    )
    if outcome.returncode:
        lines = [line for line in outcome.stderr.splitlines() if line.strip()]
        why = lines[-1][:200] if lines else f"the converter ended with status {outcome.returncode}"
        hint = f"ragcli doctor; then repeat: ragcli models pull {name}"
        raise ModelError("conversion-failed", f"model {name} could not be converted ({step}): {why}", hint=hint)
