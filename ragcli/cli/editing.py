"""The user's own editor: on the settings file, of which a copy is edited and judged first, and on any file at a line."""

from __future__ import annotations

import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ragcli.cli.session import Session
from ragcli.cli.showing.paper import plural
from ragcli.errors import ConfigError

TO_LINE = {"code": "--goto {file}:{line}", "codium": "--goto {file}:{line}", "subl": "{file}:{line}", "zed": "{file}:{line}"}
"""How editors are told the line that do not know ``+LINE FILE``, as vi, nano and emacs do; ``helix`` takes ``FILE:LINE``."""
TO_LINE |= dict.fromkeys(("hx", "helix", "kak"), "{file}:{line}")


def edit_settings(session: Session) -> None:
    """The settings file is as the user left its copy, or as it was: a wrong copy never takes its place.

    Raises ConfigError ``bad-config``, ``unknown-setting``, ``bad-setting``.
    """
    from ragcli.adapters.settings import replace_settings
    from ragcli.layering import check_user_settings

    file = session.locations.config_file
    before = file.read_bytes() if file.exists() else b""
    with tempfile.TemporaryDirectory(prefix="ragcli-") as folder:
        draft = Path(folder, file.name)
        draft.write_bytes(before)
        while True:
            status = run_editor(session, [str(draft)])
            content = draft.read_bytes() if draft.exists() else before
            if status or content == before:
                why = f"the editor ended with status {status}" if status else "nothing was changed"
                session.notice(f"The settings are as they were: {why}.")
                return
            try:
                values = check_user_settings(content, file.name)
                break
            except ConfigError as error:
                session.tell(error)
                if not session.confirm("Edit it again? Otherwise the settings stay as they were.", default=True):
                    raise ConfigError("bad-config", "the settings are as they were", hint="ragcli config edit") from error
        replace_settings(file, content)
    session.notice(f"{plural(len(values), 'setting is', 'settings are')} not the default.")


def run_editor(session: Session, arguments: Sequence[str]) -> int:
    """The editor has ended; gives its status. Raises ConfigError ``bad-config`` if there is no such editor."""
    editor = editor_of(session)
    try:
        return subprocess.run([*shlex.split(editor), *arguments], check=False).returncode
    except (OSError, ValueError) as error:
        message = f"the editor {editor!r} cannot be started: {getattr(error, 'strerror', None) or error}"
        raise ConfigError("bad-config", message, hint="set EDITOR to the name of an editor, as nano") from error


def editor_of(session: Session) -> str:
    return session.environment.get("VISUAL") or session.environment.get("EDITOR") or "vi"


def arguments_at_line(editor: str, file: Path, line: int) -> list[str]:
    """What to give the editor after its name, so that it opens the file at the line."""
    name = Path((shlex.split(editor) or [""])[0]).name
    form = TO_LINE.get(name, "+{line} {file}")
    return [part.format(file=file, line=line) for part in form.split()]
