"""Passages as lines of text for people: what was found, what an answer cites, and where else to look. Pure, as ``render`` is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from ragcli.cli.showing.paper import Paper
from ragcli.steps.citing import find_quote
from ragcli.steps.languages import telling_words
from ragcli.steps.sentences import words_of
from ragcli.types import Answer, Chunk, Citation, Hit, ScorePart, SearchResult

NOT_IN_FILES = "Not in your files."
SHORTEST_HEADING, HEAD_MARGIN = 20, 8
"""Characters of a heading beside a long path, and what stands on its line besides: a number and gaps."""
NEAREST = 3
"""How many near misses are worth a look when there is no answer."""


def search_lines(result: SearchResult, paper: Paper, *, explain: bool = False, full: bool = False) -> Iterator[str]:
    for rank, hit in enumerate(result.hits, start=1):
        if rank > 1:
            yield ""
        yield f"{paper.dim(f'{rank}.')} {hit_head(hit, paper)}"
        if explain:
            yield from paper.aside(found_by(hit), "   ")
        text = hit.chunk.text
        yield from paper.wrapped(text, "   ") if full else paper.snippet(text, result.question.text, "   ")
    if explain:
        yield ""
        yield paper.dim("took " + ", ".join(f"{name} {took:.0f} ms" for name, took in result.took_ms.items()))


def hit_head(hit: Hit, paper: Paper) -> str:
    chunk = hit.chunk
    told = chunk.locator.label.endswith(chunk.heading[-1]) if chunk.heading else True  # some places are headings
    place = paper.place(chunk.path, chunk.locator)
    room = max(SHORTEST_HEADING, paper.width - len(place) - HEAD_MARGIN)
    heading = "" if told else paper.cut(paper.line(" › ".join(chunk.heading)), room)
    return paper.path_style(place) + (f"  {paper.bold(heading)}" if heading else "")


def found_by(hit: Hit) -> str:
    """The score as the sum it is: what each way of searching found, times its weight."""
    return f"score {hit.score:.3f} = " + (" + ".join(map(_part_text, hit.parts)) or "nothing found it")


def _part_text(part: ScorePart) -> str:
    if part.name == "names":
        return f"named by rank {part.rank} {part.raw:.2f} × {part.weight:.3f}"
    rank = f" (rank {part.rank})" if part.rank is not None else ""
    return f"{part.name} {part.raw:.2f} × {part.weight:.3g}{rank}"


def citation_lines(answer: Answer, paper: Paper) -> Iterator[str]:
    """The places that the answer's numbers stand for, each with the words that back it: beside the place, or on a terminal
    below it where they do not fit, and not at all where they are the answer."""
    for citation in _distinct(answer.citations):
        number = f"[{citation.number}]"
        place = paper.place(citation.path, citation.locator)
        head = f"{paper.bold(number)} {paper.path_style(place)}"
        quote = paper.quote(citation.quote)
        if not citation.supported:
            yield f"{head}  {paper.odd('(not borne out by this passage)')}"
        elif paper.terminal and " ".join(citation.quote.split()) in answer.text:
            yield head
        elif not paper.terminal or len(number) + len(place) + len(quote) + 3 <= paper.width:
            yield f"{head}  {paper.dim(quote)}"
        else:
            yield head
            yield from map(paper.dim, paper.wrapped(quote, "    "))


def _distinct(citations: Iterable[Citation]) -> list[Citation]:
    kept = {(citation.number, citation.quote, citation.supported): citation for citation in citations}
    return sorted(kept.values(), key=lambda citation: citation.number)


def nearest_lines(answer: Answer, paper: Paper) -> Iterator[str]:
    """Where a person could look instead, on a terminal with the sentence that may be worth it."""
    near = list(islice(_near_misses(answer), NEAREST))
    if near:
        yield "The nearest passages:"
    for hit, sentence in near:
        yield f"  {hit_head(hit, paper)}"
        if paper.terminal and sentence:
            yield from map(paper.dim, paper.wrapped(paper.quote(sentence), "    "))


def _near_misses(answer: Answer) -> Iterator[tuple[Hit, str]]:
    """First the passage and the sentence of an answer that was held back; then the hits, each with its nearest sentence."""
    closest, told = answer.closest, ""
    if closest:
        source = next(passage.hit for passage in answer.context.passages if passage.number == closest.number)
        told = source.chunk.id
        yield source, closest.quote
    yield from ((hit, _nearest_sentence(answer.question.text, hit.chunk)) for hit in answer.hits if hit.chunk.id != told)


def _nearest_sentence(question: str, chunk: Chunk) -> str:
    """The sentence below the headings with most of the question's telling words; empty if none has one."""
    asked = telling_words(question)
    above = {chunk.title, *chunk.heading}
    text = "\n".join(line for line in chunk.text.splitlines() if not line.startswith("#") and line.strip() not in above)
    span = find_quote(" ".join(asked), text)
    sentence = text[slice(*span)] if span else ""
    return sentence if asked & words_of(sentence) else ""
