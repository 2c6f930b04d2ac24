"""A piped text becomes chunks with line numbers, and the chunks that share words with the question come first.

It may be of any length and is read once: it is cut by lines alone, what cannot be among the best is dropped on the way,
and only what the words choose is embedded.
"""

from __future__ import annotations

import hashlib
import heapq
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ragcli.steps.chunking import digest_of
from ragcli.steps.sentences import words_of
from ragcli.types import STANDARD_INPUT, Chunk, Locator, Ranking, ScoredChunk

CHUNK_CHARACTERS = 700
"""About 180 tokens: some lines of a log, a paragraph of prose."""
K1, B = 1.2, 0.75
"""The usual constants of BM25."""
BLOCK_CHARACTERS = 1 << 16
NO_WORDS: frozenset[str] = frozenset()
BLANK_LINE = re.compile(r"[^\S\n]*\n")


def cut_piped_text(text: str | Iterable[str]) -> tuple[Chunk, ...]:
    """Runs of whole lines, each with its line numbers; a line longer than a chunk is cut into several. None is blank.

    The text may come in blocks.
    """
    return tuple(_chunk(ordinal, *run) for ordinal, run in enumerate(_runs(text)))


def _runs(text: str | Iterable[str]) -> Iterator[tuple[int, str, int]]:
    """Start, body and first line of each run, without the blank lines around it."""
    start = position = first_line = size = 0
    held: list[str] = []
    for line, part in _line_parts(text):
        if held and size + len(part) > CHUNK_CHARACTERS:
            yield from _trimmed(start, "".join(held), first_line)
            held, size = [], 0
        if not held:
            start, first_line = position, line
        held.append(part)
        size, position = size + len(part), position + len(part)
    yield from _trimmed(start, "".join(held), first_line)


def _line_parts(text: str | Iterable[str]) -> Iterator[tuple[int, str]]:
    """The lines with their newlines, each with its number, in parts that are no longer than a chunk.

    Only a newline ends a line, as in editors and wc: progress bars are full of carriage returns.
    """
    number, rest = 1, ""
    blocks = (text[at : at + BLOCK_CHARACTERS] for at in range(0, len(text), BLOCK_CHARACTERS)) if isinstance(text, str) else text
    for block in blocks:
        *whole, rest = (rest + block).split("\n")
        for line in whole:
            yield from ((number, part) for part in _parts(f"{line}\n"))
            number += 1
        *long, rest = _parts(rest) or [""]
        yield from ((number, part) for part in long)
    if rest:
        yield number, rest


def _parts(line: str) -> list[str]:
    return [line[at : at + CHUNK_CHARACTERS] for at in range(0, len(line), CHUNK_CHARACTERS)]


def _trimmed(start: int, text: str, first_line: int) -> Iterator[tuple[int, str, int]]:
    """The run without the blank lines around it; nothing if there is nothing else."""
    at = 0
    while blank := BLANK_LINE.match(text, at):
        at, first_line = blank.end(), first_line + 1
    body = text[at:].rstrip()
    if body:
        yield start + at, body, first_line


def _chunk(ordinal: int, start: int, body: str, first_line: int) -> Chunk:
    return Chunk(
        id=hashlib.sha256(f"stdin:{start}".encode()).hexdigest()[:32],
        source_id="",
        path=STANDARD_INPUT,
        title="",
        heading=(),
        ordinal=ordinal,
        start=start,
        end=start + len(body),
        text=body,
        locator=Locator(lines=(first_line, first_line + body.count("\n"))),
        digest=digest_of(body),
    )


def choose_piped(question: str, text: str | Iterable[str], *, limit: int) -> tuple[Ranking, int]:
    """As ``rank_by_words`` over ``cut_piped_text``, in memory that does not grow with the text; gives also the number of chunks.

    Among chunks with the same words of the question the shorter one scores higher, whatever else the text holds: of each
    such group only the first ``limit`` can be among the best.
    """
    wanted = words_of(question)
    kept: defaultdict[frozenset[str], _Best] = defaultdict(lambda: _Best(limit))
    counts, characters = _Counts(), 0
    for ordinal, (start, body, first_line) in enumerate(_runs(text)):
        held = words_of(body) & wanted if _may_hold(body, wanted) else NO_WORDS
        counts.add(held)
        characters += len(body)
        kept[held].add(len(body) if held else 0, ordinal, (start, body, first_line))
    score = _scorer(counts, characters / max(1, counts.chunks))
    scored = [
        (score(held, len(body)), at, (start, body, line)) for held, best in kept.items() for at, (start, body, line) in best
    ]
    chosen = sorted(scored, key=lambda entry: (-entry[0], entry[1]))[:limit]
    return Ranking("words", tuple(ScoredChunk(_chunk(ordinal, *run), value) for value, ordinal, run in chosen)), counts.chunks


def _may_hold(text: str, words: Iterable[str]) -> bool:
    """Quicker than to look for them as words, and never wrong when it says no."""
    lower = text.lower()
    return any(word in lower for word in words)


@dataclass
class _Best:
    """The ``limit`` runs of the smallest length, of those of one length the first."""

    limit: int
    runs: list[tuple[int, int, tuple[int, str, int]]] = field(default_factory=list)

    def add(self, length: int, ordinal: int, run: tuple[int, str, int]) -> None:
        entry = (-length, -ordinal, run)
        if len(self.runs) < self.limit:
            heapq.heappush(self.runs, entry)
        elif entry > self.runs[0]:
            heapq.heapreplace(self.runs, entry)

    def __iter__(self) -> Iterator[tuple[int, tuple[int, str, int]]]:
        return ((-ordinal, run) for _, ordinal, run in self.runs)


@dataclass
class _Counts:
    """In how many chunks each word of the question stands, and how many chunks there are."""

    chunks: int = 0
    of_word: Counter[str] = field(default_factory=Counter)

    def add(self, held: frozenset[str]) -> None:
        self.chunks += 1
        self.of_word.update(held)


def _scorer(counts: _Counts, mean: float) -> Callable[[frozenset[str], int], float]:
    """BM25 of a chunk with these words and this length.

    Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009.
    """
    rarity = {word: math.log(1 + (counts.chunks - count + 0.5) / (count + 0.5)) for word, count in counts.of_word.items()}

    def score(held: frozenset[str], length: int) -> float:
        # A word counts once per chunk: in logs, how often a word is repeated says nothing.
        norm = K1 * (1 - B + B * length / mean)
        return math.fsum(rarity[word] for word in held) * (K1 + 1) / (1 + norm)

    return score


def rank_by_words(question: str, chunks: Sequence[Chunk], *, limit: int) -> Ranking:
    """The chunks with the highest BM25 for the question, best first; those that share no word follow in order."""
    wanted = words_of(question)
    held = [words_of(chunk.text) & wanted for chunk in chunks]
    counts = _Counts()
    for words in held:
        counts.add(words)
    score = _scorer(counts, sum(len(chunk.text) for chunk in chunks) / max(1, len(chunks)))
    scores = [score(words, len(chunk.text)) for words, chunk in zip(held, chunks, strict=True)]
    best = sorted(range(len(chunks)), key=lambda place: (-scores[place], place))[:limit]
    return Ranking("words", tuple(ScoredChunk(chunks[place], scores[place]) for place in best))
