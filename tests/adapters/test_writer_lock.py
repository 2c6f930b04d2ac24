"""One writer and one watcher: who comes second is told who was first, and waits as long as it wants."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from ragcli.adapters.writer_lock import Patience, watcher_lock, writer_lock
from ragcli.errors import StoreError


def test_without_patience_the_second_is_told_at_once_who_is_first(tmp_path: Path) -> None:
    with writer_lock(tmp_path / "lock"), pytest.raises(StoreError) as raised, writer_lock(tmp_path / "lock"):
        pass
    assert raised.value.slug == "index-locked"
    assert raised.value.message == f"another ragcli (process {os.getpid()}) is writing to this index"


def test_with_patience_it_is_told_once_and_goes_on_when_the_first_ends(tmp_path: Path) -> None:
    first, told = ExitStack(), []
    first.enter_context(writer_lock(tmp_path / "lock"))

    def tell(message: str) -> None:
        told.append(message)
        first.close()

    with writer_lock(tmp_path / "lock", Patience(60.0, tell)):
        assert told == [f"another ragcli (process {os.getpid()}) is writing to this index: waiting for it"]


def test_patience_ends(tmp_path: Path) -> None:
    told: list[str] = []
    patience = Patience(0.01, told.append)
    with writer_lock(tmp_path / "lock"), pytest.raises(StoreError), writer_lock(tmp_path / "lock", patience):
        pass
    assert len(told) == 1


def test_the_lock_is_free_afterwards_and_private(tmp_path: Path) -> None:
    for _ in range(2):
        with writer_lock(tmp_path / "lock"):
            assert (tmp_path / "lock").stat().st_mode & 0o077 == 0


def test_what_is_raised_inside_is_not_mistaken_for_the_lock_s_own(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), writer_lock(tmp_path / "lock"):
        raise FileNotFoundError("a document")


def test_a_second_watcher_is_refused(tmp_path: Path) -> None:
    with watcher_lock(tmp_path / "lock"), pytest.raises(StoreError) as raised, watcher_lock(tmp_path / "lock"):
        pass
    assert raised.value.slug == "already-watching"


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot write"), writer_lock(tmp_path / "file" / "lock"):
        pass
