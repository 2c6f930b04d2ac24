"""Values as lines of text for people. Pure: a ``Paper`` says how wide and how colourful, and nothing is printed here."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ragcli.cli.showing.paper import Paper, age, duration, plural, size
from ragcli.config import Config, get_setting, known_settings
from ragcli.types import (
    REASONS,
    Chunk,
    Finding,
    Indexed,
    IndexEvent,
    IndexFinished,
    IndexReport,
    ModelRow,
    Moved,
    Removed,
    Root,
    Skipped,
    StoredSource,
    StoreStats,
    Unreadable,
)

NAMED_SKIPS = 10
"""A summary names this many skipped files and counts the rest."""


# ---- indexing --------------------------------------------------------------------------------


def report_lines(report: IndexReport, paper: Paper, *, dry_run: bool = False, seconds: float | None = None) -> Iterator[str]:
    names = ("added", "changed", "moved", "removed", "unchanged")
    said = _counted({name: getattr(report, name) for name in names}) or "no files"
    took = f" in {duration(seconds)}" if seconds is not None and not dry_run else ""
    chunks = f"; {plural(report.chunks, 'passage')} embedded" if report.chunks else ""
    yield f"Would index: {said}." if dry_run else f"{paper.good('Indexed')}{took}: {said}{chunks}."
    if report.left_out and any(report.left_out.values()):
        yield paper.dim(f"Left out by rule: {_counted(report.left_out)}.")
    yield from skipped_lines(report.skipped, paper)


def forgotten_lines(report: IndexReport) -> Iterator[str]:
    yield f"Forgot {plural(report.removed, 'file')}."


def skipped_lines(skipped: Sequence[Unreadable], paper: Paper) -> Iterator[str]:
    """How many for which reason, and the first few by name."""
    if not skipped:
        return
    reasons = Counter(source.reason for source in skipped)
    yield paper.odd(f"Skipped {plural(len(skipped), 'file')}: {_counted(dict(reasons.most_common()))}.")
    ordered = sorted(skipped, key=lambda source: (source.reason, str(source.path)))
    for source in ordered[:NAMED_SKIPS]:
        yield f"  {paper.path(source.path)}: {reason_text(source.reason, source.detail, paper)}"
    if len(ordered) > NAMED_SKIPS:
        yield f"  and {len(ordered) - NAMED_SKIPS:,} more (ragcli ls --skipped names all, --reason CODE those of one reason)"


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


def reason_text(reason: str, detail: str, paper: Paper) -> str:
    meaning = REASONS.get(reason, reason)
    return f"{meaning} ({paper.line(detail)})" if detail else meaning


def change_line(event: IndexEvent, paper: Paper) -> str | None:
    """One source's news, as watching tells it; None for events that are no such news."""
    match event:
        case Indexed(path, chunks):
            return f"{paper.good('indexed')} {paper.path(path)} ({plural(chunks, 'passage')})"
        case Moved(path, before):
            return f"{paper.good('moved')} {paper.path(before)} to {paper.path(path)}"
        case Removed(path):
            return f"{paper.dim('removed')} {paper.path(path)}"
        case Skipped(path, reason, detail):
            return f"{paper.odd('skipped')} {paper.path(path)}: {reason_text(reason, detail, paper)}"
        case IndexFinished(report) if report.added or report.changed or report.moved or report.removed:
            return paper.dim(f"up to date at {time.strftime('%H:%M:%S')}")
    return None


# ---- what is there ---------------------------------------------------------------------------


def status_lines(
    stats: StoreStats,
    roots: Sequence[Root],
    folder: Path,
    watcher: Finding,
    paper: Paper,
    now: float,
    flagged: Sequence[StoredSource] = (),
) -> Iterator[str]:
    rows = [("files", f"{stats.sources:,}")]
    if stats.skipped:
        rows.append(("skipped", f"{stats.skipped:,}: {_counted(stats.reasons)}" if stats.reasons else f"{stats.skipped:,}"))
    rows.append(("passages", f"{stats.chunks:,}"))
    rows.append(("size", size(stats.bytes_on_disk)))
    if stats.last_indexed_ns is not None:
        rows.append(("last indexed", age(now - stats.last_indexed_ns / 1e9)))
    if stats.identity:
        rows.append(("embedder", f"{paper.line(stats.identity.embedder)} ({stats.identity.dimension} dimensions)"))
    said = paper.line(watcher.message)
    rows.append(("watcher", said if watcher.level == "ok" else paper.odd(said)))
    rows.append(("kept in", paper.path(folder)))
    yield from _pairs(rows, paper)
    for number, root in enumerate(roots):
        collection = paper.dim(f"  ({paper.line(root.collection)})")
        yield f"{paper.dim(_label('folders' if number == 0 else ''))}{paper.path(root.path)}{collection}"
    yield from secret_lines(flagged, paper)


def secret_lines(flagged: Sequence[StoredSource], paper: Paper) -> Iterator[str]:
    """How many files seem to hold keys or passwords, and the first few by name; never what they hold."""
    if not flagged:
        return
    label = paper.dim(_label("secrets"))
    yield f"{label}{paper.odd(plural(len(flagged), 'file'))} with what looks like keys or passwords:"
    for source in flagged[:NAMED_SKIPS]:
        yield f"  {paper.path(source.path)} {paper.dim('(' + paper.line(source.secrets.replace(',', ', ')) + ')')}"
    if len(flagged) > NAMED_SKIPS:
        yield paper.dim("  … ragcli ls --secrets names them all")


def _pairs(rows: Iterable[tuple[str, str]], paper: Paper) -> Iterator[str]:
    return (f"{paper.dim(_label(name))}{value}" for name, value in rows)


def _label(name: str) -> str:
    return f"{name:<14}"


def source_lines(sources: Iterable[StoredSource], paper: Paper) -> Iterator[str]:
    """On a terminal with facts beside each name; elsewhere the bare names, one a line."""
    for source in sources:
        name = paper.path(source.path)
        if source.reason:
            yield f"{name}: {reason_text(source.reason, source.detail, paper)}"
        elif paper.terminal:
            yield f"{paper.dim(f'{source.chunks:>6,}  {size(source.size):>8}')}  {name}"
        else:
            yield name


def chunk_lines(chunks: Sequence[Chunk], paper: Paper) -> Iterator[str]:
    for number, chunk in enumerate(chunks):
        if number:
            yield ""
        heading = paper.line(" › ".join(chunk.heading))
        yield paper.dim(f"── {paper.line(chunk.locator.describe())}" + (f" · {heading}" if heading else "") + " ──")
        yield paper.text(chunk.text).rstrip("\n")


def finding_lines(findings: Iterable[Finding], paper: Paper) -> Iterator[str]:
    styles: Mapping[str, Callable[[str], str]] = {"ok": paper.good, "warning": paper.odd, "error": paper.bad}
    for finding in findings:
        yield f"{styles[finding.level](f'{finding.level:<7}')}  {paper.line(finding.name)}: {paper.message(finding.message)}"
        if finding.hint:
            yield f"         {paper.dim('hint: ' + paper.line(finding.hint))}"


# ---- models, settings, evaluations -----------------------------------------------------------


def model_lines(rows: Sequence[ModelRow], paper: Paper) -> Iterator[str]:
    for role, title in (("llm", "Language models"), ("embedder", "Embedders"), ("reranker", "Rerankers")):
        chosen = [row for row in rows if row.role == role]
        width = max((len(row.name) for row in chosen), default=0)
        yield from [paper.bold(title)] if chosen else []
        for row in chosen:
            mark = "●" if row.installed and row.in_use else "○" if row.installed else " "
            kind = f"{row.format:<4}  " if role == "llm" else ""
            head = f"{paper.line(row.name):<{width}}  {size(row.size):>7}  {kind}"
            yield f" {paper.good(mark)} {head}{paper.dim(_model_note(row, paper, len(head) + 3))}".rstrip()
    yield paper.dim("● in use  ○ installed    ragcli models pull NAME gets one")


def _model_note(row: ModelRow, paper: Paper, taken: int) -> str:
    note = paper.line(row.description)
    if row.in_use and not row.installed:
        note = "chosen, but not installed"
    room = max(20, paper.width - taken)
    return note[: room - 1].rstrip() + "…" if paper.terminal and len(note) > room else note


def model_facts(row: ModelRow, paper: Paper) -> Iterator[str]:
    facts = [("name", row.name), ("role", row.role), ("format", row.format), ("size", size(row.size))]
    facts += [("memory", size(row.memory))] if row.memory else []
    facts += [("licence", row.licence or "not known"), ("source", row.source), ("about", row.description)]
    facts.append(("installed", str(row.installed.folder) if row.installed else f"no: ragcli models pull {row.name}"))
    yield from _pairs(((name, paper.line(value)) for name, value in facts if value), paper)
    if row.installed:
        yield from (f"{paper.dim(digest)}  {paper.line(name)}" for name, digest in sorted(row.installed.files.items()))


def setting_lines(config: Config, paper: Paper) -> Iterator[str]:
    keys = [*known_settings(), *sorted(config.named)]
    width = max(map(len, keys))
    for key in keys:
        value = paper.line(setting_text(get_setting(config, key)))
        yield f"{paper.line(key):<{width}} = {value:<24} {paper.dim(paper.line(config.origins.get(key, 'default')))}"


def setting_text(value: object) -> str:
    """As ``config set`` takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, tuple) else str(value)


def evaluation_lines(report: Mapping[str, object], paper: Paper) -> Iterator[str]:
    """Each group of measures on its own lines, numbers aligned."""
    for group, measures in report.items():
        if isinstance(measures, Mapping):
            yield paper.bold(group)
            yield from _measure_lines(measures, paper, "  ")
        else:
            yield f"{paper.bold(f'{group:<16}')}{paper.line(str(measures))}"


def _measure_lines(measures: Mapping[str, object], paper: Paper, indent: str) -> Iterator[str]:
    for name, value in measures.items():
        label = f"{indent}{paper.line(name):<{25 - len(indent)}} "
        if isinstance(value, Mapping):
            yield label.rstrip()
            yield from _measure_lines(value, paper, indent + "  ")
        elif isinstance(value, float):
            yield f"{label}{value:>8.3f}"
        else:
            told = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            yield f"{label}{paper.line(told):>8}"
