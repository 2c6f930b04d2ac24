"""An assistant over a handful of passages that really searches them, so that the commands have something to show.

Questions play parts: one with ``slow`` in it never ends, one with ``bug`` meets a bug, one with ``evil`` is answered
with terminal commands, one that shares no word with a passage has no evidence.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ragcli.config import Config, Locations
from ragcli.errors import ModelError, SourceError, StoreError
from ragcli.parts.record_maker import schema_of
from ragcli.steps.citing import cite_statement
from ragcli.steps.conversing import StandAlone
from ragcli.steps.overviewing import Overview, make_overview
from ragcli.types import (
    STANDARD_INPUT,
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
    Noticed,
    Packed,
    Passage,
    Planned,
    Preview,
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
    Scope,
    ScorePart,
    SearchResult,
    ServiceFile,
    Skipped,
    StoredSource,
    StoreStats,
    Turn,
    Unreadable,
    Usage,
    WatchEvent,
    WatchHealth,
)
from tests.cli.fake_talk import FakeTalk

FILES = {
    "/files/lease.md": ("The lease ends on 31 May 2027. The tenant may cancel it with three months' notice.", ("Terms", "End")),
    "/files/caf\udce9.txt": ("A name that is no UTF-8 holds the word marmalade.", ()),
    "/files/evil\x1b[2J\nname.txt": ("Here an \x1b]52;c;aGk=\x07 escape and \u202e override hide beside the word dragon.", ()),
}


def chunk_of(path: str, text: str, heading: tuple[str, ...]) -> Chunk:
    locator = Locator(lines=(1, 2))
    return Chunk(f"id {path}", f"source {path}", Path(path), Path(path).stem, heading, 0, 0, len(text), text, locator, "digest")


CHUNKS = tuple(chunk_of(path, text, heading) for path, (text, heading) in FILES.items())
SKIPPED = tuple(Unreadable(Path(f"/files/scan{number:02}.pdf"), "no_text_layer") for number in range(12))
SOURCES = {
    chunk.source_id: StoredSource(chunk.source_id, chunk.path, "main", 100, 10**18, 1, "digest", "fingerprint", 1)
    for chunk in CHUNKS
} | {
    str(source.path): StoredSource(str(source.path), source.path, "main", 100, 10**18, 1, "", "fingerprint", 0, source.reason)
    for source in SKIPPED
}
INSTALLED = InstalledModel(
    "tiny", "llm", Path("/home/models/tiny"), "gguf", 98_000_000, "a wheel", {"model.gguf": "ab" * 32}, licence="Apache-2.0"
)
REPORT = {"set": "handbook", "n": 2, "retrieval": {"recall@1": 0.5, "ndcg@10": 0.75}, "by_type": {"md": {"n": 2}}}


def words_of(text: str) -> set[str]:
    return {word.strip(".,?!").lower() for word in text.split() if len(word) > 3}


class FakeAssistant(FakeTalk):
    def __init__(self, config: Config, locations: Locations) -> None:
        self.config, self.locations = config, locations
        self.closed = False

    # -- indexing

    def index_events(
        self,
        paths: Sequence[Path] = (),
        *,
        collection: str | None = None,
        force: bool = False,
        dry_run: bool = False,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        retry_failed: bool = False,
    ) -> Iterator[IndexEvent]:
        for path in paths:
            if not path.exists():
                raise SourceError("path-missing", f"there is no {path}", hint="check the spelling")
        yield Planned(2, 1, 0, 4, 3_000_000, {"hidden": 2})
        slow = any("slow" in path.name and "clean" not in path.name for path in paths)
        if slow:
            yield Progressed(0, 3, 0, 3_000_000, 0)
            time.sleep(60)
        for number in range(1, 4):
            yield Indexed(Path(f"/files/{number}.md"), 5)
            yield Progressed(number, 3, number * 1_000_000, 3_000_000, number * 5)
        skipped = () if retry_failed or any("clean" in path.name for path in paths) else SKIPPED
        for source in skipped:
            yield Skipped(source.path, source.reason)
        yield IndexFinished(IndexReport(2, 1, 0, 4, 15, skipped, {"hidden": 2}, {"total": 1200.0}))

    index_apart_events = index_events

    def wait_for_writers(self, seconds: float, tell: Callable[[str], None]) -> None:
        self.patience = seconds

    def watch_events(self, paths: Sequence[Path] = (), **rules: object) -> Iterator[WatchEvent]:
        yield Indexed(Path("/files/new.md"), 3)
        yield Removed(Path("/files/old.md"))
        yield Skipped(Path("/files/x.bin"), "binary")
        yield Noticed("the system watches no more folders")
        while any("slow" in path.name for path in paths):
            time.sleep(0.01)

    def watch_health(self) -> WatchHealth | None:
        return None

    def watch_finding(self) -> Finding:
        return Finding("watcher", "ok", "none is running")

    def place_finding(self) -> Finding:
        if os.environ.get("FAKE_SYNCED"):
            return Finding("sync", "error", "the index is in a folder of Dropbox, which would upload it", "set RAGCLI_HOME")
        return Finding("sync", "ok", "in no known sync folder")

    def sources_with_secrets(self) -> tuple[StoredSource, ...]:
        return () if os.environ.get("FAKE_EMPTY") else (replace(SOURCES[CHUNKS[0].source_id], secrets="aws-key,private-key"),)

    def kept_paths(self, *, models: bool = False) -> list[Path]:
        return [path for path in (self.locations.index, self.locations.history) if path.exists()]

    def purge_events(self, *, models: bool = False) -> Iterator[Removed]:
        for path in self.kept_paths(models=models):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            yield Removed(path)

    def give_way(self) -> None:
        self.polite = True

    def install_service(self, paths: Sequence[Path] = ()) -> ServiceFile:
        return ServiceFile(Path("/units/ragcli-watch.service"), "unchanged" if paths else "written", "start it")

    def uninstall_service(self) -> ServiceFile:
        return ServiceFile(Path("/units/ragcli-watch.service"), "removed", "stop it")

    def forget_events(self, paths: Sequence[Path]) -> Iterator[IndexEvent]:
        yield from (Removed(path) for path in paths)
        yield IndexFinished(IndexReport(removed=len(paths)))

    # -- asking

    def _hits(self, question: Question) -> tuple[Hit, ...]:
        wanted = words_of(question.text)
        scored = [(len(wanted & words_of(chunk.text)), chunk) for chunk in CHUNKS]
        found = [
            Hit(chunk, float(score), rank, rank, 0.5, (ScorePart("words", float(score), 1.0, rank),))
            for rank, (score, chunk) in enumerate(scored, 1)
            if score
        ]
        return tuple(found[: question.limit])

    def search(self, question: Question) -> SearchResult:
        if "locked" in question.text:
            raise StoreError("index-missing", "there is no index yet", hint="ragcli index FOLDER")
        return SearchResult(question, self._hits(question), {"total": 3.0})

    def ask_events(
        self,
        question: Question,
        *,
        piped: Iterable[str] | None = None,
        only_piped: bool = False,
        max_tokens: int | None = None,
        strict: bool = False,
    ) -> Iterator[AnswerEvent]:
        if self.config.answer.model == "absent":
            raise ModelError("model-missing", "the model absent is not here", hint="ragcli models pull absent")
        if "bug" in question.text:
            raise ZeroDivisionError("a bug")
        hits = self._hits(question)
        if piped is not None:
            blocks = list(piped)
            text = "".join(blocks)[:60]
            own = Hit(replace(CHUNKS[0], path=STANDARD_INPUT, text=text, heading=()), 1.0)
            hits = (own,) if only_piped else (own, *hits)
        yield Retrieved(hits)
        if not hits:
            yield AnswerFinished(Answer(question, "", "no_evidence", 0.0, hits=(Hit(CHUNKS[0], 0.1),)))
            return
        context = Context(tuple(Passage(number, hit, hit.chunk.text) for number, hit in enumerate(hits, 1)), (), 40)
        yield Packed(context)
        if "improbable" in question.text:
            closest = cite_statement("31 May 2027", context.passages)
            yield AnswerFinished(Answer(question, "", "no_evidence", 0.3, context=context, hits=hits, closest=closest))
            return
        pieces = ["It says", ": ", hits[0].chunk.text[:20], "\x1b", "]0;title\x07" if "evil" in question.text else "", " [1]."]
        pieces = pieces if "evil" in question.text else [piece for piece in pieces if piece != "\x1b"]
        for piece in pieces:
            yield Delta(piece)
        while "slow" in question.text:
            time.sleep(0.01)
            yield Delta(".")
        place = Citation(1, hits[0].chunk.path, hits[0].chunk.locator, hits[0].chunk.text[:30], True)
        yield AnswerFinished(
            Answer(
                question,
                "".join(pieces),
                "answered",
                0.9,
                (place,),
                context,
                hits,
                ModelIdentity("tiny", "fake"),
                Usage(40, 8),
                {"total": 5.0},
            )
        )

    def stand_alone(self, text: str, turns: Sequence[Turn]) -> StandAlone:
        return StandAlone(" ".join([text, *(turn.question for turn in turns)]), bool(turns))

    def record_events(
        self, question: Question, shape: str | Mapping[str, object], *, piped: object = None, only_piped: bool = False
    ) -> Iterator[AnswerEvent]:
        """Each field is told to be the first word of the first hit, but ``made_up`` and null."""
        schema = schema_of(shape)
        for event in self.ask_events(replace(question, text=question.text or "lease")):
            if not isinstance(event, AnswerFinished) or event.answer.outcome == "no_evidence":
                yield event
                continue
            answer = event.answer
            data = {name: "Nobody" if name == "made_up" else "The" for name in schema["properties"]}
            fields = tuple(
                FieldValue(f"/{name}", value, None if name == "made_up" else answer.citations[0]) for name, value in data.items()
            )
            yield AnswerFinished(replace(answer, text=json.dumps(data), record=Record(data, fields)))

    def extract_events(
        self,
        shape: str | Mapping[str, object],
        paths: Sequence[Path] = (),
        *,
        question: str = "",
        scope: Scope | None = None,
        done: Collection[tuple[str, str]] = (),
        context_tokens: int = 0,
    ) -> Iterator[ExtractionEvent]:
        """Each path is a file: one with ``scan`` in its name cannot be read, one with ``slow`` takes for ever."""
        name = next(iter(schema_of(shape)["properties"]))
        yield ExtractionPlanned(len(paths), len(done))
        filled = [path for path in paths if "scan" not in path.name and (str(path), "digest") not in done]
        for path in paths:
            if "slow" in path.name:
                time.sleep(60)
            if "scan" in path.name:
                yield Extracted(path, "skipped", reason="no_text_layer")
            elif path in filled:
                place = Citation(1, path, Locator(lines=(1, 1)), "=SUM(A1)", True)
                record = Record({name: "=SUM(A1)"}, (FieldValue(f"/{name}", "=SUM(A1)", place),))
                yield Extracted(path, "filled", "digest", record, shown=1, passages=1)
        skipped = sum("scan" in path.name for path in paths)
        counts = {"files": len(paths), "filled": len(filled), "resumed": len(paths) - len(filled) - skipped}
        yield ExtractionFinished(ExtractionReport(**counts, skipped={"no_text_layer": skipped} if skipped else {}))

    # -- what is there

    def preview(self, paths: Sequence[Path]) -> Preview:
        for path in paths:
            if not path.exists():
                raise SourceError("path-missing", f"there is no {path}", hint="check the spelling")
        return Preview(3, 3_000_000, {"md": 2, "pdf": 1}, {"binary": 4}, {"hidden": 2, "secret": 1}, 200.0)

    def stats(self) -> StoreStats:
        if os.environ.get("FAKE_EMPTY"):
            return StoreStats(0, 0, 0, 0, None, None)
        identity = IndexIdentity("all-minilm-l6-v2", "digest", 384, ("", ""), "policy", 1)
        return StoreStats(3, 3, 12, 1_234_567, 10**18, identity, {"no_text_layer": 12})

    def roots(self) -> tuple[Root, ...]:
        return (Root(Path("/files"), "main"),)

    def sources(self) -> Mapping[str, StoredSource]:
        return SOURCES

    def overview(self) -> Overview:
        places = {source.id: (0.1 * number, 0.5) for number, source in enumerate(SOURCES.values())}
        return make_overview(list(SOURCES.values()), self.stats(), self.roots(), places, 1.7e9)

    def chunks_of(self, path: Path) -> tuple[Chunk, ...]:
        found = tuple(chunk for chunk in CHUNKS if chunk.path == path)
        if not found:
            raise SourceError("not-indexed", f"{path} is not indexed", hint=f"ragcli index {path}")
        return found

    def check(self, *, read_data: bool, repair: bool) -> Iterator[Finding]:
        yield Finding("manifest", "ok", "the newest manifest is whole")
        if read_data:
            yield Finding("passages", "error", "1 passage is damaged", "" if repair else "ragcli check --repair")

    def optimize(self) -> None:
        return None

    def doctor(self) -> Iterator[Finding]:
        yield Finding("python", "ok", "3.11")
        yield Finding("disk", "warning", "2 GB are free", "free some space")

    def offline_proof(self) -> Iterator[Finding]:
        yield Finding("socket", "ok", "refused by the kernel")

    def evaluate_events(
        self, folder: Path, *, retrieval_only: bool, limit: int | None, seed: int, model: str | None, k: int
    ) -> Iterator[EvaluationEvent]:
        yield EvaluationProgressed(1, 2, "question 1")
        yield EvaluationFinished(REPORT)

    # -- models

    def model_list(self) -> tuple[ModelRow, ...]:
        embedder = ModelRow("mini", "embedder", "sentence-transformers", 90_000_000, "a wheel", "Apache-2.0", "384 dimensions")
        large = ModelRow("large", "llm", "gguf", 1_100_000_000, "22 wheels", "Apache-2.0", "good on code", 2_000_000_000)
        tiny = ModelRow(
            "tiny", "llm", "gguf", 98_000_000, "a wheel", "Apache-2.0", "very small", installed=INSTALLED, in_use=True
        )
        return (tiny, large, embedder)

    def show_model(self, name: str) -> ModelRow:
        for row in self.model_list():
            if row.name == name:
                return row
        raise ModelError("model-unknown", f"there is no model {name!r}", hint="ragcli models list")

    def pull_events(self, name: str, for_mlx: bool | None = None) -> Iterator[PullEvent]:
        yield PullPlanned(name, 98_000_000, "a wheel", "Apache-2.0")
        yield PullProgressed(49_000_000, 98_000_000, "download")
        yield PullFinished(INSTALLED)

    def import_model(self, path: Path, name: str | None, role: str | None) -> InstalledModel:
        return replace(INSTALLED, name=name or path.stem)

    def remove_model(self, name: str) -> None:
        self.show_model(name)

    def close(self) -> None:
        self.closed = True
