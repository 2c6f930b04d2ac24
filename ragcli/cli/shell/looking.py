"""Commands of the shell that show: /search /sources /why /context /open /edit /status /history /copy."""

from __future__ import annotations

import os
import re
import textwrap
from pathlib import Path

from ragcli.cli.editing import arguments_at_line, editor_of, run_editor
from ragcli.cli.shell.paging import copy, left_to_others, page
from ragcli.cli.shell.state import ShellState, tokens_per_second
from ragcli.cli.showing import passages, render
from ragcli.cli.showing.paper import Paper, plural
from ragcli.types import Hit

HISTORY_LINES = 20


class Looking(ShellState):
    def search(self, text: str) -> None:
        """Passages instead of an answer; their numbers can be opened."""
        if not text:
            self.session.notice("/search QUERY shows passages.")
            return
        result = self.assistant.search(self.question(text))
        self.numbered = dict(enumerate(result.hits, start=1))
        self.session.say(passages.search_lines(result, self.session.paper))
        if not result.hits:
            self.session.notice("Nothing found.")

    def sources(self, _: str) -> None:
        paper = self.session.paper
        self.session.say(f"{paper.bold(f'[{number}]')} {passages.hit_head(hit, paper)}" for number, hit in self.numbered.items())
        if not self.numbered:
            self.session.notice("There are no passages yet: ask something first.")

    def why(self, _: str) -> None:
        """How sure the last answer is, and how each passage was found."""
        paper, answer = self.session.paper, self.answer
        if answer is None:
            self.session.notice("Nothing was answered yet.")
            return
        floor = self.assistant.config.answer.min_confidence
        self.session.say([f"{answer.outcome}, confidence {answer.confidence:.2f} (the floor for a fact is {floor:.2f})"])
        if answer.question.text != self.said[-1][0].question:
            self.session.say([f"asked as: {paper.line(answer.question.text)}"])
        for number, hit in self.numbered.items():
            head = f"{paper.bold(f'[{number}]')} {passages.hit_head(hit, paper)}"
            self.session.say([head, *paper.aside(passages.found_by(hit), "    ")])
        took = ", ".join(f"{name} {value:.0f} ms" for name, value in answer.took_ms.items())
        self.session.say([paper.dim(f"took {took}")])

    def context(self, _: str) -> None:
        """The text that the model was shown for the last answer."""
        answer, paper = self.answer, self.session.paper
        if answer is None or not answer.context.passages:
            self.session.notice("No model was shown anything yet.")
            return
        shown, left_out = answer.context.passages, len(answer.context.left_out)
        lines = [f"{plural(len(shown), 'passage')}, {plural(answer.context.tokens, 'token')}; left out: {left_out}"]
        for passage in shown:
            head = f"{paper.bold(f'[{passage.number}]')} {passages.hit_head(passage.hit, paper)}"
            lines += ["", head, paper.text(passage.text)]
        page(self.session, lines)

    def open_passage(self, text: str) -> None:
        """The passage in the pager, with what was quoted of it marked."""
        if (hit := self.hit_of(text)) is not None:
            paper = self.session.paper
            quotes = [citation.quote for citation in self.answer.citations] if self.answer else []
            text = folded(paper.text(hit.chunk.text), paper.width)
            marked = highlighted(text, [paper.text(quote) for quote in quotes], paper)
            page(self.session, [passages.hit_head(hit, paper), "", *marked.splitlines()])

    def edit(self, text: str) -> None:
        """The file in the user's editor, at the passage's line."""
        if (hit := self.hit_of(text)) is None:
            return
        path, line = hit.chunk.path, hit.chunk.locator.lines[0] if hit.chunk.locator.lines else 1
        if not path.is_file():
            self.session.notice(self.session.side_paper.line(f"{path} is no file that an editor can open."))
            return
        if hit.chunk.locator.lines is None or hit.chunk.locator.member:
            self.session.notice("It has no lines that an editor knows; it is opened at its start.")
        with left_to_others():
            run_editor(self.session, arguments_at_line(editor_of(self.session), path, line))

    def hit_of(self, text: str) -> Hit | None:
        hit = self.numbered.get(int(text)) if text.isdecimal() and len(text) < 6 else None
        if hit is None:
            known = f"1 to {max(self.numbered)}" if self.numbered else "none yet"
            self.session.notice(f"Give the number of a passage ({known}); /sources lists them.")
        return hit

    def status(self, _: str) -> None:
        self.look_again()
        session, watcher = self.session, self.assistant.watch_finding()
        roots, folder = self.assistant.roots(), session.locations.index
        session.say(render.status_lines(self.stats, roots, folder, watcher, session.paper, session.now()))
        session.say([session.paper.dim(self.status_line())])

    def history(self, text: str) -> None:
        """The questions of this session, or those that have the text in them."""
        asked = [
            (number, turn.question) for number, (turn, _) in enumerate(self.said, 1) if text.lower() in turn.question.lower()
        ]
        for number, question in asked[-HISTORY_LINES:]:
            self.session.say([f"{number:>3}  {self.session.paper.line(question)}"])
        if not asked:
            self.session.notice("Nothing was asked yet." if not text else "No question has that in it.")

    def copy_answer(self, _: str) -> None:
        """The last answer with its places is on the clipboard."""
        if self.answer is None:
            self.session.notice("Nothing was answered yet.")
            return
        paper = Paper(10_000, cwd=Path("/"))
        lines = [paper.text(self.answer.text) or passages.NOT_IN_FILES, *passages.citation_lines(self.answer, paper)]
        way = copy(self.session, os.linesep.join(lines))
        self.session.notice(f"Copied ({way})." if way else "There is no clipboard here: mark the text with the mouse.")

    def speed(self) -> float:
        return tokens_per_second(self.answer)


def folded(text: str, width: int) -> str:
    """The text with long lines broken between words; blank lines and indentation stay."""
    lines = (textwrap.wrap(line, width, replace_whitespace=False, drop_whitespace=False) or [""] for line in text.split("\n"))
    return "\n".join(part.rstrip() for line in lines for part in line)


def highlighted(text: str, quotes: list[str], paper: Paper) -> str:
    """The text with each quote marked, whatever the white space in it; by signs where there is no colour."""
    for quote in dict.fromkeys(quotes):
        pattern = r"\s+".join(re.escape(word) for word in quote.split())
        if pattern:
            text = re.sub(pattern, lambda found: mark(found[0], paper), text, count=1)
    return text


def mark(text: str, paper: Paper) -> str:
    if not paper.color:
        return f">>{text}<<"
    return "\n".join(f"\x1b[7m{line}\x1b[0m" if line else line for line in text.split("\n"))
