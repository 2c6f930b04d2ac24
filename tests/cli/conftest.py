"""Ways to run the command line: in this process, in a real one with pipes, and in a real one on a pseudo-terminal."""

from __future__ import annotations

import json
import os
import pty
import select
import shlex
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ragcli.cli.app import app
from tests.cli.fake_assistant import FakeAssistant

REPOSITORY = Path(__file__).parents[2]
FAKE = (sys.executable, "-m", "tests.cli.fake_ragcli")
PROMPT = "\x1b[0m>"
"""The shell's, where it is drawn: pagers send a bare > too, to take the keypad back."""
PATIENCE = 20.0
"""Far more seconds than any of these runs takes."""


def clean_environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    dropped = {"NO_COLOR", "FORCE_COLOR", "EDITOR", "VISUAL", "COLUMNS", "LINES"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped and not name.startswith("RAGCLI_")}
    return {
        **kept,
        "TERM": "xterm-256color",
        "PROMPT_TOOLKIT_NO_CPR": "1",
        "LC_ALL": "C.UTF-8",
        "RAGCLI_HOME": str(home),
        **(extra or {}),
    }


@dataclass
class InProcess:
    """``run("ask", "…")`` through Typer's runner, on the fake assistant."""

    home: Path

    def __call__(self, *arguments: str, input: str | bytes | None = None, env: Mapping[str, str] | None = None) -> Result:
        environment = {name: None for name in os.environ if name.startswith("RAGCLI_")} | {"RAGCLI_HOME": str(self.home)}
        return CliRunner(env=environment).invoke(app, list(arguments), input=input, env=env, obj=FakeAssistant)

    def json(self, *arguments: str) -> Any:
        """What the command printed, which is one JSON object and nothing else."""
        return json.loads(self(*arguments, "--json").stdout)


@pytest.fixture
def run(tmp_path: Path) -> InProcess:
    return InProcess(tmp_path / "home")


@dataclass
class Processes:
    """Real processes: ``process(["ask", "…"], stdin=…)``."""

    home: Path

    def __call__(self, arguments: Sequence[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([*FAKE, *arguments], capture_output=True, timeout=PATIENCE, check=False, **self.place(), **options)

    def start(self, arguments: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self.command(arguments), **self.place(), **options)

    def command(self, arguments: Sequence[str]) -> list[str]:
        return [*FAKE, *arguments]

    def shell(self, line: str, patience: float = PATIENCE) -> subprocess.CompletedProcess[bytes]:
        """The line in bash, where ``$R`` is the program."""
        environment = self.place()["env"] | {"R": " ".join(FAKE)}
        return subprocess.run(
            ["bash", "-c", line], capture_output=True, timeout=patience, check=False, cwd=REPOSITORY, env=environment
        )

    def place(self) -> dict[str, Any]:
        return {"cwd": REPOSITORY, "env": clean_environment(self.home)}


@pytest.fixture
def process(tmp_path: Path) -> Processes:
    return Processes(tmp_path / "home")


@dataclass
class Terminal:
    """A program on a pseudo-terminal of 80 × 24 characters."""

    process: subprocess.Popen[bytes]
    descriptor: int
    seen: bytes = b""
    read_to: int = field(default=0)

    def wait_for(self, text: str) -> None:
        """Returns once the text has been shown, after what was waited for before."""
        wanted = text.encode()
        deadline = time.monotonic() + PATIENCE
        while (found := self.seen.find(wanted, self.read_to)) < 0:
            if time.monotonic() > deadline or not self._read():
                raise AssertionError(f"{text!r} was not shown, but {self.seen[self.read_to :]!r}")
        self.read_to = found + len(wanted)

    def wait_for_any(self, texts: Sequence[str]) -> None:
        """As ``wait_for`` for whichever of the texts comes first."""
        deadline = time.monotonic() + PATIENCE
        while not any(text.encode() in self.seen[self.read_to :] for text in texts):
            if time.monotonic() > deadline or not self._read():
                raise AssertionError(f"none of {texts} was shown, but {self.seen[self.read_to :]!r}")
        found = min((at, text) for text in texts if (at := self.seen.find(text.encode(), self.read_to)) >= 0)
        self.read_to = found[0] + len(found[1].encode())

    def send(self, keys: str | bytes) -> None:
        os.write(self.descriptor, keys.encode() if isinstance(keys, str) else keys)

    def finish(self) -> int:
        """Reads to the end; gives the exit status."""
        while self._read():
            pass
        return self.process.wait(PATIENCE)

    def _read(self) -> bool:
        ready = select.select([self.descriptor], [], [], PATIENCE)[0]
        try:
            more = os.read(self.descriptor, 65536) if ready else b""
        except OSError:  # how Linux says that the other side has gone
            more = b""
        self.seen += more
        return bool(more)

    @property
    def text(self) -> str:
        return self.seen.decode()


StartTerminal = Callable[..., Terminal]


@pytest.fixture
def terminal(tmp_path: Path, request: pytest.FixtureRequest) -> StartTerminal:
    def start(*arguments: str, env: Mapping[str, str] | None = None, **streams: Any) -> Terminal:
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (24, 80))
        ends = {"stdin": theirs, "stdout": theirs, "stderr": theirs} | streams
        environment = clean_environment(tmp_path / "home", {"PYTHONPATH": str(REPOSITORY), **(env or {})})
        place = ends.pop("cwd", REPOSITORY)
        started = subprocess.Popen([*FAKE, *arguments], cwd=place, env=environment, start_new_session=True, **ends)
        os.close(theirs)

        def end() -> None:
            started.kill()
            started.wait()
            os.close(ours)

        request.addfinalizer(end)
        return Terminal(started, ours)

    return start


class Tmux:
    """The program in a window of its own tmux, 100 × 40 characters: what is waited for is what stands on the screen."""

    def __init__(self, folder: Path, kind: str) -> None:
        self._socket = str(folder / "tmux")
        self._folder, self._kind = folder, kind

    def __enter__(self) -> Tmux:
        variables = {"TERM": self._kind, "PYTHONPATH": str(REPOSITORY), "PAGER": "cat", "EDITOR": "true"}
        names = clean_environment(self._folder / "home", variables)
        passed = (*variables, "RAGCLI_HOME", "LC_ALL", "PROMPT_TOOLKIT_NO_CPR")
        settings = " ".join(f"{name}={shlex.quote(names[name])}" for name in passed)
        line = shlex.quote(f"env {settings} {shlex.join(FAKE)}; echo status $?; read end")
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "40", "-c", str(self._folder), f"sh -c {line}")
        return self

    def __exit__(self, *_: object) -> None:
        self._tmux("kill-server")

    def type(self, line: str) -> None:
        self._tmux("clear-history")
        self._tmux("send-keys", "-l", line)
        self._tmux("send-keys", "Enter")

    def wait_for(self, *texts: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not any(text in (screen := self._tmux("capture-pane", "-p", "-J", "-S", "-200")) for text in texts):
            assert time.monotonic() < deadline, f"none of {texts} is on the screen:\n{screen}"

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-S", self._socket, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout
