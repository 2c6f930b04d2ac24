"""The flow behind ``extract``: each of many files becomes one record, and at the end it is told how much was covered.

A file is never passed over in silence: what could not be read or filled in is an event too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from ragcli.errors import ModelError, SourceError
from ragcli.flows.filling import Form, conclude_record, write_record
from ragcli.ports import LanguageModel, Reader, Split, Store
from ragcli.steps.chunking import chunk_document
from ragcli.steps.fitting import describe_fields
from ragcli.steps.piping import rank_by_words
from ragcli.steps.planning import source_id_of
from ragcli.steps.prompting import pack_context
from ragcli.types import (
    Answer,
    Chunk,
    Context,
    Document,
    Extracted,
    ExtractionEvent,
    ExtractionFinished,
    ExtractionPlanned,
    ExtractionReport,
    Hit,
    Question,
    StoredSource,
    Unreadable,
    Walked,
)

CONTEXT_TOKENS = 1200
"""Of a file that the model is shown at once: two dense pages. More costs seconds a file, and small models lose the thread."""


@dataclass(frozen=True, slots=True)
class Material:
    """A file that can be extracted from: what it is known by, and its passages when they are wanted."""

    path: Path
    digest: str
    chunks: Sequence[Chunk]


Gathered = Iterator[Material | Unreadable]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Batch:
    """How many files there are, and each of them; iterating reads."""

    files: int
    materials: Gathered
    left_out: Mapping[str, int]


def batch_from_disk(walked: Walked, reader: Reader, split: Callable[[], Split], token_limit: int) -> Batch:
    """The files that a walk found, read as they are now."""

    def materials() -> Gathered:
        yield from walked.refused
        for stamp, result in reader.read(walked.stamps):
            if isinstance(result, Document):
                source_id = source_id_of(stamp.path, "")
                chunks = chunk_document(result, source_id=source_id, split=split(), token_limit=token_limit)
                yield Material(stamp.path, result.digest, chunks)
            else:
                yield result

    return Batch(len(walked.stamps) + len(walked.refused), materials(), walked.left_out)


def batch_from_index(sources: Iterable[StoredSource], store: Store) -> Batch:
    """The indexed files, as they were when they were indexed."""
    ordered = sorted(sources, key=lambda source: source.path)

    def materials() -> Gathered:
        for source in ordered:
            if source.reason:
                yield Unreadable(source.path, source.reason, source.detail, source.digest)
            else:
                yield Material(source.path, source.digest, store.chunks_of(source.id))

    return Batch(len(ordered), materials(), {})


def extract_records(
    form: Form,
    batch: Batch,
    model: Callable[[], LanguageModel],
    *,
    done: Collection[tuple[str, str]] = (),
    context_tokens: int = CONTEXT_TOKENS,
) -> Iterator[ExtractionEvent]:
    """ExtractionPlanned, one Extracted for each file but those ``done`` (path and digest), and ExtractionFinished last.

    Raises SourceError ``nothing-to-index`` if there is no file; ModelError where no model can be asked.
    """
    if not batch.files:
        raise SourceError("nothing-to-index", "there is no file to extract from", hint="ragcli ls shows what is indexed")
    yield ExtractionPlanned(batch.files, len(done))
    report = ExtractionReport(left_out=batch.left_out)
    for material in batch.materials:
        if isinstance(material, Unreadable):
            event = Extracted(material.path, "skipped", material.digest, reason=material.reason, detail=material.detail)
        elif (str(material.path), material.digest) in done:
            report = replace(report, files=report.files + 1, resumed=report.resumed + 1)
            continue
        else:
            event = extract_one(form, material, model(), context_tokens)
        yield event
        report = add_to_report(report, event)
    yield ExtractionFinished(report)


def extract_one(form: Form, material: Material, model: LanguageModel, context_tokens: int) -> Extracted:
    """What became of the file."""
    context = choose_passages(form, material.chunks, model, context_tokens)
    counts: dict[str, Any] = {"shown": len(context.passages), "passages": len(material.chunks)}
    try:
        data, _ = result_of(write_record(form, context, model))
    except ModelError as error:
        if error.slug != "model-failed":
            raise
        return Extracted(material.path, "failed", material.digest, reason=error.slug, detail=error.message, **counts)
    answer = conclude_record(Answer(Question(form.question), "", "answered", 1.0, context=context), data)
    return Extracted(material.path, "filled" if answer.record else "nothing", material.digest, answer.record, **counts)


def result_of(work: Generator[object, None, Result]) -> Result:
    """What the work gives at its end."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def choose_passages(form: Form, chunks: Sequence[Chunk], model: LanguageModel, budget: int) -> Context:
    """All of the file in its order if it fits; else its beginning, and what shares words with the question and the fields."""
    whole = pack_context([Hit(chunk, 1.0) for chunk in chunks], budget=budget, count_tokens=model.count_tokens)
    if not whole.left_out and whole.passages and whole.passages[-1].text == whole.passages[-1].hit.chunk.text:
        return whole
    wanted = " ".join([form.question, *describe_fields(form.schema)])
    ranked = rank_by_words(wanted, chunks[1:], limit=len(chunks))
    hits = [Hit(chunks[0], 1.0), *(Hit(entry.chunk, entry.score) for entry in ranked.entries)]
    packed = pack_context(hits, budget=budget, count_tokens=model.count_tokens)
    in_order = sorted(packed.passages, key=lambda passage: passage.hit.chunk.ordinal)
    return replace(packed, passages=tuple(replace(passage, number=number) for number, passage in enumerate(in_order, 1)))


def add_to_report(report: ExtractionReport, event: Extracted) -> ExtractionReport:
    """The report with the file counted."""
    skipped = Counter(report.skipped) + Counter([event.reason] if event.outcome == "skipped" else [])
    return replace(
        report,
        files=report.files + 1,
        filled=report.filled + (event.outcome == "filled"),
        nothing=report.nothing + (event.outcome == "nothing"),
        failed=report.failed + (event.outcome == "failed"),
        partly=report.partly + (event.shown < event.passages),
        skipped=dict(skipped.most_common()),
    )
