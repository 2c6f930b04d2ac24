"""An answer in Markdown, printed block by block: each block once, when it is finished, however tall the answer becomes.

What is not finished is one line that is drawn again. Where no line can be drawn again, pieces are written as they come.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TextIO, cast

from prompt_toolkit.utils import get_cwidth

from ragcli.cli.session import Session
from ragcli.cli.showing.answering import Waiting, say_outcome, show_answer, waiting
from ragcli.cli.showing.paper import plural
from ragcli.steps.cleaning import StreamCleaner
from ragcli.steps.linking import LinkFilter
from ragcli.types import Answer, AnswerEvent, AnswerFinished, Delta, Packed, Retrieved

if TYPE_CHECKING:
    from rich.console import Console

FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})")


class MarkdownBlocks:
    """Text in pieces becomes whole blocks: paragraphs, lists, tables, fenced code. Together they are the text."""

    def __init__(self) -> None:
        self.rest = ""
        """What is not a whole block yet."""

    def feed(self, text: str) -> list[str]:
        self.rest += text
        blocks = []
        while end := self._end():
            blocks.append(self.rest[:end])
            self.rest = self.rest[end:]
        return blocks

    def flush(self) -> list[str]:
        block, self.rest = self.rest, ""
        return [block] if block.strip() else []

    def _end(self) -> int:
        """Where the first block ends, the blank line behind it included; 0 while that is open."""
        position, fence, filled = 0, "", False
        for line in self.rest.splitlines(keepends=True):
            if not line.endswith("\n"):
                return 0
            opening = FENCE.match(line)
            if fence:
                if opening and opening[1].startswith(fence) and not line.strip(fence[0] + " \n"):
                    return position + len(line)
            elif opening:
                if filled:
                    return position
                fence = opening[1]
            elif line.strip():
                filled = True
            elif filled:
                return position + len(line)
            position += len(line)
        return 0


def show_in_blocks(session: Session, events: Iterable[AnswerEvent]) -> Answer:
    """The answer and its footnotes are on the terminal. Gives it back."""
    if not (session.out.live and session.err.live):
        return show_answer(session, events, stream=True)
    answer = None
    with waiting(session) as line:
        printer = BlockPrinter(session, line)
        line.say("Searching…")
        try:
            for event in events:
                match event:
                    case Retrieved():
                        line.say("Choosing passages…")
                    case Packed(context):
                        line.say(f"Reading {plural(len(context.passages), 'passage')}…")
                    case Delta(text):
                        printer.write(text)
                    case AnswerFinished():
                        answer = event.answer
        finally:
            printer.end()
    if answer is None:
        raise RuntimeError("the answer never finished")
    say_outcome(session, answer)
    return answer


class BlockPrinter:
    """Writes pieces cleaned, links told; whole blocks on standard output, the open one as a line that comes and goes."""

    def __init__(self, session: Session, line: Waiting) -> None:
        self._session, self._line = session, line
        self._links, self._cleaner, self._blocks = LinkFilter(), StreamCleaner(), MarkdownBlocks()
        self._print: Callable[[str], None] | None = None
        self._begun = False

    def write(self, piece: str) -> None:
        self._put(self._blocks.feed(self._cleaner.feed(self._links.feed(piece))))
        if tail := " ".join(self._blocks.rest.split()):
            self._line.say(fitting_end(tail, self._session.paper.width - 1))

    def end(self) -> None:
        """Everything that was written is printed, what was open too."""
        rest = self._cleaner.feed(self._links.flush()) + self._cleaner.flush()
        self._put([*self._blocks.feed(rest), *self._blocks.flush()])
        self._line.end()

    def _put(self, blocks: Iterable[str]) -> None:
        for block in blocks:
            if not block.strip():
                continue
            self._line.end()
            if self._begun:
                self._session.say([""])
            self._begun = True
            self._print = self._print or markdown_printer(self._session)
            self._print(block)
            self._session.out.flush()


def fitting_end(text: str, width: int) -> str:
    """The end of a text of one line that fits the width; wide characters count twice."""
    taken, start = 0, len(text)
    while start and taken + get_cwidth(text[start - 1]) <= width:
        start -= 1
        taken += get_cwidth(text[start])
    return text[start:]


def markdown_printer(session: Session) -> Callable[[str], None]:
    """Prints one block as Markdown. No links: what they lead to is in the text."""
    from rich.console import Console  # loaded while the model works
    from rich.markdown import Markdown

    file = cast(TextIO, session.out)  # it has what rich uses of a file
    width, plain = session.paper.width, not session.out.color
    console: Console = Console(file=file, width=width, no_color=plain, force_terminal=True, highlight=False, emoji=False)

    def print_block(block: str) -> None:
        with console.capture() as drawn:
            console.print(Markdown(block, hyperlinks=False, code_theme="ansi_dark"))
        session.say(line.rstrip() for line in drawn.get().splitlines())  # without the blanks that fill its lines

    return print_block
