"""Indexing beside raw ``SentenceTransformer.encode`` on the same chunks: `python benchmarks/index_speed.py [FOLDER]`.

The folder is indexed once before the clock starts, so that both have loaded their libraries and compiled their kernels. Pairs
take turns, so that a machine that slows down slows both.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from ragcli.adapters.offline import close_doors

close_doors()

import torch  # noqa: E402  # the doors are closed first, as in the program
from sentence_transformers import SentenceTransformer  # noqa: E402
from setting import HOME, MODELS, REPOSITORY, median_line  # noqa: E402

from ragcli.adapters.embedder import best_dtype  # noqa: E402
from ragcli.adapters.models import ModelFolder  # noqa: E402
from ragcli.assistant import Assistant  # noqa: E402
from ragcli.steps.chunking import text_to_embed  # noqa: E402

PAIRS = 3


def index_once(folder: Path) -> tuple[float, list[str]]:
    """Seconds of a first index, and the texts that it embedded."""
    with tempfile.TemporaryDirectory() as home:
        assistant = Assistant.open(Path(home))
        assistant.machine.__dict__["models"] = ModelFolder(MODELS)
        assistant.machine.batch_embedder.embed_query("warm")
        started = time.perf_counter()
        assistant.index([folder])
        seconds = time.perf_counter() - started
        texts = [
            text_to_embed(chunk)
            for source in assistant.sources().values()
            if not source.reason
            for chunk in assistant.machine.store.chunks_of(source.id)
        ]
        assistant.close()
    return seconds, texts


def encode_once(model: SentenceTransformer, texts: list[str]) -> float:
    started = time.perf_counter()
    model.encode(texts, show_progress_bar=False)
    return time.perf_counter() - started


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY / "sample_corpus" / "corpus"
    path = str(MODELS / "all-minilm-l6-v2")
    same = SentenceTransformer(path, device="cpu", local_files_only=True, model_kwargs={"dtype": best_dtype()})
    full = SentenceTransformer(path, device="cpu", local_files_only=True, model_kwargs={"dtype": torch.float32})
    index_once(folder)
    rates: dict[str, list[float]] = {"ragcli index": [], "raw encode, same precision": [], "raw encode, 32 bits": []}
    for _ in range(PAIRS):
        seconds, texts = index_once(folder)
        rates["ragcli index"].append(len(texts) / seconds)
        rates["raw encode, same precision"].append(len(texts) / encode_once(same, texts))
        rates["raw encode, 32 bits"].append(len(texts) / encode_once(full, texts))
    print(f"{len(texts)} chunks of {folder.name}, {os.cpu_count()} cores, {best_dtype()}, models in {HOME.name}/models")
    for name, values in rates.items():
        print(median_line(name, values, "chunks/s"))
    for name in list(rates)[1:]:
        ratios = [ours / raw for ours, raw in zip(rates["ragcli index"], rates[name], strict=True)]
        print(median_line(f"ragcli index / {name}", ratios, "x"))


if __name__ == "__main__":
    main()
