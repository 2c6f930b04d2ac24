"""The flow behind ``ask --summarize``: notes on every part of some files become a summary of each, and one of all.

A sentence stays only if a passage bears it out, by its words, or by its meaning with the same numbers and names.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ragcli.flows.asking import AskPorts
from ragcli.flows.searching import cosines_with
from ragcli.flows.stepping import StepAsker
from ragcli.flows.surveying import (
    SurveyOptions,
    count_read,
    make_answer,
    markers,
    number_places,
    place_statement,
    plan_steps,
)
from ragcli.ports import Embedder, StepMemory, Store
from ragcli.steps.canvassing import (
    Found,
    Run,
    build_condense_prompt,
    build_note_prompt,
    cut_runs,
    interleave,
    limit_runs,
    read_sentences,
)
from ragcli.steps.citing import find_quote
from ragcli.steps.claims import SUPPORTED_COSINE, agrees
from ragcli.steps.sentences import split_sentences
from ragcli.types import (
    Answer,
    Citation,
    Context,
    Hit,
    Question,
    Reach,
    StoredSource,
    Survey,
    SurveyEvent,
    SurveyFinished,
    SurveyItem,
    SurveyProgressed,
    Unreadable,
)

NOTE_TOKENS = 80
FILE_SENTENCES, WHOLE_SENTENCES = 3, 5
SENTENCE_TOKENS = 45
CONDENSED_TOKENS = 800
"""How much of notes is condensed at once: more than that small models lose."""
NOT_TEXT = frozenset({"binary", "empty"})
"""Reasons for which a file was skipped that hold nothing to summarise."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is summarised: the indexed files below a path, and those there that the index could not read."""

    path: Path
    sources: tuple[StoredSource, ...]
    skipped: tuple[Unreadable, ...]

    @property
    def is_file(self) -> bool:
        return len(self.sources) == 1 and self.sources[0].path == self.path


def find_target(path: Path, store: Store, admits: Callable[[StoredSource], bool] = lambda _: True) -> Target:
    """The indexed files that are the path or below it, and that are admitted; may be none."""
    known = (each for each in store.sources().values() if admits(each))
    below = sorted((each for each in known if path in (each.path, *each.path.parents)), key=lambda each: each.path)
    skipped = tuple(
        Unreadable(each.path, each.reason, each.detail) for each in below if each.reason and each.reason not in NOT_TEXT
    )
    return Target(path, tuple(each for each in below if not each.reason and each.chunks), skipped)


def summarize_target(
    target: Target, question: Question, ports: AskPorts, options: SurveyOptions, memory: StepMemory, *, focus: str = ""
) -> Generator[SurveyEvent, None, None]:
    """What is read and how long it takes, each step as it is done, and the whole Survey last. ``focus`` says what matters.

    Raises StoreError, and ModelError if the model works with nothing.
    """
    store = ports.store
    assert store is not None
    started = time.monotonic()
    hits = {source.path: [Hit(chunk, 1.0) for chunk in store.chunks_of(source.id)] for source in target.sources}
    chunks = sum(map(len, hits.values()))
    whole = Reach(chunks, chunks, 0, damaged=store.damaged, skipped=target.skipped)
    if not chunks:
        yield SurveyFinished(Survey("summary", Answer(question, "", "no_evidence", 0.0), (), whole))
        return
    asker = StepAsker(ports.model(), memory)
    cut = [cut_runs(own, budget=options.step_tokens, count_tokens=asker.model.count_tokens) for own in hits.values()]
    runs = list(interleave(cut))
    chosen = limit_runs(runs, options.limit)
    yield plan_steps("summary", whole, chosen, [build_note_prompt(run, focus) for run in chosen], asker, NOTE_TOKENS)
    desk = _Desk(asker, _Checker(ports.embedder), focus)
    notes, read = yield from _take_notes(chosen, desk)
    files = [(path, desk.condense(own, "file", FILE_SENTENCES)) for path, own in notes.items()]
    told = [each for _, own in files for each in own]
    overview = desk.condense(told, "folder", WHOLE_SENTENCES) if len(files) > 1 and len(told) > WHOLE_SENTENCES else []
    coverage = replace(whole, **count_read(runs, read, chosen), unsupported=desk.checker.unsupported)
    text, items, citations, context = _compose(target, overview, files)
    answer = make_answer(question, text, citations, context, coverage, asker, started)
    yield SurveyFinished(Survey("summary", answer, items, coverage))


def _take_notes(runs: Sequence[Run], desk: _Desk) -> Generator[SurveyEvent, None, tuple[dict[Path, list[Found]], list[Run]]]:
    """The notes on each file in the file's order, and the runs that were read."""
    taken: dict[Path, list[tuple[int, list[Found]]]] = {}
    read: list[Run] = []
    total, done = sum(len(run.hits) for run in runs), 0
    for step, run in enumerate(runs, 1):
        reply = desk.asker.ask(build_note_prompt(run, desk.focus), NOTE_TOKENS)
        notes = desk.checker.check(read_sentences(reply), run.hits) if reply is not None else []
        if reply is not None:
            read.append(run)
            taken.setdefault(run.path, []).append((run.hits[0].chunk.ordinal, notes))
        done += len(run.hits)
        yield SurveyProgressed(step, len(runs), done, total, run.path, tuple(note.text for note in notes))
    yield SurveyProgressed(len(runs), len(runs), done, total, None)
    ordered = {
        path: [note for _, own in sorted(parts, key=lambda part: part[0]) for note in own] for path, parts in taken.items()
    }
    return {path: ordered[path] for path in sorted(ordered)}, read


@dataclass
class _Checker:
    """Keeps the sentences that a passage bears out, and counts the others."""

    embedder: Callable[[], Embedder]
    unsupported: int = 0

    def check(self, sentences: Sequence[str], hits: Sequence[Hit]) -> list[Found]:
        kept = []
        for sentence in sentences:
            found = place_statement(sentence, hits) or self._by_meaning(sentence, hits)
            if found:
                kept.append(found)
            else:
                self.unsupported += 1
        return kept

    def _by_meaning(self, sentence: str, hits: Sequence[Hit]) -> Found | None:
        """In other words than the passage: by the nearest of its sentences."""
        able = [hit for hit in hits if agrees(sentence, "\n".join((hit.chunk.text, hit.chunk.title, *hit.chunk.heading)))]
        places = [(hit, *span) for hit in able for span in split_sentences(hit.chunk.text)]
        if not places:
            return None
        texts = [hit.chunk.text[start:end] for hit, start, end in places]
        cosines = cosines_with(sentence, texts, embedder=self.embedder())
        best = max(range(len(places)), key=lambda place: cosines[place])
        if cosines[best] < SUPPORTED_COSINE:
            return None
        hit = places[best][0]
        span = find_quote(texts[best], hit.chunk.text)
        quote = hit.chunk.text[slice(*span)] if span else texts[best]
        return Found(sentence, ((hit, Citation(1, hit.chunk.path, hit.chunk.locator, quote, True)),))


@dataclass
class _Desk:
    """Where notes are made shorter."""

    asker: StepAsker
    checker: _Checker
    focus: str

    def condense(self, notes: Sequence[Found], whole: str, sentences: int) -> list[Found]:
        """At most so many sentences; the notes themselves where they are few, or where the model has nothing to add."""
        if len(notes) <= sentences:
            return list(notes)
        hits = list(dict.fromkeys(hit for note in notes for hit, _ in note.places))
        texts = self._until_it_fits([note.text for note in notes], whole, sentences)
        reply = self._ask(texts, whole, sentences)
        return self.checker.check(read_sentences(reply), hits)[:sentences] or list(notes[:sentences])

    def _until_it_fits(self, texts: list[str], whole: str, sentences: int) -> list[str]:
        """So few notes that they can be condensed at once: longer lists are condensed part by part."""
        while len(parts := self._parts(texts)) > 1:
            shorter = [sentence for part in parts for sentence in read_sentences(self._ask(part, whole, sentences))]
            if len(shorter) >= len(texts):
                return parts[0]
            texts = shorter
        return texts

    def _parts(self, texts: Sequence[str]) -> list[list[str]]:
        parts: list[list[str]] = [[]]
        used = 0
        for text in texts:
            tokens = self.asker.model.count_tokens(text)
            if parts[-1] and used + tokens > CONDENSED_TOKENS:
                parts.append([])
                used = 0
            parts[-1].append(text)
            used += tokens
        return parts

    def _ask(self, texts: Sequence[str], whole: str, sentences: int) -> str:
        prompt = build_condense_prompt(texts, whole=whole, sentences=sentences, focus=self.focus)
        return self.asker.ask(prompt, SENTENCE_TOKENS * sentences) or ""


def _compose(
    target: Target, overview: Sequence[Found], files: Sequence[tuple[Path, list[Found]]]
) -> tuple[str, tuple[SurveyItem, ...], tuple[Citation, ...], Context]:
    """The text: the overview, then a line for each file; of a single file only its summary. And what its numbers stand for."""
    told = [found for _, own in files for found in own]
    sentences, citations, context = number_places([*overview, *told])
    marked = [f"{each.text} {markers(each.numbers)}" for each in sentences]
    if target.is_file or len(files) == 1 or not told:
        return " ".join(marked), (), citations, context
    place = len(overview)
    paragraphs, items = [" ".join(marked[:place])] if overview else [], []
    for path, own in files:
        name = path.relative_to(target.path) if path.is_relative_to(target.path) else path
        mine = slice(place, place + len(own))
        place += len(own)
        paragraphs.append(f"{name}: {' '.join(marked[mine]) or '(nothing that its text bears out)'}")
        numbers = tuple(dict.fromkeys(number for each in sentences[mine] for number in each.numbers))
        items.append(SurveyItem(f"{name}: {' '.join(each.text for each in sentences[mine])}", numbers))
    return "\n\n".join(paragraphs), tuple(items), citations, context
