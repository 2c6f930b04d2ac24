"""What stands between a model folder and the libraries that would load it.

Only weights and text are let through, and only bytes that the manifest names: no code, no pickle, no links. The checks
read names, sizes, digests and a few JSON fields; no parser of a model library sees a folder before they have passed.
Knows the manifest's form, and nothing of where models come from.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from ragcli import catalog
from ragcli.adapters.weight_headers import BadHeaderError, check_header
from ragcli.errors import ModelError
from ragcli.types import InstalledModel, Role

MANIFEST = "ragcli-model.json"
SCHEMA = 1
ALLOWED_SUFFIXES = frozenset({".safetensors", ".json", ".txt", ".model", ".jinja", ".gguf"})
CONVERSION = "mlx"
"""The folder, inside that of a GGUF model, of what the MLX engine loads."""

SMALL = 1 << 20
"""Files up to a megabyte are digested at each load: it takes a millisecond. Larger ones when their stamp changed."""
CODE_FIELDS = ("auto_map", "model_file", "trust_remote_code", "custom_pipelines", "custom_generate")
"""Fields of a config that make some library import Python from the folder or the hub."""
CLASS_FIELDS = (
    "activation_function",
    "activation_fn",
    "sbert_ce_default_activation_function",
    "tokenizer_class",
    "types",
    "type",
)
"""Fields that may hold the full name of a class, which sentence-transformers then imports."""
KNOWN_CLASS = re.compile(r"(?:sentence_transformers|torch\.nn)(?:\.[A-Za-z_]\w*)+")
LARGEST_CONFIG = 16 << 20
"""Bytes of a config; real ones have some thousands."""
WEIGHTS = (".safetensors", ".gguf")
REFUSED_NAMES = frozenset({"adapter_config.json"})
"""An adapter names another model, which libraries would fetch."""
SENTENCE_MODULE = re.compile(r"sentence_transformers(\.[A-Za-z_]\w*)+")


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What the manifest says of a file. ``changed_ns`` is the inode's change time, which no tool can set back."""

    sha256: str
    size: int
    changed_ns: int


def refused(name: str, why: str) -> ModelError:
    """The error of this gate, with the one way to mend it."""
    hint = f"ragcli models remove {name}, then pull or import it again"
    return ModelError("model-refused", f"model {name} is refused: {why}", hint=hint)


def digest_file(path: Path) -> str:
    """SHA-256 of the file, in hex. Links are not followed."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def record_file(path: Path) -> FileRecord:
    status = path.lstat()
    return FileRecord(digest_file(path), status.st_size, status.st_ctime_ns)


def pins_of(name: str) -> dict[str, str]:
    """The digests that the catalog demands of the model of that name; empty where it demands none."""
    return {file.path: file.sha256 for entry in catalog.entries() if entry.name == name for file in entry.files}


# ---- the manifest ----------------------------------------------------------------------------


def write_manifest(folder: Path, about: Mapping[str, str], records: Mapping[str, FileRecord]) -> None:
    """The folder's manifest says exactly this, on disk; a reader sees the old one or the new one."""
    files = {path: {"sha256": r.sha256, "size": r.size, "changed_ns": r.changed_ns} for path, r in sorted(records.items())}
    text = json.dumps({"schema": SCHEMA, **about, "files": files}, indent=1)
    draft = folder / f".{MANIFEST}.{os.getpid()}"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    draft.replace(folder / MANIFEST)


def read_manifest(folder: Path) -> tuple[dict[str, str], dict[str, FileRecord]]:
    """What the model is, and its files. Raises ModelError ``model-refused`` where that cannot be told."""
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = {path: FileRecord(**fields) for path, fields in content.pop("files").items()}
        about = {key: str(content[key]) for key in ("name", "role", "format", "source", "licence", "pinned")}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise refused(folder.name, "its manifest is missing or damaged") from error
    known = about["role"] in get_args(Role) and about["format"] in ("sentence-transformers", "gguf", "mlx")
    if content.get("schema") != SCHEMA or about["name"] != folder.name or not known:
        raise refused(folder.name, "its manifest is not of this folder, or of another version of ragcli")
    return about, files


def describe_model(folder: Path) -> InstalledModel:
    """The installed model as its manifest tells it; reads nothing else."""
    about, records = read_manifest(folder)
    own = {path: record for path, record in records.items() if not path.startswith(f"{CONVERSION}/")}
    gguf = sorted(path for path in own if path.endswith(".gguf"))
    converted = folder / CONVERSION if len(own) < len(records) else None
    whole = "".join(f"{path}\0{record.sha256}\n" for path, record in sorted(own.items()))
    return InstalledModel(
        **about,  # pyright: ignore[reportArgumentType] -- read_manifest has checked the two that are literals
        folder=folder,
        size=sum(record.size for record in records.values()),
        files={path: record.sha256 for path, record in records.items()},
        digest=hashlib.sha256(whole.encode()).hexdigest(),
        mlx_folder=folder if about["format"] == "mlx" else converted,
        gguf_file=folder / gguf[0] if gguf else None,
    )


# ---- what a folder may hold ------------------------------------------------------------------


def list_files(folder: Path, name: str) -> Iterator[str]:
    """Relative paths of the model's files, in order. Raises ModelError ``model-refused`` for anything else there."""
    for path in sorted(folder.rglob("*")):
        relative, mode = path.relative_to(folder).as_posix(), path.lstat().st_mode
        if stat.S_ISDIR(mode) or relative == MANIFEST:
            continue
        if not stat.S_ISREG(mode):
            raise refused(name, f"{relative} is not a regular file")
        if path.name.startswith(f".{MANIFEST}."):  # a draft whose writer was killed
            continue
        if path.suffix not in ALLOWED_SUFFIXES or path.name in REFUSED_NAMES:
            raise refused(name, f"{relative} is not of a kind that a model may hold")
        yield relative


def check_contents(folder: Path, name: str) -> None:
    """No file asks a library to run code, and weights are what their names say. Raises ModelError ``model-refused``."""
    paths = list(list_files(folder, name))
    if not any(path.endswith(WEIGHTS) for path in paths):
        raise refused(name, "it holds no weights in a safe format (.safetensors or .gguf)")
    for relative in paths:
        path = folder / relative
        if path.name.endswith("config.json"):
            _check_config(_read_json(path, relative, name), relative, name)
        elif path.name == "modules.json":
            _check_modules(_read_json(path, relative, name), name)
        elif path.suffix in WEIGHTS and not _has_right_start(path):
            raise refused(name, f"{relative} is not a {path.suffix[1:]} file")


def check_weights(folder: Path, name: str, paths: Iterable[str]) -> None:
    """No weight file among the paths has a header that lies: see ``weight_headers``. Raises ModelError ``model-refused``.

    A tenth of a second for a large vocabulary: for files that are new or were changed.
    """
    for relative in paths:
        if relative.endswith(WEIGHTS):
            try:
                check_header(folder / relative)
            except BadHeaderError as error:
                raise refused(name, f"{relative} is not a sound {relative.rpartition('.')[2]} file: {error}") from error


def _read_json(path: Path, relative: str, name: str) -> Any:
    if path.stat().st_size > LARGEST_CONFIG:
        raise refused(name, f"{relative} is larger than any config is")
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise refused(name, f"{relative} is not JSON") from error


def _check_config(content: Any, relative: str, name: str) -> None:
    waiting = [content]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            field = next((field for field in CODE_FIELDS if value.get(field)), None)
            if field:
                raise refused(name, f"{relative} asks to run code ({field})")
            foreign = next((text for field in CLASS_FIELDS for text in _texts_in(value.get(field)) if _is_foreign(text)), "")
            if foreign:
                raise refused(name, f"{relative} asks for a class that is not of sentence-transformers: {foreign[:80]!r}")
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _texts_in(value: Any) -> list[str]:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
    return [text for text in inside if isinstance(text, str)]


def _is_foreign(text: str) -> bool:
    """Whether it is the full name of a class, and of none that models are made of."""
    return bool(re.search(r"[./\\:]", text)) and not KNOWN_CLASS.fullmatch(text)


def _check_modules(content: Any, name: str) -> None:
    modules = content if isinstance(content, list) else [content]
    for module in modules:
        kind, path = (str(module.get(key, "")) for key in ("type", "path")) if isinstance(module, dict) else ("", "")
        if not SENTENCE_MODULE.fullmatch(kind):
            raise refused(name, f"modules.json names a part that is not of sentence-transformers: {kind[:80]!r}")
        if path.startswith("/") or ".." in Path(path).parts:
            raise refused(name, "modules.json names a folder outside of the model")


def _has_right_start(path: Path) -> bool:
    with path.open("rb") as opened:
        start = opened.read(9)
    return start[:4] == b"GGUF" if path.suffix == ".gguf" else start[8:] == b"{"


# ---- the gate --------------------------------------------------------------------------------


def check_model(model: InstalledModel, *, every_digest: bool = False) -> None:
    """The folder holds what its manifest and the catalog say, and nothing that runs.

    Digests of large files are taken again only if their stamp changed, or with ``every_digest``.
    Raises ModelError: ``model-missing``, ``model-refused``, ``digest-mismatch``.
    """
    if not model.folder.is_dir() or model.folder.is_symlink():
        raise ModelError("model-missing", f"model {model.name} is gone", hint=f"ragcli models pull {model.name}")
    about, records = read_manifest(model.folder)
    present = set(list_files(model.folder, model.name))
    if present != set(records):
        odd = min(present ^ set(records))
        raise refused(model.name, f"{odd} is {'not in its manifest' if odd in present else 'missing'}")
    _check_pins(model, records)
    looked_at = {path: _check_file(model, path, record, every_digest) for path, record in records.items()}
    check_contents(model.folder, model.name)
    check_weights(model.folder, model.name, (path for path in records if every_digest or looked_at[path] != records[path]))
    if looked_at != records and os.access(model.folder, os.W_OK):
        write_manifest(model.folder, about, looked_at)


def _check_pins(model: InstalledModel, records: Mapping[str, FileRecord]) -> None:
    """Whoever can change a model can change its manifest; the catalog's digests come with the program."""
    for path, sha256 in pins_of(model.name).items():
        if path not in records or records[path].sha256 != sha256:
            raise _changed(model, path)


def _check_file(model: InstalledModel, relative: str, record: FileRecord, every_digest: bool) -> FileRecord:
    path = model.folder / relative
    status = path.lstat()
    if status.st_size != record.size:
        raise _changed(model, relative)
    if every_digest or record.size <= SMALL or status.st_ctime_ns != record.changed_ns:
        if digest_file(path) != record.sha256:
            raise _changed(model, relative)
        return FileRecord(record.sha256, record.size, status.st_ctime_ns)
    return record


def _changed(model: InstalledModel, relative: str) -> ModelError:
    hint = f"ragcli models remove {model.name}, then pull or import it again"
    return ModelError("digest-mismatch", f"model {model.name} changed since it was installed: {relative}", hint=hint)
