"""Small model folders with the right outside and next to nothing inside, for tests of what holds and moves them."""

from __future__ import annotations

import json
import struct
from pathlib import Path

SAFETENSORS = struct.pack("<Q", 2) + b"{}" + bytes(64)


def gguf(
    *,
    version: int = 3,
    tensors: int | None = None,
    entries: int | None = None,
    fields: bytes = b"",
    infos: bytes = b"",
    names: int = 1,
    data: int = 64,
) -> bytes:
    """A GGUF file of an architecture and no tensors; with more fields, ``names`` in all, and descriptions of tensors."""
    own = text(b"general.architecture") + struct.pack("<I", 8) + text(b"llama") if names else b""
    counts = struct.pack(
        "<4sIQQ", b"GGUF", version, infos.count(b"weight") if tensors is None else tensors, names if entries is None else entries
    )
    head = counts + own + fields + infos
    return head + bytes(-len(head) % 32) + bytes(data)


def text(content: bytes) -> bytes:
    return struct.pack("<Q", len(content)) + content


def tensor(name: bytes = b"a.weight", shape: tuple[int, ...] = (8,), kind: int = 0, offset: int = 0) -> bytes:
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def safetensors(header: object, data: int = 64) -> bytes:
    content = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(content)) + content + bytes(data)


GGUF = gguf()
MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
]
EMBEDDER = {
    "config.json": json.dumps({"model_type": "bert"}).encode(),
    "modules.json": json.dumps(MODULES).encode(),
    "1_Pooling/config.json": b"{}",
    "model.safetensors": SAFETENSORS,
    "tokenizer.json": b"{}",
}
MLX = {"config.json": json.dumps({"model_type": "llama"}).encode(), "model.safetensors": SAFETENSORS, "tokenizer.json": b"{}"}


def write_files(folder: Path, files: dict[str, bytes]) -> Path:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder
