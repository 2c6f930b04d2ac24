"""What the commands say of privacy: files with secrets, synced folders, and purge."""

from __future__ import annotations

from tests.cli.conftest import InProcess, StartTerminal


def test_the_status_names_files_with_secrets_and_no_secret(run: InProcess) -> None:
    shown = run("status")
    assert "1 file with what looks like keys or passwords" in shown.stdout
    assert "(aws-key, private-key)" in shown.stdout
    flagged = run.json("status")["secrets"]
    assert [each["kinds"] for each in flagged] == [["aws-key", "private-key"]]


def test_a_status_without_secrets_says_nothing_of_them(run: InProcess) -> None:
    assert "secrets  " not in run("status", env={"FAKE_EMPTY": "1"}).stdout


def test_ls_lists_the_files_with_secrets(run: InProcess) -> None:
    (source,) = run.json("ls", "--secrets")["sources"]
    assert source["secrets"] == ["aws-key", "private-key"]
    assert all(each["secrets"] == [] for each in run.json("ls")["sources"])


def test_a_synced_folder_is_told_of_when_something_is_put_there(run: InProcess) -> None:
    for command in (("index", "."), ("status",)):
        assert "in a folder of Dropbox" in run(*command, env={"FAKE_SYNCED": "1"}).stderr
        assert "Dropbox" not in run(*command).stderr


def test_purge_asks_nobody_where_nobody_is(run: InProcess) -> None:
    (run.home / "index").mkdir(parents=True)
    refused = run("purge")
    assert refused.exit_code == 2
    assert "ragcli purge --yes" in refused.stderr
    assert (run.home / "index").exists()


def test_purge_with_yes_removes_and_says_what(run: InProcess) -> None:
    (run.home / "index").mkdir(parents=True)
    assert run.json("purge", "--yes") == {"schema": 1, "removed": [str(run.home / "index")]}
    assert not (run.home / "index").exists()
    assert run("purge").exit_code == 0, "where there is nothing, nobody needs to be asked"


def test_on_a_terminal_purge_goes_on_only_when_it_is_told_to(terminal: StartTerminal, run: InProcess) -> None:
    (run.home / "index").mkdir(parents=True)
    for keys, left in (("n\r", True), ("\r", True), ("y\r", False)):
        shown = terminal("purge")
        shown.wait_for("Remove it?")
        shown.send(keys)
        assert shown.finish() == 0
        assert (run.home / "index").exists() is left
