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

from ragcli.cli.showing import json_shapes, progress
from ragcli.cli.showing.paper import Paper
from ragcli.cli.streams import (
    NAMES_LIMIT,
    QUESTION_LIMIT,
    Output,
    named_file,
    names_in,
    piped_text,
    read_blocks,
    read_named,
    read_piped,
)
from ragcli.config import Config, Locations, Value
from ragcli.errors import RagError
from ragcli.types import Mode

if TYPE_CHECKING:
    from ragcli.adapters.puller import Puller
    from ragcli.assistant import Assistant
    from ragcli.layering import ProjectFile

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
    profile: str = ""
    collection: str = ""
    puller: Puller | None = None
    _project_told: bool = False

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

    @cached_property
    def project(self) -> ProjectFile | None:
        """The settings file of the project that we are in, trusted or not."""
        from ragcli.adapters.settings import find_project_file

        return find_project_file(_working_folder(), self.locations.trusted)

    def config_with(self, flags: Mapping[str, Value | None]) -> Config:
        """The settings in force, with those flags that were given. A project file that is not trusted is told of, once."""
        from ragcli.layering import load_config

        given = {key: value for key, value in flags.items() if value is not None}
        chosen = {"profile": self.profile or self.environment.get("RAGCLI_PROFILE", ""), "collection": self.collection}
        if self.project and not self.project.trusted and not self._project_told:
            self._project_told = True
            self.notice(
                self.side_paper.line(f"{self.project.path} is not trusted and not used: ragcli trust shows and trusts it")
            )
        return load_config(self.locations.config_file, self.environment, given, project=self.project, **chosen)

    def write_setting(self, key: str, value: str) -> None:
        from ragcli.adapters.settings import write_setting

        write_setting(self.locations.config_file, key, value)
        self.__dict__.pop("config", None)

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

    def say_names(self, paths: Iterable[Path], *, null: bool) -> None:
        """The names are on standard output, one a line; with ``null`` as the bytes they are, each ended by NUL."""
        if not null or self.out.terminal:
            self.say(map(self.paper.path, paths))
            return
        self.out.write_bytes(b"".join(os.fsencode(path) + b"\0" for path in paths))
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
        """The text, cleaned, is on standard error, unless ``--quiet``."""
        self.aside([self.side_paper.dim(self.side_paper.text(text))])

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

    def confirm(self, question: str, *, default: bool = False) -> bool:
        """Whether the user says yes; never asked without a terminal, where it is no."""
        if not self.interactive:
            return False
        try:
            answer = self.ask(f"{question} {'[Y/n]' if default else '[y/N]'} ")
        except EOFError:
            return False
        return answer.lower() in (("", "y", "yes") if default else ("y", "yes"))

    def ask(self, question: str) -> str:
        """What the user types, without blanks around it. Raises EOFError where they leave instead."""
        self.err.write(question)
        self.err.flush()
        answer = sys.stdin.readline()
        if not answer:
            raise EOFError
        return answer.strip()

    @property
    def interactive(self) -> bool:
        """Whether somebody sits there who can be asked."""
        return self.err.terminal and sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()

    def dismiss_puller(self) -> None:
        """From here on no process that this one can speak to may use the network."""
        if self.puller is not None:
            self.puller.dismiss()
            self.puller = None

    def piped(self, limit: int) -> bytes:
        """At most ``limit`` bytes of what was piped in; empty if that is nothing but space."""
        return read_piped(sys.stdin, self.notice, limit=limit) or b""

    def piped_blocks(self) -> Iterator[str] | None:
        """A text to answer from, of any length, as it comes; None if nothing but space was piped in."""
        return read_blocks(sys.stdin, self.notice)

    def words(self, given: Iterable[str] | None) -> str:
        """The words as one text; a lone ``-`` stands for standard input, a lone ``@FILE`` for what is in the file."""
        words = list(given or ())
        if words == ["-"]:
            return piped_text(self.piped(QUESTION_LIMIT)).strip()
        if len(words) == 1 and (file := named_file(words[0])):
            return piped_text(read_named(file)[:QUESTION_LIMIT]).strip()
        return " ".join(words).strip()

    def paths(self, given: Iterable[Path] | None) -> list[Path]:
        """The paths; a ``-`` stands for those on standard input, ``@FILE`` for those in the file, one a line, or ended by NUL."""
        return list(self._expanded(given or ()))

    def _expanded(self, given: Iterable[Path]) -> Iterator[Path]:
        for path in given:
            file = None if path.exists() else named_file(str(path))
            if str(path) == "-":
                yield from names_in(self.piped(NAMES_LIMIT))
            elif file:
                yield from names_in(read_named(file))
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
