"""The shell for questions on a terminal: the prompt, its keys, completion, history and status line."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document as InputDocument
from prompt_toolkit.formatted_text import AnyFormattedText
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.styles import Style

from ragcli.cli import interrupts
from ragcli.cli.completing import complete_model, complete_setting, known_collections
from ragcli.cli.session import Session
from ragcli.cli.shell.lines import COMMANDS, NAMES, Shell
from ragcli.errors import RagError
from ragcli.steps.cleaning import clean

HISTORY_ENTRIES = 1000
PROMPT = "> "
MENU_LINES = 8


def run_repl(session: Session, model: str | None, *, name: str = "") -> None:
    """The user has left the shell. ``name`` is that of a saved session to go on with."""
    shell = Shell(session, model)
    try:
        with interrupts.patient_interrupts():
            if name:
                shell.resume(name)
            shell.greet()
            _read_lines(session, shell)
    finally:
        shell.close()


def _read_lines(session: Session, shell: Shell) -> None:
    prompt: PromptSession[str] = PromptSession(
        history=open_history(session.locations.history) if session.config.privacy.history else InMemoryHistory(),
        completer=LineCompleter(shell),
        complete_while_typing=True,
        multiline=True,
        key_bindings=key_bindings(),
        prompt_continuation="  ",
        bottom_toolbar=_toolbar(shell) if session.out.live else None,
        style=Style([("bottom-toolbar", "noreverse fg:ansibrightblack" if session.out.color else "noreverse")]),
        reserve_space_for_menu=MENU_LINES,
    )
    while not shell.left:
        try:
            line = prompt.prompt(PROMPT, handle_sigint=False).strip()
            interrupts.catch_interrupts()
            if line:
                shell.obey(line)
        except EOFError:
            return
        except KeyboardInterrupt:  # at the prompt it drops the line, later it stops the answer
            interrupts.catch_interrupts()
            interrupts.interrupt_handled()


def _toolbar(shell: Shell) -> Callable[[], AnyFormattedText]:
    """Asked for at every key: a broken index must not break the prompt."""

    def told() -> AnyFormattedText:
        try:
            return shell.status_line()
        except RagError as error:
            return error.message

    return told


class LineCompleter(Completer):
    """Completes commands, and for each of them what it takes: paths, models, collections, settings, numbers."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._paths = PathCompleter(expanduser=True)
        self._offers: dict[str, Callable[[str], Iterable[str]]] = {
            "/model": complete_model,
            "/retry": complete_model,
            "/collection": lambda typed: sorted({"all", *known_collections(shell.session)}),
            "/set": complete_setting,
            "/filter": lambda typed: ("in=", "type=", "since=", "off"),
            "/open": lambda typed: map(str, shell.numbered),
            "/edit": lambda typed: map(str, shell.numbered),
            "/help": lambda typed: (name.lstrip("/") for name in NAMES),
        }

    def get_completions(self, document: InputDocument, complete_event: CompleteEvent) -> Iterable[Completion]:
        text = document.text_before_cursor
        if not text.startswith("/"):
            return []
        name, space, rest = text.partition(" ")
        if not space:
            usages = {usage.split()[0]: about for usage, about in COMMANDS.items()}
            return [Completion(each, -len(text), display_meta=usages[each]) for each in NAMES if each.startswith(text)]
        if name in ("/index", "/summarize"):
            return self._path_completions(rest, complete_event)
        word = rest.rpartition(" ")[2]
        offered = self._offers[name](word) if name in self._offers else ()
        return [Completion(each, -len(word)) for each in offered if each.startswith(word)]

    def _path_completions(self, rest: str, event: CompleteEvent) -> Iterable[Completion]:
        """Names with blanks in them are put in quotation marks, so that they are read back as one."""
        word = rest.rpartition(" ")[2]
        for found in self._paths.get_completions(InputDocument(word), event):
            whole = word + found.text
            yield Completion(whole if shlex.quote(whole) == whole or whole.startswith("~") else shlex.quote(whole), -len(word))


def key_bindings() -> KeyBindings:
    """Enter sends, unless the line ends with a backslash; Esc then Enter starts a new line."""
    bindings = KeyBindings()

    @bindings.add("enter")
    def _send(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.document.current_line_before_cursor.endswith("\\"):
            buffer.delete_before_cursor()
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    # A dumb terminal's prompt has no keys but these.
    @bindings.add("c-d")
    def _leave(event: KeyPressEvent) -> None:
        if event.current_buffer.text:
            event.current_buffer.delete()
        else:
            event.app.exit(exception=EOFError)

    @bindings.add("c-c")
    def _drop(event: KeyPressEvent) -> None:
        event.app.exit(exception=KeyboardInterrupt)

    @bindings.add("escape", "enter")
    def _break_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    @bindings.add(Keys.BracketedPaste)
    def _paste(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text(clean(event.data))

    return bindings


class CleanHistory(FileHistory):
    """What was typed or pasted once is drawn again when it is recalled."""

    def load_history_strings(self) -> Iterable[str]:
        return map(clean, super().load_history_strings())


def open_history(path: Path) -> History:
    """The lines typed before, in a file that only its owner reads, the last thousand; in memory if it cannot be written."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW, 0o600))
        path.chmod(0o600)
        trim_history(path)
    except OSError:
        return InMemoryHistory()
    return CleanHistory(path)


def trim_history(path: Path, keep: int = HISTORY_ENTRIES) -> None:
    """The file holds at most ``keep`` entries, the newest. An entry starts with a line ``# time``."""
    start = b"\n# "
    entries = path.read_bytes().split(start)[1:]
    if len(entries) > keep:
        path.write_bytes(b"".join(start + entry for entry in entries[-keep:]))
