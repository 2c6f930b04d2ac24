"""A folder says to backup programs and sync clients that it is to be left out."""

from __future__ import annotations

import os
import plistlib
import sys
from pathlib import Path

import pytest

from ragcli.adapters import copies
from ragcli.adapters.copies import ATTRIBUTES, TAG, leave_out_of_copies
from ragcli.adapters.store import LanceStore
from ragcli.flows.checking import SYNC_MARKS, synced_by
from tests.fakes.indexed import IDENTITY
from tests.tallying import count


def test_the_tag_is_the_one_that_backup_programs_look_for(tmp_path: Path) -> None:
    leave_out_of_copies(tmp_path)
    assert (tmp_path / TAG).read_bytes().startswith(b"Signature: 8a477f597d28d172789f06886806bc55\n")


@pytest.mark.parametrize("platform", ["linux", "darwin", "freebsd"])
def test_every_attribute_of_the_platform_is_set(tmp_path: Path, platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, bytes] = {}
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(copies, "_set_attribute", lambda folder, name, value: told.update({name: value}))
    leave_out_of_copies(tmp_path)
    assert told == ATTRIBUTES.get(platform, {})


def test_time_machine_reads_its_mark_as_tmutil_writes_it() -> None:
    mark = ATTRIBUTES["darwin"]["com.apple.metadata:com_apple_backup_excludeItem"]
    assert mark.startswith(b"bplist00")
    assert plistlib.loads(mark) == "com.apple.backupd"


@pytest.mark.skipif(sys.platform != "linux", reason="reads the attribute as Linux does")
def test_dropbox_reads_its_mark_on_a_real_folder(tmp_path: Path) -> None:
    try:
        os.setxattr(tmp_path, "user.probe", b"1")
    except OSError:
        pytest.skip("this file system has no attributes")
    leave_out_of_copies(tmp_path)
    assert os.getxattr(tmp_path, "user.com.dropbox.ignored") == b"1"


def test_a_file_system_that_takes_no_mark_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(copies, "_set_attribute", refuse)
    leave_out_of_copies(tmp_path)
    leave_out_of_copies(tmp_path / "absent")


def test_a_new_index_bears_the_marks(tmp_path: Path) -> None:
    store = LanceStore(tmp_path / "index")
    with store.writing(IDENTITY):
        pass
    assert (tmp_path / "index" / TAG).is_file()


@pytest.mark.parametrize(("mark", "service"), SYNC_MARKS.items())
def test_a_folder_that_a_sync_client_marked_is_known_whatever_it_is_called(tmp_path: Path, mark: str, service: str) -> None:
    made = tmp_path / "shared" / mark.replace("*", "1f2e")
    made.parent.mkdir(parents=True)
    made.touch()
    assert synced_by(tmp_path / "shared" / "deep" / "ragcli") == service
    assert synced_by(tmp_path / "other") == ""
    count("sync clients recognised")


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/home/ann/Dropbox/ragcli", "Dropbox"),
        ("/home/ann/Dropbox (Personal)/x", "Dropbox"),
        ("/Users/ann/Library/Mobile Documents/com~apple~CloudDocs/x", "iCloud"),
        ("/Users/ann/Library/CloudStorage/Box-Box/x", "a cloud drive"),
        ("/home/ann/OneDrive - Firm/x", "OneDrive"),
        ("/home/ann/Google Drive/x", "Google Drive"),
        ("/home/ann/Nextcloud/x", "Nextcloud"),
        ("/home/ann/Syncthing/x", "Syncthing"),
        ("/home/ann/.local/share/ragcli", ""),
    ],
)
def test_a_sync_folder_is_known_by_its_name(path: str, service: str) -> None:
    assert synced_by(Path(path)) == service
    count("sync clients recognised", bool(service))
