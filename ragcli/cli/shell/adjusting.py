"""Commands of the shell that change: /model /collection /filter /set /index /summarize /save /clear."""

from __future__ import annotations

import shlex
from pathlib import Path

from ragcli.cli import interrupts
from ragcli.cli.completing import known_collections
from ragcli.cli.shell.state import ShellState
from ragcli.cli.shell.transcripts import append_turns, read_session, session_file, write_markdown
from ragcli.cli.showing import render
from ragcli.cli.showing.following import follow_index
from ragcli.cli.showing.paper import plural
from ragcli.cli.surveys import run_survey
from ragcli.config import Value, parse_setting
from ragcli.errors import UsageError

EVERYTHING = ("all", "off", "none")
FILTERS = ("in", "type", "since")


class Adjusting(ShellState):
    def model(self, name: str) -> None:
        if name:
            self.assistant.show_model(name)  # an unknown name is an error now, not at the next question
            self._choose("answer.model", name)
        rows = [row for row in self.assistant.model_list() if row.role == "llm" and (row.name == name if name else row.in_use)]
        self.session.say(self.session.paper.line(row.name) for row in rows)

    def collection(self, name: str) -> None:
        """Only what is in the collection is found, with its settings; ``all`` finds everything again."""
        known = known_collections(self.session)
        if name and name not in (*known, *EVERYTHING):
            raise UsageError("bad-argument", f"there is no collection {name!r}", hint=f"there are: {', '.join(sorted(known))}")
        if name:
            self.session.collection = "" if name in EVERYTHING else name
            self.close()
        self.session.say([self.session.paper.line(self.session.collection or "all")])
        if not name:
            self.session.notice(self.session.side_paper.line(f"There are: {', '.join(sorted(known)) or 'none yet'}"))

    def filter(self, text: str) -> None:
        """``in=GLOB type=EXT since=DATE`` narrow what is found; ``off`` ends that."""
        before = self.filters
        if text in EVERYTHING:
            self.filters = {}
        elif text:
            self.filters = {**before, **self._parsed_filters(text)}
            try:
                self.scope()
            except UsageError:
                self.filters = before
                raise
        told = " ".join(f"{name}={','.join(values)}" for name, values in self.filters.items())
        self.session.say([self.session.paper.line(told or "no filter")])

    def _parsed_filters(self, text: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for word in _words(text):
            name, equals, value = word.partition("=")
            if name not in FILTERS or not equals or not value:
                hint = "as in: /filter in=*/notes/* type=pdf since=7d, or /filter off"
                raise UsageError("bad-argument", f"{word!r} is no filter", hint=hint)
            found.setdefault(name, []).append(value)
        return found

    def set(self, text: str) -> None:
        """A setting holds for this session; the settings file stays as it is."""
        key, _, value = text.partition(" ")
        if value:
            self._choose(key, parse_setting(key, value.strip()))
        elif key:
            raise UsageError("bad-argument", f"{key} needs a value", hint=f"/set {key} VALUE; /set alone lists what was set")
        rows = [f"{key} = {render.setting_text(value)}" for key, value in self.flags.items()]
        self.session.say(map(self.session.paper.line, rows or ["nothing is set for this session"]))

    def _choose(self, key: str, value: Value) -> None:
        self.session.config_with({**self.flags, key: value})  # raises for what cannot be, before it is chosen
        self.flags[key] = value
        self.close()

    def index(self, text: str) -> None:
        """The paths, or all known folders, are indexed; Ctrl-C keeps what was done."""
        paths = [Path(word).expanduser() for word in _words(text)]
        try:
            follow_index(self.session, self.assistant.index_events(paths, collection=self.session.collection or None))
        except KeyboardInterrupt:
            interrupts.interrupt_handled()
            self.session.notice(f"\n{interrupts.STOPPED}")
        self.look_again()

    def summarize(self, text: str) -> None:
        """A file or a folder is summed up, whole; Ctrl-C stops, and what was read counts the next time."""
        if not text:
            self.session.notice("/summarize PATH sums up a file or a folder.")
            return
        (path, *rest) = _words(text)
        try:
            run_survey(self.session, self.assistant.summarize_events(Path(path).expanduser(), focus=" ".join(rest)))
        except KeyboardInterrupt:
            interrupts.interrupt_handled()
            self.session.notice("\nStopped.")

    def save(self, name: str) -> None:
        """This session is kept under the name from now on, or written as Markdown where the name ends with .md."""
        if name.endswith(".md"):
            file = Path(name).expanduser()
            write_markdown(file, self.said, self.session.paper)
            self.session.notice(self.session.side_paper.line(f"Written to {file}."))
            return
        name = name or self.name
        if not name:
            self.session.notice("/save NAME keeps this session, /save FILE.md writes it down to read.")
            return
        file = session_file(self.session.locations.sessions, name)
        if name != self.name:
            append_turns(file, self.said)
            self.name = name
        self.session.notice(self.session.side_paper.line(f"Kept as {name}: ragcli chat --session '{name}' goes on."))

    def resume(self, name: str) -> None:
        """Further turns are kept under the name; what was said under it before is remembered."""
        self.memory = read_session(session_file(self.session.locations.sessions, name))
        self.name = name
        if self.memory:
            last = self.session.side_paper.line(self.memory[-1].question)
            count = plural(len(self.memory), "earlier question is", "earlier questions are")
            self.session.notice(f"{count} remembered, the last: {last}")

    def clear(self, _: str) -> None:
        """The screen is empty, and no question leans on an earlier one any more."""
        self.memory, self.numbered = [], {}
        if self.session.out.live:
            self.session.out.write("\x1b[H\x1b[2J")
            self.session.out.flush()
        kept = f"; what was kept as {self.name} is still on disk" if self.name else ""
        self.session.notice(self.session.side_paper.line(f"Forgotten{kept}."))


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError("bad-argument", f"that cannot be read: {error}", hint="close every quotation mark") from None
