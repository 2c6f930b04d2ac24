from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ragcli.adapters import llm_mlx
from ragcli.adapters.llm_mlx import MlxModel, has_accelerator, is_installed, quiet_import
from ragcli.adapters.tokenizer import ChatEncoder
from ragcli.errors import ModelError
from ragcli.types import Delta, Message, ModelIdentity, Prompt, Stop
from tests.fakes.tiny_model import write_mlx_model, write_tokenizer

IDENTITY = ModelIdentity("tiny", "mlx")
HELLO = Prompt((Message("user", "Say hello."),))

IN_ANOTHER_PROCESS = """
import resource, sys
from pathlib import Path
from ragcli.adapters.offline import close_doors
close_doors()
before = resource.getrlimit(resource.RLIMIT_NOFILE)
from ragcli.adapters.llm_mlx import MlxModel
from ragcli.adapters.tokenizer import ChatEncoder
from ragcli.types import Message, ModelIdentity, Prompt
folder = Path(sys.argv[1])
model = MlxModel(folder, ChatEncoder(folder), ModelIdentity("tiny", "mlx"))
assert "mlx.core" not in sys.modules and "mlx_lm" not in sys.modules
assert list(model.stream(Prompt((Message("user", "Say hello."),)), max_tokens=3))
model.close()
assert "mlx_lm" in sys.modules
assert resource.getrlimit(resource.RLIMIT_NOFILE) == before
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not is_installed():
        pytest.skip("MLX is not installed with a backend")
    made = tmp_path_factory.mktemp("models") / "tiny"
    write_mlx_model(made)
    return made


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> ChatEncoder:
    made = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(made)
    return ChatEncoder(made)


def model_in(folder: Path) -> MlxModel:
    return MlxModel(folder, ChatEncoder(folder), IDENTITY)


def test_a_sealed_process_can_answer_and_keeps_its_limit_of_open_files(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", IN_ANOTHER_PROCESS, str(folder)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_answer_ends_at_a_stop_token(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_in(folder)
    everything = frozenset(range(1000))
    monkeypatch.setattr(type(model._encoder), "stop_ids", property(lambda _: everything))

    *deltas, stop = model.stream(HELLO, max_tokens=20)
    model.close()

    assert "".join(delta.text for delta in deltas if isinstance(delta, Delta)) == ""
    assert isinstance(stop, Stop)
    assert (stop.reason, stop.usage.answer_tokens) == ("stop", 1)


def test_quantized_weights_are_run_too(folder: Path, tmp_path: Path) -> None:
    with quiet_import():
        from mlx_lm.convert import convert
    convert(str(folder), str(tmp_path / "packed"), quantize=True, q_bits=4, q_group_size=32)
    model = model_in(tmp_path / "packed")

    *_, stop = model.stream(HELLO, max_tokens=4)
    model.close()

    assert isinstance(stop, Stop)
    assert stop.usage.answer_tokens == 4


def test_nothing_is_printed(folder: Path, capfd: pytest.CaptureFixture) -> None:
    model = model_in(folder)

    list(model.stream(HELLO, max_tokens=2))
    model.close()
    model.close()

    assert capfd.readouterr() == ("", "")


def test_damaged_weights_give_one_line(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes()[:2000] if file.suffix == ".safetensors" else file.read_bytes())
    model = model_in(tmp_path)

    with pytest.raises(ModelError) as caught:
        list(model.stream(HELLO, max_tokens=2))
    model.close()

    assert caught.value.slug == "model-failed"
    assert "\n" not in caught.value.message


def test_a_folder_without_a_model_is_never_looked_up_elsewhere(tmp_path: Path, encoder: ChatEncoder) -> None:
    with pytest.raises(ModelError) as caught:
        MlxModel(tmp_path / "mlx-community" / "some-model", encoder, IDENTITY)

    assert caught.value.slug == "model-missing"


def test_a_missing_backend_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlx.core", None)
    model = model_in(folder)

    with pytest.raises(ModelError) as caught:
        list(model.stream(HELLO, max_tokens=2))
    model.close()

    assert caught.value.slug == "engine-missing"
    assert "ragcli[mlx-cpu]" in caught.value.hint


def test_a_missing_blas_library_is_noted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if has_accelerator() or not sys.platform.startswith("linux"):
        pytest.skip("matters on Linux without a GPU only")
    monkeypatch.setattr(llm_mlx, "OPENBLAS", "libno-such-blas.so.0")
    model = model_in(folder)

    list(model.stream(HELLO, max_tokens=1))
    model.close()

    assert "libopenblas" in model.notice


@pytest.mark.parametrize(("machine", "expected"), [("arm64", True), ("x86_64", False)])
def test_apple_silicon_is_an_accelerator(monkeypatch: pytest.MonkeyPatch, machine: str, expected: bool) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr(llm_mlx, "is_installed", lambda: True)

    assert has_accelerator() is expected


def test_without_mlx_there_is_no_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    assert not is_installed()
    assert not has_accelerator()
