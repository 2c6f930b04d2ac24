"""The flows behind ``ask --all`` and ``ask --summarize``: every chunk that matches is read in steps, and the replies become one.

Each step is remembered as soon as it is done, so that a survey that was stopped goes on where it was. What the model says is
kept only where a passage bears it out, and what was not read is counted: nothing is left out in silence.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ragcli.flows.asking import AskPorts
from ragcli.flows.stepping import StepAsker
from ragcli.ports import StepMemory
from ragcli.steps.canvassing import (
    Found,
    Run,
    build_list_prompt,
    cut_runs,
    group_by_file,
    limit_runs,
    merge_found,
    read_items,
    subject_of,
)
from ragcli.steps.citing import cite_statement
from ragcli.steps.claims import share_held
from ragcli.steps.ranking import without_repeats
from ragcli.types import (
    Answer,
    Chunk,
    Citation,
    Context,
    Hit,
    Passage,
    Prompt,
    Question,
    Reach,
    Survey,
    SurveyEvent,
    SurveyFinished,
    SurveyItem,
    SurveyKind,
    SurveyPlanned,
    SurveyProgressed,
    Unreadable,
)

MOST_LOOKED_AT = 10_000
"""Chunks whose closeness to the question is looked up: a list of more would not be read."""
WORDS_GAIN = 0.2
"""What a chunk with the question's words gains over one that is as near: it is read earlier."""
LIST_TOKENS = 200
"""Longest reply to one step of a list: some twenty items."""


@dataclass(frozen=True, slots=True)
class SurveyOptions:
    step_tokens: int
    """How much of the files one step reads."""
    max_tokens: int
    min_similarity: float
    limit: int | None = None
    """How many chunks are read at most, a step more or less; None reads all that match."""


@dataclass(frozen=True, slots=True)
class Matching:
    """The chunks that may answer, likeliest first, of how many there are."""

    hits: tuple[Hit, ...]
    chunks: int
    floor: float | None


def find_matching(question: Question, ports: AskPorts, floor: float) -> Matching:
    """Every chunk in the scope that is at least as near as ``floor``, or holds more than half of the question's words.

    Without ``store`` nothing matches. Raises StoreError, ModelError.
    """
    store, subject = ports.store, subject_of(question.text)
    if store is None:
        return Matching((), 0, floor)
    words = store.search_words(subject, limit=MOST_LOOKED_AT, scope=question.scope)
    held = {entry.chunk.id: entry.chunk for entry in words.entries if share_held(subject, _words_at(entry.chunk)) > 0.5}
    if question.mode == "words":
        hits = tuple(Hit(chunk, WORDS_GAIN) for chunk in held.values())
        return Matching(without_repeats(hits), store.stats().chunks, None)
    vector = ports.embedder().embed_query(subject)
    meaning = store.search_meaning(vector, limit=MOST_LOOKED_AT, scope=question.scope)
    cosines = {entry.chunk.id: entry.score for entry in meaning.entries}
    missing = [chunk_id for chunk_id in held if chunk_id not in cosines]
    cosines |= store.similarities(vector, missing) if missing else {}
    near = {entry.chunk.id: entry.chunk for entry in meaning.entries if entry.score >= floor}
    found = [
        Hit(chunk, cosines.get(chunk.id, 0.0) + WORDS_GAIN * (chunk.id in held), similarity=cosines.get(chunk.id))
        for chunk in {**near, **held}.values()
    ]
    found.sort(key=lambda hit: (-hit.score, str(hit.chunk.path), hit.chunk.ordinal))
    chunks = len(meaning.entries) if len(meaning.entries) < MOST_LOOKED_AT else store.stats().chunks
    return Matching(without_repeats(found), chunks, floor)


def _words_at(chunk: Chunk) -> str:
    return "\n".join((chunk.title, chunk.path.name, *chunk.heading, chunk.text))


def survey_matching(
    question: Question,
    kind: SurveyKind,
    ports: AskPorts,
    options: SurveyOptions,
    memory: StepMemory,
    *,
    skipped: Sequence[Unreadable] = (),
) -> Iterator[SurveyEvent]:
    """What is read and how long it takes, each step as it is done, and the whole Survey last.

    Raises StoreError, and ModelError if the model works with nothing.
    """
    started = time.monotonic()
    matching = find_matching(question, ports, options.min_similarity)
    whole = Reach(matching.chunks, len(matching.hits), 0, skipped=tuple(skipped), floor=matching.floor)
    if not matching.hits:
        yield SurveyFinished(Survey(kind, Answer(question, "", "no_evidence", 0.0), (), whole))
        return
    asker = StepAsker(ports.model(), memory)
    files = group_by_file(matching.hits)
    cut = [cut_runs(hits, budget=options.step_tokens, count_tokens=asker.model.count_tokens) for hits in files.values()]
    runs = sorted((run for each in cut for run in each), key=lambda run: -max(hit.score for hit in run.hits))
    chosen = limit_runs(runs, options.limit)
    yield plan_steps(kind, whole, chosen, [build_list_prompt(question.text, run) for run in chosen], asker, LIST_TOKENS)
    found, read, unsupported = yield from _read_lists(question, chosen, asker)
    coverage = replace(whole, **count_read(runs, read, chosen), unsupported=unsupported, damaged=_damaged(ports))
    items, citations, context = number_places(merge_found(found))
    lines = [f"- {item.text} {markers(item.numbers)}" for item in items]
    text = "\n".join([f"{len(items)} found:", *lines] if kind == "count" else lines) if items else ""
    answer = make_answer(question, text, citations, context, coverage, asker, started)
    yield SurveyFinished(Survey(kind, replace(answer, hits=matching.hits[: question.limit]), items, coverage))


def _read_lists(
    question: Question, runs: Sequence[Run], asker: StepAsker
) -> Generator[SurveyEvent, None, tuple[list[Found], list[Run], int]]:
    """What each run holds that a passage of it bears out; the runs that were read; how much was not borne out."""
    found: list[Found] = []
    read: list[Run] = []
    unsupported = done = 0
    total = sum(len(run.hits) for run in runs)
    for step, run in enumerate(runs, 1):
        reply = asker.ask(build_list_prompt(question.text, run), LIST_TOKENS)
        new: list[Found] = []
        if reply is not None:
            read.append(run)
            items = read_items(reply)
            new = [each for item in items if (each := place_statement(item, run.hits)) is not None]
            unsupported += len(items) - len(new)
        found += new
        done += len(run.hits)
        yield SurveyProgressed(step, len(runs), done, total, run.path, tuple(each.text for each in new))
    return found, read, unsupported


# ---- what list and summary share -------------------------------------------------------------


def plan_steps(
    kind: SurveyKind, whole: Reach, runs: Sequence[Run], prompts: Sequence[Prompt], asker: StepAsker, max_tokens: int
) -> SurveyPlanned:
    known = sum(asker.is_known(prompt, max_tokens) for prompt in prompts)
    return SurveyPlanned(
        kind,
        chunks=whole.chunks,
        matching=whole.matching,
        to_read=sum(len(run.hits) for run in runs),
        files=len({run.path for run in runs}),
        steps=len(runs),
        steps_known=known,
        seconds=asker.estimate(prompts, max_tokens),
    )


def count_read(runs: Sequence[Run], read: Sequence[Run], chosen: Sequence[Run]) -> dict[str, int]:
    """The coverage's numbers: of all runs, those chosen and those read."""
    done = {id(run) for run in read}
    unread = {run.path for run in runs if id(run) not in done}
    return {
        "read": sum(len(run.hits) for run in read),
        "failed": sum(len(run.hits) for run in chosen if id(run) not in done),
        "files": len({run.path for run in runs}),
        "files_read": len({run.path for run in runs} - unread),
    }


def _damaged(ports: AskPorts) -> int:
    return ports.store.damaged if ports.store is not None else 0


def place_statement(statement: str, hits: Sequence[Hit]) -> Found | None:
    """The statement with the chunk that bears it out; None if none does."""
    passages = [Passage(number, hit, hit.chunk.text) for number, hit in enumerate(hits, 1)]
    citation = cite_statement(statement, passages)
    return Found(statement, ((hits[citation.number - 1], citation),)) if citation else None


def number_places(found: Sequence[Found]) -> tuple[tuple[SurveyItem, ...], tuple[Citation, ...], Context]:
    """Each thing with the numbers of its places, each place with its number, and what the numbers stand for."""
    numbers: dict[tuple[str, str], int] = {}
    citations: list[Citation] = []
    passages: list[Passage] = []
    items = []
    for each in found:
        own = []
        for hit, citation in each.places:
            place = hit.chunk.id, citation.quote
            if place not in numbers:
                numbers[place] = len(numbers) + 1
                citations.append(replace(citation, number=numbers[place]))
                passages.append(Passage(numbers[place], hit, hit.chunk.text))
            own.append(numbers[place])
        items.append(SurveyItem(each.text, tuple(dict.fromkeys(own))))
    return tuple(items), tuple(citations), Context(tuple(passages), (), 0)


def markers(numbers: Iterable[int]) -> str:
    return "".join(f"[{number}]" for number in numbers)


def make_answer(
    question: Question,
    text: str,
    citations: tuple[Citation, ...],
    context: Context,
    coverage: Reach,
    asker: StepAsker,
    started: float,
) -> Answer:
    """The confidence is the share of the matching chunks that was read, times that of the statements that are borne out."""
    said = len(citations) + coverage.unsupported
    sure = coverage.read / max(1, coverage.matching) * (len(citations) / said if said else 0.0)
    return Answer(
        question,
        text,
        "answered" if text else "no_evidence",
        round(sure, 3),
        citations,
        context,
        model=asker.model.identity,
        usage=asker.usage,
        took_ms={"total": round(1000 * (time.monotonic() - started), 1)},
    )
