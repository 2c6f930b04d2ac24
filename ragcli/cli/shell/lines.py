"""What a line of the shell does: a question is answered, a line that starts with / is a command. Errors end nothing."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from ragcli.cli import interrupts
from ragcli.cli.shell.adjusting import Adjusting
from ragcli.cli.shell.blocks import show_in_blocks
from ragcli.cli.shell.looking import Looking
from ragcli.cli.shell.transcripts import append_turns, session_file
from ragcli.errors import RagError
from ragcli.steps.conversing import turn_of
from ragcli.types import Answer, Question, Turn

COMMANDS = {
    "/search QUERY": "show passages instead of an answer",
    "/sources": "the passages behind the last answer",
    "/open N": "passage N, with the quote marked",
    "/edit N": "its file in your editor, at the line",
    "/why": "how sure the last answer is, and how it was found",
    "/context": "what the model was shown",
    "/retry [MODEL]": "ask the last question again",
    "/summarize PATH": "sum up a file or a folder",
    "/model [NAME]": "say or choose the language model",
    "/collection [NAME]": "only this collection; all for every one",
    "/filter [in= type= since=]": "narrow what is found; off ends it",
    "/set [KEY VALUE]": "a setting, for this session",
    "/index [PATH…]": "index folders, or look for changes",
    "/save [NAME]": "keep this session; FILE.md writes it down",
    "/copy": "the last answer to the clipboard",
    "/history [TEXT]": "the questions of this session",
    "/clear": "forget what was said, empty the screen",
    "/status": "what is indexed",
    "/help [COMMAND]": "this list",
    "/quit": "leave (also Ctrl-D)",
}
NAMES = tuple(usage.split()[0] for usage in COMMANDS)


class Shell(Looking, Adjusting):
    def greet(self) -> None:
        self.session.notice("ragcli: /help lists the commands, Ctrl-D leaves.")
        if not self.stats.sources:
            self.session.notice("Nothing is indexed yet: /index FOLDER")

    def obey(self, line: str) -> None:
        """The line is a command or a question; an error is told, and the shell goes on."""
        name, _, rest = line.partition(" ")
        try:
            if not line.startswith("/"):
                self.ask(line)
            elif action := self._actions().get(name):
                action(rest.strip())
            else:
                near = difflib.get_close_matches(name, NAMES, n=1)
                hint = f"did you mean {near[0]}?" if near else "/help lists them."
                self.session.notice(self.session.side_paper.line(f"There is no command {name}; {hint}"))
        except RagError as error:
            self.session.tell(error)

    def _actions(self) -> dict[str, Callable[[str], None]]:
        return {
            "/search": self.search,
            "/sources": self.sources,
            "/open": self.open_passage,
            "/edit": self.edit,
            "/why": self.why,
            "/context": self.context,
            "/retry": self.retry,
            "/summarize": self.summarize,
            "/model": self.model,
            "/collection": self.collection,
            "/filter": self.filter,
            "/set": self.set,
            "/index": self.index,
            "/save": self.save,
            "/copy": self.copy_answer,
            "/history": self.history,
            "/clear": self.clear,
            "/status": self.status,
            "/help": self.help,
            "/quit": self.leave,
            "/exit": self.leave,
        }

    def ask(self, text: str) -> None:
        """The answer is shown; Ctrl-C stops it. A question that leans on the one before is asked with what it leans on."""
        try:
            alone = self.assistant.stand_alone(text, self.memory)
            if alone.is_follow_up:
                self.session.notice(self.session.side_paper.line(f"Asked as: {alone.text}"))
            answer = self._answer(self.question(alone.text))
        except KeyboardInterrupt:
            interrupts.interrupt_handled()
            self.session.notice("\nStopped.")
            return
        self._remember(turn_of(text, answer), answer)

    def _answer(self, question: Question) -> Answer:
        answer = show_in_blocks(self.session, self.assistant.ask_events(question))
        passages = answer.context.passages
        self.numbered = {passage.number: passage.hit for passage in passages} or dict(enumerate(answer.hits, start=1))
        return answer

    def _remember(self, turn: Turn, answer: Answer) -> None:
        self.said.append((turn, answer))
        self.memory.append(turn)
        if self.name:
            append_turns(session_file(self.session.locations.sessions, self.name), [(turn, answer)])

    def retry(self, model: str) -> None:
        """The last question again, as it was understood, with another model if one is named."""
        if not self.said:
            self.session.notice("Nothing was asked yet.")
            return
        if model:
            self.model(model)
        turn, _ = self.said[-1]
        try:
            answer = self._answer(self.question(turn.standalone))
        except KeyboardInterrupt:
            interrupts.interrupt_handled()
            self.session.notice("\nStopped.")
            return
        self._remember(turn, answer)

    def help(self, name: str) -> None:
        wanted = f"/{name.lstrip('/')}"
        rows = {usage: about for usage, about in COMMANDS.items() if not name or usage.split()[0] == wanted}
        width = max(map(len, COMMANDS))
        self.session.say(f"  {usage:<{width}}  {self.session.paper.dim(about)}" for usage, about in rows.items())
        if not rows:
            self.session.notice(self.session.side_paper.line(f"There is no command {wanted}."))
        if not name:
            self.session.say(["  A question may have several lines: Esc then Enter, or \\ at the end of a line."])
            self.session.say(["  Tab completes, Ctrl-R looks through what was typed before, Ctrl-C stops an answer."])

    def leave(self, _: str) -> None:
        self.left = True
