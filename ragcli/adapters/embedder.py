"""sentence-transformers: texts become unit vectors, and pairs of texts scores. Loads local folders only and never a name."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy
import torch
from sentence_transformers import CrossEncoder, SentenceTransformer

from ragcli.adapters.quick_embedder import unit_vectors
from ragcli.errors import ModelError
from ragcli.types import Vector

BATCH = 32
"""Texts per forward pass: larger batches were not faster on CPU and pad short texts to long ones."""


class SentenceEmbedder:
    """An embedding model in this process, in half precision where the hardware computes in it.

    Raises ModelError ``model-failed`` when the folder cannot be loaded or a vector is not a finite unit vector.
    """

    def __init__(self, folder: Path, *, name: str, digest: str, prefixes: tuple[str, str] = ("", ""), threads: int = 0) -> None:
        self.name = name
        self.digest = digest
        self.prefixes = prefixes
        torch.set_num_threads(threads or usable_cores())
        with translated(name), quiet_progress():
            self._model = SentenceTransformer(
                str(folder),
                device=best_device(),
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"dtype": best_dtype()},
            )
        self.dimension = int(self._model.get_embedding_dimension() or 0)
        self.token_limit = int(self._model.max_seq_length or 256)

    def embed_passages(self, texts: Sequence[str]) -> Sequence[Vector]:
        return self._encode(texts, self.prefixes[1])

    def embed_query(self, text: str) -> Vector:
        return self._encode([text], self.prefixes[0])[0]

    def _encode(self, texts: Sequence[str], prefix: str) -> Sequence[Vector]:
        if not texts:
            return []
        with translated(self.name):
            raw = self._model.encode(
                [prefix + text for text in texts],
                batch_size=BATCH,
                show_progress_bar=False,
                convert_to_numpy=True,
                normalize_embeddings=False,
            )
        return unit_vectors(raw, self.name)


class CrossReranker:
    """A cross-encoder in this process. Raises ModelError ``model-failed`` as ``SentenceEmbedder`` does."""

    def __init__(self, folder: Path, *, name: str, threads: int = 0) -> None:
        self.name = name
        torch.set_num_threads(threads or usable_cores())
        with translated(name, "reranker"), quiet_progress():
            self._model = CrossEncoder(
                str(folder),
                device=best_device(),
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"dtype": best_dtype()},
            )

    def score(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        """Logits become probabilities by the logistic function, whatever the model's makers chose; of several labels the last."""
        if not texts:
            return []
        with translated(self.name, "reranker"):
            pairs = [(question, text) for text in texts]
            raw = self._model.predict(pairs, batch_size=BATCH, show_progress_bar=False, activation_fn=torch.nn.Identity())
        logits = numpy.asarray(raw, dtype=numpy.float64).reshape(len(texts), -1)
        margins = logits[:, -1] - (logits[:, 0] if logits.shape[1] > 1 else 0.0)
        if not numpy.isfinite(margins).all():
            raise ModelError("model-failed", f"the reranker {self.name} returned what is no number", hint="ragcli doctor")
        return [float(score) for score in 1 / (1 + numpy.exp(-margins.clip(-60, 60)))]


def usable_cores() -> int:
    """How many cores this process may run on, where the system says so; else how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def best_device() -> str:
    """The fastest device that this process can use."""
    if torch.cuda.is_available():
        return "cuda"
    if torch.backends.mps.is_available():
        return "mps"
    return "cpu"


def best_dtype() -> torch.dtype:
    """Half precision where it is computed and not emulated: 1.7 to 1.9 times as fast at cosine 0.998."""
    if best_device() != "cpu":
        return torch.float16
    return torch.bfloat16 if cpu_computes_bfloat16() else torch.float32


def cpu_computes_bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this processor multiplies bfloat16 matrices (AVX512-BF16, AMX, or Arm's bf16)."""
    if sys.platform != "linux":
        return False
    try:
        text = cpuinfo.read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    flags = {flag for line in text.splitlines() if line.startswith(("flags", "Features")) for flag in line.split()}
    return bool(flags & {"avx512_bf16", "amx_bf16", "bf16"})


@contextmanager
def translated(name: str, kind: str = "embedder") -> Iterator[None]:
    """Errors of the library become ModelError ``model-failed``."""
    try:
        yield
    except (ModelError, KeyboardInterrupt):
        raise
    except Exception as error:
        hint = f"ragcli models remove {name} && ragcli models pull {name}"
        raise ModelError("model-failed", f"the {kind} {name} failed: {type(error).__name__}", hint=hint) from error


@contextmanager
def quiet_progress() -> Iterator[None]:
    """Loading bars of the libraries would corrupt our own lines on stderr."""
    from transformers.utils import logging

    was_enabled = logging.is_progress_bar_enabled()
    verbosity = logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if was_enabled:
            logging.enable_progress_bar()
