"""How ragcli fails: each error has a slug for scripts, an exit status by family, one line, and a hint that mends it.

RagError                     status
├── UsageError          2    empty-question, bad-argument, bad-schema, remote-path
├── ConfigError         3    unknown-setting, bad-setting, bad-config, airgap-unavailable
├── StoreError          4    index-missing, index-empty, index-locked, index-mismatch, index-damaged, index-newer,
│                            disk-full, unsafe-folder, already-watching, run-died
├── ModelError          5    model-missing, model-unknown, model-refused, model-failed, engine-missing, download-failed,
│                            digest-mismatch, conversion-failed
└── SourceError         6    path-missing, path-unreadable, nothing-to-index, not-indexed, reader-failed
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar

DONE_WITH_SKIPS = 10
NO_EVIDENCE = 11
INTERRUPTED = 130
BROKEN_PIPE = 141


class RagError(Exception):
    """The root: ``message`` says what happened, ``hint`` says what to type next; both are one line."""

    status: ClassVar[int] = 1
    slugs: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, slug: str, message: str, *, hint: str) -> None:
        if slug not in self.slugs:
            raise ValueError(f"{slug!r} is not a slug of {type(self).__name__}")
        if not hint:
            raise ValueError("every error needs a hint")
        super().__init__(message)
        self.slug = slug
        self.message = " ".join(message.split())
        self.hint = " ".join(hint.split())

    def __reduce__(self) -> tuple[object, ...]:
        """What a process that works for another meets can be told to that one."""
        return partial(type(self), hint=self.hint), (self.slug, self.message)


class UsageError(RagError):
    status = 2
    slugs = frozenset({"empty-question", "bad-argument", "bad-schema", "remote-path"})


class ConfigError(RagError):
    status = 3
    slugs = frozenset({"unknown-setting", "bad-setting", "bad-config", "airgap-unavailable"})


class StoreError(RagError):
    status = 4
    slugs = frozenset(
        {
            "index-missing",
            "index-empty",
            "index-locked",
            "index-mismatch",
            "index-damaged",
            "index-newer",
            "disk-full",
            "unsafe-folder",
            "already-watching",
            "run-died",
        }
    )


class ModelError(RagError):
    status = 5
    slugs = frozenset(
        {
            "model-missing",
            "model-unknown",
            "model-refused",
            "model-failed",
            "engine-missing",
            "download-failed",
            "digest-mismatch",
            "conversion-failed",
        }
    )


class SourceError(RagError):
    status = 6
    slugs = frozenset({"path-missing", "path-unreadable", "nothing-to-index", "not-indexed", "reader-failed"})


FAMILIES: tuple[type[RagError], ...] = (UsageError, ConfigError, StoreError, ModelError, SourceError)


def prompt_too_long(tokens: int, window: int) -> ModelError:
    """What every engine raises for a prompt that leaves no room for an answer."""
    message = f"the prompt has {tokens} tokens, the model can take {window} with its answer"
    return ModelError("model-failed", message, hint="show it less: fewer hits with -k, or a smaller answer.context_tokens")
