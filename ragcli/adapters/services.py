"""The watcher as a service of the user's session: a systemd unit on Linux, a launchd agent on macOS.

Files are written and removed here, and nothing else is done: the seal lets no program of ours talk to the service manager,
so that whoever asked for the service starts it, with the one command that is given back.
"""

from __future__ import annotations

import os
import plistlib
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ragcli.adapters.durability import unwritable
from ragcli.errors import UsageError
from ragcli.types import ServiceFile

UNIT = "ragcli-watch.service"
LABEL = "ragcli.watch"
CARRIED = ("RAGCLI_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
"""What says where the index is: a service does not see what a shell has set."""
RESTART_SECONDS = 60

UNIT_TEXT = """\
[Unit]
Description=Keep the ragcli index as the disk is

[Service]
Type=exec
ExecStart={command}
{environment}Nice=10
IOSchedulingClass=idle
UMask=0077
LimitCORE=0
NoNewPrivileges=yes
RestrictAddressFamilies=AF_UNIX
Restart=on-failure
RestartSec={restart}

[Install]
WantedBy=default.target
"""


@dataclass(frozen=True, slots=True)
class ServiceManager:
    """Where services are kept on this machine, and how they are started. ``platform`` is that of ``sys``."""

    environment: Mapping[str, str]
    home: Path
    platform: str = sys.platform

    @property
    def file(self) -> Path:
        """Raises UsageError ``bad-argument`` where there is no service manager that is known."""
        if self.platform == "darwin":
            return self.home / "Library" / "LaunchAgents" / f"{LABEL}.plist"
        if self.platform.startswith("linux"):
            settings = self.environment.get("XDG_CONFIG_HOME", "")
            # A relative path there counts as none, as systemd has it.
            return (Path(settings) if Path(settings).is_absolute() else self.home / ".config") / "systemd" / "user" / UNIT
        hint = "have your system run this at the start: ragcli watch --quiet"
        raise UsageError("bad-argument", f"no service manager is known on {self.platform}", hint=hint)

    def install(self, arguments: Sequence[str]) -> ServiceFile:
        """The file is there and runs ragcli with the arguments. Raises StoreError ``unsafe-folder``, ``disk-full``."""
        content = self._content([*program(), *arguments])
        file = self.file
        is_new = _read(file) != content
        if is_new:
            _write(file, content)
        return ServiceFile(file, "written" if is_new else "unchanged", self._start_command())

    def uninstall(self) -> ServiceFile:
        """The file is gone, and what starts it with the session."""
        file = self.file
        wanted = file.parent / "default.target.wants" / UNIT
        was_there = file.exists()
        for path in (wanted, file) if not self._is_mac else (file,):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise unwritable(path, error) from error
        return ServiceFile(file, "removed" if was_there else "absent", self._stop_command())

    @property
    def _is_mac(self) -> bool:
        return self.platform == "darwin"

    def _content(self, command: Sequence[str]) -> bytes:
        carried = {name: self.environment[name] for name in CARRIED if self.environment.get(name)}
        if home := carried.get("RAGCLI_HOME"):
            carried["RAGCLI_HOME"] = os.fspath(Path(home).expanduser().absolute())
        if any(ord(character) < 0x20 for text in (*command, *carried.values()) for character in text):
            message = "a path with a line break in its name cannot stand in a service file"
            raise UsageError("bad-argument", message, hint="rename it, or index its folder and watch without a PATH")
        if self._is_mac:
            return _agent(command, carried)
        environment = "".join(f"Environment={_quoted(f'{name}={value}')}\n" for name, value in carried.items())
        # In a command, and only there, a dollar sign stands for a variable.
        line = " ".join(_quoted(word).replace("$", "$$") for word in command)
        return os.fsencode(UNIT_TEXT.format(command=line, environment=environment, restart=RESTART_SECONDS))

    def _start_command(self) -> str:
        if self._is_mac:
            return f"launchctl bootstrap gui/{os.getuid()} {shlex.quote(os.fspath(self.file))}"
        return f"systemctl --user enable --now {UNIT}"

    def _stop_command(self) -> str:
        return f"launchctl bootout gui/{os.getuid()}/{LABEL}" if self._is_mac else f"systemctl --user stop {UNIT}"


def program() -> list[str]:
    """How to start this very installation, whatever PATH says."""
    script = Path(sys.executable).with_name("ragcli")
    return [os.fspath(script)] if script.is_file() else [sys.executable, "-m", "ragcli"]


def _quoted(word: str) -> str:
    """As systemd reads it: in quotes, where a backslash escapes and a percent sign begins a specifier."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _agent(command: Sequence[str], environment: Mapping[str, str]) -> bytes:
    return plistlib.dumps(
        {
            "Label": LABEL,
            "ProgramArguments": list(command),
            "EnvironmentVariables": dict(environment),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": RESTART_SECONDS,
            "ProcessType": "Background",
            "LowPriorityIO": True,
            "Nice": 10,
            "Umask": 0o077,
        }
    )


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None


def _write(file: Path, content: bytes) -> None:
    draft = file.with_name(f".{file.name}.draft")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(content)
        draft.replace(file)
    except OSError as error:
        raise unwritable(file, error) from error
