"""What every embedder keeps to: the fake one that flows are tested with, and the real one."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from ragcli.adapters.embedder_files import LONGEST_TOKEN_LIMIT, describe_embedder
from ragcli.errors import ModelError
from ragcli.ports import Embedder
from tests.conftest import MODELS
from tests.fakes.embedder import HashingEmbedder
from tests.model_files import write_files

NAME = "all-minilm-l6-v2"


def real() -> Embedder:
    from ragcli.adapters.embedder import SentenceEmbedder

    return SentenceEmbedder(pulled(), name=NAME, digest="d" * 64, threads=1)


def pulled() -> Path:
    if not (MODELS / NAME / "model.safetensors").is_file():
        pytest.skip(f"{MODELS} holds no {NAME}: run scripts/test")
    return MODELS / NAME


@pytest.fixture(scope="module", params=[HashingEmbedder, pytest.param(real, marks=pytest.mark.model)], ids=["fake", "real"])
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


def test_half_precision_is_for_processors_that_compute_in_it(tmp_path: Path) -> None:
    from ragcli.adapters.embedder import cpu_computes_bfloat16, usable_cores

    cpuinfo = tmp_path / "cpuinfo"
    for flags, expected in [("fpu avx2", False), ("fpu avx512_bf16", True), ("amx_bf16", True)]:
        cpuinfo.write_text(f"processor : 0\nflags : {flags}\n")
        assert cpu_computes_bfloat16(cpuinfo) is expected
    assert cpu_computes_bfloat16(tmp_path / "absent") is False
    assert usable_cores() >= 1
