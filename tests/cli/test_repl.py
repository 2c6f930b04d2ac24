"""The shell, on a real pseudo-terminal and behind the real wall."""

from __future__ import annotations

import signal
import stat
from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, InMemoryHistory

from ragcli.cli.repl import COMMANDS, CommandCompleter, open_history, trim_history
from tests.cli.conftest import StartTerminal, Terminal

ENTER = "\r"
CTRL_C, CTRL_D = "\x03", "\x04"
ESCAPE = "\x1b"


@pytest.fixture
def shell(terminal: StartTerminal) -> Terminal:
    started = terminal()
    started.wait_for("/help lists the commands")
    started.wait_for(">")
    return started


def leave(shell: Terminal) -> None:
    """At the next prompt, Ctrl-D. Before it the key would be the system's, not the shell's."""
    shell.wait_for(">")
    shell.send(CTRL_D)
    assert shell.finish() == 0


def test_question_sources_passage_and_leave(shell: Terminal) -> None:
    shell.send("when does the lease end?" + ENTER)
    shell.wait_for("It says: The lease ends on 31 [1].")
    shell.wait_for(">")
    shell.send("/sources" + ENTER)
    shell.wait_for("/files/lease.md:1-2")
    shell.send("/open 1" + ENTER)
    shell.wait_for("three months' notice.")
    leave(shell)


def test_ctrl_c_stops_the_answer_and_keeps_the_session(shell: Terminal) -> None:
    for _ in range(2):
        shell.send("slow lease" + ENTER)
        shell.wait_for("[1]....")
        shell.process.send_signal(signal.SIGINT)
        shell.wait_for("Stopped.")
        shell.wait_for(">")
    shell.send("/quit" + ENTER)
    assert shell.finish() == 0


def test_ctrl_c_at_the_prompt_drops_the_line(shell: Terminal) -> None:
    shell.send("never mind")
    shell.wait_for("never mind")
    shell.send(CTRL_C)
    shell.wait_for(">")
    shell.send("/status" + ENTER)
    shell.wait_for("passages      ")
    leave(shell)


def test_an_error_keeps_the_session(shell: Terminal) -> None:
    shell.send("/search locked" + ENTER)
    shell.wait_for("there is no index yet")
    shell.send("/nope" + ENTER)
    shell.wait_for("There is no command /nope")
    shell.send("/model nope" + ENTER)
    shell.wait_for("there is no model 'nope'")
    shell.send("/model large" + ENTER)
    shell.wait_for("large\r\n")
    shell.send("zebra" + ENTER)
    shell.wait_for("Not in your files.")
    leave(shell)


def test_a_question_may_have_several_lines(shell: Terminal, tmp_path: Path) -> None:
    shell.send("what about\\" + ENTER + "the lease" + ESCAPE + ENTER + "please" + ENTER)
    shell.wait_for("It says")
    leave(shell)
    assert "+what about\n+the lease\n+please\n" in (tmp_path / "home" / "history").read_text()


def test_a_paste_does_not_send_itself(shell: Terminal, tmp_path: Path) -> None:
    shell.send(f"{ESCAPE}[200~/quit\nlease{ESCAPE}[201~")
    shell.wait_for("lease")
    shell.send(" more" + ENTER)
    shell.wait_for("There is no command")
    leave(shell)


def test_history_is_private(shell: Terminal, tmp_path: Path) -> None:
    shell.send("/help" + ENTER)
    shell.wait_for("Esc then Enter")
    leave(shell)
    file = tmp_path / "home" / "history"
    assert "+/help\n" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_chat_takes_a_model(terminal: StartTerminal) -> None:
    started = terminal("chat", "--model", "absent")
    started.wait_for(">")
    started.send("lease" + ENTER)
    started.wait_for("ragcli models pull absent")
    leave(started)


def test_history_keeps_the_newest(tmp_path: Path) -> None:
    history = FileHistory(tmp_path / "history")
    for number in range(7):
        history.store_string(f"line {number}\n# no entry")
    trim_history(tmp_path / "history", keep=3)
    assert list(FileHistory(tmp_path / "history").load_history_strings()) == [
        f"line {number}\n# no entry" for number in (6, 5, 4)
    ]


def test_history_that_cannot_be_written_is_kept_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert isinstance(open_history(tmp_path / "file" / "history"), InMemoryHistory)


@pytest.mark.parametrize(("typed", "offered"), [("/s", ["/search", "/sources", "/status"]), ("s", []), ("/search x", [])])
def test_completion_is_for_commands(typed: str, offered: list[str]) -> None:
    found = CommandCompleter().get_completions(Document(typed), CompleteEvent())
    assert [completion.text for completion in found] == offered


def test_every_command_is_obeyed(shell: Terminal) -> None:
    for name in COMMANDS:
        shell.send(name.split()[0] + ENTER)
        if name != "/quit":
            shell.wait_for(">")
    assert shell.finish() == 0
    assert "There is no command" not in shell.text
