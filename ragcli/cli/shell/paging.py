"""Long text in the user's pager, and text for the clipboard. Where there is no terminal to take over, it is simply printed."""

from __future__ import annotations

import base64
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ragcli.cli import interrupts
from ragcli.cli.session import Session

CLIPBOARDS = (("pbcopy",), ("wl-copy",), ("xclip", "-selection", "clipboard"), ("xsel", "--clipboard", "--input"))
LONGEST_SEQUENCE = 74_994
"""Bytes that terminals take for the clipboard in one sequence."""


def page(session: Session, lines: Sequence[str]) -> None:
    """The lines were shown: by $PAGER or less on a terminal that can be drawn on, else printed. They are clean already."""
    command = pager_of(session) if session.out.live else []
    if not command:
        session.say(lines)
        return
    content = "\n".join(lines) + "\n"
    with left_to_others():
        try:
            subprocess.run(command, input=content, text=True, errors="backslashreplace", check=False, env=_environment(session))
        except OSError:
            session.say(lines)


def pager_of(session: Session) -> list[str]:
    """The pager's command; empty if there is none."""
    try:
        named = shlex.split(session.environment.get("PAGER", ""))
    except ValueError:
        named = []
    if named and shutil.which(named[0]):
        return named
    return ["less"] if shutil.which("less") else []


def _environment(session: Session) -> dict[str, str]:
    """less shows colours, leaves at once what fits the screen, and keeps nothing of what it showed."""
    return {"LESS": "-RFX", **session.environment, "LESSHISTFILE": "-", "LESSSECURE": "1"}


@contextmanager
def left_to_others() -> Iterator[None]:
    """Inside, Ctrl-C is for the program that has the terminal and not for this one."""
    before, descriptor = signal.signal(signal.SIGINT, lambda number, frame: None), signal.set_wakeup_fd(-1)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        signal.set_wakeup_fd(descriptor, warn_on_full_buffer=False)
        interrupts.interrupt_handled()


def copy(session: Session, text: str) -> str:
    """The text is on the clipboard; gives how: a program's name, ``terminal``, or nothing if there is no way."""
    for command in CLIPBOARDS:
        if shutil.which(command[0]) and (
            os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or command[0] == "pbcopy"
        ):
            done = subprocess.run(command, input=text.encode("utf-8", "replace"), check=False, capture_output=True)
            if done.returncode == 0:
                return command[0]
    content = base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")
    if not session.out.live or len(content) > LONGEST_SEQUENCE:
        return ""
    session.out.write(f"\x1b]52;c;{content}\x07")  # the terminal's own way, which works over ssh too
    session.out.flush()
    return "terminal"
