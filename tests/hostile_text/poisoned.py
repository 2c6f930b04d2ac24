"""An assistant of whom every text that comes from outside holds the payloads: names, texts, titles, models, notices, errors.

Each payload follows a mark of its own, so that a test can tell that it was shown at all.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ragcli.config import Config, Locations
from ragcli.errors import ModelError, StoreError
from ragcli.types import (
    Answer,
    AnswerEvent,
    AnswerFinished,
    Chunk,
    Citation,
    Context,
    Delta,
    EvaluationEvent,
    EvaluationFinished,
    EvaluationProgressed,
    Extracted,
    ExtractionEvent,
    ExtractionFinished,
    ExtractionPlanned,
    ExtractionReport,
    FieldValue,
    Finding,
    Hit,
    Indexed,
    IndexEvent,
    IndexFinished,
    IndexIdentity,
    IndexReport,
    InstalledModel,
    Locator,
    ModelIdentity,
    ModelRow,
    Moved,
    Noticed,
    Packed,
    Passage,
    Planned,
    Progressed,
    PullEvent,
    PullFinished,
    PullPlanned,
    PullProgressed,
    Question,
    Record,
    Removed,
    Retrieved,
    Root,
    ScorePart,
    SearchResult,
    ServiceFile,
    Skipped,
    StoredSource,
    StoreStats,
    Unreadable,
    WatchHealth,
)
from tests.cli.fake_assistant import FakeAssistant
from tests.hostile_text.payloads import PAYLOADS

MARK = re.compile("«([0-9]{3})»")
MARKED: tuple[str, ...] = tuple(f"«{number:03}»{payload}" for number, payload in enumerate(PAYLOADS.values()))
TOGETHER = " ".join(MARKED)
"""Every payload in one text."""
ARGUMENT = TOGETHER.replace("\0", "").replace("\ud83d", "")
"""The same as something that a process can be given."""
UNICODE_ARGUMENT = re.sub("[\ud800-\udfff]", "", ARGUMENT)


def chunk_of(text: str) -> Chunk:
    locator = Locator(lines=(1, 2), label=text, member=text)
    return Chunk("id", "source", Path(f"/files/{text}"), text, (text, text), 0, 0, len(text), text, locator, "digest")


CHUNKS = tuple(map(chunk_of, MARKED))
HITS = tuple(Hit(chunk, 1.0, 1, 1, 0.5, (ScorePart("words", 1.0, 1.0, 1),)) for chunk in CHUNKS)
SKIPPED = tuple(Unreadable(Path(f"/files/{text}"), "malformed", text) for text in MARKED)
IDENTITY = IndexIdentity(TOGETHER, TOGETHER, 384, (TOGETHER, TOGETHER), TOGETHER, 1)


def source_of(text: str, reason: str) -> StoredSource:
    path = Path(f"/files/{text}")
    return StoredSource(f"{reason}{text}", path, text, 1, 10**18, 1, "d", "f", 1, reason, text if reason else "", text)


def row_of(text: str, role: Any = "llm") -> ModelRow:
    installed = InstalledModel(text, role, Path(f"/models/{text}"), "gguf", 9, text, {text: "ab" * 32}, licence=text)
    return ModelRow(text, role, "gguf", 9, text, text, text, 9, installed, in_use=True)


class PoisonedAssistant(FakeAssistant):
    """``piece`` characters of an answer come at a time."""

    piece = 1

    def index_events(self, paths: Sequence[Path] = (), **options: Any) -> Iterator[IndexEvent]:
        yield Planned(2, 1, 0, 4, 3_000_000, {})
        for text in MARKED:
            yield Noticed(text)
            yield Indexed(Path(f"/files/{text}"), 5)
            yield Moved(Path(f"/files/{text}"), Path(f"/before/{text}"), 1)
            yield Removed(Path(f"/files/{text}"))
            yield Skipped(Path(f"/files/{text}"), "malformed", text)
        yield Progressed(3, 3, 3_000_000, 3_000_000, 9)
        yield IndexFinished(IndexReport(2, 1, 0, 4, 15, SKIPPED, {}, {"total": 1.0}))

    index_apart_events = index_events

    def watch_events(self, paths: Sequence[Path] = (), **rules: object) -> Iterator[IndexEvent]:
        yield from self.index_events()

    def forget_events(self, paths: Sequence[Path]) -> Iterator[IndexEvent]:
        yield from self.index_events()

    def watch_health(self) -> WatchHealth | None:
        return WatchHealth(1, 1.0, 2.0, 3.0, "waiting", TOGETHER)

    def watch_finding(self) -> Finding:
        return Finding("watcher", "warning", TOGETHER, TOGETHER)

    def place_finding(self) -> Finding:
        return Finding("sync", "error", TOGETHER, TOGETHER)

    def sources_with_secrets(self) -> tuple[StoredSource, ...]:
        return tuple(dataclasses.replace(source_of(text, ""), secrets=text) for text in MARKED)

    def kept_paths(self, *, models: bool = False) -> list[Path]:
        return [Path(f"/kept/{text}") for text in MARKED]

    def purge_events(self, *, models: bool = False) -> Iterator[Removed]:
        yield from map(Removed, self.kept_paths())

    def recognise_survey(self, question: Question) -> bool:
        return False

    def last_turns(self) -> tuple[Any, ...]:
        return ()

    def remember_turn(self, *turn: object, **options: object) -> None:
        return None

    def forget_turns(self) -> None:
        return None

    def extract_events(self, *arguments: object, **options: object) -> Iterator[ExtractionEvent]:
        yield ExtractionPlanned(len(MARKED), 0)
        for text in MARKED:
            place = Citation(1, Path(f"/files/{text}"), Locator(label=text), text, True)
            record = Record({"name": text}, (FieldValue("/name", text, place),))
            yield Extracted(Path(f"/files/{text}"), "filled", "digest", record, shown=1, passages=1)
            yield Extracted(Path(f"/files/{text}"), "failed", reason="model-failed", detail=text)
        yield ExtractionFinished(ExtractionReport(files=2, filled=1))

    def install_service(self, paths: Sequence[Path] = ()) -> ServiceFile:
        return ServiceFile(Path(TOGETHER), "written", TOGETHER)

    def uninstall_service(self) -> ServiceFile:
        return ServiceFile(Path(TOGETHER), "removed", TOGETHER)

    def search(self, question: Question) -> SearchResult:
        if "fails" in question.text:
            raise StoreError("index-missing", TOGETHER, hint=TOGETHER)
        return SearchResult(question, HITS, {"total": 1.0})

    def ask_events(self, question: Question, *, piped: Iterable[str] | None = None, **options: Any) -> Iterator[AnswerEvent]:
        if "fails" in question.text:
            raise ModelError("model-failed", TOGETHER, hint=TOGETHER)
        if "nowhere" in question.text:
            yield AnswerFinished(Answer(question, "", "no_evidence", 0.0, hits=HITS))
            return
        hits = (*(map(_hit_of, ["".join(piped)]) if piped else ()), *HITS)
        passages = tuple(Passage(number, hit, hit.chunk.text) for number, hit in enumerate(hits, 1))
        cited = tuple(
            Citation(passage.number, passage.hit.chunk.path, passage.hit.chunk.locator, passage.text, bool(passage.number % 9))
            for passage in passages
        )
        text = f"It says {TOGETHER}"
        yield Retrieved(hits)
        yield Packed(Context(passages, (), 40))
        yield from (Delta(text[at : at + self.piece]) for at in range(0, len(text), self.piece))
        model = ModelIdentity(TOGETHER, TOGETHER)
        yield AnswerFinished(Answer(question, text, "answered", 0.9, cited, Context(passages, (), 9), hits, model))

    def stats(self) -> StoreStats:
        return StoreStats(3, 3, 12, 1_234_567, 10**18, IDENTITY, {"malformed": 12})

    def roots(self) -> tuple[Root, ...]:
        return tuple(Root(Path(f"/files/{text}"), text, (text,), (text,)) for text in MARKED)

    def sources(self) -> Mapping[str, StoredSource]:
        sources = [source_of(text, reason) for text in MARKED for reason in ("", "malformed")]
        return {source.id: source for source in sources}

    def chunks_of(self, path: Path) -> tuple[Chunk, ...]:
        return CHUNKS

    def check(self, *, read_data: bool, repair: bool) -> Iterator[Finding]:
        yield from (Finding(text, "warning", text, text) for text in MARKED)

    def doctor(self) -> Iterator[Finding]:
        yield from self.check(read_data=False, repair=False)

    offline_proof = doctor

    def evaluate_events(self, folder: Path, **options: Any) -> Iterator[EvaluationEvent]:
        yield from (EvaluationProgressed(1, 2, text) for text in MARKED)
        yield EvaluationFinished({"set": TOGETHER, "by_type": {text: {text: text, "missed": [text]} for text in MARKED}})

    def model_list(self) -> tuple[ModelRow, ...]:
        return (*map(row_of, MARKED), *(row_of(text, "embedder") for text in MARKED))

    def show_model(self, name: str) -> ModelRow:
        return row_of(TOGETHER)

    def pull_events(self, name: str, for_mlx: bool | None = None) -> Iterator[PullEvent]:
        yield PullPlanned(TOGETHER, 98_000_000, TOGETHER, TOGETHER)
        yield PullProgressed(49_000_000, 98_000_000, "download")
        yield PullFinished(self.import_model(Path(), None, None))

    def import_model(self, path: Path, name: str | None, role: str | None) -> InstalledModel:
        installed = row_of(TOGETHER).installed
        assert installed
        return installed


def _hit_of(text: str) -> Hit:
    return Hit(dataclasses.replace(chunk_of(text), path=Path("stdin")), 1.0)


def poisoned(piece: int = 1) -> type[PoisonedAssistant]:
    """An assistant that answers in pieces of so many characters."""
    return type("PoisonedAssistant", (PoisonedAssistant,), {"piece": piece})


__all__ = ["ARGUMENT", "MARK", "MARKED", "TOGETHER", "Config", "Locations", "PoisonedAssistant", "poisoned"]
