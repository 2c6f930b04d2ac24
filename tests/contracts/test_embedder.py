"""What every embedder keeps to: the fake one that flows are tested with, and the real one."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from ragcli.adapters.embedder_files import LONGEST_TOKEN_LIMIT, BertShape, EmbedderFacts, describe_embedder
from ragcli.adapters.quick_embedder import FEW_TEXTS, QuickEmbedder
from ragcli.errors import ModelError
from ragcli.ports import Embedder
from tests.conftest import MODELS
from tests.fakes.embedder import HashingEmbedder
from tests.model_files import write_files

NAME = "all-minilm-l6-v2"


def real() -> Embedder:
    from ragcli.adapters.embedder import SentenceEmbedder

    return SentenceEmbedder(pulled(), name=NAME, digest="d" * 64, threads=1)


def quick() -> Embedder:
    def refuse() -> NoReturn:
        raise AssertionError("few texts need no torch")

    return QuickEmbedder(pulled(), describe_embedder(pulled()), name=NAME, digest="d" * 64, load_other=refuse)


def pulled() -> Path:
    if not (MODELS / NAME / "model.safetensors").is_file():
        pytest.skip(f"{MODELS} holds no {NAME}: run scripts/test")
    return MODELS / NAME


REAL = [pytest.param(real, marks=pytest.mark.model), pytest.param(quick, marks=pytest.mark.model)]


@pytest.fixture(scope="module", params=[HashingEmbedder, *REAL], ids=["fake", "real", "quick"])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    return request.param()


def nearness(one: object, other: object) -> float:
    return sum(float(a) * float(b) for a, b in zip(one, other, strict=True))  # type: ignore[call-overload]


TEXTS = ["The lease ends in May.", "The cat sleeps all day.", "", "漢字 🎉 naïve", "word " * 2000, "\x00\x07 odd"]


def test_each_text_has_one_finite_unit_vector_in_order(embedder: Embedder) -> None:
    vectors = embedder.embed_passages(TEXTS)
    assert len(vectors) == len(TEXTS)
    for vector in vectors:
        assert len(vector) == embedder.dimension
        assert all(math.isfinite(part) for part in vector)
        assert nearness(vector, vector) == pytest.approx(1, abs=1e-3)


def test_texts_about_the_same_are_nearer_than_others(embedder: Embedder) -> None:
    lease, cat = embedder.embed_passages(TEXTS[:2])
    question = embedder.embed_query("When does the lease end in May?")
    assert nearness(question, lease) > nearness(question, cat) + 0.1


def test_a_vector_does_not_depend_on_the_texts_beside_it(embedder: Embedder) -> None:
    alone, together = embedder.embed_passages(TEXTS[:1]), embedder.embed_passages(TEXTS)
    assert nearness(alone[0], together[0]) == pytest.approx(1, abs=5e-3)


def test_nothing_gives_nothing(embedder: Embedder) -> None:
    assert len(embedder.embed_passages([])) == 0


def test_it_says_what_it_is(embedder: Embedder) -> None:
    assert embedder.name
    assert len(embedder.digest) == 64
    assert embedder.dimension > 0
    assert embedder.token_limit > 32
    assert len(embedder.prefixes) == 2


# ---- the real one's own ----


@pytest.mark.model
def test_the_folder_says_the_same_as_the_loaded_model() -> None:
    facts, loaded = describe_embedder(pulled()), real()
    assert (facts.dimension, facts.token_limit) == (loaded.dimension, loaded.token_limit) == (384, 256)
    assert facts.tokenizer_file.is_file()


def test_a_folder_that_is_no_model_is_said_to_have_failed(tmp_path: Path) -> None:
    from ragcli.adapters.embedder import SentenceEmbedder

    write_files(tmp_path, {"config.json": b"{", "model.safetensors": b"nothing"})
    with pytest.raises(ModelError) as raised:
        SentenceEmbedder(tmp_path, name="broken", digest="")
    assert raised.value.slug == "model-failed"
    assert "models pull broken" in raised.value.hint
    with pytest.raises(ModelError):
        describe_embedder(tmp_path)


@pytest.mark.parametrize(
    ("files", "facts"),
    [
        ({"config.json": b'{"hidden_size": 8}'}, (8, 512, ("", ""))),
        ({"config.json": b'{"hidden_size": 8, "max_position_embeddings": 128}'}, (8, 128, ("", ""))),
        (
            {
                "config.json": b'{"hidden_size": 8, "max_position_embeddings": 8192}',
                "1_Pooling/config.json": b'{"word_embedding_dimension": 4}',
                "sentence_bert_config.json": b'{"max_seq_length": 4096}',
                "config_sentence_transformers.json": b'{"prompts": {"query": "query: ", "document": "passage: "}}',
            },
            (4, LONGEST_TOKEN_LIMIT, ("query: ", "passage: ")),
        ),
    ],
)
def test_facts_are_read_without_loading_the_model(tmp_path: Path, files: dict[str, bytes], facts: tuple[object, ...]) -> None:
    described = describe_embedder(write_files(tmp_path, files))
    assert (described.dimension, described.token_limit, described.prefixes) == facts


# ---- the quick one's own ----


@pytest.mark.model
def test_the_quick_one_gives_the_same_vectors() -> None:
    texts = [*TEXTS, "Wie hoch ist die Miete in Zürich?", "naïve façade", "a\n\nb\tc", "x" * 500]
    for ours, theirs in zip(quick().embed_passages(texts), real().embed_passages(texts), strict=True):
        assert nearness(ours, theirs) == pytest.approx(1, abs=5e-3)


@pytest.mark.model
def test_from_many_texts_on_the_other_embeds_all_passages() -> None:
    loaded: list[HashingEmbedder] = []

    def load() -> Embedder:
        loaded.append(HashingEmbedder())
        return loaded[-1]

    embedder = QuickEmbedder(pulled(), describe_embedder(pulled()), name=NAME, digest="", load_other=load)
    question = embedder.embed_query("Where?")
    assert len(embedder.embed_passages(["Here."] * FEW_TEXTS)[0]) == embedder.dimension
    assert not loaded
    assert len(embedder.embed_passages(["Here."] * (FEW_TEXTS + 1))[0]) == HashingEmbedder().dimension
    assert len(embedder.embed_passages(["Here."])[0]) == HashingEmbedder().dimension
    assert len(loaded) == 1
    assert nearness(embedder.embed_query("Where?"), question) == pytest.approx(1)


@pytest.mark.parametrize("shape", [None, BertShape(1, 1, 1e-12, "mean")], ids=["another kind", "weights that do not fit"])
def test_what_it_cannot_run_is_the_others(tmp_path: Path, shape: BertShape | None) -> None:
    folder = write_files(tmp_path, {"model.safetensors": b"nothing"})
    facts = EmbedderFacts(8, 512, ("", ""), folder / "tokenizer.json", shape)
    embedder = QuickEmbedder(folder, facts, name="odd", digest="", load_other=HashingEmbedder)
    assert len(embedder.embed_query("Where?")) == len(embedder.embed_passages(["Here."])[0]) == HashingEmbedder().dimension


PLAIN = {
    "config.json": b'{"model_type": "bert", "hidden_act": "gelu", "hidden_size": 8, "num_hidden_layers": 2, '
    b'"num_attention_heads": 4, "layer_norm_eps": 0.1}',
    "1_Pooling/config.json": b'{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}',
    "modules.json": b'[{"type": "sentence_transformers.models.Transformer"}, {"type": "sentence_transformers.models.Pooling"}]',
}


@pytest.mark.parametrize(
    ("changed", "shape"),
    [
        ({}, BertShape(2, 4, 0.1, "cls")),
        ({"1_Pooling/config.json": b'{"pooling_mode": "mean"}'}, BertShape(2, 4, 0.1, "mean")),
        ({"config.json": PLAIN["config.json"].replace(b', "layer_norm_eps": 0.1', b"")}, BertShape(2, 4, 1e-12, "cls")),
        ({"config.json": b'{"model_type": "bert", "hidden_act": "gelu", "hidden_size": 8}'}, None),
        ({"1_Pooling/config.json": b'{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true}'}, None),
        ({"1_Pooling/config.json": b'{"pooling_mode": "cls", "include_prompt": false}'}, None),
        ({"1_Pooling/config.json": b'{"pooling_mode": "max"}'}, None),
        ({"config.json": b'{"model_type": "modernbert", "hidden_act": "gelu", "hidden_size": 8}'}, None),
        ({"modules.json": b'[{"type": "a.Transformer"}, {"type": "a.Pooling"}, {"type": "a.Dense"}]'}, None),
        ({"modules.json": b"{}"}, None),
        ({"sentence_bert_config.json": b'{"do_lower_case": true}'}, None),
    ],
)
def test_only_a_plain_bert_is_known_as_one(tmp_path: Path, changed: dict[str, bytes], shape: BertShape | None) -> None:
    assert describe_embedder(write_files(tmp_path, PLAIN | changed)).bert == shape


@pytest.mark.model
def test_a_small_folder_is_indexed_and_searched_without_torch(tmp_path: Path) -> None:
    write_files(tmp_path / "notes", {"lease.md": b"The lease ends in May.", "cat.md": b"The cat sleeps all day."})
    script = f"""
import sys
from pathlib import Path
from ragcli import Assistant
from ragcli.adapters.models import ModelFolder
from ragcli.types import Question
if __name__ == "__main__":
    with Assistant.open(Path({str(tmp_path / "home")!r}), models=ModelFolder(Path({str(MODELS)!r}))) as assistant:
        assistant.index([Path({str(tmp_path / "notes")!r})])
        print(assistant.search(Question("when is the tenancy over?", mode="meaning")).hits[0].chunk.text)
    print(sorted({{"torch", "transformers", "sentence_transformers"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["The lease ends in May.", "[]"]


def test_half_precision_is_for_processors_that_compute_in_it(tmp_path: Path) -> None:
    from ragcli.adapters.embedder import cpu_computes_bfloat16, usable_cores

    cpuinfo = tmp_path / "cpuinfo"
    for flags, expected in [("fpu avx2", False), ("fpu avx512_bf16", True), ("amx_bf16", True)]:
        cpuinfo.write_text(f"processor : 0\nflags : {flags}\n")
        assert cpu_computes_bfloat16(cpuinfo) is expected
    assert cpu_computes_bfloat16(tmp_path / "absent") is False
    assert usable_cores() >= 1
