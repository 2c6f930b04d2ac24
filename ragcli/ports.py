"""What the flows ask of the machine. An adapter, a test's fake, or a caller's own object fits by shape."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from ragcli.types import (
    Chunk,
    Delta,
    Document,
    EmbeddedChunk,
    FileStamp,
    Finding,
    IndexIdentity,
    ModelIdentity,
    Piece,
    Prompt,
    Ranking,
    Root,
    Scope,
    SourceUpdate,
    Stop,
    StoredSource,
    StoreStats,
    Unreadable,
    Vector,
    Walked,
)

Split = Callable[[str, str], Sequence[Piece]]
"""``(text, kind) → pieces``: in order, not overlapping, leaving out nothing but white space."""


class Walker(Protocol):
    def walk(self, roots: Iterable[Root]) -> Walked:
        """Every regular file below the roots that no rule leaves out, each once, in path order."""
        ...


class Reader(Protocol):
    fingerprint: str
    """Changes whenever the same bytes could give another document."""

    def read(self, stamps: Iterable[FileStamp]) -> Iterator[tuple[FileStamp, Document | Unreadable]]:
        """One result for each stamp, in order, read ahead of the consumer. Never raises for a bad file."""
        ...

    def close(self) -> None:
        """No process or file of its own is left; it can be read with again."""
        ...


class Embedder(Protocol):
    name: str
    digest: str
    dimension: int
    prefixes: tuple[str, str]
    token_limit: int

    def embed_passages(self, texts: Sequence[str]) -> Sequence[Vector]:
        """One unit vector for each text, in order, all finite."""
        ...

    def embed_query(self, text: str) -> Vector: ...


class Reranker(Protocol):
    """Reads a question and a text together, which an embedder never does."""

    name: str

    def score(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        """How well each text answers the question, in order: 0 not at all, 1 wholly."""
        ...


class Store(Protocol):
    """Sources and their chunks. Reading never locks and never writes; ``writing`` holds the one writer's lock."""

    def identity(self) -> IndexIdentity | None:
        """What the index was made with; None while there is no index."""
        ...

    def writing(self, identity: IndexIdentity) -> AbstractContextManager[None]:
        """Inside, this process is the one writer.

        Raises StoreError: ``index-locked`` if another is, ``index-mismatch`` if the index has another identity.
        """
        ...

    def sources(self) -> Mapping[str, StoredSource]:
        """Every known source by its id, skipped ones included."""
        ...

    def roots(self) -> tuple[Root, ...]: ...

    def remember_roots(self, roots: Sequence[Root]) -> None: ...

    def forget_roots(self, roots: Sequence[Root]) -> None: ...

    def replace(self, updates: Sequence[SourceUpdate]) -> None:
        """All updates are durable, each source swapped whole, in one commit. No reader sees a gap."""
        ...

    def refresh(self, sources: Sequence[StoredSource]) -> None:
        """The sources' stamps are updated; their chunks stay."""
        ...

    def remove(self, sources: Sequence[StoredSource]) -> None: ...

    def finish(self, *, quick: bool = False) -> None:
        """The word index covers every chunk and old versions are gone. Called once at the end of a writing run.

        Nothing of what was removed is left in any file. With ``quick`` that may stay there for some time, and a large index
        may leave the rest to a later run too, if little was written: everything is found all the same.
        """
        ...

    def reset(self, identity: IndexIdentity) -> None:
        """Nothing is indexed and the index is of this identity; the roots stay. Inside ``writing`` or by itself."""
        ...

    def check(self, *, read_data: bool = False) -> Iterator[Finding]:
        """What is wrong with the index, if anything; with ``read_data`` every byte of it is compared."""
        ...

    def repair(self) -> tuple[StoredSource, ...]:
        """Every chunk is as it was written; the sources that had others are forgotten and returned, to be read again."""
        ...

    @property
    def holds_chunks(self) -> bool:
        """Whether there is anything to find; quick in an index of any size."""
        ...

    @property
    def unfinished(self) -> bool:
        """A run was cut off before its ``finish``: everything is found, but slower than it could be."""
        ...

    @property
    def damaged(self) -> int:
        """How many chunks were left out of what was read because they are not as they were written."""
        ...

    def chunks_of(self, source_id: str) -> tuple[Chunk, ...]:
        """The source's chunks in order."""
        ...

    def embedded_chunks(self, source_ids: Sequence[str]) -> Mapping[str, tuple[EmbeddedChunk, ...]]:
        """The chunks of each source in order, with their vectors as they are stored."""
        ...

    def search_meaning(self, vector: Vector, *, limit: int, scope: Scope) -> Ranking: ...

    def search_words(self, text: str, *, limit: int, scope: Scope) -> Ranking: ...

    def search_both(self, text: str, vector: Vector, *, limit: int, scope: Scope) -> tuple[Ranking, Ranking]:
        """What ``search_words`` and ``search_meaning`` bring, of one state of the index and sooner than one by one."""
        ...

    def similarities(self, vector: Vector, chunk_ids: Sequence[str]) -> Mapping[str, float]:
        """The cosine of each known chunk to the vector."""
        ...

    def stats(self) -> StoreStats: ...

    def close(self) -> None: ...


class LanguageModel(Protocol):
    identity: ModelIdentity
    window: int
    """How many tokens prompt and answer may have together."""

    def count_tokens(self, text: str) -> int: ...

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Iterator[Delta | Stop]:
        """Deltas, then exactly one Stop. Closing the iterator stops the work.

        Under the prompt's schema the text is JSON that fits it, unless the Stop says that it was cut off.
        """
        ...

    def first_tokens(self, prompt: Prompt) -> Mapping[str, float]:
        """The likeliest tokens for an answer to begin with, each with its probability; at least the ten likeliest."""
        ...

    def likelihoods(self, prompt: Prompt, text: str) -> tuple[float, ...]:
        """How likely each token of the text is to come next if the text is the answer: natural logarithms, none above 0.

        Tokens that are only part of a character may be missing.
        """
        ...

    def close(self) -> None: ...


class StepMemory(Protocol):
    """What a model said to the steps of a survey, kept for the day that the survey goes on."""

    pace: float | None
    """Seconds that a token of a prompt took when it was last measured, its share of the reply included; None if never."""

    def recall(self, step: str) -> str | None:
        """The reply that was kept for the step of this digest."""
        ...

    def keep(self, step: str, reply: str) -> None:
        """The reply is recalled from now on, by later processes too where there is room for it."""
        ...


class PromptEncoder(Protocol):
    """Turns prompts into token ids such that no content can spell a control token."""

    def encode_prompt(self, prompt: Prompt) -> list[int]: ...

    def encode_text(self, text: str) -> list[int]: ...

    def count_tokens(self, text: str) -> int: ...

    def decode(self, ids: Sequence[int]) -> str: ...

    @property
    def stop_ids(self) -> frozenset[int]: ...


class Constraint(Protocol):
    """Which tokens may come next, so that what is said stays within a form."""

    def add(self, token: int) -> None:
        """The token was said."""
        ...

    def allowed(self) -> Any:
        """An array of true and false, one for each token that the model tells apart."""
        ...


Constrain = Callable[[Mapping[str, Any], int], Constraint]
"""Begins a constraint to JSON of a schema, given how many tokens the model tells apart."""


class Watcher(Protocol):
    trouble: str
    """Why changes may go unheard from now on, in words; empty while all are heard."""

    def tend(self, roots: Sequence[Path]) -> bool:
        """Exactly these roots are watched, those too that went away and are back.

        Gives whether changes may have gone unheard, so that somebody had better look.
        """
        ...

    def next_change(self, timeout: float) -> Path | None:
        """A path near which something may have changed, or None after ``timeout`` seconds of silence."""
        ...

    def close(self) -> None: ...
