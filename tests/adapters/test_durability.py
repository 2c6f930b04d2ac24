"""Private folders, flushed files, and what is said when the disk refuses."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from ragcli.adapters import durability
from ragcli.errors import StoreError, UsageError
from tests.tallying import count


def test_private_folders_are_made_with_their_parents(tmp_path):
    durability.make_private(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_a_wider_folder_of_ours_is_closed(tmp_path):
    tmp_path.chmod(0o755)
    durability.check_private(tmp_path)
    durability.make_private(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "index").write_text("mine")
    with pytest.raises(StoreError, match="not a folder"):
        durability.check_private(tmp_path / "index")


@pytest.mark.parametrize("path", ["/home/ann/index", "index", "C:/index", "/mnt/a:b"])
def test_local_folders_pass(path):
    durability.refuse_remote(Path(path))


@pytest.mark.parametrize("path", ["s3://bucket", "S3://bucket/x", "az://a", "hf://org/x", "file:///etc"])
def test_addresses_do_not(path):
    with pytest.raises(UsageError) as raised:
        durability.refuse_remote(Path(path))
    assert raised.value.slug == "remote-path"


def test_files_are_listed_with_their_sizes(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a").write_bytes(b"123")
    (tmp_path / "b").write_bytes(b"")
    assert durability.list_files(tmp_path) == {"data/a": 3, "b": 0}
    assert durability.list_files(tmp_path / "missing") == {}


def test_flushing_reaches_every_new_file_and_every_folder_on_the_way(tmp_path, monkeypatch):
    (tmp_path / "table" / "data").mkdir(parents=True)
    (tmp_path / "table" / "data" / "a").write_bytes(b"1")
    flushed: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda handle: flushed.append(str(Path(f"/proc/self/fd/{handle}").resolve())))
    if not Path("/proc/self/fd").exists():
        pytest.skip("names open files through /proc")
    durability.flush(tmp_path / "table", ["data/a"])
    expected = [tmp_path, tmp_path / "table", tmp_path / "table" / "data", tmp_path / "table" / "data" / "a"]
    assert sorted(flushed) == sorted(map(str, expected))


def test_on_macos_the_drive_is_told_to_empty_its_cache_after_all_else(tmp_path, monkeypatch):
    (tmp_path / "table").mkdir()
    (tmp_path / "table" / "a").write_bytes(b"1")
    calls: list[str] = []
    monkeypatch.setattr(durability.sys, "platform", "darwin")
    monkeypatch.setattr(durability.fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(durability.fcntl, "fcntl", lambda handle, command: calls.append(f"full {command}"))
    monkeypatch.setattr(os, "fsync", lambda handle: calls.append("fsync"))
    durability.flush(tmp_path / "table", ["a"])
    assert calls == ["fsync", "fsync", "fsync", "full 51"]


def test_a_new_folder_is_on_the_disk_with_every_parent_that_was_made_for_it(tmp_path, monkeypatch):
    flushed: list[Path] = []
    monkeypatch.setattr(durability, "flush_entry", flushed.append)
    durability.make_private(tmp_path / "a" / "b")
    assert set(flushed) == {tmp_path, tmp_path / "a"}
    flushed.clear()
    durability.make_private(tmp_path / "a" / "b")
    assert flushed == []


@pytest.mark.parametrize(
    ("message", "number"),
    [
        ("LanceError(IO): Generic LocalFileSystem error: Input/output error (os error 5), /rustc/x", errno.EIO),
        ("Unable to copy data to file: No space left on device (os error 28)", errno.ENOSPC),
        ("No space left on device", errno.ENOSPC),
        ("Unable to rename file: Operation not permitted (os error 1)", errno.EPERM),
        ("Not found: x, No such file or directory (os error 2)", None),
        ("Invalid range 0..0", None),
    ],
)
def test_what_a_library_says_of_a_refusal_is_understood(message, number):
    told = durability.told_error(message)
    assert (told and told.errno) == number


def test_changes_of_presence_size_and_content_are_told_apart(tmp_path):
    for name in ("same", "gone", "longer", "other"):
        (tmp_path / name).write_bytes(b"before")
    expected = {name: (6, durability.digest_file(tmp_path / name)) for name in ("same", "gone", "longer", "other")}
    (tmp_path / "gone").unlink()
    (tmp_path / "longer").write_bytes(b"before and after")
    (tmp_path / "other").write_bytes(b"behind")
    assert durability.changed_files(tmp_path, expected) == ["gone", "longer"]
    assert durability.changed_files(tmp_path, expected, read=True) == ["gone", "longer", "other"]


def test_durable_files_come_and_go_whole(tmp_path):
    durability.write_durably(tmp_path / "a", b"one")
    durability.write_durably(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_bytes() == b"two"
    durability.remove_durably(tmp_path / "a")
    durability.remove_durably(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "slug"),
    [(errno.ENOSPC, "disk-full"), (errno.EDQUOT, "disk-full"), (errno.EROFS, "unsafe-folder"), (errno.EIO, "unsafe-folder")],
)
def test_what_the_disk_says_is_said_in_words(number, slug):
    error = durability.unwritable(Path("/x"), OSError(number, os.strerror(number)))
    assert error.slug == slug
    assert error.hint


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o720, 0o702, 0o706])
def test_a_folder_that_others_can_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "index"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(StoreError, match=r"can write to .*index") as caught:
        durability.check_private(folder)
    assert caught.value.hint == f"chmod 700 '{folder}'"
    count("folders that others can write to, refused")


@pytest.mark.parametrize(("mode", "refused"), [(0o777, True), (0o1777, False), (0o775, False), (0o755, False)])
def test_nobody_can_put_another_folder_in_its_place(tmp_path: Path, mode: int, refused: bool) -> None:
    folder = tmp_path / "home" / "index"
    durability.make_private(folder)
    folder.parent.chmod(mode)
    if refused:
        with pytest.raises(StoreError, match=r"anyone can write to .*home"):
            durability.check_private(folder)
        count("folders that others can write to, refused")
    else:
        durability.check_private(folder)


def test_the_folders_above_are_made_private_too_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        durability.make_private(tmp_path / "a" / "b" / "c")
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")} == {0o700}


def test_what_is_removed_for_good_is_gone_and_a_links_target_stays(tmp_path: Path) -> None:
    (tmp_path / "tree" / "deep").mkdir(parents=True)
    (tmp_path / "tree" / "deep" / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "tree")
    assert durability.remove_for_good(tmp_path / "link")
    assert (tmp_path / "tree" / "deep" / "file").exists()
    assert durability.remove_for_good(tmp_path / "tree")
    assert not durability.remove_for_good(tmp_path / "tree")
    assert list(tmp_path.iterdir()) == []
