"""An answer's text and its context become citations: each with a quote that stands in its passage, or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ragcli.steps.claims import bears_out
from ragcli.steps.sentences import plain_words, split_sentences, words_of
from ragcli.steps.tasks import NOT_FOUND
from ragcli.types import Citation, Context, Locator, Passage

MARKER = re.compile(r"\[(\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*)\]")
SPACED_MARKER = re.compile(rf"\s*{MARKER.pattern}")
OPEN_MARKER = re.compile(r"\s*\[[\d\s,;–-]*$|\s+$")
"""The beginning of what may become a marker; it is held back until it is one or is not."""

LONGEST_QUOTE = 320
"""Characters of a quote: two long sentences, which is what a reader checks at a glance."""
_SHOWN = r"(?:files?|passages?|texts?|contexts?|documents?)"
"""What a model calls that which it was shown."""
DENIALS = re.compile(
    rf"\bnot (?:(?:mentioned|stated|found|provided|specified|given|included|contained) )?in (?:the |your |these )?{_SHOWN}\b"
    rf"|\bno (?:information|mention|answer|evidence)\b.{{0,80}} in (?:the |your |these )?{_SHOWN}\b"
    rf"|(?:^|\b(?:the|these|your|provided|given) ){_SHOWN} (?:do(?:es)?(?: not|n['’]t)) "
    r"(?:say|mention|contain|provide|state|specify|include|give|answer)\b"
    r"|nicht in den (?:dateien|passagen|textstellen)|pas dans les (?:fichiers|passages|extraits)|no (?:está|aparece) en los "
    r"|文件中没有|未提及|没有提到|記載されていません",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of the answer, and the passages it names."""

    text: str
    """Without markers."""
    numbers: tuple[int, ...]
    marked: str
    """As it stands in the answer."""


def says_not_found(text: str) -> bool:
    """Whether the answer says that the files do not say: the agreed words, or a plain denial and no more."""
    plain = MARKER.sub("", text).strip(" \n.\"'*")
    if plain.upper().startswith(NOT_FOUND) or not plain:
        return True
    return len(split_sentences(plain)) <= 2 and bool(DENIALS.search(plain))


def may_become_not_found(text: str) -> bool:
    """Whether what has been said so far, but for markers, may still turn into the agreed words: then it is not shown yet."""
    plain = OPEN_MARKER.sub("", MARKER.sub("", text)).lstrip(" \n\"'*").upper()
    return NOT_FOUND.startswith(plain[: len(NOT_FOUND)])


class MarkerFilter:
    """Lets a streamed answer through with its markers settled, whatever pieces they come in."""

    def __init__(self, context: Context, question: str = "") -> None:
        self._context, self._question = context, question
        self._said = ""
        self._shown = 0

    def feed(self, text: str) -> str:
        """What can be shown now; a tail that may become a marker is held back."""
        self._said += text
        tail = OPEN_MARKER.search(self._said)
        return self._rest(self._said[: tail.start()] if tail else self._said)

    def flush(self) -> str:
        """The rest."""
        return self._rest(self._said.rstrip())

    def _rest(self, said: str) -> str:
        # What was settled stays settled: a marker depends only on what stands before it.
        settled = settle_markers(said, self._context, self._question)
        new, self._shown = settled[self._shown :], max(self._shown, len(settled))
        return new


def settle_markers(text: str, context: Context, question: str = "") -> str:
    """The text with each marker naming passages that exist, one by one; a marker that names none is gone.

    Small models often know the answer and not where they read it: if no passage that a marker names supports the
    sentence before it and another one does, the marker names that one.
    """
    passages = {passage.number: passage for passage in context.passages}
    settled, position, last = "", 0, ("", frozenset[int]())
    for match in SPACED_MARKER.finditer(text):
        settled += text[position : match.start()]
        position = match.end()
        statement = _last_sentence(text[: match.start()])
        named = [number for number in _numbers_in(match[1]) if number in passages]
        already = last[1] if last[0] == statement else frozenset[int]()
        numbers = [number for number in _settle(statement, named, already, passages, question) if number not in already]
        last = (statement, already | set(numbers))
        space = match[0][: len(match[0]) - len(match[0].lstrip())]
        settled += space + "".join(f"[{number}]" for number in numbers) if numbers else ""
    return settled + text[position:]


def add_markers(text: str, context: Context, question: str = "") -> str:
    """A text that names no passage, with the number of the passage that supports it behind each sentence that has one."""
    if MARKER.search(text):
        return text
    marked, position = "", 0
    for start, end in split_sentences(text):
        marker = "".join(f" [{number}]" for number in _supporting(text[start:end], context.passages, question))
        marked += text[position:end] + marker
        position = end
    return marked + text[position:]


def shift_markers(text: str, by: int) -> str:
    """The text where each marker names the passages so many further on."""
    return MARKER.sub(lambda marker: re.sub(r"\d+", lambda number: str(int(number[0]) + by), marker[0]), text)


def _last_sentence(text: str) -> str:
    plain = MARKER.sub("", text)
    spans = split_sentences(plain)
    return plain[slice(*spans[-1])] if spans else ""


def _settle(
    statement: str, named: Sequence[int], already: frozenset[int], passages: Mapping[int, Passage], question: str
) -> Sequence[int]:
    if not named or any(bears_out(statement, _evidence(passages[number]), question) for number in (*already, *named)):
        return named
    return _supporting(statement, tuple(passages.values()), question) or named


def _numbers_in(inside: str) -> Iterator[int]:
    for part in re.split(r"\s*[,;]\s*", inside):
        first, *last = [int(number) for number in re.split(r"\s*[–-]\s*", part) if number]
        yield from range(first, min(last[0], first + 9) + 1) if last else (first,)


def find_citations(text: str, context: Context, question: str = "") -> tuple[Citation, ...]:
    """One citation for each passage that the text names and that holds something to quote, in order of first mention.

    A text that names no passage is given those that support its sentences. ``supported`` says whether the passage
    holds the numbers and most of the words of what is cited with it; no model is asked.
    """
    passages = {passage.number: passage for passage in context.passages}
    found: dict[int, Citation] = {}
    statements = [statement for statement in statements_in(text) if statement.text]
    named = any(number in passages for statement in statements for number in statement.numbers)
    for statement in statements:
        numbers = statement.numbers if named else _supporting(statement.text, context.passages, question)
        for number in numbers:
            if number in passages:
                citation = _cite(statement.text, passages[number], question)
                if citation and (number not in found or (citation.supported and not found[number].supported)):
                    found[number] = citation
    return tuple(found.values())


def statements_in(text: str) -> Iterator[Statement]:
    """The sentences with the markers that stand in or right behind them."""
    waiting = ""
    for start, end in split_sentences(text):
        sentence = text[start:end]
        numbers = tuple(number for marker in MARKER.findall(sentence) for number in _numbers_in(marker))
        plain = MARKER.sub("", sentence).strip()
        if numbers and not words_of(plain):
            plain = waiting
        yield Statement(plain, numbers, sentence)
        waiting = plain


def _supporting(statement: str, passages: Sequence[Passage], question: str) -> tuple[int, ...]:
    """The passage that holds the statement word for word, or most of it, and then of the question; none if none supports it."""
    able = [passage for passage in passages if bears_out(statement, _evidence(passage), question)]
    best = max(able, key=lambda passage: _nearness(statement, passage.text, question), default=None)
    return (best.number,) if best and find_quote(statement, best.text, question) else ()


def cite_statement(statement: str, passages: Sequence[Passage], question: str = "") -> Citation | None:
    """The citation of the passage that bears most of the statement out; None if none does."""
    numbers = _supporting(statement, passages, question)
    chosen = next((passage for passage in passages if passage.number in numbers), None)
    return _cite(statement, chosen, question) if chosen else None


def _evidence(passage: Passage) -> str:
    """What a statement may draw on: the passage below its headings, in its file."""
    chunk = passage.hit.chunk
    return "\n".join((passage.text, chunk.title, *chunk.heading, chunk.path.name))


def _cite(statement: str, passage: Passage, question: str) -> Citation | None:
    span = find_quote(statement, passage.text, question)
    if span is None:
        return None
    quote = passage.text[span[0] : span[1]]
    chunk = passage.hit.chunk
    return Citation(
        number=passage.number,
        path=chunk.path,
        locator=locate_quote(passage, span),
        quote=quote,
        supported=bears_out(statement, _evidence(passage), question),
    )


def locate_quote(passage: Passage, span: tuple[int, int]) -> Locator:
    """The place of that part of the passage in its file."""
    chunk = passage.hit.chunk
    place = chunk.locator
    if place.lines is None:
        return place
    start, end = (passage.start + offset for offset in span)
    first = place.lines[0] + chunk.text.count("\n", 0, start)
    return replace(place, lines=(first, first + chunk.text.count("\n", start, end)))


def find_quote(statement: str, text: str, question: str = "") -> tuple[int, int] | None:
    """The span of the sentence in ``text`` that says most of the statement, or else is nearest to the question.

    An answer in another language than its passage shares no word with it. None if the text is blank.
    """
    wanted, asked = words_of(statement), words_of(question)
    best: tuple[float, tuple[int, int]] | None = None
    for span in split_sentences(text):
        words = words_of(text[slice(*span)])
        shared = len(words & wanted) + 0.3 * len(words & asked - wanted)
        # Longer sentences hold more words by chance: of two that say as much the shorter one is the better quote.
        score = shared - 0.01 * len(words)
        if best is None or score > best[0]:
            best = (score, span)
    return _shorten(text, best[1]) if best else None


def _shorten(text: str, span: tuple[int, int]) -> tuple[int, int]:
    start, end = span
    if end - start <= LONGEST_QUOTE:
        return span
    cut = text.rfind(" ", start, start + LONGEST_QUOTE)
    return start, cut if cut > start else start + LONGEST_QUOTE


def _nearness(statement: str, text: str, question: str) -> tuple[bool, float, float]:
    return plain_words(statement) in plain_words(text), _share(statement, text), _share(question, text)


def _share(statement: str, text: str) -> float:
    wanted = words_of(statement)
    return len(wanted & words_of(text)) / len(wanted) if wanted else 0.0
