"""The shell, on a real pseudo-terminal and behind the real wall."""

from __future__ import annotations

import json
import shutil
import signal
import stat
from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, InMemoryHistory

from ragcli.cli.session import Session
from ragcli.cli.shell.lines import NAMES, Shell
from ragcli.cli.shell.prompt import LineCompleter, open_history, trim_history
from tests.cli.conftest import PROMPT, StartTerminal, Terminal, Tmux
from tests.cli.fake_assistant import FakeAssistant

ENTER = "\r"
CTRL_C, CTRL_D = "\x03", "\x04"
ESCAPE = "\x1b"


@pytest.fixture
def shell(terminal: StartTerminal) -> Terminal:
    started = terminal()
    started.wait_for("/help lists the commands")
    started.wait_for(PROMPT)
    return started


def leave(shell: Terminal) -> None:
    """At the next prompt, Ctrl-D. Before it the key would be the system's, not the shell's."""
    shell.wait_for(PROMPT)
    shell.send(CTRL_D)
    assert shell.finish() == 0


def test_question_sources_passage_and_leave(shell: Terminal) -> None:
    shell.send("when does the lease end?" + ENTER)
    shell.wait_for("It says: The lease ends on 31 [1].")
    shell.wait_for(PROMPT)
    shell.send("/sources" + ENTER)
    shell.wait_for("/files/lease.md:1-2")
    shell.send("/open 1" + ENTER)
    shell.wait_for("three months'")
    leave(shell)


def test_ctrl_c_stops_the_answer_and_keeps_the_session(shell: Terminal) -> None:
    for _ in range(2):
        shell.send("slow lease" + ENTER)
        shell.wait_for("[1]....")
        shell.process.send_signal(signal.SIGINT)
        shell.wait_for("Stopped.")
        shell.wait_for(PROMPT)
    shell.send("/quit" + ENTER)
    assert shell.finish() == 0


def test_ctrl_c_at_the_prompt_drops_the_line(shell: Terminal) -> None:
    shell.send("never mind")
    shell.wait_for("never mind")
    shell.send(CTRL_C)
    shell.wait_for(PROMPT)
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
    started.wait_for(PROMPT)
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


@pytest.fixture
def completer(home: Path) -> LineCompleter:
    home.mkdir()
    (home / "config.toml").write_text("[collection.work]\nroots = ['/work']\n")
    return LineCompleter(Shell(Session(make_assistant=FakeAssistant), None))


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("/s", ["/search", "/sources", "/summarize", "/set", "/save", "/status"]),
        ("s", []),
        ("/search x", []),
        ("/model smollm2", ["smollm2-135m"]),
        ("/collection ", ["all", "main", "work"]),
        ("/set search.l", ["search.limit"]),
        ("/filter in=*.md t", ["type="]),
        ("/help co", ["context", "collection", "copy"]),
        ("/open ", []),
    ],
)
def test_completion_is_for_commands_and_what_they_take(completer: LineCompleter, typed: str, offered: list[str]) -> None:
    found = completer.get_completions(Document(typed), CompleteEvent())
    assert [completion.text for completion in found] == offered


def test_paths_are_completed_so_that_they_can_be_read_back(completer: LineCompleter, tmp_path: Path) -> None:
    (tmp_path / "two words").mkdir()
    (found,) = completer.get_completions(Document(f"/index {tmp_path}/tw"), CompleteEvent())
    assert found.text == f"'{tmp_path}/two words'"


def test_every_command_is_obeyed(shell: Terminal) -> None:
    for name in NAMES:
        shell.send(name + ENTER)
        if name != "/quit":
            shell.wait_for(PROMPT)
    assert shell.finish() == 0
    assert "There is no command" not in shell.text


# ---- a session of thirty steps -----------------------------------------------------------------

STEPS = (
    ("/help", "/summarize PATH"),
    ("/help open", "with the quote marked"),
    ("/status", "passages      "),
    ("/sources", "ask something first"),
    ("/open 1", "none yet"),
    ("/why", "Nothing was answered yet"),
    ("/context", "No model was shown anything"),
    ("/retry", "Nothing was asked yet"),
    ("when does the lease end?", "/files/lease.md:1-2"),
    ("/sources", "/files/lease.md:1-2"),
    ("/open 1", "three months'"),
    ("/open 99", "(1 to 1)"),
    ("/edit 1", "no file that an editor can open"),
    ("/why", "confidence 0.90"),
    ("/context", "40 tokens"),
    ("and when can he cancel it?", "Asked as: "),
    ("/history", "and when can he cancel it?"),
    ("/search marmalade", "that is no UTF-8"),
    ("/retry", "It says"),
    ("/clear", "Forgotten."),
    ("/clear", "Forgotten."),
    ("zebra", "Not in your files."),
    ("/model large", "large"),
    ("/model nope", "there is no model 'nope'"),
    ("/set search.limit 3", "search.limit = 3"),
    ("/set search.limt 3", "did you mean search.limit?"),
    ("/filter in=*.md type=pdf since=7d", "since=7d"),
    ("/filter colour=red", "is no filter"),
    ("/filter off", "no filter"),
    ("/collection nope", "there is no collection 'nope'"),
    ("/collection main", "main"),
    ("/index", "Indexed"),
    ("/copy", "Copied" + "|" + "no clipboard"),
    ("/save thirty", "ragcli chat --session"),
    ("/save thirty.md", "Written to"),
    ("/serach x", "did you mean /search?"),
    ("/clear", "Forgotten"),
)


def test_there_are_thirty_steps_and_every_command_is_among_them() -> None:
    assert len(STEPS) >= 30
    assert set(NAMES) - {line.split()[0] for line, _ in STEPS} == {"/summarize", "/quit"}


@pytest.mark.parametrize("kind", ["xterm-256color", "dumb"])
def test_a_session_of_thirty_steps(terminal: StartTerminal, tmp_path: Path, kind: str) -> None:
    shell = terminal(env={"TERM": kind, "PAGER": "cat", "EDITOR": "true"}, cwd=tmp_path)
    shell.wait_for("/help lists the commands")
    for line, expected in STEPS:
        shell.wait_for(">")
        shell.send(line + ENTER)
        shell.wait_for_any(expected.split("|"))
    shell.wait_for(">")
    shell.send("/quit" + ENTER)  # a dumb prompt shows itself before it takes keys: Ctrl-D could come too early
    assert shell.finish() == 0
    assert "Traceback" not in shell.text
    saved = tmp_path / "home" / "sessions" / "thirty.jsonl"
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert [json.loads(line)["question"] for line in saved.read_text().splitlines()][0] == "when does the lease end?"
    assert (tmp_path / "thirty.md").read_text().startswith("## when does the lease end?\n\nIt says: The lease ends on 31 [1].\n")
    if kind == "dumb":
        assert "\x1b[" not in shell.text.replace("\x1b[?", "")


@pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed")
@pytest.mark.parametrize("kind", ["xterm-256color", "dumb"])
def test_the_same_session_in_tmux(tmp_path: Path, kind: str) -> None:
    with Tmux(tmp_path, kind) as window:
        window.wait_for("/help lists the commands")
        for line, expected in STEPS:
            window.type(line)
            window.wait_for(*expected.split("|"))
        window.type("/quit")
        window.wait_for("status 0")


def test_a_session_is_kept_and_gone_on_with(terminal: StartTerminal, tmp_path: Path) -> None:
    for number in (1, 2):
        shell = terminal("chat", "--session", "letters")
        shell.wait_for(PROMPT if number == 1 else "1 earlier question is remembered, the last: when does the lease end?")
        if number == 2:
            shell.wait_for(PROMPT)
        shell.send("when does the lease end?" + ENTER)
        shell.wait_for("/files/lease.md:1-2")
        leave(shell)
    assert len((tmp_path / "home" / "sessions" / "letters.jsonl").read_text().splitlines()) == 2


def test_nothing_is_kept_that_nobody_asked_for(shell: Terminal, tmp_path: Path) -> None:
    shell.send("when does the lease end?" + ENTER)
    shell.wait_for("/files/lease.md:1-2")
    leave(shell)
    assert not (tmp_path / "home" / "sessions").exists()
