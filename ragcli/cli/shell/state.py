"""What a session of the shell knows: its assistant, what was asked and answered, what numbers stand for, what was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ragcli.cli.options import endings_of, parse_since
from ragcli.cli.session import Session
from ragcli.cli.showing.paper import age, plural
from ragcli.config import Value
from ragcli.types import Answer, Hit, Question, Scope, StoreStats, Turn

if TYPE_CHECKING:
    from ragcli.assistant import Assistant


class ShellState:
    """The state that commands read and change. The assistant is made anew where a choice asks for another."""

    def __init__(self, session: Session, model: str | None) -> None:
        self.session, self.left = session, False
        self.flags: dict[str, Value] = {"answer.model": model} if model else {}
        self.filters: dict[str, list[str]] = {}
        """What /filter chose, by ``in``, ``type``, ``since``."""
        self.said: list[tuple[Turn, Answer]] = []
        self.numbered: dict[int, Hit] = {}
        """What a number stands for since the last answer or search."""
        self.memory: list[Turn] = []
        """What follow-up questions lean on: turns of an earlier session too."""
        self.name = ""
        """The saved session that further turns are added to."""
        self._assistant: Assistant | None = None
        self._stats: StoreStats | None = None

    @property
    def assistant(self) -> Assistant:
        if self._assistant is None:
            config = self.session.config_with(dict(self.flags))
            self._assistant = self.session.make_assistant(config, self.session.locations)
        return self._assistant

    def close(self) -> None:
        if self._assistant is not None:
            self._assistant.close()
            self._assistant = None

    @property
    def stats(self) -> StoreStats:
        """Of the index, as it was when something was last done to it."""
        if self._stats is None:
            self._stats = self.assistant.stats()
        return self._stats

    def look_again(self) -> None:
        """What was known of the index may have changed."""
        self._stats = None

    @property
    def answer(self) -> Answer | None:
        """The last one."""
        return self.said[-1][1] if self.said else None

    def question(self, text: str) -> Question:
        found = self.assistant.config.search
        return Question(text, self.scope(), found.limit, self.session.mode(found.mode))

    def scope(self) -> Scope:
        """Raises UsageError ``bad-argument`` for a date that cannot be read."""
        since = self.filters.get("since")
        since_ns = parse_since(since[-1], self.session.now()) if since else None
        chosen: Mapping[str, list[str]] = self.filters
        return Scope(self.session.collection or None, tuple(chosen.get("in", ())), endings_of(chosen.get("type")), since_ns)

    def status_line(self) -> str:
        """Model, index and its age, speed of the last answer, and what narrows the search: one line."""
        parts = [self._model_name(), self._index_age()]
        if speed := tokens_per_second(self.answer):
            parts.append(f"{speed:.0f} tokens/s")
        if self.session.collection:
            parts.append(f"collection {self.session.collection}")
        parts += [f"{name}={','.join(values)}" for name, values in self.filters.items()]
        if self.name:
            parts.append(f"saved as {self.name}")
        return self.session.side_paper.line(" · ".join(part for part in parts if part))

    def _model_name(self) -> str:
        answered = next((answer.model for _, answer in reversed(self.said) if answer.model), None)
        chosen = str(self.flags.get("answer.model", self.assistant.config.answer.model))
        return chosen if chosen != "auto" else answered.name if answered else "model: auto"

    def _index_age(self) -> str:
        if not self.stats.sources or self.stats.last_indexed_ns is None:
            return "nothing indexed"
        return f"{plural(self.stats.sources, 'file')}, indexed {age(self.session.now() - self.stats.last_indexed_ns / 1e9)}"


def tokens_per_second(answer: Answer | None) -> float:
    """How fast the answer was written; 0 if not known."""
    took = answer.took_ms.get("answer", 0.0) if answer else 0.0
    return answer.usage.answer_tokens / took * 1000 if answer and took else 0.0
