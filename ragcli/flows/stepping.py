"""A model asked step by step: what it said is remembered, how long it took is measured, and a step that fails ends nothing.

It knows nothing of what the steps are for.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ragcli.errors import ModelError
from ragcli.ports import LanguageModel, StepMemory
from ragcli.steps.sentences import find_loop
from ragcli.types import Delta, Prompt, Usage

FAILURES_BORNE = 3
"""Steps that may fail before any has succeeded: then it is the model, and not what it reads."""


@dataclass
class StepAsker:
    """Asks the model step by step; what it said before, in this run or one that was stopped, is not asked again."""

    model: LanguageModel
    memory: StepMemory
    usage: Usage = Usage()
    failed: int = 0
    succeeded: int = 0
    clock: Callable[[], float] = time.monotonic
    _timed: tuple[float, int] = field(default=(0.0, 0))

    def is_known(self, prompt: Prompt, max_tokens: int) -> bool:
        return self.memory.recall(self._digest(prompt, max_tokens)) is not None

    def estimate(self, prompts: Iterable[Prompt], max_tokens: int) -> float | None:
        """About how many seconds the prompts that are not known yet take; None if no step was ever timed."""
        if self.memory.pace is None:
            return None
        return sum(self._tokens(prompt) for prompt in prompts if not self.is_known(prompt, max_tokens)) * self.memory.pace

    def ask(self, prompt: Prompt, max_tokens: int) -> str | None:
        """What the model says, up to where it repeats itself; None if it failed at this prompt.

        Raises ModelError if it has failed at each of the first ``FAILURES_BORNE``.
        """
        step = self._digest(prompt, max_tokens)
        known = self.memory.recall(step)
        if known is None:
            try:
                known = self._say(prompt, max_tokens)
            except ModelError:
                self.failed += 1
                if self.failed >= FAILURES_BORNE and not self.succeeded:
                    raise
                return None
            self.memory.keep(step, known)
        self.succeeded += 1
        return known

    def _say(self, prompt: Prompt, max_tokens: int) -> str:
        started, tokens = self.clock(), self._tokens(prompt)
        said, pieces = "", 0
        for event in self.model.stream(prompt, max_tokens=max_tokens):
            if isinstance(event, Delta):
                said, pieces = said + event.text, pieces + 1
                if find_loop(said) is not None:
                    break
        seconds, total = self._timed[0] + self.clock() - started, self._timed[1] + tokens
        self._timed = seconds, total
        self.memory.pace = seconds / max(1, total)
        self.usage = Usage(self.usage.prompt_tokens + tokens, self.usage.answer_tokens + pieces)
        return said

    def _tokens(self, prompt: Prompt) -> int:
        return sum(self.model.count_tokens(message.content) for message in prompt.messages)

    def _digest(self, prompt: Prompt, max_tokens: int) -> str:
        made_by = self.model.identity
        told = [made_by.name, made_by.digest, max_tokens, *([message.role, message.content] for message in prompt.messages)]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()
