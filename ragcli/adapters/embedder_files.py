"""What an embedder's folder says of itself, read without loading the model: enough to plan, to cut and to compare."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ragcli.errors import ModelError

USUAL_TOKEN_LIMIT = 512
LONGEST_TOKEN_LIMIT = 512
"""Newer embedders see thousands of tokens, but a citation should point to a paragraph and not to a chapter."""
USUAL_EPSILON = 1e-12
"""Of BERT, where a model's settings name none."""
PLAIN_MODULES = (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"])
POOLINGS: Mapping[str, Literal["mean", "cls"]] = {
    "mean": "mean",
    "cls": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
}


@dataclass(frozen=True, slots=True)
class BertShape:
    """What of a BERT its weights do not say."""

    layers: int
    heads: int
    epsilon: float
    pooling: Literal["mean", "cls"]


@dataclass(frozen=True, slots=True)
class EmbedderFacts:
    dimension: int
    token_limit: int
    prefixes: tuple[str, str]
    """Before a query and before a passage."""
    tokenizer_file: Path
    bert: BertShape | None = None
    """None if the model is anything but a plain BERT."""


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
        bert=None if settings.get("do_lower_case") else _bert_of(model, pooling, _read_list(folder / "modules.json")),
    )


def _bert_of(model: Mapping[str, Any], pooling: Mapping[str, Any], modules: Sequence[Mapping[str, Any]]) -> BertShape | None:
    is_bert = (model.get("model_type"), model.get("hidden_act")) == ("bert", "gelu")
    is_absolute = model.get("position_embedding_type", "absolute") == "absolute"
    is_plain = [str(module.get("type")).rpartition(".")[2] for module in modules] in PLAIN_MODULES
    layers, heads, how = model.get("num_hidden_layers"), model.get("num_attention_heads"), _pooling_of(pooling)
    if not (is_bert and is_absolute and is_plain and layers and heads and how and pooling.get("include_prompt", True)):
        return None
    return BertShape(layers, heads, model.get("layer_norm_eps", USUAL_EPSILON), how)


def _pooling_of(settings: Mapping[str, Any]) -> Literal["mean", "cls"] | None:
    """As older or newer releases of the library name it; None if it is another one, or several."""
    switched_on = [name for name, value in settings.items() if name.startswith("pooling_mode_") and value is True]
    return POOLINGS.get(switched_on[0] if len(switched_on) == 1 else str(settings.get("pooling_mode")))


def _read(file: Path) -> Mapping[str, Any]:
    found = _parse(file)
    return found if isinstance(found, dict) else {}


def _read_list(file: Path) -> Sequence[Mapping[str, Any]]:
    found = _parse(file)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _parse(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
