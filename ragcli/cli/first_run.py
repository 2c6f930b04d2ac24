"""The first run: which folders, what is in them, which models, and then it begins. Nothing is done that was not asked for."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import PathCompleter

from ragcli.cli import interrupts
from ragcli.cli.session import Session
from ragcli.cli.showing.following import follow_index
from ragcli.cli.showing.paper import Paper, duration, plural, size
from ragcli.errors import RagError
from ragcli.types import REASONS, ModelRow, Preview

USUAL_FOLDERS = ("Documents", "Dokumente", "Notes", "notes")
SHOWN_TYPES = 8
ABOUT_RULES: Mapping[str, str] = {
    "hidden": "hidden (names that start with a dot)",
    "ignored": "named in .gitignore, .ignore or .ragignore",
    "secret": "sound like a secret (keys, .env, password lists)",
    "vcs": "of a version control system",
    "excluded": "excluded by your settings",
    "mounted": "on another disk",
}


def is_first_run(session: Session) -> bool:
    """Whether nothing is indexed yet."""
    with session.open() as assistant:
        return not assistant.stats().sources


def set_up(session: Session) -> bool:
    """The chosen folders are indexed, with the models that this needs. False if the user changed their mind."""
    try:
        session.aside(introduction(session.side_paper))
        folders = _choose_folders(session)
        return bool(folders) and _get_models(session) and _index(session, folders)
    except (EOFError, KeyboardInterrupt):
        interrupts.interrupt_handled()
        session.notice("Stopped; what was done is kept. ragcli setup goes on.")
        return False


def introduction(paper: Paper) -> Iterator[str]:
    yield paper.bold("ragcli answers questions about your own files, on this machine.")
    yield "It reads folders that you choose into an index, and shows for each answer the place"
    yield "that says so. The kernel refuses it the network; only getting a model needs that, once."
    yield ""


def _choose_folders(session: Session) -> list[Path]:
    """Folders that the user has seen a preview of and agreed to; none if they want to stop."""
    prompt: PromptSession[str] = PromptSession(completer=PathCompleter(only_directories=True, expanduser=True))
    suggested = " ".join(f"~/{name}" for name in usual_folders(Path.home()))
    while True:
        typed = prompt.prompt("Which folders? (Tab completes, Enter alone stops) ", default=suggested, handle_sigint=True)
        interrupts.catch_interrupts()
        try:
            folders = [Path(word).expanduser() for word in shlex.split(typed)]
        except ValueError as error:
            session.notice(f"That cannot be read: {error}.")
            continue
        if not folders:
            session.notice("Nothing was done. Later: ragcli setup, or ragcli index FOLDER.")
            return []
        if _agreed(session, folders):
            return folders


def usual_folders(home: Path) -> list[str]:
    """Where people keep documents, as far as it is there; one name if the file system takes both for the same."""
    found: dict[tuple[int, int], str] = {}
    for name in USUAL_FOLDERS:
        if (home / name).is_dir():
            status = (home / name).stat()
            found.setdefault((status.st_dev, status.st_ino), name)
    return list(found.values())


def _agreed(session: Session, folders: Sequence[Path]) -> bool:
    session.notice("Looking at names and sizes…")
    try:
        with session.open() as assistant:
            preview = assistant.preview(folders)
    except RagError as error:
        session.tell(error)
        return False
    session.aside(preview_lines(preview, session.side_paper))
    return preview.files > 0 and session.confirm("Index these?", default=True)


def preview_lines(preview: Preview, paper: Paper) -> Iterator[str]:
    """What would be read and what not, and about how long it takes."""
    yield f"{paper.bold(plural(preview.files, 'file'))} to read, {size(preview.bytes)}: {_types(preview.by_type, paper)}"
    for rule, count in preview.left_out.items():
        if count:
            yield paper.dim(f"  left out: {count:,} {ABOUT_RULES.get(rule, rule)}")
    for reason, count in preview.unreadable.items():
        yield paper.dim(f"  not read: {count:,}, {REASONS.get(reason, reason)}")
    if preview.files:
        yield f"That takes about {paper.bold(_about(preview.seconds))} here. Ctrl-C stops it; later it goes on from there."


def _types(by_type: Mapping[str, int], paper: Paper) -> str:
    named = [f"{count:,} {paper.line(name)}" for name, count in list(by_type.items())[:SHOWN_TYPES]]
    rest = sum(list(by_type.values())[SHOWN_TYPES:])
    return ", ".join([*named, *([f"{rest:,} others"] if rest else [])]) or "nothing"


def _about(seconds: float) -> str:
    """An estimate in one unit, so that it looks like one."""
    if seconds < 90:
        return "a minute"
    return plural(round(seconds / 60), "minute") if seconds < 5400 else plural(round(seconds / 3600), "hour")


def _get_models(session: Session) -> bool:
    """The models that are missing were pulled, or the user does without a language model. False without an embedder."""
    with session.open() as assistant:
        rows = assistant.model_list()
        embedder = next((row for row in rows if row.name == assistant.config.models.embedder), None)
    if embedder and not embedder.installed and not _get(session, embedder, "finds passages by meaning"):
        return False
    if any(row.role == "llm" and row.installed for row in rows):
        return True
    choices = language_models(rows)
    session.aside(choice_lines(choices, session.side_paper))
    chosen = session.ask(f"Which one? [1-{len(choices)}, Enter: 1, n: none for now] ")
    if chosen.isdecimal() and 0 < int(chosen) <= len(choices) or not chosen:
        return _get(session, choices[int(chosen or 1) - 1], "writes the answers", agreed=True)
    session.notice("Without one ragcli search works, and ragcli models pull NAME gets one later.")
    return True


def language_models(rows: Sequence[ModelRow]) -> list[ModelRow]:
    """Those that need no conversion, the best known first."""
    plain = [row for row in rows if row.role == "llm" and row.format == "gguf" and not row.installed]
    return sorted(plain, key=lambda row: -row.size)


def choice_lines(rows: Sequence[ModelRow], paper: Paper) -> Iterator[str]:
    yield "A language model writes the answers:"
    for number, row in enumerate(rows, 1):
        yield f"  {number}  {row.name:<20} {size(row.size):>7}  {paper.dim(paper.line(row.description))}"


def _get(session: Session, row: ModelRow, purpose: str, *, agreed: bool = False) -> bool:
    """The model is here. If nobody can pull it, the command that does is told."""
    about = f"{row.name} {purpose}: {size(row.size)}, {row.licence}, from the {row.source}."
    if session.puller is None:
        session.notice(session.side_paper.line(f"{about} Get it with: ragcli models pull {row.name}, then: ragcli setup"))
        return False
    if not agreed:
        session.aside([session.side_paper.line(about)])
        agreed = session.confirm("Get it now, in a process of its own, the only one with the network?", default=True)
    if not agreed or session.puller.pull(row.name) != 0:
        session.notice(session.side_paper.line(f"{row.name} is not here: ragcli models pull {row.name}, then: ragcli setup"))
        return False
    return True


def _index(session: Session, folders: Sequence[Path]) -> bool:
    session.dismiss_puller()  # from here on files are read
    with session.open() as assistant:
        report = follow_index(session, assistant.index_events(folders))
    took = report.took_ms.get("total", 0.0) / 1000
    again = f" (ragcli index looks for changes, ragcli watch follows them; this took {duration(took)})"
    session.notice(f'Ready: ragcli ask "…", or ragcli alone.{again}')
    return bool(report.added + report.changed + report.unchanged)
