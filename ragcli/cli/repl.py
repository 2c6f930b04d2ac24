"""The shell for questions: a line is a question, a line that starts with / is a command."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document as InputDocument
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from ragcli.cli import interrupts, render
from ragcli.cli.answering import show_answer
from ragcli.cli.session import Session
from ragcli.errors import RagError
from ragcli.types import Hit, Question

if TYPE_CHECKING:
    from ragcli.assistant import Assistant

HISTORY_ENTRIES = 1000
PROMPT = "> "
COMMANDS = {
    "/help": "this list",
    "/search QUERY": "show passages instead of an answer",
    "/sources": "the passages behind the last answer",
    "/open N": "passage N in full",
    "/model [NAME]": "say or choose the language model",
    "/status": "what is indexed",
    "/quit": "leave (also Ctrl-D)",
}


def run_repl(session: Session, model: str | None) -> None:
    """The user has left the shell."""
    shell = Shell(session, model)
    try:
        with interrupts.patient_interrupts():
            shell.greet()
            _read_lines(session, shell)
    finally:
        shell.close()


def _read_lines(session: Session, shell: Shell) -> None:
    prompt: PromptSession[str] = PromptSession(
        history=open_history(session.locations.history),
        completer=CommandCompleter(),
        complete_while_typing=True,
        multiline=True,
        key_bindings=key_bindings(),
        prompt_continuation="  ",
        reserve_space_for_menu=len(COMMANDS),
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


class Shell:
    """What a line does. Keeps the assistant, and the passages that numbers stand for."""

    def __init__(self, session: Session, model: str | None) -> None:
        self.session, self.left = session, False
        self._model = model
        self._numbered: dict[int, Hit] = {}
        self._assistant: Assistant | None = None

    @property
    def assistant(self) -> Assistant:
        if self._assistant is None:
            config = self.session.config_with({"answer.model": self._model})
            self._assistant = self.session.make_assistant(config, self.session.locations)
        return self._assistant

    def close(self) -> None:
        if self._assistant is not None:
            self._assistant.close()
            self._assistant = None

    def greet(self) -> None:
        self.session.notice("ragcli: /help lists the commands, Ctrl-D leaves.")
        if not self.assistant.stats().sources:
            self.session.notice("Nothing is indexed yet: ragcli index FOLDER")

    def obey(self, line: str) -> None:
        """The line is a command or a question; an error is told, and the shell goes on."""
        name, _, rest = line.partition(" ")
        try:
            if not line.startswith("/"):
                self.ask(line)
            elif action := self._actions().get(name):
                action(rest.strip())
            else:
                self.session.notice(self.session.side_paper.line(f"There is no command {name}; /help lists them."))
        except RagError as error:
            self.session.tell(error)

    def _actions(self) -> dict[str, Callable[[str], None]]:
        return {
            "/help": self.help,
            "/search": self.search,
            "/sources": self.sources,
            "/open": self.open_passage,
            "/model": self.model,
            "/status": self.status,
            "/quit": self.leave,
            "/exit": self.leave,
        }

    def ask(self, text: str) -> None:
        """The answer is shown; Ctrl-C stops it."""
        events = self.assistant.ask_events(self._question(text))
        try:
            answer = show_answer(self.session, events, stream=True)
        except KeyboardInterrupt:
            interrupts.interrupt_handled()
            self.session.notice("\nStopped.")
            return
        passages = answer.context.passages
        self._numbered = {passage.number: passage.hit for passage in passages} or dict(enumerate(answer.hits, start=1))

    def search(self, text: str) -> None:
        if not text:
            self.session.notice("/search QUERY shows passages.")
            return
        result = self.assistant.search(self._question(text))
        self._numbered = dict(enumerate(result.hits, start=1))
        self.session.say(render.search_lines(result, self.session.paper))

    def _question(self, text: str) -> Question:
        found = self.assistant.config.search
        return Question(text, limit=found.limit, mode=self.session.mode(found.mode))

    def sources(self, _: str) -> None:
        paper = self.session.paper
        self.session.say(f"{paper.bold(f'[{number}]')} {render.hit_head(hit, paper)}" for number, hit in self._numbered.items())
        if not self._numbered:
            self.session.notice("There are no passages yet: ask something first.")

    def open_passage(self, text: str) -> None:
        hit = self._numbered.get(int(text)) if text.isdecimal() else None
        if hit is None:
            self.session.notice("/open N shows passage N of the last answer; /sources lists them.")
            return
        paper = self.session.paper
        self.session.say([render.hit_head(hit, paper), paper.text(hit.chunk.text)])

    def model(self, name: str) -> None:
        if name:
            self.assistant.show_model(name)  # an unknown name is an error now, not at the next question
            self.close()
            self._model = name
        rows = [row for row in self.assistant.model_list() if row.role == "llm" and (row.name == name if name else row.in_use)]
        self.session.say(self.session.paper.line(row.name) for row in rows)

    def status(self, _: str) -> None:
        stats, roots = self.assistant.stats(), self.assistant.roots()
        session = self.session
        watcher = self.assistant.watch_finding()
        session.say(render.status_lines(stats, roots, session.locations.index, watcher, session.paper, session.now()))

    def help(self, _: str) -> None:
        width = max(map(len, COMMANDS))
        self.session.say(f"  {name:<{width}}  {self.session.paper.dim(what)}" for name, what in COMMANDS.items())
        self.session.say(["  A question may have several lines: Esc then Enter, or \\ at the end of a line."])

    def leave(self, _: str) -> None:
        self.left = True


class CommandCompleter(Completer):
    """Completes the names of commands, and nothing else."""

    def get_completions(self, document: InputDocument, complete_event: CompleteEvent) -> list[Completion]:
        text = document.text
        if not text.startswith("/") or " " in text:
            return []
        names = {spelled.split()[0]: what for spelled, what in COMMANDS.items()}
        return [Completion(name, -len(text), display_meta=what) for name, what in names.items() if name.startswith(text)]


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

    @bindings.add("escape", "enter")
    def _break_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return bindings


def open_history(path: Path) -> History:
    """The lines typed before, in a file that only its owner reads, the last thousand; in memory if it cannot be written."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        trim_history(path)
    except OSError:
        return InMemoryHistory()
    return FileHistory(path)


def trim_history(path: Path, keep: int = HISTORY_ENTRIES) -> None:
    """The file holds at most ``keep`` entries, the newest. An entry starts with a line ``# time``."""
    start = b"\n# "
    entries = path.read_bytes().split(start)[1:]
    if len(entries) > keep:
        path.write_bytes(b"".join(start + entry for entry in entries[-keep:]))
