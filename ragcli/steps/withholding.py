"""An answer as a model gives it, without what it cannot have from the passages: addresses and codes, and echoes of orders.

An answer may name a link, a mail address or a code only if a passage that it was made from has it, or the question. A
sentence that repeats an order which the passages held, and which was kept from the model, is left out. What is left out
leaves a word behind, so that a reader knows. Works on the stream, and holds back no more than the word that has begun, or
the sentence where there were orders.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ragcli.steps.defusing import Defused
from ragcli.steps.sentences import split_sentences, words_of
from ragcli.types import Delta, Stop

_ENDINGS = (
    "com|org|net|edu|gov|mil|int|info|biz|io|app|dev|ai|co|uk|us|eu|de|fr|es|it|nl|ch|at|be|se|no|dk|fi|pt|ru|cn|jp|kr|in|br|au|ca|mx"
    "|xyz|online|site|shop|store|top|club|link|click|live|news|blog|cloud|tech|me|tv|cc|ly|gg|to|onion|example|test|invalid"
)
"""Of domains; those that end the names of files are not among them."""
_IN_ADDRESS = r"[^\s<>\"'`(){}\[\]|\\^，。；：！？）】」]"
ADDRESS = re.compile(
    rf"(?:https?|ftp)://\[[0-9a-f:.]{{2,45}}\]{_IN_ADDRESS}*|(?:https?|ftp|file|data|javascript|mailto):{_IN_ADDRESS}{{2,}}"
    rf"|www\.{_IN_ADDRESS}{{2,}}|[A-Za-z0-9_.+-]{{1,64}}@[A-Za-z0-9_-]{{1,63}}(?:\.[A-Za-z0-9_-]{{1,63}}){{1,8}}"
    rf"|(?<![A-Za-z0-9_@./-])(?:[a-z0-9](?:[a-z0-9-]{{0,61}}[a-z0-9])?\.){{1,8}}(?:{_ENDINGS})(?![A-Za-z0-9_-])"
    rf"(?:[/?#:]{_IN_ADDRESS}*)?",
    re.IGNORECASE,
)
CODE = re.compile(
    r"(?<![A-Za-z0-9_-])(?=[A-Z0-9-]*[A-Z])(?=[A-Z0-9-]*[0-9])(?=[A-Z0-9-]{6})[A-Z0-9]+(?:-[A-Z0-9]+)*(?![A-Za-z0-9_-])"
)
"""Capitals and digits in one word of six characters and more: a voucher, a serial number, a mark to be repeated."""
BEGUN = re.compile(r"(?:[a-z]{2,10}:|www\.)\S{0,2048}$|[!-~]{1,2048}$", re.IGNORECASE)
"""A word that may go on with the next piece."""
LINK_LEFT_OUT, CODE_LEFT_OUT = "(link left out)", "(code left out)"
ECHOED_SHARE, ECHOED_WORDS = 0.6, 3
"""A sentence is an echo if at least so many of its telling words are an order's, and they are so much of it."""


class AnswerGuard:
    """Lets an answer through, piece by piece, without what ``defused`` gives it no right to say."""

    def __init__(self, defused: Defused, question: str) -> None:
        told = [question]
        for passage in defused.context.passages:
            chunk = passage.hit.chunk
            told += [passage.text, chunk.path.name, chunk.title, *chunk.heading]
        self._evidence = "\n".join(told).casefold()
        self._bare = re.sub(r"[\W_]+", "", self._evidence)
        self._words = words_of(self._evidence)
        self._orders = [words_of(order) for order in defused.orders]
        self._held = ""

    def feed(self, text: str) -> str:
        """What can be shown by now."""
        self._held += text
        if self._orders:
            spans = split_sentences(self._held)
            end = spans[-1][0] if len(spans) > 1 else 0
        else:
            begun = BEGUN.search(self._held)
            end = begun.start() if begun else len(self._held)
        ready, self._held = self._held[:end], self._held[end:]
        return self._let_through(ready)

    def flush(self) -> str:
        """The rest."""
        rest, self._held = self._held, ""
        return self._let_through(rest)

    def _let_through(self, text: str) -> str:
        if self._orders:
            text = self._without_echoes(text)
        text = ADDRESS.sub(self._address, text)
        return CODE.sub(lambda code: code[0] if _bare(code[0]) in self._bare else CODE_LEFT_OUT, text)

    def _without_echoes(self, text: str) -> str:
        for start, end in reversed(split_sentences(text)):
            if self._echoes(text[start:end]):
                text = text[:start] + text[end:].lstrip(" ")
        return text

    def _echoes(self, sentence: str) -> bool:
        words = words_of(sentence)
        if len(words & self._words) >= ECHOED_SHARE * len(words):
            return False
        shared = max((len(words & order) for order in self._orders), default=0)
        return shared >= ECHOED_WORDS and shared >= ECHOED_SHARE * len(words)

    def _address(self, found: re.Match[str]) -> str:
        address = found[0].rstrip(".,;:!?*_~")
        place = re.sub(r"^(?:[a-z]+:(?://)?)?(?:www\.)?", "", address.casefold()).rstrip("/")
        return found[0] if place in self._evidence else LINK_LEFT_OUT + found[0][len(address) :]


def _bare(code: str) -> str:
    return re.sub(r"[\W_]+", "", code.casefold())


def withhold(events: Iterator[Delta | Stop], defused: Defused, question: str) -> Iterator[Delta | Stop]:
    """The same events without what the context gives no right to say; what was held back comes before the Stop.

    Without a fence nothing was defused, and nothing is withheld.
    """
    if not defused.fence:
        yield from events
        return
    guard = AnswerGuard(defused, question)
    for event in events:
        if isinstance(event, Stop):
            if rest := guard.flush():
                yield Delta(rest)
            yield event
        else:
            yield Delta(guard.feed(event.text))
    if rest := guard.flush():
        yield Delta(rest)
