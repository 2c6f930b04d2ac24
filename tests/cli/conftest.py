"""Ways to run the command line: in this process, in a real one with pipes, and in a real one on a pseudo-terminal."""

from __future__ import annotations

import json
import os
import pty
import select
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

    def shell(self, line: str) -> subprocess.CompletedProcess[bytes]:
        """The line in bash, where ``$R`` is the program."""
        environment = self.place()["env"] | {"R": " ".join(FAKE)}
        return subprocess.run(
            ["bash", "-c", line], capture_output=True, timeout=PATIENCE, check=False, cwd=REPOSITORY, env=environment
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
        environment = clean_environment(tmp_path / "home", env)
        started = subprocess.Popen([*FAKE, *arguments], cwd=REPOSITORY, env=environment, start_new_session=True, **ends)
        os.close(theirs)

        def end() -> None:
            started.kill()
            started.wait()
            os.close(ours)

        request.addfinalizer(end)
        return Terminal(started, ours)

    return start
