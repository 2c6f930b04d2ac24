"""A piped text becomes chunks with line numbers, and the chunks that share words with the question come first.

It may have a million lines and is read once: it is cut by lines alone, and only what the words choose is embedded.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from ragcli.chunking import digest_of
from ragcli.sentences import words_of
from ragcli.types import STANDARD_INPUT, Chunk, Locator, Ranking, ScoredChunk

CHUNK_CHARACTERS = 700
"""About 180 tokens: some lines of a log, a paragraph of prose."""
K1, B = 1.2, 0.75
"""The usual constants of BM25."""
BLANK_LINE = re.compile(r"[^\S\n]*\n")


def cut_piped_text(text: str) -> tuple[Chunk, ...]:
    """Runs of whole lines, each with its line numbers; a line longer than a chunk is cut into several. None is blank."""
    filled = ((start, end, line) for start, end, line in _runs(text) if text[start:end].strip())
    return tuple(_chunk(text, ordinal, *run) for ordinal, run in enumerate(filled))


def _runs(text: str) -> Iterator[tuple[int, int, int]]:
    """Start, end and first line of each run; together they are the whole text."""
    start = end = 0
    first_line = 1
    # Only a newline ends a line, as in editors and wc: progress bars are full of carriage returns.
    for line, piece in enumerate(_lines(text), 1):
        if end > start and end + len(piece) - start > CHUNK_CHARACTERS:
            yield start, end, first_line
            start = end
        if start == end:
            first_line = line
        end += len(piece)
        while end - start > CHUNK_CHARACTERS:
            yield start, start + CHUNK_CHARACTERS, line
            start += CHUNK_CHARACTERS
    if end > start:
        yield start, end, first_line


def _lines(text: str) -> Iterator[str]:
    """The lines with their newlines."""
    return (match[0] for match in re.finditer(r"[^\n]*\n|[^\n]+", text))


def _chunk(text: str, ordinal: int, start: int, end: int, first_line: int) -> Chunk:
    """The run without the blank lines around it."""
    while blank := BLANK_LINE.match(text, start, end):
        start, first_line = blank.end(), first_line + 1
    body = text[start:end].rstrip()
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


def rank_by_words(question: str, chunks: Sequence[Chunk], *, limit: int) -> Ranking:
    """The chunks with the highest BM25 for the question, best first; those that share no word follow in order.

    Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009.
    """
    wanted = words_of(question)
    held = [words_of(chunk.text) & wanted for chunk in chunks]
    frequency = Counter(word for words in held for word in words)
    rarity = {word: math.log(1 + (len(chunks) - count + 0.5) / (count + 0.5)) for word, count in frequency.items()}
    mean = sum(len(chunk.text) for chunk in chunks) / max(1, len(chunks))

    def score(place: int) -> float:
        # A word counts once per chunk: in logs, how often a word is repeated says nothing.
        norm = K1 * (1 - B + B * len(chunks[place].text) / mean)
        return sum(rarity[word] for word in held[place]) * (K1 + 1) / (1 + norm)

    scores = {place: score(place) for place in range(len(chunks))}
    best = sorted(scores, key=lambda place: (-scores[place], place))[:limit]
    return Ranking("words", tuple(ScoredChunk(chunks[place], scores[place]) for place in best))
