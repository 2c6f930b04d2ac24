"""A question becomes a vector at once: the forward pass of BERT in numpy, for the few texts that a question brings.

Loading torch takes seconds, forty times as long as this takes for a question. Knows nothing of many texts: those are
the other embedder's, which is loaded when the first come.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from ragcli.adapters.embedder_files import BertShape, EmbedderFacts
from ragcli.errors import ModelError
from ragcli.ports import Embedder
from ragcli.types import Vector

FEW_TEXTS = 48
"""At most so many texts are embedded here while torch is not loaded: even long ones take no longer than loading it."""

Array = Any
"""Of float32."""


class QuickEmbedder:
    """The embedder that ``load_other`` loads, without loading it for questions and few passages.

    Vectors are of full precision; those of half precision differ by a cosine of 0.998 or more. Raises ModelError
    ``model-failed`` when the other cannot be loaded or a vector is not a finite unit vector.
    """

    def __init__(self, folder: Path, facts: EmbedderFacts, *, name: str, digest: str, load_other: Callable[[], Embedder]) -> None:
        self.name = name
        self.digest = digest
        self.dimension = facts.dimension
        self.prefixes = facts.prefixes
        self.token_limit = facts.token_limit
        self._folder, self._facts, self._load_other = folder, facts, load_other

    def embed_passages(self, texts: Sequence[str]) -> Sequence[Vector]:
        if "_other" in self.__dict__ or len(texts) > FEW_TEXTS or self._encoder is None:
            return self._other.embed_passages(texts)
        return self._embed(self._encoder, texts, self.prefixes[1])

    def embed_query(self, text: str) -> Vector:
        if self._encoder is None:
            return self._other.embed_query(text)
        return self._embed(self._encoder, [text], self.prefixes[0])[0]

    def _embed(self, encoder: BertEncoder, texts: Sequence[str], prefix: str) -> Sequence[Vector]:
        return unit_vectors([encoder.encode(prefix + text) for text in texts], self.name) if texts else []

    @cached_property
    def _other(self) -> Embedder:
        return self._load_other()

    @cached_property
    def _encoder(self) -> BertEncoder | None:
        """None if the model is another than its settings say; then the other embedder can tell what it is."""
        if self._facts.bert is None:
            return None
        try:
            encoder = BertEncoder(self._folder, self._facts.bert, self._facts.tokenizer_file, self.token_limit)
            encoder.encode("")
        except Exception:  # noqa: BLE001  # tokenizers raises nothing narrower
            return None
        return encoder


class BertEncoder:
    """Devlin et al. 2019, as sentence-transformers pools it (Reimers and Gurevych 2019). Raises whatever numpy raises."""

    def __init__(self, folder: Path, shape: BertShape, tokenizer_file: Path, token_limit: int) -> None:
        self._shape = shape
        self._weights: Mapping[str, Array] = {
            name.removeprefix("bert."): weights.astype(numpy.float32, copy=False)
            for name, weights in load_file(folder / "model.safetensors").items()
        }
        self._tokenizer = Tokenizer.from_file(str(tokenizer_file))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(token_limit)

    def encode(self, text: str) -> Array:
        """The pooled vector of the text, of whatever length."""
        # On Macs numpy warns of overflows that do not happen; those that do are seen in the vector.
        with numpy.errstate(all="ignore"):
            states = self._embeddings(self._tokenizer.encode(text).ids)
            for number in range(self._shape.layers):
                states = self._layer(f"encoder.layer.{number}", states)
        return states.mean(axis=0) if self._shape.pooling == "mean" else states[0]

    def _embeddings(self, ids: Sequence[int]) -> Array:
        words, positions, types = (
            self._weights[f"embeddings.{name}_embeddings.weight"] for name in ("word", "position", "token_type")
        )
        return self._norm("embeddings", words[ids] + positions[: len(ids)] + types[0])

    def _layer(self, name: str, states: Array) -> Array:
        attended = self._linear(f"{name}.attention.output.dense", self._attention(f"{name}.attention.self", states))
        states = self._norm(f"{name}.attention.output", attended + states)
        widened = gelu(self._linear(f"{name}.intermediate.dense", states))
        return self._norm(f"{name}.output", self._linear(f"{name}.output.dense", widened) + states)

    def _attention(self, name: str, states: Array) -> Array:
        length = len(states)
        query, key, value = (
            self._linear(f"{name}.{part}", states).reshape(length, self._shape.heads, -1).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        weights = query @ key.transpose(0, 2, 1) / math.sqrt(query.shape[-1])
        weights = numpy.exp(weights - weights.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        return (weights @ value).transpose(1, 0, 2).reshape(length, -1)

    def _linear(self, name: str, states: Array) -> Array:
        return states @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]

    def _norm(self, name: str, states: Array) -> Array:
        centred = states - states.mean(axis=-1, keepdims=True)
        spread = numpy.sqrt((centred * centred).mean(axis=-1, keepdims=True) + self._shape.epsilon)
        return centred / spread * self._weights[f"{name}.LayerNorm.weight"] + self._weights[f"{name}.LayerNorm.bias"]


def gelu(values: Array) -> Array:
    """Hendrycks and Gimpel 2016, with the error function of Abramowitz and Stegun 7.1.26: off by at most 1.5e-7."""
    scaled = values * math.sqrt(0.5)
    size = numpy.abs(scaled)
    step = 1 / (1 + 0.3275911 * size)
    polynomial = ((((1.061405429 * step - 1.453152027) * step + 1.421413741) * step - 0.284496736) * step + 0.254829592) * step
    return 0.5 * values * (1 + numpy.sign(scaled) * (1 - polynomial * numpy.exp(-size * size)))


def unit_vectors(raw: Array | Sequence[Array], name: str) -> Sequence[Vector]:
    """The vectors at length 1. Raises ModelError ``model-failed`` if one is no vector of numbers."""
    vectors = numpy.asarray(raw, dtype=numpy.float32)
    lengths = numpy.linalg.norm(vectors, axis=1, keepdims=True)
    # Some Apple builds gave NaN for whole batches: a bad vector in the index would be found by no question.
    if not (numpy.isfinite(vectors).all() and (lengths > 0).all()):
        hint = "ragcli doctor; set models.embedder to another one if it stays"
        raise ModelError("model-failed", f"the embedder {name} returned vectors that are not numbers", hint=hint)
    return vectors / lengths  # type: ignore[return-value]  # an array of rows is a sequence of vectors
