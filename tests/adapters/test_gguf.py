"""The real loader on a real file, each step in its own sealed process, as a pull runs it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ragcli.adapters.models import ModelFolder
from ragcli.errors import ModelError

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def gguf(models_folder: Path) -> Path:
    file = models_folder / "smollm2-135m" / "SmolLM2-135M-Instruct.Q4_1.gguf"
    if not file.is_file():
        pytest.skip("smollm2-135m is not pulled: run scripts/test")
    return file


@pytest.fixture(scope="module")
def converted(gguf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file with everything that can be made of it."""
    staging = tmp_path_factory.mktemp("models") / "model"
    staging.mkdir()
    shutil.copyfile(gguf, staging / gguf.name)
    models = ModelFolder(staging.parent)
    models.make_tokenizer(staging, "smollm2-135m")
    models.convert_to_mlx(staging, "smollm2-135m")
    return staging


def encode(folder: Path, text: str) -> list[str]:
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text, add_special_tokens=False).tokens


def test_only_the_files_of_a_model_are_left(converted: Path) -> None:
    beside = {path.name for path in converted.iterdir()}
    assert beside == {"SmolLM2-135M-Instruct.Q4_1.gguf", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "mlx"}
    assert not (converted.parent / "dequantized").exists()
    assert {path.suffix for path in (converted / "mlx").iterdir()} <= {".json", ".jinja", ".safetensors"}


def test_the_chat_template_comes_from_the_file(converted: Path) -> None:
    template = (converted / "chat_template.jinja").read_text()
    assert "<|im_start|>" in template and "add_generation_prompt" in template


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("In 2024, 1234567 items cost $3,456.78.", 27),
        ("a  7 8  99\n100", 12),
        ("x1y22z333 foo_bar42 v1.2.3", 20),
        ("日本語のテキスト 2023年", 22),
        ("٣٤ ½ ①", 10),
    ],
)
def test_tokens_are_those_of_llama_cpp(converted: Path, text: str, count: int) -> None:
    """The counts are llama.cpp's own for this file; without the mended rule for digits two of them differ."""
    assert len(encode(converted, text)) == count


def test_control_tokens_are_one_token_each(converted: Path) -> None:
    assert encode(converted, "<|im_start|>user") == ["<|im_start|>", "user"]


def test_both_engines_have_the_same_tokenizer(converted: Path) -> None:
    for name in ("tokenizer.json", "chat_template.jinja"):
        assert (converted / name).read_bytes() == (converted / "mlx" / name).read_bytes()


def test_the_conversion_is_four_bit(converted: Path) -> None:
    config = json.loads((converted / "mlx" / "config.json").read_text())
    assert (config["quantization"]["bits"], config["model_type"], config["vocab_size"]) == (4, "llama", 49_152)
    assert 70e6 < (converted / "mlx" / "model.safetensors").stat().st_size < 90e6


def test_a_damaged_file_is_refused_with_a_reason(gguf: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.gguf").write_bytes(gguf.read_bytes()[:100_000])
    with pytest.raises(ModelError) as caught:
        ModelFolder(tmp_path / "models").import_model(tmp_path / "broken.gguf")
    assert caught.value.slug == "model-refused" and "longer than the file" in caught.value.message
