"""Values as the JSON that scripts rely on: ``"schema": 1`` stands for exactly these shapes.

A path that is not UTF-8 is written with Python's surrogate escapes (byte 0xFF as ``\\udcff``): ``os.fsencode`` of
the loaded text gives the bytes back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ragcli.config import Config, get_setting, known_settings
from ragcli.errors import RagError
from ragcli.steps.cleaning import SUSPECT
from ragcli.types import (
    Answer,
    AnswerEvent,
    AnswerFinished,
    Chunk,
    Citation,
    Claim,
    EvaluationEvent,
    EvaluationFinished,
    EvaluationProgressed,
    Finding,
    Hit,
    IndexFinished,
    IndexReport,
    InstalledModel,
    Locator,
    ModelRow,
    Packed,
    PullEvent,
    PullFinished,
    PullPlanned,
    PullProgressed,
    Retrieved,
    Root,
    SearchResult,
    StoredSource,
    StoreStats,
    Unreadable,
    WatchEvent,
    WatchHealth,
)

SCHEMA = 1
Shape = Mapping[str, Any]
EVENT_NAMES: Mapping[type, str] = {
    IndexFinished: "finished",
    AnswerFinished: "finished",
    EvaluationFinished: "finished",
    PullFinished: "finished",
    EvaluationProgressed: "progressed",
    PullProgressed: "progressed",
    PullPlanned: "planned",
}
"""Every other event goes by its own name in lower case."""
Event = WatchEvent | AnswerEvent | EvaluationEvent | PullEvent


def dump(shape: Shape, *, ascii_only: bool = False) -> str:
    """One line of JSON. What a terminal could obey or hide is escaped, and whoever loads it gets the same characters."""
    text = json.dumps(shape, ensure_ascii=ascii_only, default=_plain)
    return SUSPECT.sub(lambda found: _escaped(found[0]), text)


def _escaped(character: str) -> str:
    return json.dumps(character)[1:-1] if ord(character) > 0x7F else f"\\u{ord(character):04x}"


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def error_shape(error: RagError) -> Shape:
    return {"schema": SCHEMA, "error": {"slug": error.slug, "message": error.message, "hint": error.hint}}


def locator_shape(locator: Locator) -> dict[str, Any]:
    lines = list(locator.lines) if locator.lines else None
    return {"lines": lines, "page": locator.page, "member": locator.member or None, "locator": locator.describe()}


def hit_shape(rank: int, hit: Hit) -> Shape:
    chunk = hit.chunk
    return {
        "rank": rank,
        "path": chunk.path,
        "title": chunk.title,
        "heading": list(chunk.heading),
        **locator_shape(chunk.locator),
        "score": hit.score,
        "found_by": {"meaning": hit.meaning_rank, "words": hit.words_rank},
        "text": chunk.text,
    }


def hit_shapes(hits: Sequence[Hit]) -> list[Shape]:
    return [hit_shape(rank, hit) for rank, hit in enumerate(hits, start=1)]


def search_shape(result: SearchResult, *, explain: bool = False) -> Shape:
    """With ``explain`` each hit has its ``parts`` too, the sum of whose ``raw * weight`` is its score."""
    question = result.question
    hits = hit_shapes(result.hits)
    if explain:
        hits = [{**shape, "parts": [asdict(part) for part in hit.parts]} for shape, hit in zip(hits, result.hits, strict=True)]
    return {
        "schema": SCHEMA,
        "query": question.text,
        "mode": question.mode,
        "hits": hits,
        "took_ms": dict(result.took_ms),
    }


def citation_shape(citation: Citation) -> Shape:
    return {
        "number": citation.number,
        "path": citation.path,
        **locator_shape(citation.locator),
        "quote": citation.quote,
        "supported": citation.supported,
    }


def answer_shape(answer: Answer) -> Shape:
    """The whole answer. ``context`` holds what the model was shown; with no evidence, the nearest hits."""
    passages = answer.context.passages
    shown = [hit_shape(passage.number, passage.hit) for passage in passages] or hit_shapes(answer.hits)
    model = {"name": answer.model.name, "engine": answer.model.engine} if answer.model else None
    return {
        "schema": SCHEMA,
        "question": answer.question.text,
        "answer": answer.text,
        "outcome": answer.outcome,
        "confidence": answer.confidence,
        "citations": [citation_shape(citation) for citation in answer.citations],
        "context": shown,
        "model": model,
        "usage": asdict(answer.usage),
        "took_ms": dict(answer.took_ms),
        "claims": [claim_shape(claim) for claim in answer.claims],
        "closest": citation_shape(answer.closest) if answer.closest else None,
    }


def claim_shape(claim: Claim) -> Shape:
    return {"text": claim.text, "citations": list(claim.numbers), "supported": claim.supported}


def skipped_shape(source: Unreadable) -> Shape:
    return {"path": source.path, "reason": source.reason, "detail": source.detail}


def report_shape(report: IndexReport) -> Shape:
    return {
        "schema": SCHEMA,
        "added": report.added,
        "changed": report.changed,
        "moved": report.moved,
        "removed": report.removed,
        "unchanged": report.unchanged,
        "chunks": report.chunks,
        "skipped": [skipped_shape(source) for source in report.skipped],
        "left_out": dict(report.left_out),
        "took_ms": dict(report.took_ms),
    }


def event_shape(event: Event) -> Shape:
    """One line of ``--ndjson``: the event's name, and what it says. The last one says what ``--json`` prints."""
    name = EVENT_NAMES.get(type(event), type(event).__name__.lower())
    return {"schema": SCHEMA, "event": name, **_said(event)}


def _said(event: Event) -> Shape:
    match event:
        case IndexFinished(report):
            return report_shape(report)
        case AnswerFinished(answer):
            return answer_shape(answer)
        case EvaluationFinished(report):
            return evaluation_shape(report)
        case Retrieved(hits):
            return {"hits": hit_shapes(hits)}
        case Packed(context):
            return {"passages": [passage.number for passage in context.passages], "tokens": context.tokens}
        case _:
            return asdict(event)


def source_shape(source: StoredSource) -> Shape:
    return {
        "path": source.path,
        "title": source.title,
        "collection": source.collection,
        "chunks": source.chunks,
        "size": source.size,
        "modified": moment(source.modified_ns),
        "skipped": {"reason": source.reason, "detail": source.detail} if source.reason else None,
        "secrets": source.secrets.split(",") if source.secrets else [],
    }


def sources_shape(sources: Sequence[StoredSource]) -> Shape:
    return {"schema": SCHEMA, "sources": [source_shape(source) for source in sources]}


def purged_shape(paths: Sequence[Path]) -> Shape:
    return {"schema": SCHEMA, "removed": list(paths)}


def chunks_shape(path: Path, chunks: Sequence[Chunk]) -> Shape:
    return {"schema": SCHEMA, "path": path, "chunks": [chunk_shape(chunk) for chunk in chunks]}


def chunk_shape(chunk: Chunk) -> Shape:
    return {"ordinal": chunk.ordinal, "heading": list(chunk.heading), **locator_shape(chunk.locator), "text": chunk.text}


def status_shape(
    stats: StoreStats,
    roots: Sequence[Root],
    folder: Path,
    watcher: WatchHealth | None,
    flagged: Sequence[StoredSource] = (),
) -> Shape:
    return {
        "schema": SCHEMA,
        "folder": folder,
        "sources": stats.sources,
        "chunks": stats.chunks,
        "skipped": stats.skipped,
        "reasons": dict(stats.reasons),
        "secrets": [{"path": source.path, "kinds": source.secrets.split(",")} for source in flagged],
        "bytes_on_disk": stats.bytes_on_disk,
        "last_indexed": moment(stats.last_indexed_ns),
        "identity": asdict(stats.identity) if stats.identity else None,
        "roots": [asdict(root) for root in roots],
        "watcher": asdict(watcher) if watcher else None,
    }


def findings_shape(findings: Sequence[Finding]) -> Shape:
    return {"schema": SCHEMA, "findings": [asdict(finding) for finding in findings]}


def moment(nanoseconds: int | None) -> str | None:
    """UTC as ISO 8601, to the second."""
    if nanoseconds is None:
        return None
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).isoformat(timespec="seconds")


def model_shape(row: ModelRow) -> Shape:
    return {"schema": SCHEMA, **asdict(row)}


def evaluation_shape(report: Mapping[str, object]) -> Shape:
    return {"schema": SCHEMA, **report}


def models_shape(rows: Sequence[ModelRow]) -> Shape:
    return {"schema": SCHEMA, "models": [asdict(row) for row in rows]}


def installed_shape(model: InstalledModel) -> Shape:
    return {"schema": SCHEMA, "model": asdict(model)}


def settings_shape(config: Config, config_file: Path) -> Shape:
    settings = {key: _setting(key, config) for key in (*known_settings(), *sorted(config.named))}
    return {"schema": SCHEMA, "file": config_file, "settings": settings}


def setting_shape(key: str, config: Config) -> Shape:
    return {"schema": SCHEMA, "key": key, **_setting(key, config)}


def _setting(key: str, config: Config) -> Shape:
    return {"value": get_setting(config, key), "origin": config.origins.get(key, "default")}
