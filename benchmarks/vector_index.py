"""Vector indexes beside an exact scan, on real embeddings: `python benchmarks/vector_index.py DATA_FOLDER [--keep FILE]`.

DATA_FOLDER holds evaluation sets, each with `corpus/` and `questions.jsonl`. Every window of sentences of their texts is embedded
and blended as indexing does it; the sets' own questions are what is looked for. Recall is that of the exact best twenty.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ragcli.adapters.offline import close_doors

close_doors()

import lancedb  # noqa: E402  # the doors are closed first, as in the program
import numpy  # noqa: E402
import pyarrow  # noqa: E402
from lancedb.index import HnswSq, IvfRq  # noqa: E402
from setting import HOME  # noqa: E402

from ragcli.assistant import Assistant  # noqa: E402
from ragcli.steps.ranking import CANDIDATES, blend_neighbours  # noqa: E402

WINDOWS = (1, 3)
"""Sentences that are embedded together: once alone, once with their neighbours."""
QUESTIONS = 400
BEST = 20
LIMIT = CANDIDATES
"""How many are asked for: as many as a search takes from each way of looking."""
CONFIGURATIONS: Sequence[tuple[str, Any, dict[str, int]]] = tuple(
    (f"{name}, {cells} cells", config(cells), {"nprobes": probes, "refine_factor": refine})
    for name, config in {
        "IVF_RQ": lambda cells: IvfRq(distance_type="cosine", num_partitions=cells),
        "IVF_HNSW_SQ": lambda cells: HnswSq(distance_type="cosine", num_partitions=cells),
    }.items()
    for cells, probes, refine in ((128, 32, 8), (128, 32, 4), (128, 16, 4), (1024, 256, 4), (1024, 64, 4))
)


def texts_of(folder: Path) -> Iterator[list[str]]:
    """Of each plain text below the folder, its windows of sentences in order."""
    for file in sorted(folder.glob("*/corpus/**/*")):
        if file.suffix in {".txt", ".md"} and file.parts[-3:][0] != "messy":
            text = " ".join(file.read_text(encoding="utf-8", errors="replace").split())
            sentences = [part for part in re.split(r"(?<=[.!?])\s+|(?<=[。！？])", text) if part]
            for size in WINDOWS:
                yield [" ".join(sentences[start : start + size]) for start in range(max(1, len(sentences) - size + 1))]


def questions_of(folder: Path) -> list[str]:
    lines = [line for file in sorted(folder.glob("*/questions.jsonl")) for line in file.read_text(encoding="utf-8").splitlines()]
    questions = [json.loads(line)["question"] for line in lines]
    return questions[:: max(1, len(questions) // QUESTIONS)][:QUESTIONS]


def embed(folder: Path) -> tuple[Any, Any]:
    """The vectors of all windows, and those of the questions."""
    with Assistant.open(HOME) as assistant:
        embedder: Any = assistant.machine.embedder
        documents = list(texts_of(folder))
        flat = [text for document in documents for text in document]
        order = sorted(range(len(flat)), key=lambda place: len(flat[place]))
        vectors = numpy.empty((len(flat), embedder.dimension), dtype=numpy.float32)
        for start in range(0, len(order), 512):
            places = order[start : start + 512]
            vectors[places] = embedder.embed_passages([flat[place] for place in places])
            print(f"\r  embedded {start + len(places):,} of {len(flat):,}", end="", flush=True)
        print()
        ends = numpy.cumsum([len(document) for document in documents])
        blended = [vector for part in numpy.split(vectors, ends[:-1]) for vector in blend_neighbours(list(part))]
        asked = numpy.array([embedder.embed_query(question) for question in questions_of(folder)])
    return numpy.asarray(blended, dtype=numpy.float16), asked.astype(numpy.float32)


def nearest(table: Any, vector: Any, **options: int) -> list[int]:
    query = table.search(vector, vector_column_name="vector").distance_type("cosine")
    for name, value in options.items():
        query = getattr(query, name)(value)
    return query.select(["number"]).limit(LIMIT).to_arrow()["number"].to_pylist()


def measure(vectors: Any, asked: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lists = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(vectors.reshape(-1)), vectors.shape[1])
        rows = pyarrow.table({"number": pyarrow.array(range(len(vectors))), "vector": lists})
        table = lancedb.connect(folder).create_table("vectors", rows)
        exact = [nearest(table, vector) for vector in asked]
        print(f"{len(vectors):,} vectors, {len(asked)} questions, load {os.getloadavg()[0]:.1f}")
        print(f"| index | probes | refine | recall@20 | recall@{LIMIT} | ms | built in s |")
        print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
        built = ""
        for name, config, options in CONFIGURATIONS:
            if name != built:
                started = time.perf_counter()
                table.create_index("vector", config=config, replace=True)
                seconds, built = time.perf_counter() - started, name
            started = time.perf_counter()
            found = [nearest(table, vector, **options) for vector in asked]
            each = 1000 * (time.perf_counter() - started) / len(asked)
            recall = [
                numpy.mean([len({*a[:k]} & {*b[:k]}) / k for a, b in zip(exact, found, strict=True)]) for k in (BEST, LIMIT)
            ]
            print(
                f"| {name} | {options['nprobes']} | {options['refine_factor']} | {recall[0]:.3f} | {recall[1]:.3f} "
                f"| {each:.1f} | {seconds:.1f} |",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--keep", type=Path, metavar="FILE", help="keep the vectors there, or take those that are there (.npz)")
    options = parser.parse_args()
    if options.keep and options.keep.exists():
        with numpy.load(options.keep) as kept:
            vectors, asked = kept["vectors"], kept["asked"]
    else:
        vectors, asked = embed(options.folder)
        if options.keep:
            numpy.savez(options.keep, vectors=vectors, asked=asked)
    measure(vectors, asked)


if __name__ == "__main__":
    main()
