"""Small model folders with the right outside and next to nothing inside, for tests of what holds and moves them."""

from __future__ import annotations

import json
import struct
from pathlib import Path

SAFETENSORS = struct.pack("<Q", 2) + b"{}" + bytes(64)
GGUF = b"GGUF" + bytes(60)
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
