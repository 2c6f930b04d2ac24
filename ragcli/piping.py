"""A piped text becomes chunks with line numbers, and the chunks that share words with the question come first.

It may have a million lines and is read once: it is cut by lines alone, and only what the words choose is embedded.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Sequence

from ragcli.chunking import digest_of
from ragcli.sentences import words_of
from ragcli.types import STANDARD_INPUT, Chunk, Locator, Ranking, ScoredChunk

CHUNK_CHARACTERS = 700
"""About 180 tokens: some lines of a log, a paragraph of prose."""
K1, B = 1.2, 0.75
"""The usual constants of BM25."""


def cut_piped_text(text: str) -> tuple[Chunk, ...]:
    """Runs of whole lines, each with its line numbers; a line longer than a chunk is cut into several."""
    return tuple(_chunk(text, ordinal, *span) for ordinal, span in enumerate(_spans(text)))


def _spans(text: str) -> Iterator[tuple[int, int, int]]:
    """Start, end and first line of each run that is not blank."""
    start = position = 0
    line = first_line = 1
    for piece in text.splitlines(keepends=True) or [""]:
        if position > start and position + len(piece) - start > CHUNK_CHARACTERS:
            yield start, position, first_line
            start, first_line = position, line
        while len(piece) > CHUNK_CHARACTERS:
            yield start, start + CHUNK_CHARACTERS, line
            start, piece = start + CHUNK_CHARACTERS, piece[CHUNK_CHARACTERS:]
            position = start
        position += len(piece)
        line += 1
    if position > start:
        yield start, position, first_line


def _chunk(text: str, ordinal: int, start: int, end: int, first_line: int) -> Chunk:
    body = text[start:end]
    lead = len(body) - len(body.lstrip("\n"))
    body = body.strip("\n")
    first = first_line + lead
    return Chunk(
        id=hashlib.sha256(f"stdin:{start}".encode()).hexdigest()[:32],
        source_id="",
        path=STANDARD_INPUT,
        title="",
        heading=(),
        ordinal=ordinal,
        start=start + lead,
        end=start + lead + len(body),
        text=body,
        locator=Locator(lines=(first, first + body.count("\n"))),
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
