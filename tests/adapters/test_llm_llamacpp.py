from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ragcli.adapters import llm_llamacpp
from ragcli.adapters.llm_llamacpp import LlamaCppModel, find_gguf, socket_folder
from ragcli.adapters.tokenizer import ChatEncoder
from ragcli.errors import ModelError
from ragcli.steps.fitting import bound_schema, fits
from ragcli.steps.shaping import check_schema
from ragcli.types import Delta, Message, ModelIdentity, Prompt, Stop
from tests.conftest import MODELS
from tests.fakes.tiny_model import write_tokenizer

NAME = "smollm2-135m"
IDENTITY = ModelIdentity(NAME, "llamacpp")
HELLO = Prompt((Message("user", "Say hello."),))

IN_ANOTHER_PROCESS = """
import os, sys
from pathlib import Path
from ragcli.adapters.offline import close_doors
close_doors()
from ragcli.adapters.llm_llamacpp import LlamaCppModel
from ragcli.adapters.tokenizer import ChatEncoder
from ragcli.types import Delta, Message, ModelIdentity, Prompt
folder, run_folder, max_tokens = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
model = LlamaCppModel(folder, ChatEncoder(folder), ModelIdentity("m", "llamacpp"), run_folder=run_folder, window=8192)
for event in model.stream(Prompt((Message("user", "Say hello."),)), max_tokens=max_tokens):
    if isinstance(event, Delta):
        print(event.text, end="", flush=True)
"""


@pytest.fixture(scope="module")
def folder() -> Path:
    if not any((MODELS / NAME).glob("*.gguf")):
        pytest.skip(f"{NAME} is not in {MODELS}: run scripts/test")
    return MODELS / NAME


@pytest.fixture
def model(folder: Path, tmp_path: Path) -> Iterator[LlamaCppModel]:
    made = LlamaCppModel(folder, ChatEncoder(folder), IDENTITY, run_folder=tmp_path / "run")
    yield made
    made.close()


def text_of(model: LlamaCppModel, prompt: Prompt, *, max_tokens: int) -> str:
    return "".join(event.text for event in model.stream(prompt, max_tokens=max_tokens) if isinstance(event, Delta))


# ---- with a real model -----------------------------------------------------------------------


@pytest.mark.model
def test_characters_of_several_tokens_come_whole(model: LlamaCppModel) -> None:
    only = replace(HELLO, schema={"enum": ["naïve 日本語 🎉"]})

    assert json.loads(text_of(model, only, max_tokens=30)) == "naïve 日本語 🎉"


@pytest.mark.model
@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3}$"},
        {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 20}, "minItems": 2, "maxItems": 3},
        {"type": ["string", "null"], "minLength": 2, "maxLength": 9},
        {"type": "object", "properties": {"a": {"enum": [1, None, "x"]}}, "required": [], "additionalProperties": False},
    ],
)
def test_every_limit_that_a_schema_may_have_is_kept(model: LlamaCppModel, schema: dict[str, Any]) -> None:
    """llama.cpp says nothing of a schema that it cannot keep to: it leaves the model free."""
    bounded = bound_schema(check_schema(schema), characters=20, items=4)

    assert fits(json.loads(text_of(model, replace(HELLO, schema=bounded), max_tokens=60)), check_schema(schema))


@pytest.mark.model
def test_nothing_is_printed_and_nothing_is_left_behind(
    model: LlamaCppModel, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    text_of(model, HELLO, max_tokens=2)

    assert capfd.readouterr() == ("", "")
    assert [*(tmp_path / "run").iterdir()] == []


@pytest.mark.model
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_no_network_port_is_open_while_the_model_is_loaded(model: LlamaCppModel) -> None:
    text_of(model, HELLO, max_tokens=2)

    own = {str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()}
    ports = [line.split()[9] for name in ("tcp", "tcp6") for line in Path("/proc/self/net", name).read_text().splitlines()[1:]]
    assert any(target.startswith("socket:") for target in own)
    assert not own & {f"socket:[{inode}]" for inode in ports}


@pytest.mark.model
def test_a_longer_prompt_gets_a_larger_context(model: LlamaCppModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llm_llamacpp, "FIRST_CONTEXT", 256)
    monkeypatch.setattr(llm_llamacpp, "CONTEXT_STEP", 256)
    text_of(model, HELLO, max_tokens=2)

    *_, stop = model.stream(Prompt((Message("user", "word " * 260),)), max_tokens=2)

    assert isinstance(stop, Stop)
    assert stop.usage.prompt_tokens > 256


@pytest.mark.model
def test_loading_can_begin_before_the_prompt_is_known(model: LlamaCppModel) -> None:
    model.load()

    assert text_of(model, HELLO, max_tokens=2)


@pytest.mark.model
def test_a_sealed_process_can_answer(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", IN_ANOTHER_PROCESS, str(folder), str(tmp_path), "8"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()


@pytest.mark.model
def test_control_c_ends_a_long_answer(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", IN_ANOTHER_PROCESS, str(folder), str(tmp_path), "8000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)

    assert process.returncode == -signal.SIGINT
    assert errors.endswith(b"KeyboardInterrupt\n")
    assert [*tmp_path.iterdir()] == []


@pytest.mark.model
def test_a_model_that_was_cut_short_gives_one_line(folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    damaged = tmp_path / "cut.gguf"
    with find_gguf(folder).open("rb") as whole:
        damaged.write_bytes(whole.read(20_000_000))
    model = LlamaCppModel(damaged, ChatEncoder(folder), IDENTITY, run_folder=tmp_path / "run")

    with pytest.raises(ModelError) as caught:
        list(model.stream(HELLO, max_tokens=2))
    model.close()

    assert caught.value.slug == "model-failed"
    assert capfd.readouterr() == ("", "")


# ---- without one -----------------------------------------------------------------------------


def test_a_file_that_is_no_model_gives_one_line(tmp_path: Path) -> None:
    write_tokenizer(tmp_path)
    (tmp_path / "random.gguf").write_bytes(b"GGUF" + bytes(range(256)) * 20)
    model = LlamaCppModel(tmp_path, ChatEncoder(tmp_path), IDENTITY, run_folder=tmp_path / "run")

    for _ in range(2):
        with pytest.raises(ModelError) as caught:
            list(model.stream(HELLO, max_tokens=2))
        assert caught.value.slug == "model-failed"
        assert NAME in caught.value.hint
    model.close()
    model.close()


def test_a_folder_without_a_model_says_what_to_pull(tmp_path: Path) -> None:
    write_tokenizer(tmp_path)

    with pytest.raises(ModelError) as caught:
        LlamaCppModel(tmp_path, ChatEncoder(tmp_path), IDENTITY, run_folder=tmp_path)

    assert caught.value.slug == "model-missing"


def test_the_socket_stands_in_a_folder_of_its_own(tmp_path: Path) -> None:
    with socket_folder(tmp_path / "run") as folder:
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder.parent)]
        assert folder.parent == tmp_path / "run" or len(str(tmp_path)) > 60

    assert modes[0] == 0o700
    assert not folder.exists()


def test_a_long_path_is_no_obstacle_for_the_socket(tmp_path: Path) -> None:
    with socket_folder(tmp_path / ("long" * 30)) as folder:
        assert len(os.fsencode(folder / "engine.sock")) <= llm_llamacpp.LONGEST_SOCKET_PATH


def test_threads_wait_asleep() -> None:
    assert os.environ["OMP_WAIT_POLICY"] == "passive"
