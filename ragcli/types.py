"""Every value that crosses a module boundary.

Glossary: one word per idea, everywhere.

source     a file (or standard input) that can be indexed and cited
stamp      what one look at a file says of it without reading it: size, time, inode
block      a run of a document's text that has one place: a page, a cell, a section
locator    that place, in words a person can go to
member     a file inside a source: archived, or attached to a mail
document   the text of one source, with its blocks
piece      a run of text that is never cut, with its size in tokens
chunk      a span of a document: ``document.text[chunk.start:chunk.end] == chunk.text``
digest     SHA-256, in hex
ranking    chunks in order, with the scores of one way of searching
hit        a chunk with its fused score and the ranks that led to it
passage    a numbered hit inside a context
survey     a question to all chunks that match it, or a summary: read in steps, put together
context    the passages that a model is shown
citation   an answer's reference to a passage, with a quote that stands in the source
outcome    ``answered``, or ``no_evidence`` when the files do not say
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Mode = Literal["hybrid", "meaning", "words"]
Outcome = Literal["answered", "no_evidence"]
Role = Literal["embedder", "llm", "reranker"]
Vector = Sequence[float]
"""One embedding, of unit length. Adapters may pass arrays; steps never look inside."""

STANDARD_INPUT = Path("stdin")
"""The path that a piped text goes by in hits and citations."""

REASONS: Mapping[str, str] = {
    "binary": "no reader for this kind of file",
    "changing": "it changed while it was read",
    "crashed": "the reader crashed on it",
    "dataless": "a cloud placeholder whose content is not on this machine",
    "empty": "it holds no text",
    "encoding": "its text encoding could not be told",
    "encrypted": "it is encrypted or needs a password",
    "malformed": "it is damaged or not what its name says",
    "no_text_layer": "it holds only pictures of text (a scan)",
    "not_regular": "not a regular file",
    "permission": "no permission to read it",
    "secret_name": "its name suggests a secret",
    "symlink_out": "a link that leaves the indexed folder",
    "too_large": "larger than the size limit",
    "too_much_memory": "reading it took more memory than allowed",
    "too_much_output": "it unpacks to more text than allowed",
    "too_slow": "reading it took longer than allowed",
    "unsupported": "a format or feature that is not supported",
    "vanished": "it disappeared before it was read",
}
"""Why a source was skipped: stable codes for scripts, and what each means."""


# ---- reading ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What ``stat`` says of a regular file at ``path`` (absolute)."""

    path: Path
    size: int
    modified_ns: int
    inode: int
    changed_ns: int = 0
    """When content, name or rights last changed; no program can set it back, as some do with ``modified_ns``."""


@dataclass(frozen=True, slots=True)
class Walked:
    """What a walk over the roots found: readable files, files refused at once, and what was left out on purpose."""

    stamps: tuple[FileStamp, ...]
    refused: tuple[Unreadable, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    """How many entries each rule left out: ``ignored``, ``hidden``, ``secret``, ``vcs``, ``excluded``, ``mounted``."""
    missing_roots: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Locator:
    """Where in a source a span stands; whatever the format offers of these, the rest empty.

    ``lines`` are 1-based and inclusive. ``page`` is a 1-based page of a paged format.
    ``label`` names any other place: ``slide 3``, ``Prices!A1:C9``, ``message 2``, ``cell 4``, ``Setup > Linux``.
    ``member`` names a file inside the source, which the others are then counted in: ``docs/setup.md``,
    ``message 2, attachment prices.xlsx``.
    """

    lines: tuple[int, int] | None = None
    page: int | None = None
    label: str = ""
    member: str = ""

    def describe(self) -> str:
        """The place in words, the most exact first; never empty."""
        parts = [self.member] if self.member else []
        if self.page is not None:
            parts.append(f"page {self.page}")
        if self.label:
            parts.append(self.label)
        if self.lines is not None:
            first, last = self.lines
            parts.append(f"line {first}" if first == last else f"lines {first}-{last}")
        return ", ".join(parts) or "whole file"


@dataclass(frozen=True, slots=True)
class Block:
    """``document.text[start:end]``, which stands at ``locator`` below ``heading`` (outermost first).

    Where the locator has lines, they are those of the block's first and last character, and a newline
    inside the block is a newline in the file (or the locator's member), so that any span of the block has exact lines.
    """

    start: int
    end: int
    locator: Locator
    heading: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """The text of one source. Blocks are in order, do not overlap, and leave out nothing but white space."""

    path: Path
    title: str
    text: str
    digest: str
    """Of the file's bytes, not of the text."""
    kind: Literal["prose", "markdown", "code", "table"]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A source that could not be read: a key of ``REASONS`` and, where known, one line of detail."""

    path: Path
    reason: str
    detail: str = ""
    digest: str = ""


# ---- indexing --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Piece:
    """The smallest run of text that is not cut: a sentence, a line or two. ``tokens`` are the embedder's."""

    start: int
    end: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """A span of a document, with what is needed to show and cite it."""

    id: str
    """Derived from source, document digest and ordinal: two runs over the same files give the same ids."""
    source_id: str
    path: Path
    title: str
    heading: tuple[str, ...]
    ordinal: int
    start: int
    end: int
    text: str
    locator: Locator
    digest: str
    """Of ``text``; whoever shows or cites the chunk checks it."""


@dataclass(frozen=True, slots=True)
class EmbeddedChunk:
    chunk: Chunk
    vector: Vector


@dataclass(frozen=True, slots=True)
class IndexIdentity:
    """What an index was made with. Two indexes of different identity cannot be mixed."""

    embedder: str
    embedder_digest: str
    dimension: int
    prefixes: tuple[str, str]
    """What is put before a query and before a passage."""
    chunking: str
    schema: int


@dataclass(frozen=True, slots=True)
class StoredSource:
    """What the ledger knows of a source."""

    id: str
    path: Path
    collection: str
    size: int
    modified_ns: int
    inode: int
    digest: str
    fingerprint: str
    """Of reader, chunker and embedder: a source made by others is read again."""
    chunks: int
    reason: str = ""
    """A key of ``REASONS`` if the source was skipped."""
    detail: str = ""
    title: str = ""
    changed_ns: int = 0
    secrets: str = ""
    """Kinds of keys and passwords that its text seems to hold, with commas between them; never the secrets."""


@dataclass(frozen=True, slots=True)
class Root:
    """A folder or file that the user asked to index."""

    path: Path
    collection: str
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceUpdate:
    """One source's new state for the store: its row and all of its chunks (none if it was skipped)."""

    source: StoredSource
    chunks: tuple[EmbeddedChunk, ...] = ()


@dataclass(frozen=True, slots=True)
class IndexPlan:
    """A partition of the sources on disk and in the ledger."""

    added: tuple[FileStamp, ...]
    changed: tuple[FileStamp, ...]
    removed: tuple[StoredSource, ...]
    unchanged: tuple[StoredSource, ...]

    @property
    def to_read(self) -> tuple[FileStamp, ...]:
        return self.added + self.changed


@dataclass(frozen=True, slots=True)
class IndexReport:
    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    chunks: int = 0
    """How many passages were embedded in this run; one that was embedded before, in a moved or copied file, is not."""
    skipped: tuple[Unreadable, ...] = ()
    """Every source below the roots of this run that is on disk and not in the index, those of earlier runs too."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    took_ms: Mapping[str, float] = field(default_factory=dict)
    moved: int = 0
    """Files whose content is found under another name now; they are neither added nor removed."""

    def __add__(self, other: IndexReport) -> IndexReport:
        """Two runs told as one."""

        def summed(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Mapping[str, Any]:
            return {name: ours.get(name, 0) + theirs.get(name, 0) for name in {**ours, **theirs}}

        return IndexReport(
            added=self.added + other.added,
            changed=self.changed + other.changed,
            removed=self.removed + other.removed,
            unchanged=self.unchanged + other.unchanged,
            chunks=self.chunks + other.chunks,
            skipped=self.skipped + other.skipped,
            left_out=summed(self.left_out, other.left_out),
            took_ms=summed(self.took_ms, other.took_ms),
            moved=self.moved + other.moved,
        )


@dataclass(frozen=True, slots=True)
class Preview:
    """What indexing some folders would meet, as far as names and sizes tell. Nothing was read for it."""

    files: int
    """How many would be read."""
    bytes: int
    by_type: Mapping[str, int]
    """How many files of each name ending would be read, the most frequent first."""
    unreadable: Mapping[str, int]
    """How many files would be skipped for which key of ``REASONS``."""
    left_out: Mapping[str, int]
    """How many entries each rule leaves out, as in ``Walked``."""
    seconds: float
    """About how long it would take on this machine."""


@dataclass(frozen=True, slots=True)
class Planned:
    added: int
    changed: int
    removed: int
    unchanged: int
    bytes_to_read: int
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Progressed:
    """How far the work on chunks has come: so many files and bytes were read, chunked and embedded."""

    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int
    chunks: int


@dataclass(frozen=True, slots=True)
class Indexed:
    """The source is in the store, on disk, and will be found."""

    path: Path
    chunks: int


@dataclass(frozen=True, slots=True)
class Moved:
    """The source is found as ``path`` from now on, and as ``before`` no longer."""

    path: Path
    before: Path
    chunks: int


@dataclass(frozen=True, slots=True)
class Skipped:
    path: Path
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Removed:
    path: Path


@dataclass(frozen=True, slots=True)
class IndexFinished:
    report: IndexReport


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something about the work itself that a person should know: one line."""

    message: str


IndexEvent = Planned | Progressed | Indexed | Moved | Skipped | Removed | Noticed | IndexFinished
WatchEvent = IndexEvent | Noticed

WatchState = Literal["looking", "listening", "waiting", "paused"]
"""A watcher compares the index with the disk, waits for changes, waits for something that must end first, or may not work."""


@dataclass(frozen=True, slots=True)
class WatchHealth:
    """What a watcher last said of itself. Times are seconds since 1970."""

    process: int
    started: float
    said: float
    """When it said this."""
    looked: float | None
    """When it last knew the index to be as the disk; None if never."""
    state: WatchState
    trouble: str = ""
    """Why it may miss changes for some time, or cannot take them up; empty if all is well."""
    alive: bool = True
    """Whether there is a process of that number."""


@dataclass(frozen=True, slots=True)
class ServiceFile:
    """What was done to the file that makes the watcher a service of the system."""

    file: Path
    action: Literal["written", "unchanged", "removed", "absent"]
    command: str
    """What the user types to start the service, or to end it where it was taken away."""


@dataclass(frozen=True, slots=True)
class StoreStats:
    sources: int
    chunks: int
    skipped: int
    bytes_on_disk: int
    last_indexed_ns: int | None
    identity: IndexIdentity | None
    reasons: Mapping[str, int] = field(default_factory=dict)
    """How many sources were skipped for which reason, the most frequent first."""
    secrets: int = 0
    """How many sources seem to hold keys or passwords."""


# ---- asking ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scope:
    """Which sources may be found; empty means all."""

    collection: str | None = None
    globs: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    """Name endings without the dot, lower case."""
    since_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    scope: Scope = Scope()
    limit: int = 8
    mode: Mode = "hybrid"


@dataclass(frozen=True, slots=True)
class ScoredChunk:
    chunk: Chunk
    score: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """Chunks best first by one way of searching: ``meaning`` scores are cosines, the others BM25.

    ``names`` are found by what a good passage names.
    """

    name: Literal["meaning", "words", "names"]
    entries: tuple[ScoredChunk, ...]


@dataclass(frozen=True, slots=True)
class ScorePart:
    """What one way of searching adds to a hit's score: ``raw * weight``.

    ``raw`` of ``marks`` is the share of the question's codes and quoted phrases that the chunk has; of ``names`` how far
    the chunk is what a better hit names, whose rank before is ``rank``; of ``reranker`` how well a cross-encoder thinks that
    the chunk answers.
    """

    name: Literal["meaning", "words", "marks", "names", "reranker"]
    raw: float
    weight: float
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    chunk: Chunk
    score: float
    meaning_rank: int | None = None
    words_rank: int | None = None
    similarity: float | None = None
    """The cosine between question and chunk, where it was computed."""
    parts: tuple[ScorePart, ...] = ()
    """What the score is the sum of."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    question: Question
    hits: tuple[Hit, ...]
    took_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Passage:
    """A hit as the model sees it: ``text`` is the hit's chunk text, or a part of it."""

    number: int
    hit: Hit
    text: str
    start: int = 0
    """Where in the chunk's text it begins, in characters."""


@dataclass(frozen=True, slots=True)
class Context:
    passages: tuple[Passage, ...]
    left_out: tuple[Hit, ...]
    tokens: int


@dataclass(frozen=True, slots=True)
class Message:
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is told. Contents are plain text: no part of them can become a control token."""

    messages: tuple[Message, ...]
    schema: Mapping[str, Any] | None = None
    """A JSON Schema: the answer is then JSON that fits it, if it is not cut off. None leaves the model free."""


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    name: str
    engine: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    prompt_tokens: int = 0
    answer_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Stop:
    """The last event of a stream of text: why it ended and what it cost."""

    reason: Literal["stop", "length", "loop"]
    """The model was done, was allowed no more, or began to repeat itself."""
    usage: Usage


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of an answer's text; may be empty."""

    text: str


@dataclass(frozen=True, slots=True)
class Citation:
    """Passage ``number`` backs a part of the answer with ``quote``, which stands in the source at ``locator``."""

    number: int
    path: Path
    locator: Locator
    quote: str
    supported: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of an answer that states something, the passages it names, and whether one of them bears it out."""

    text: str
    numbers: tuple[int, ...]
    supported: bool


@dataclass(frozen=True, slots=True)
class FieldValue:
    """One value of a record. ``field`` is its place as a JSON pointer (RFC 6901), as ``/items/0/price``."""

    field: str
    value: str | int | float | bool | None
    citation: Citation | None
    """Where the value stands in the sources; None if it stands nowhere, or if there is none."""

    @property
    def supported(self) -> bool | None:
        """Whether the sources hold the value; None for an empty one, which claims nothing."""
        return None if self.value in (None, "") else self.citation is not None


@dataclass(frozen=True, slots=True)
class Record:
    """What was found for the fields of a schema. ``data`` validates against it."""

    data: Any
    fields: tuple[FieldValue, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    question: Question
    text: str
    outcome: Outcome
    confidence: float
    citations: tuple[Citation, ...] = ()
    context: Context = Context((), (), 0)
    hits: tuple[Hit, ...] = ()
    model: ModelIdentity | None = None
    usage: Usage = Usage()
    took_ms: Mapping[str, float] = field(default_factory=dict)
    record: Record | None = None
    """The answer as data, where a schema was asked for; ``text`` is then its JSON."""
    claims: tuple[Claim, ...] = ()
    """Its sentences, as far as they were looked at one by one."""
    closest: Citation | None = None
    """The sentence that an answer was taken from which was held back as too improbable; whoever asked may judge it better."""


@dataclass(frozen=True, slots=True)
class Retrieved:
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Packed:
    context: Context


@dataclass(frozen=True, slots=True)
class AnswerFinished:
    answer: Answer


AnswerEvent = Retrieved | Packed | Delta | AnswerFinished


# ---- extracting ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ExtractionReport:
    """How much of what was asked for a run of extraction has covered; every file is counted once."""

    files: int = 0
    filled: int = 0
    """A record was made, and at least one of its values stands in the file."""
    nothing: int = 0
    """It was read, and says nothing of what was asked."""
    resumed: int = 0
    """An earlier run had covered it, and it is as it was."""
    partly: int = 0
    """Of those read: too long for the model, which saw only the passages that seemed nearest."""
    failed: int = 0
    """The model made no record of it."""
    skipped: Mapping[str, int] = field(default_factory=dict)
    """How many could not be read, by reason."""
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        return not self.failed and not self.skipped


@dataclass(frozen=True, slots=True)
class ExtractionPlanned:
    files: int
    resumed: int


@dataclass(frozen=True, slots=True)
class Extracted:
    """One file is done. ``shown`` of its ``passages`` were shown to the model."""

    path: Path
    outcome: Literal["filled", "nothing", "skipped", "failed"]
    digest: str = ""
    """Of the file's content; empty if it could not be read."""
    record: Record | None = None
    reason: str = ""
    """A key of ``REASONS`` if it was skipped, ``model-failed`` if the model failed."""
    detail: str = ""
    shown: int = 0
    passages: int = 0


@dataclass(frozen=True, slots=True)
class ExtractionFinished:
    report: ExtractionReport


ExtractionEvent = ExtractionPlanned | Extracted | ExtractionFinished


# ---- conversing ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Turn:
    """A question of a conversation and what was answered: nothing if the files do not say, or if it is not to be kept."""

    question: str
    """As it was typed."""
    standalone: str
    """As it was understood."""
    answer: str = ""


# ---- surveying -------------------------------------------------------------------------------

SurveyKind = Literal["list", "count", "summary"]


@dataclass(frozen=True, slots=True)
class SurveyItem:
    """One thing that the files say, and the numbers of the citations that bear it out; at least one."""

    text: str
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """How much was read of what could have answered. ``chunks >= matching >= read + failed``."""

    chunks: int
    """In the scope of the survey."""
    matching: int
    """Near enough to the question to be read, or of the files to be summarised."""
    read: int
    failed: int = 0
    """The model could not work with them."""
    damaged: int = 0
    """Left out because they are not as they were written."""
    files: int = 0
    """That hold matching chunks."""
    files_read: int = 0
    """Of which every matching chunk was read."""
    skipped: tuple[Unreadable, ...] = ()
    """Files in the scope that the index could not read."""
    floor: float | None = None
    """How near a chunk had to be, as a cosine, unless it holds half of the question's words; None if all were to be read."""
    unsupported: int = 0
    """Statements of the model that no passage bears out; they were left out."""

    @property
    def complete(self) -> bool:
        """Whether everything that matches was read, and no file of the scope is missing from the index."""
        return self.read == self.matching and not (self.damaged or self.skipped)


@dataclass(frozen=True, slots=True)
class Survey:
    """What the files say as a whole. ``answer`` has it as text with its citations; ``items`` has a list's or a count's things."""

    kind: SurveyKind
    answer: Answer
    items: tuple[SurveyItem, ...]
    coverage: Reach


@dataclass(frozen=True, slots=True)
class SurveyPlanned:
    """Said before the first step: what will be read, and about how long it takes, if earlier steps tell."""

    kind: SurveyKind
    chunks: int
    matching: int
    to_read: int
    """Fewer than match where there is a limit."""
    files: int
    steps: int
    steps_known: int
    """Were done by a run that was stopped."""
    seconds: float | None


@dataclass(frozen=True, slots=True)
class SurveyProgressed:
    steps_done: int
    steps_total: int
    chunks_done: int
    chunks_total: int
    path: Path | None
    """The file that was read; None while what was read is put together."""
    found: tuple[str, ...] = ()
    """What this step found."""


@dataclass(frozen=True, slots=True)
class SurveyFinished:
    survey: Survey


SurveyEvent = SurveyPlanned | SurveyProgressed | SurveyFinished


# ---- models and health -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model folder that passed the gate when it was installed."""

    name: str
    role: Role
    folder: Path
    format: Literal["sentence-transformers", "gguf", "mlx"]
    size: int
    source: str
    files: Mapping[str, str]
    """Relative path of each file to its digest."""
    licence: str = ""
    pinned: Literal["catalog", "first-use"] = "first-use"
    """Who says what the digests must be: the catalog, or whoever installed it first."""
    digest: str = ""
    """Of the files' digests, conversions left out: two folders with the same digest are the same model."""
    mlx_folder: Path | None = None
    """What the MLX engine loads: the folder itself, or the conversion inside it; None if there is none."""
    gguf_file: Path | None = None
    """What llama.cpp loads; None if there is none."""


@dataclass(frozen=True, slots=True)
class PullPlanned:
    """Said before the first byte: how many bytes will come, from where, under which licence."""

    name: str
    size: int
    source: str
    licence: str


@dataclass(frozen=True, slots=True)
class PullProgressed:
    """How far one step has come. The last two steps are told once, when they begin: they have no bytes to count."""

    bytes_done: int
    bytes_total: int
    step: Literal["download", "unpack", "tokenizer", "convert"]


@dataclass(frozen=True, slots=True)
class PullFinished:
    """The model is installed and verified; nothing was done if it was already here."""

    model: InstalledModel
    already_here: bool = False


PullEvent = PullPlanned | PullProgressed | PullFinished


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model of the catalog, or one that is only installed. Sizes are in bytes."""

    name: str
    role: Role
    format: Literal["sentence-transformers", "gguf", "mlx"]
    size: int
    """On disk if it is installed, else of the download."""
    source: str
    licence: str = ""
    description: str = ""
    memory: int = 0
    """What it needs while it works; 0 if not known."""
    installed: InstalledModel | None = None
    in_use: bool = False
    """Whether commands take it when none is named."""


# ---- evaluating ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EvaluationProgressed:
    done: int
    total: int
    label: str


@dataclass(frozen=True, slots=True)
class EvaluationFinished:
    """``report`` is what ``eval --json`` prints."""

    report: Mapping[str, object]


EvaluationEvent = EvaluationProgressed | EvaluationFinished


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check saw, and what to do about it."""

    name: str
    level: Literal["ok", "warning", "error"]
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class SealState:
    """Who refuses network sockets to this process and its children: a kernel mechanism, or ``none``."""

    kind: Literal["seccomp", "sandbox", "none"]
    detail: str = ""
