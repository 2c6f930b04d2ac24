"""The watcher as a service: a file that the system understands, written and taken away as often as one likes."""

from __future__ import annotations

import os
import plistlib
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from ragcli.adapters.services import ServiceManager, program
from ragcli.errors import StoreError, UsageError


def manager(home: Path, platform: str = "linux", **environment: str) -> ServiceManager:
    return ServiceManager(environment, home, platform)


def unit(file: Path) -> Mapping[str, list[str]]:
    """The unit's keys with all their values."""
    found: dict[str, list[str]] = {}
    for line in file.read_text().splitlines():
        if "=" in line:
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def test_the_unit_runs_this_very_program_politely_and_without_network(tmp_path: Path) -> None:
    service = manager(tmp_path).install(["watch", "--quiet"])
    assert service.file == tmp_path / ".config" / "systemd" / "user" / "ragcli-watch.service"
    assert (service.action, service.command) == ("written", "systemctl --user enable --now ragcli-watch.service")
    keys = unit(service.file)
    command = shlex.split(keys["ExecStart"][0])
    assert command == [*program(), "watch", "--quiet"]
    assert Path(command[0]).is_absolute()
    assert os.access(command[0], os.X_OK)
    expected = {"Nice": "10", "IOSchedulingClass": "idle", "RestrictAddressFamilies": "AF_UNIX", "Restart": "on-failure"}
    assert {key: keys[key] for key in expected} == {key: [value] for key, value in expected.items()}
    assert "Environment" not in keys


def test_what_a_shell_set_is_carried_along(tmp_path: Path) -> None:
    service = manager(tmp_path, RAGCLI_HOME=f"{tmp_path}/my home", XDG_CONFIG_HOME=f"{tmp_path}/set").install(["watch"])
    assert service.file == tmp_path / "set" / "systemd" / "user" / "ragcli-watch.service"
    assert unit(service.file)["Environment"] == [f'"RAGCLI_HOME={tmp_path}/my home"', f'"XDG_CONFIG_HOME={tmp_path}/set"']


def test_a_relative_home_becomes_absolute_and_a_relative_place_for_settings_counts_as_none(tmp_path: Path) -> None:
    service = manager(tmp_path, RAGCLI_HOME="near", XDG_CONFIG_HOME="relative").install(["watch"])
    assert service.file.is_relative_to(tmp_path / ".config")
    assert unit(service.file)["Environment"][0] == f'"RAGCLI_HOME={Path("near").absolute()}"'


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_understands_the_unit_whatever_the_folders_are_called(tmp_path: Path) -> None:
    odd = str(tmp_path / "50 % of \"it\" \\ costs $HOME ${X} 'now'")
    service = manager(tmp_path, RAGCLI_HOME=odd).install(["watch", "--", odd])
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", service.file],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
    )
    about_ours = [line for line in done.stderr.splitlines() if "ragcli" in line]
    assert about_ours == []


def test_the_agent_of_macos_says_the_same(tmp_path: Path) -> None:
    service = manager(tmp_path, "darwin", RAGCLI_HOME="/data").install(["watch", "--quiet"])
    assert service.file == tmp_path / "Library" / "LaunchAgents" / "ragcli.watch.plist"
    assert service.command == f"launchctl bootstrap gui/{os.getuid()} {service.file}"
    agent = plistlib.loads(service.file.read_bytes())
    assert agent["ProgramArguments"] == [*program(), "watch", "--quiet"]
    assert agent["EnvironmentVariables"] == {"RAGCLI_HOME": "/data"}
    assert (agent["KeepAlive"], agent["LowPriorityIO"], agent["Nice"]) == ({"SuccessfulExit": False}, True, 10)


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_installing_and_taking_away_may_be_repeated(tmp_path: Path, platform: str) -> None:
    services = manager(tmp_path, platform)
    assert [services.install(["watch"]).action for _ in range(2)] == ["written", "unchanged"]
    assert services.install(["watch", "--", "/notes"]).action == "written"
    assert stat.S_IMODE(services.file.stat().st_mode) & 0o022 == 0
    assert [services.uninstall().action for _ in range(2)] == ["removed", "absent"]
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == []


def test_what_the_start_left_behind_is_taken_away_too(tmp_path: Path) -> None:
    services = manager(tmp_path)
    file = services.install(["watch"]).file
    wanted = file.parent / "default.target.wants" / file.name
    wanted.parent.mkdir()
    wanted.symlink_to(file)
    services.uninstall()
    assert not wanted.is_symlink()


def test_what_cannot_be_written_in_a_unit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="line break"):
        manager(tmp_path).install(["watch", "--", "/two\nlines"])
    with pytest.raises(UsageError, match="plan9"):
        manager(tmp_path, "plan9").install(["watch"])
    (tmp_path / ".config").write_text("a file in the way")
    with pytest.raises(StoreError, match="cannot write"):
        manager(tmp_path).install(["watch"])


def test_the_program_is_this_installation(tmp_path: Path) -> None:
    done = subprocess.run([*program(), "--version"], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.startswith("ragcli ")
    assert Path(program()[0]).parent == Path(sys.executable).parent
