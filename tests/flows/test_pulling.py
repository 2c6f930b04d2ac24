from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import pytest

from ragcli.adapters.models import ModelFolder
from ragcli.catalog import CatalogModel, HubSource
from ragcli.errors import ModelError, StoreError
from ragcli.flows.pulling import pull_model
from ragcli.types import PullEvent, PullFinished, PullPlanned, PullProgressed
from tests.fakes.downloads import LocalDownloads
from tests.model_files import EMBEDDER, GGUF

HUB = HubSource("someone/model", "main", 500, ())
ENTRY = CatalogModel("mine", "embedder", "sentence-transformers", "MIT", "a test", 1, 1_000, 1, hub=HUB)
GGUF_ENTRY = replace(ENTRY, role="llm", format="gguf")
SIZE = sum(map(len, EMBEDDER.values()))


class Folder(ModelFolder):
    """The real models folder on a disk of any size, with conversions that only leave a trace."""

    free = 10**12

    def free_bytes(self) -> int:
        return self.free

    def make_tokenizer(self, staging: Path, name: str) -> None:
        (staging / "tokenizer.json").write_text("{}")

    def convert_to_mlx(self, staging: Path, name: str) -> None:
        assert (staging / "tokenizer.json").is_file()
        (staging / "mlx").mkdir()
        (staging / "mlx" / "config.json").write_text("{}")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "models")


def steps(events: list[PullEvent]) -> list[str]:
    """The steps in order, each once."""
    return list(dict.fromkeys(event.step for event in events if isinstance(event, PullProgressed)))


def test_size_source_and_licence_are_said_before_anything_is_fetched(folder: Folder) -> None:
    downloads = LocalDownloads(EMBEDDER)
    first = next(pull_model(ENTRY, folder, downloads))
    assert first == PullPlanned("mine", 500, "model hub: someone/model", "MIT")
    assert downloads.fetched == [] and not folder.path.exists()


def test_a_pull_tells_each_step_and_ends_with_the_model(folder: Folder) -> None:
    events = list(pull_model(ENTRY, folder, LocalDownloads(EMBEDDER)))
    assert steps(events) == ["download", "unpack"]
    assert PullProgressed(SIZE, SIZE, "download") in events and PullProgressed(SIZE, SIZE, "unpack") in events
    assert events[-1] == PullFinished(folder.find("mine"))
    assert folder.find("mine").licence == "MIT"
    assert not (folder.path / ".partial" / "mine").exists()


def test_an_installed_model_is_not_pulled_again(folder: Folder) -> None:
    downloads = LocalDownloads(EMBEDDER)
    list(pull_model(ENTRY, folder, downloads))
    fetched = list(downloads.fetched)
    assert list(pull_model(ENTRY, folder, downloads)) == [PullFinished(folder.find("mine"), already_here=True)]
    assert downloads.fetched == fetched


def test_a_damaged_model_is_pulled_anew(folder: Folder) -> None:
    list(pull_model(ENTRY, folder, LocalDownloads(EMBEDDER)))
    (folder.path / "mine" / "tokenizer.json").write_text("[]")
    events = list(pull_model(ENTRY, folder, LocalDownloads(EMBEDDER)))
    assert isinstance(events[-1], PullFinished) and not events[-1].already_here
    folder.verify(folder.find("mine"))


def test_a_broken_pull_installs_nothing_and_goes_on_from_there(folder: Folder) -> None:
    offline = ModelError("download-failed", "the network is down", hint="try again")
    downloads = LocalDownloads(EMBEDDER, offline)
    with pytest.raises(ModelError, match="the network is down"):
        list(pull_model(ENTRY, folder, downloads))
    assert folder.installed() == []
    list(pull_model(ENTRY, folder, downloads))
    assert sorted(downloads.fetched) == sorted(EMBEDDER)


def test_an_interrupted_pull_leaves_the_lock_free(folder: Folder) -> None:
    events = pull_model(ENTRY, folder, LocalDownloads(EMBEDDER))
    assert [next(events), next(events)]
    events.close()
    assert isinstance(list(pull_model(ENTRY, folder, LocalDownloads(EMBEDDER)))[-1], PullFinished)


def test_a_failed_replacement_leaves_the_old_model(folder: Folder) -> None:
    list(pull_model(ENTRY, folder, LocalDownloads(EMBEDDER)))
    (folder.path / "mine" / "tokenizer.json").write_text("[]")
    with pytest.raises(ModelError):
        list(pull_model(ENTRY, folder, LocalDownloads({"model.safetensors": b"not weights"})))
    assert folder.find("mine").files.keys() == EMBEDDER.keys()


def test_too_little_space_is_said_before_the_first_byte(folder: Folder) -> None:
    folder.free = 700
    downloads = LocalDownloads(EMBEDDER)
    big = replace(ENTRY, hub=replace(HUB, size=2_000_000_000))
    with pytest.raises(StoreError) as caught:
        list(pull_model(big, folder, downloads))
    assert caught.value.slug == "disk-full" and "4,200 MB" in caught.value.message
    assert downloads.fetched == []


def test_a_conversion_needs_more_space(folder: Folder) -> None:
    folder.free = 5_000
    entry = replace(GGUF_ENTRY, parameters=1_000)
    with pytest.raises(StoreError):
        list(pull_model(entry, folder, LocalDownloads({"model.gguf": GGUF}), for_mlx=True))
    assert isinstance(list(pull_model(entry, folder, LocalDownloads({"model.gguf": GGUF})))[-1], PullFinished)


def test_a_disk_that_fills_up_on_the_way_is_said(folder: Folder) -> None:
    downloads = LocalDownloads(EMBEDDER, OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(StoreError) as caught:
        list(pull_model(ENTRY, folder, downloads))
    assert caught.value.slug == "disk-full"


def test_a_gguf_model_gets_its_tokenizer_and_on_demand_its_conversion(folder: Folder) -> None:
    events = list(pull_model(GGUF_ENTRY, folder, LocalDownloads({"model.gguf": GGUF}), for_mlx=True))
    assert steps(events) == ["download", "unpack", "tokenizer", "convert"]
    model = folder.find("mine")
    assert model.gguf_file == folder.path / "mine" / "model.gguf"
    assert model.mlx_folder == folder.path / "mine" / "mlx"


def test_a_conversion_can_be_made_later_without_fetching_again(folder: Folder) -> None:
    downloads = LocalDownloads({"model.gguf": GGUF})
    list(pull_model(GGUF_ENTRY, folder, downloads))
    before = folder.find("mine")
    assert before.mlx_folder is None
    events = list(pull_model(GGUF_ENTRY, folder, downloads, for_mlx=True))
    after = folder.find("mine")
    assert events[0] == PullPlanned("mine", 0, GGUF_ENTRY.source, "MIT")
    assert steps(events) == ["convert"] and downloads.fetched == ["model.gguf"]
    assert after.mlx_folder and after.digest == before.digest and after.source == before.source
    folder.verify(after)
    assert list(pull_model(GGUF_ENTRY, folder, downloads, for_mlx=True)) == [PullFinished(after, already_here=True)]
