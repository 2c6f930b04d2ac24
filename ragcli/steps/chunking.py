"""A document becomes chunks: spans that the embedder can see whole and that a person can be sent to.

The text is cut only inside one place (a page, a cell, a section): a chunk never crosses two pages or two slides,
so that its citation is exact. Small neighbouring sections are joined while they fit, because a heading with one
line below it, embedded alone, is found for the wrong questions. A place that is too long is cut into chunks of
even size: a full chunk with a short rest behind it embeds the rest badly.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from ragcli.steps.sentences import CJK
from ragcli.types import Block, Chunk, Document, Locator, Piece

Split = Callable[[str, str], Sequence[Piece]]
Span = tuple[int, int]

POLICY = "even-4"
"""Names this module's way of cutting. Part of the index identity: change it with the behaviour."""

SMALL_SECTION = 400
"""Characters up to which neighbouring sections of one source are joined: about 100 tokens, less than half a chunk."""

HEADING_TOKENS = 32
"""Left free in every chunk for the title and headings that are embedded with it, and for the model's own marks."""

LONGEST_HEADING = 100
"""Characters of title and headings that are embedded: what fits the tokens left free for them."""


TELLING_WORD = re.compile(rf"(?<![^\W_])[^\W\d_]{{4,}}(?![^\W_])|{CJK.pattern}{{2}}")
"""A file name without one is not embedded as a title. Left out, web snippets named by numbers rose by 0.11 in recall@5;
names of words stay, because without them articles and notes lost 0.01."""


def chunk_document(document: Document, *, source_id: str, split: Split, token_limit: int) -> tuple[Chunk, ...]:
    """The document's chunks in order: spans of its text, none blank, each within one place.

    Each has at most ``token_limit - HEADING_TOKENS`` tokens, and that is at least ``HEADING_TOKENS``, unless a single
    piece has more.
    """
    limit = max(HEADING_TOKENS, token_limit - HEADING_TOKENS)
    spans = [
        (start, end, group) for group in group_blocks(document.blocks) for start, end in _spans_of(document, group, split, limit)
    ]
    return tuple(
        _chunk_at(document, source_id=source_id, ordinal=ordinal, start=start, end=end, group=group)
        for ordinal, (start, end, group) in enumerate(spans)
    )


def group_blocks(blocks: Sequence[Block]) -> Iterator[tuple[Block, ...]]:
    """Neighbouring blocks that may share a chunk: of one place, or small sections with exact lines."""
    group: list[Block] = []
    for block in blocks:
        if group and not _may_join(group, block):
            yield tuple(group)
            group = []
        group.append(block)
    if group:
        yield tuple(group)


def _may_join(group: Sequence[Block], block: Block) -> bool:
    last = group[-1]
    if replace(last.locator, lines=None) != replace(block.locator, lines=None):
        return False
    if last.heading == block.heading:
        return True
    is_exact = last.locator.lines is not None and block.locator.lines is not None
    return is_exact and block.end - group[0].start <= SMALL_SECTION


def _spans_of(document: Document, group: Sequence[Block], split: Split, limit: int) -> Iterator[Span]:
    first, last = group[0].start, group[-1].end
    for start, end in pack_pieces(split(document.text[first:last], document.kind), limit):
        span = _strip(document.text, first + start, first + end)
        if span[0] < span[1]:
            yield span


def pack_pieces(pieces: Sequence[Piece], limit: int) -> Iterator[Span]:
    """The fewest runs of whole pieces within the limit, of about even size, in order.

    Each run takes an even share of what is left, by how many runs the rest really needs: pieces that do not fit leave
    room unused, and a share that forgot it would end in a short last run.
    """
    sizes = [piece.tokens for piece in pieces]
    ends = _fullest_runs(sizes, limit)
    needed = [0] * (len(sizes) + 1)
    for start in reversed(range(len(sizes))):
        needed[start] = 1 + needed[ends[start]]
    start, left = 0, sum(sizes)
    while start < len(sizes):
        share, end, tokens = left / needed[start], start, 0
        while end < ends[start] and (end == start or tokens + sizes[end] / 2 <= share):
            tokens, end = tokens + sizes[end], end + 1
        yield pieces[start].start, pieces[end - 1].end
        start, left = end, left - tokens


def _fullest_runs(sizes: Sequence[int], limit: int) -> list[int]:
    """For each piece, where the longest run within the limit that begins with it ends; a run has at least one piece."""
    ends: list[int] = []
    end = tokens = 0
    for start, size in enumerate(sizes):
        while end < len(sizes) and (end == start or tokens + sizes[end] <= limit):
            tokens, end = tokens + sizes[end], end + 1
        ends.append(end)
        tokens -= size
    return ends


def _strip(text: str, start: int, end: int) -> Span:
    body = text[start:end]
    return start + len(body) - len(body.lstrip()), end - (len(body) - len(body.rstrip()))


def _chunk_at(document: Document, *, source_id: str, ordinal: int, start: int, end: int, group: Sequence[Block]) -> Chunk:
    text = document.text[start:end]
    covered = _covered(group, start, end)
    key = f"{source_id}:{document.digest}:{ordinal}".encode()
    return Chunk(
        id=hashlib.sha256(key).hexdigest()[:32],
        source_id=source_id,
        path=document.path,
        title=document.title,
        heading=_common_heading(covered),
        ordinal=ordinal,
        start=start,
        end=end,
        text=text,
        locator=_locate(document.text, covered, start, end),
        digest=digest_of(text),
    )


def digest_of(text: str) -> str:
    """The digest that a chunk of this text must have."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _common_heading(blocks: Sequence[Block]) -> tuple[str, ...]:
    heading = blocks[0].heading
    for block in blocks[1:]:
        shared = [ours for ours, theirs in zip(heading, block.heading, strict=False) if ours == theirs]
        heading = tuple(shared)
    return heading


def locate_span(document: Document, start: int, end: int) -> Locator:
    """The place of ``document.text[start:end]``, which is not blank."""
    return _locate(document.text, _covered(document.blocks, start, end), start, end)


def _covered(blocks: Sequence[Block], start: int, end: int) -> Sequence[Block]:
    return [block for block in blocks if block.start < end and block.end > start] or blocks[:1]


def _locate(text: str, covered: Sequence[Block], start: int, end: int) -> Locator:
    first, last = covered[0], covered[-1]
    lines = None
    if first.locator.lines and last.locator.lines:
        lines = (
            first.locator.lines[0] + text.count("\n", first.start, max(start, first.start)),
            last.locator.lines[0] + text.count("\n", last.start, end),
        )
    return replace(first.locator, lines=lines)


def text_to_embed(chunk: Chunk) -> str:
    """What is embedded: the chunk below its title and headings, so far as its text does not repeat them."""
    title = chunk.title if _is_telling(chunk) else ""
    above = " > ".join(dict.fromkeys(part for part in (title, *chunk.heading) if part and part not in chunk.text))
    return f"{above[:LONGEST_HEADING]}\n{chunk.text}" if above else chunk.text


def _is_telling(chunk: Chunk) -> bool:
    """Whether the title is more than a file name of codes: ``scan0012`` above a text only draws vectors together."""
    return chunk.title not in (chunk.path.stem, chunk.path.name) or TELLING_WORD.search(chunk.title) is not None
