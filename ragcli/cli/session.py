"""What every command gets: settings, streams, the assistant, and the ways to say something.

The one seam for tests: ``make_assistant``.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, cast

import typer

from ragcli.cli import json_shapes, progress
from ragcli.cli.paper import Paper
from ragcli.cli.streams import Output, piped_text, read_piped
from ragcli.config import Config, Locations, Value, load_config
from ragcli.errors import RagError
from ragcli.types import Mode

if TYPE_CHECKING:
    from ragcli.assistant import Assistant

MakeAssistant = Callable[[Config, Locations], "Assistant"]
PATIENCE_SECONDS: Mapping[bool | None, float] = {None: 30.0, True: float("inf"), False: 0.0}
"""How long to wait for another ragcli that writes: by default as long as a watcher takes for a few files."""
WIDEST = 100
"""Longer lines are hard to read, however wide the window is."""


def real_assistant(config: Config, locations: Locations) -> Assistant:
    """Raises ConfigError ``airgap-unavailable`` if the settings require a seal that the kernel did not give."""
    from ragcli.adapters.offline import require_seal, wants_network

    if config.privacy.airgap == "require" and not wants_network(sys.argv[1:]):
        require_seal()
    from ragcli.assistant import Assistant

    return Assistant(config, locations)


@dataclass
class Session:
    make_assistant: MakeAssistant = real_assistant
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    json: bool = False
    ndjson: bool = False
    quiet: bool = False

    @cached_property
    def out(self) -> Output:
        return Output(sys.stdout, self.environment)

    @cached_property
    def err(self) -> Output:
        return Output(sys.stderr, self.environment)

    @cached_property
    def locations(self) -> Locations:
        from ragcli.adapters.settings import default_locations

        return default_locations(self.environment)

    @cached_property
    def config(self) -> Config:
        return self.config_with({})

    def config_with(self, flags: Mapping[str, Value | None]) -> Config:
        """The settings in force, with those flags that were given."""
        given = {key: value for key, value in flags.items() if value is not None}
        return load_config(self.locations.config_file, self.environment, given)

    def write_setting(self, key: str, value: str) -> None:
        from ragcli.adapters.settings import write_setting

        write_setting(self.locations.config_file, key, value)

    def open(
        self, flags: Mapping[str, Value | None] | None = None, *, patience: float = PATIENCE_SECONDS[None]
    ) -> closing[Assistant]:
        """An assistant that closes at the end of the ``with``. It waits ``patience`` seconds for another that writes."""
        config = self.config_with(flags) if flags else self.config
        assistant = self.make_assistant(config, self.locations)
        assistant.wait_for_writers(patience, self.notice)
        return closing(assistant)

    @cached_property
    def paper(self) -> Paper:
        return self._paper_of(self.out)

    @cached_property
    def side_paper(self) -> Paper:
        """The paper of standard error."""
        return self._paper_of(self.err)

    def _paper_of(self, stream: Output) -> Paper:
        width = min(shutil.get_terminal_size().columns, WIDEST) if stream.terminal else 80
        return Paper(width, stream.color, stream.terminal, _working_folder(), _home_folder())

    @property
    def machine_readable(self) -> bool:
        return self.json or self.ndjson

    def say(self, lines: Iterable[str]) -> None:
        """The lines are on standard output."""
        for line in lines:
            self.out.write(line + "\n")
        self.out.flush()

    def say_json(self, shape: json_shapes.Shape) -> None:
        self.say([json_shapes.dump(shape, ascii_only=not self.out.unicode)])

    def result(self, shape: json_shapes.Shape, lines: Iterable[str]) -> None:
        """The command's result is on standard output, in the form that was asked for."""
        if self.machine_readable:
            self.say_json(shape)
        else:
            self.say(lines)

    def notice(self, text: str) -> None:
        """One line on standard error, unless ``--quiet``."""
        self.aside([self.side_paper.dim(text)])

    def aside(self, lines: Iterable[str]) -> None:
        """The lines, made for ``side_paper``, are on standard error, unless ``--quiet``."""
        for line in () if self.quiet else lines:
            self.err.write(line + "\n")
        self.err.flush()

    def tell(self, error: RagError) -> None:
        """What went wrong and what mends it are on standard error."""
        paper = self.side_paper
        self.err.write(f"{paper.bad('error:')} {paper.line(error.message)}\n{paper.dim('hint:')} {paper.line(error.hint)}\n")
        self.err.flush()

    def progress(self, title: str, unit: progress.Unit) -> progress.Progress:
        if self.quiet or (self.ndjson and self.out.terminal):
            return progress.Progress()
        if self.err.live:
            return progress.LiveProgress(title, unit, self.err)
        return progress.LineProgress(title, unit, self.notice)

    def piped(self) -> bytes | None:
        return read_piped(sys.stdin, self.notice)

    def words(self, given: Iterable[str] | None) -> str:
        """The words as one text; a lone ``-`` stands for standard input."""
        words = list(given or ())
        return piped_text(self.piped() or b"").strip() if words == ["-"] else " ".join(words).strip()

    def paths(self, given: Iterable[Path] | None) -> list[Path]:
        """The paths; a ``-`` stands for those on standard input, one a line, or ended by NUL."""
        return list(self._expanded(given or ()))

    def _expanded(self, given: Iterable[Path]) -> Iterator[Path]:
        for path in given:
            if str(path) == "-":
                content = self.piped() or b""
                names = content.split(b"\0") if b"\0" in content else content.splitlines()
                yield from (Path(os.fsdecode(name)) for name in names if name)
            else:
                yield path

    def mode(self, setting: str) -> Mode:
        """The setting, which ``config`` has judged, as its type."""
        return cast(Mode, setting)

    def leave(self, status: int) -> NoReturn:
        raise typer.Exit(status)

    def now(self) -> float:
        return time.time()


def _working_folder() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:  # removed under our feet: then nothing is relative to it
        return Path("/nowhere")


def _home_folder() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:
        return None
