"""A language model that says what it was told to say, and remembers what it was asked."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from ragcli.errors import prompt_too_long
from ragcli.steps.dissenting import SAME_TASK
from ragcli.steps.fitting import fits
from ragcli.steps.tasks import SENTENCE_TASK, SENTENCE_TASKS, SHORT_TASK
from ragcli.types import Delta, ModelIdentity, Prompt, Stop, Usage

WORDINGS = (SHORT_TASK, SENTENCE_TASK, *SENTENCE_TASKS.values())
"""The tasks that ask for one fact in other words."""


def as_json(reply: str, schema: Mapping[str, Any]) -> str:
    """The reply if it is JSON that fits the schema, else JSON that does and says as little as can be."""
    try:
        return reply if fits(json.loads(reply), schema) else json.dumps(smallest(schema))
    except ValueError:
        return json.dumps(smallest(schema))


def smallest(schema: Mapping[str, Any]) -> object:
    """The first value that comes to mind and fits. Patterns and least lengths are beyond it."""
    if "anyOf" in schema:
        return smallest(schema["anyOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema["type"] if isinstance(schema["type"], str) else schema["type"][0]
    if kind == "object":
        return {name: smallest(each) for name, each in schema["properties"].items()}
    if kind in ("integer", "number"):
        return max(0, schema.get("minimum", 0))
    text = "2026-01-31" if "format" in schema else "?"
    return {"string": text, "boolean": True, "null": None, "array": []}[kind]


class ScriptedModel:
    """Gives the enqueued replies in order, word by word; then ``always``, if there is one. A token is a word.

    Asked the same again in other words it says ``sentence``, or its last reply again.
    """

    def __init__(self, *replies: str, always: str | None = None, window: int = 4096) -> None:
        self.identity = ModelIdentity("scripted", "fake")
        self.window = window
        self.prompts: list[Prompt] = []
        self.judged: list[Prompt] = []
        self.weighed: list[str] = []
        self.reworded: list[Prompt] = []
        self.sentence = ""
        self.verdict = 0.95
        self.sameness = 0.95
        self.likelihood = -1.0
        self.closed = False
        self._replies = deque(replies)
        self._always = always
        self._last = ""
        self._about: str | None = None

    def enqueue(self, *replies: str) -> None:
        self._replies.extend(replies)

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Iterator[Delta | Stop]:
        tokens = self._fitting(prompt)
        asked = prompt.messages[-1].content
        about = next((asked.removesuffix(task) for task in WORDINGS if asked.endswith(task)), None)
        if about is not None and about == self._about:
            self.reworded.append(prompt)
            reply = self.sentence or self._last
        else:
            self.prompts.append(prompt)
            reply = self._replies.popleft() if self._replies else self._always
            self._about = about
        assert reply is not None, "the model was asked more often than the test enqueued replies"
        self._last = reply
        if prompt.schema is not None:
            reply = as_json(reply, prompt.schema)
        return self._say(re.findall(r"\s*\S+", reply), tokens, max(1, min(max_tokens, self.window - tokens)))

    def first_tokens(self, prompt: Prompt) -> Mapping[str, float]:
        """Its ``verdict`` where it shall say yes or no, or its ``sameness`` of two answers.

        Else nearly sure of the next reply's first word, which is not used up.
        """
        self.judged.append(prompt)
        if prompt.messages[-1].content.endswith("yes or no."):
            sure = self.sameness if prompt.messages[-1].content.endswith(SAME_TASK) else self.verdict
            return {"Yes": sure, "No": 1 - sure}
        reply = self._replies[0] if self._replies else self._always or "?"
        return {reply.split()[0]: 0.9, "…": 0.1}

    def likelihoods(self, prompt: Prompt, text: str) -> tuple[float, ...]:
        """Its ``likelihood`` for every word."""
        self._fitting(prompt, beside=text)
        self.judged.append(prompt)
        self.weighed.append(text)
        return tuple(self.likelihood for _ in text.split())

    def close(self) -> None:
        self.closed = True

    def _fitting(self, prompt: Prompt, *, beside: str = "") -> int:
        """The tokens of the prompt and of what comes beside it, if the window holds them."""
        tokens = sum(map(self.count_tokens, (*(message.content for message in prompt.messages), beside)))
        if tokens >= self.window:
            raise prompt_too_long(tokens, self.window)
        return tokens

    def _say(self, words: list[str], prompt_tokens: int, most: int) -> Iterator[Delta | Stop]:
        for word in words[:most]:
            yield Delta(word)
        yield Stop("length" if len(words) > most else "stop", Usage(prompt_tokens, min(len(words), most)))
