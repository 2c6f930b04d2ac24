from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from ragcli.adapters.models import ModelFolder
from ragcli.errors import ModelError, RagError, SourceError, UsageError
from ragcli.types import InstalledModel
from tests.model_files import EMBEDDER, GGUF, MLX, SAFETENSORS, gguf, safetensors, write_files
from tests.tallying import count


@pytest.fixture
def models(tmp_path: Path) -> ModelFolder:
    return ModelFolder(tmp_path / "home" / "models")


@pytest.fixture
def embedder(models: ModelFolder, tmp_path: Path) -> InstalledModel:
    return models.import_model(write_files(tmp_path / "source", EMBEDDER), "mine")


def slug_of(action: Callable[[], object]) -> str:
    with pytest.raises(RagError) as caught:
        action()
    return caught.value.slug


# ---- looking ----


def test_an_absent_folder_holds_no_models(models: ModelFolder) -> None:
    assert models.installed() == []
    assert not models.path.exists()


def test_a_missing_model_is_answered_with_the_command_that_gets_it(models: ModelFolder) -> None:
    with pytest.raises(ModelError) as caught:
        models.find("smollm2-135m")
    assert (caught.value.slug, caught.value.hint) == ("model-missing", "ragcli models pull smollm2-135m")


@pytest.mark.parametrize("name", ["..", "../mine", "/etc", "", "Mine", ".partial"])
def test_a_name_never_leads_out_of_the_folder(models: ModelFolder, embedder: InstalledModel, name: str) -> None:
    assert slug_of(lambda: models.find(name)) == "model-missing"
    assert slug_of(lambda: models.remove(name)) == "model-missing"


def test_an_imported_model_is_listed_with_what_the_engines_need(models: ModelFolder, embedder: InstalledModel) -> None:
    assert models.installed() == [embedder] == [models.find("mine")]
    assert (embedder.role, embedder.format, embedder.pinned) == ("embedder", "sentence-transformers", "first-use")
    assert embedder.folder == models.path / "mine"
    assert embedder.size == sum(map(len, EMBEDDER.values()))
    assert set(embedder.files) == set(EMBEDDER)
    assert embedder.mlx_folder is embedder.gguf_file is None
    assert "source" in embedder.source


def test_a_damaged_manifest_hides_the_model_and_says_why_when_asked(models: ModelFolder, embedder: InstalledModel) -> None:
    (embedder.folder / "ragcli-model.json").write_text("{")
    assert models.installed() == []
    assert slug_of(lambda: models.find("mine")) == "model-refused"
    models.remove("mine")
    assert not embedder.folder.exists()


def test_the_digest_of_a_model_is_that_of_its_files_alone(models: ModelFolder, tmp_path: Path) -> None:
    first = models.import_model(write_files(tmp_path / "a", EMBEDDER), "a")
    second = models.import_model(write_files(tmp_path / "b", EMBEDDER), "b")
    third = models.import_model(write_files(tmp_path / "c", {**EMBEDDER, "tokenizer.json": b"[]"}), "c")
    assert first.digest == second.digest != third.digest


# ---- importing ----


def test_importing_copies_only_safe_files_and_leaves_the_original(models: ModelFolder, tmp_path: Path) -> None:
    source = write_files(tmp_path / "My Model", {**MLX, "README.md": b"x", "modeling.py": b"x", ".git/config.json": b"{}"})
    model = models.import_model(source)
    assert (model.name, model.role, model.format, model.mlx_folder) == ("my-model", "llm", "mlx", model.folder)
    assert set(model.files) == set(MLX)
    assert (source / "modeling.py").is_file()


def test_links_of_a_hub_cache_are_imported_as_files(models: ModelFolder, tmp_path: Path) -> None:
    blobs = write_files(tmp_path / "blobs", {str(number): content for number, content in enumerate(MLX.values())})
    (tmp_path / "snapshot").mkdir()
    for number, name in enumerate(MLX):
        (tmp_path / "snapshot" / name).symlink_to(blobs / str(number))
    model = models.import_model(tmp_path / "snapshot")
    assert not any(path.is_symlink() for path in model.folder.iterdir())
    models.verify(model)


def test_importing_again_replaces_the_model_whole(models: ModelFolder, embedder: InstalledModel, tmp_path: Path) -> None:
    again = models.import_model(write_files(tmp_path / "new", {**EMBEDDER, "vocab.txt": b"a"}), "mine")
    assert models.installed() == [again] and again.digest != embedder.digest


def test_nothing_is_left_of_an_import_that_was_refused(models: ModelFolder, tmp_path: Path) -> None:
    source = write_files(tmp_path / "bad", {**MLX, "config.json": b'{"auto_map": {"AutoModel": "x.Y"}}'})
    assert slug_of(lambda: models.import_model(source)) == "model-refused"
    assert models.installed() == [] and not (models.path / "bad").exists()


def test_the_catalogs_names_are_kept_for_the_catalogs_files(models: ModelFolder, tmp_path: Path) -> None:
    source = write_files(tmp_path / "source", EMBEDDER)
    assert slug_of(lambda: models.import_model(source, "all-minilm-l6-v2")) == "digest-mismatch"
    assert models.installed() == []


def test_what_cannot_be_imported_is_said(models: ModelFolder, tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        models.import_model(tmp_path / "nowhere")
    with pytest.raises(UsageError):
        models.import_model(write_files(tmp_path / "text", {"a.txt": b"a"}))
    source = write_files(tmp_path / "source", MLX)
    with pytest.raises(UsageError):
        models.import_model(source, "../x")
    with pytest.raises(UsageError):
        models.import_model(source, "x", "embedder")


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_everything_is_private_whatever_the_umask(models: ModelFolder, tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        models.import_model(write_files(tmp_path / "source", EMBEDDER), "mine")
    finally:
        os.umask(before)
    for path in (models.path, *models.path.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_two_processes_do_not_make_the_same_model(models: ModelFolder, tmp_path: Path) -> None:
    source = write_files(tmp_path / "source", MLX)
    (models.path / ".partial").mkdir(parents=True)
    with (models.path / ".partial" / "mine.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert slug_of(lambda: models.import_model(source, "mine")) == "download-failed"
    assert models.import_model(source, "mine").name == "mine"


def test_a_removed_model_is_gone(models: ModelFolder, embedder: InstalledModel) -> None:
    models.remove("mine")
    assert models.installed() == [] and not embedder.folder.exists()
    assert slug_of(lambda: models.remove("mine")) == "model-missing"


def test_removing_a_link_leaves_what_it_points_to(models: ModelFolder, embedder: InstalledModel) -> None:
    (models.path / "other").symlink_to(embedder.folder)
    models.remove("other")
    models.gate(embedder)


# ---- the gate ----


def test_the_gate_lets_a_sound_model_through(models: ModelFolder, embedder: InstalledModel) -> None:
    models.gate(embedder)
    models.verify(embedder)


def rewrite(folder: Path, name: str, content: bytes) -> None:
    """Changes a file and the manifest with it, as someone would who can write to the folder."""
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / "ragcli-model.json").read_text())
    manifest["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "changed_ns": 0}
    (folder / "ragcli-model.json").write_text(json.dumps(manifest))


def link(folder: Path, name: str, target: Path) -> None:
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(target)


def modules(kind: str, path: str = "") -> bytes:
    return json.dumps([{"idx": 0, "name": "0", "path": path, "type": kind}]).encode()


HARM: dict[str, Callable[[Path], object]] = {
    "extra Python file": lambda f: (f / "modeling.py").write_text("x"),
    "extra Python file in the manifest": lambda f: rewrite(f, "modeling.py", b"x"),
    "extra safe file": lambda f: (f / "extra.json").write_text("{}"),
    "extra hidden file": lambda f: (f / ".hidden.json").write_text("{}"),
    "pickle": lambda f: rewrite(f, "pytorch_model.bin", b"x"),
    "archive of arrays": lambda f: rewrite(f, "weights.npz", b"x"),
    "missing file": lambda f: (f / "tokenizer.json").unlink(),
    "link out": lambda f: link(f, "tokenizer.json", Path("/etc/passwd")),
    "link to a folder": lambda f: link(f, "2_More", Path("/tmp")),
    "named pipe": lambda f: os.mkfifo(f / "pipe.json"),
    "code by auto_map": lambda f: rewrite(f, "config.json", b'{"auto_map": {"AutoModel": "x.Y"}}'),
    "code by auto_map of the tokenizer": lambda f: rewrite(f, "tokenizer_config.json", b'{"auto_map": {"AutoTokenizer": ["x"]}}'),
    "code by auto_map further in": lambda f: rewrite(f, "config.json", b'{"text_config": {"auto_map": {"AutoModel": "x.Y"}}}'),
    "code by model_file": lambda f: rewrite(f, "config.json", b'{"model_file": "x.py"}'),
    "code by trust": lambda f: rewrite(f, "sentence_bert_config.json", b'{"model_args": {"trust_remote_code": true}}'),
    "foreign module": lambda f: rewrite(f, "modules.json", modules("os.system")),
    "foreign module with a near name": lambda f: rewrite(f, "modules.json", modules("sentence_transformers_x.Y")),
    "module outside of the model": lambda f: rewrite(f, "modules.json", modules("sentence_transformers.models.Pooling", "../x")),
    "adapter of another model": lambda f: rewrite(f, "adapter_config.json", b"{}"),
    "weights of another kind": lambda f: rewrite(f, "model.safetensors", b"\x80\x02pickle" + bytes(64)),
    "GGUF of another kind": lambda f: rewrite(f, "model.gguf", b"PK\x03\x04" + bytes(64)),
    "no weights": lambda f: rewrite(f, "model.safetensors", b""),
    "config that is not JSON": lambda f: rewrite(f, "config.json", b"{"),
    "config with a class of its own": lambda f: rewrite(f, "1_Pooling/config.json", b'{"activation_function": "os.system"}'),
    "config with a class from a hub": lambda f: rewrite(f, "config.json", b'{"tokenizer_class": "evil/repo--x.Y"}'),
    "router to a foreign class": lambda f: rewrite(f, "router_config.json", b'{"types": {"query": "subprocess.Popen"}}'),
    "pipeline of its own": lambda f: rewrite(f, "config.json", b'{"custom_pipelines": {"x": {"impl": "x.py"}}}'),
    "config nested without end": lambda f: rewrite(f, "config.json", b'{"a":' * 200_000),
    "config of many megabytes": lambda f: rewrite(f, "config.json", b'{"a": "' + b"x" * (17 << 20) + b'"}'),
    "vectors as pickle": lambda f: rewrite(f, "vectors.npy", b"\x93NUMPY"),
    "library": lambda f: rewrite(f, "kernel.so", b"\x7fELF"),
    "weights of a Keras layer": lambda f: rewrite(f, "model.h5", b"\x89HDF"),
    "pickle with a safe name in another folder": lambda f: rewrite(f, "2_Dense/model.safetensors", b"PK\x03\x04" + bytes(64)),
    "header longer than the file": lambda f: rewrite(f, "model.safetensors", struct.pack("<Q", 1 << 60) + b"{" + bytes(64)),
    "header of gigabytes": lambda f: rewrite(f, "model.safetensors", struct.pack("<Q", 2**32) + b"{}" + bytes(64)),
    "tensor outside of the file": lambda f: rewrite(
        f, "model.safetensors", safetensors({"a": {"dtype": "F32", "shape": [64], "data_offsets": [0, 256]}})
    ),
    "GGUF that counts too much": lambda f: rewrite(f, "model.gguf", gguf(tensors=1 << 62)),
    "GGUF with a name of exabytes": lambda f: rewrite(f, "model.gguf", gguf(names=2, fields=struct.pack("<Q", 1 << 62))),
    "manifest of another version": lambda f: (f / "ragcli-model.json").write_text('{"schema": 2}'),
    "no manifest": lambda f: (f / "ragcli-model.json").unlink(),
}


@pytest.mark.parametrize("harm", HARM.values(), ids=HARM.keys())
def test_the_gate_refuses(models: ModelFolder, embedder: InstalledModel, harm: Callable[[Path], object]) -> None:
    harm(embedder.folder)
    assert slug_of(lambda: models.gate(embedder)) == "model-refused"
    count("bad model folders refused")


def test_no_parser_sees_a_file_before_the_gate_has(models: ModelFolder, tmp_path: Path) -> None:
    """What an import or a pull would convert is looked at first: no converter is started."""
    source = write_files(tmp_path, {"bad.gguf": gguf(tensors=1 << 62)})
    with pytest.raises(ModelError) as caught:
        models.import_model(source / "bad.gguf")
    assert caught.value.slug == "model-refused" and "counts more than any model has" in caught.value.message
    count("bad model folders refused")


def change_quietly(path: Path) -> None:
    """One byte is another, size and time of modification stay."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("name", ["tokenizer.json", "model.safetensors", "chat_template.jinja"])
def test_a_changed_byte_refuses_to_load(models: ModelFolder, tmp_path: Path, name: str) -> None:
    large = {**EMBEDDER, "model.safetensors": SAFETENSORS + bytes(2 << 20), "chat_template.jinja": b"{{ messages }}"}
    model = models.import_model(write_files(tmp_path / "source", large), "mine")
    change_quietly(model.folder / name)
    assert slug_of(lambda: models.gate(model)) == "digest-mismatch"
    count("bad model folders refused")
    assert slug_of(lambda: models.verify(model)) == "digest-mismatch"


def test_a_touched_file_is_looked_at_again_and_remembered(models: ModelFolder, tmp_path: Path) -> None:
    large = {**EMBEDDER, "model.safetensors": SAFETENSORS + bytes(2 << 20)}
    model = models.import_model(write_files(tmp_path / "source", large), "mine")
    manifest = (model.folder / "ragcli-model.json").read_text()
    models.gate(model)
    assert (model.folder / "ragcli-model.json").read_text() == manifest
    (model.folder / "model.safetensors").touch()
    models.gate(model)
    assert (model.folder / "ragcli-model.json").read_text() != manifest
    assert models.find("mine") == model


def test_a_manifest_cannot_speak_against_the_catalog(models: ModelFolder, embedder: InstalledModel) -> None:
    folder = embedder.folder.rename(models.path / "all-minilm-l6-v2")
    manifest = json.loads((folder / "ragcli-model.json").read_text())
    (folder / "ragcli-model.json").write_text(json.dumps({**manifest, "name": folder.name}))
    assert slug_of(lambda: models.gate(models.find("all-minilm-l6-v2"))) == "digest-mismatch"


def test_a_folder_that_vanished_is_missing(models: ModelFolder, embedder: InstalledModel) -> None:
    models.remove("mine")
    assert slug_of(lambda: models.gate(embedder)) == "model-missing"


def test_a_broken_gguf_file_is_refused_with_a_reason(models: ModelFolder, tmp_path: Path) -> None:
    write_files(tmp_path, {"broken.gguf": GGUF})
    with pytest.raises(ModelError) as caught:
        models.import_model(tmp_path / "broken.gguf")
    assert caught.value.slug == "conversion-failed" and "tokenizer" in caught.value.message
    assert models.installed() == []
