"""What an embedder's folder says of itself, read without loading the model: enough to plan, to cut and to compare."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragcli.errors import ModelError

USUAL_TOKEN_LIMIT = 512
LONGEST_TOKEN_LIMIT = 512
"""Newer embedders see thousands of tokens, but a citation should point to a paragraph and not to a chapter."""


@dataclass(frozen=True, slots=True)
class EmbedderFacts:
    dimension: int
    token_limit: int
    prefixes: tuple[str, str]
    """Before a query and before a passage."""
    tokenizer_file: Path


def describe_embedder(folder: Path) -> EmbedderFacts:
    """The facts of a sentence-transformers folder. Raises ModelError ``model-failed`` if its settings cannot be read."""
    model = _read(folder / "config.json")
    pooling = _read(folder / "1_Pooling" / "config.json")
    settings = _read(folder / "sentence_bert_config.json")
    prompts = _read(folder / "config_sentence_transformers.json").get("prompts") or {}
    dimension = pooling.get("word_embedding_dimension") or pooling.get("embedding_dimension") or model.get("hidden_size")
    if not dimension:
        hint = f"ragcli models remove {folder.name} && ragcli models pull {folder.name}"
        raise ModelError("model-failed", f"the embedder {folder.name} does not say how long its vectors are", hint=hint)
    limit = settings.get("max_seq_length") or model.get("max_position_embeddings") or USUAL_TOKEN_LIMIT
    passage = prompts.get("document") or prompts.get("passage") or ""
    return EmbedderFacts(
        dimension=int(dimension),
        token_limit=min(int(limit), LONGEST_TOKEN_LIMIT),
        prefixes=(str(prompts.get("query") or ""), str(passage)),
        tokenizer_file=folder / "tokenizer.json",
    )


def _read(file: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
