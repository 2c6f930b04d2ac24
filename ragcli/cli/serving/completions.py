"""Requests and answers in the form of OpenAI's chat completions. It knows no HTTP.

The last user message is the question, those before it the conversation; a system message is not passed on, since what the
model is told here keeps its answers to the files. Sampling parameters change nothing: the likeliest answer is given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ragcli.assistant import Assistant
from ragcli.cli.serving import desk
from ragcli.steps.cleaning import StreamCleaner, clean
from ragcli.steps.linking import LinkFilter, plain_links
from ragcli.types import Answer, AnswerEvent, AnswerFinished, Citation, Delta, Turn

NAME = "ragcli"
MODEL = {"id": NAME, "object": "model", "created": 0, "owned_by": "this machine"}
NOT_IN_FILES = "Not in your files."
UNKNOWN_TO_US = ("tools", "functions", "audio", "modalities", "prediction", "logprobs", "web_search_options")
"""What asks for more than text: to pass it over would be to promise it."""


class BadRequestError(Exception):
    def __init__(self, message: str, code: str = "bad_request", status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True)
class Asked:
    question: str
    turns: tuple[Turn, ...] = ()
    schema: Mapping[str, Any] | None = None
    max_tokens: int | None = None
    stream: bool = False
    with_usage: bool = False


def read_request(body: Mapping[str, Any]) -> Asked:
    """Raises BadRequestError for what cannot be done as it is asked."""
    if body.get("model", NAME) != NAME:
        raise BadRequestError(f"there is one model here: {NAME}", "model_not_found", 404)
    for name in UNKNOWN_TO_US:
        if body.get(name):
            raise BadRequestError(f"{name} cannot be had here", "unsupported_parameter")
    if body.get("n", 1) not in (1, None):
        raise BadRequestError("n can only be 1", "unsupported_parameter")
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise BadRequestError("max_tokens is no number above 0")
    *before, question = _spoken(body.get("messages"))
    options = body.get("stream_options")
    return Asked(
        question[1],
        _turns(before),
        _schema(body.get("response_format")),
        limit,
        bool(body.get("stream")),
        isinstance(options, Mapping) and bool(options.get("include_usage")),
    )


def _spoken(messages: object) -> list[tuple[str, str]]:
    """Who said what, user and assistant alone. The last is the user's."""
    if not isinstance(messages, Sequence) or isinstance(messages, str):
        raise BadRequestError("messages is no list")
    spoken = []
    for message in messages:
        role = message.get("role") if isinstance(message, Mapping) else None
        if not isinstance(role, str):
            raise BadRequestError("a message has no role")
        if role in ("user", "assistant"):
            spoken.append((role, _text_of(message.get("content"))))
    if not spoken or spoken[-1][0] != "user" or not spoken[-1][1].strip():
        raise BadRequestError("the last message is no question of the user's")
    return spoken


def _text_of(content: object) -> str:
    if isinstance(content, str) or content is None:
        return content or ""
    parts = content if isinstance(content, Sequence) else [None]
    texts = [part.get("text") if isinstance(part, Mapping) and part.get("type") == "text" else None for part in parts]
    if any(not isinstance(text, str) for text in texts):
        raise BadRequestError("only text can be read", "unsupported_content")
    return "\n".join(map(str, texts))


def _turns(spoken: Sequence[tuple[str, str]]) -> tuple[Turn, ...]:
    """Each earlier question with the answer that follows it."""
    turns: list[Turn] = []
    for role, text in spoken:
        if role == "user":
            turns.append(Turn(text, text))
        elif turns:
            turns[-1] = Turn(turns[-1].question, turns[-1].standalone, text)
    return tuple(turns)


def _schema(wanted: object) -> Mapping[str, Any] | None:
    if not isinstance(wanted, Mapping) or wanted.get("type") in (None, "text"):
        return None
    schema = wanted.get("json_schema")
    if wanted["type"] != "json_schema" or not isinstance(schema, Mapping) or not isinstance(schema.get("schema"), Mapping):
        raise BadRequestError("response_format is text, or json_schema with a schema", "unsupported_parameter")
    return schema["schema"]


def begin(assistant: Assistant, asked: Asked) -> Callable[[Assistant], Iterator[AnswerEvent]]:
    """How to begin the answer. A question that leans on earlier ones is put on its own feet first."""
    text = assistant.stand_alone(asked.question, asked.turns).text if asked.turns else asked.question
    question = desk.question_of(assistant, text, {})
    schema = asked.schema
    if schema is not None:
        return lambda each: each.record_events(question, schema)
    return lambda each: each.ask_events(question, max_tokens=asked.max_tokens)


# ---- answers ---------------------------------------------------------------------------------


def whole(answer: Answer, identifier: str, created: int) -> desk.Json:
    """The answer, safe to show, with its citations twice: as annotations of the text, and whole under ``ragcli``."""
    text = clean(plain_links(answer.text)) if answer.record is None else answer.text
    text = text if answer.outcome == "answered" else NOT_IN_FILES
    message = {"role": "assistant", "content": text, "refusal": None, "annotations": annotate(text, answer.citations)}
    return {
        "id": identifier,
        "object": "chat.completion",
        "created": created,
        "model": NAME,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": usage(answer),
        NAME: desk.answer_reply(answer),
    }


def usage(answer: Answer) -> desk.Json:
    prompt, completion = answer.usage.prompt_tokens, answer.usage.answer_tokens
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def annotate(text: str, citations: Sequence[Citation]) -> list[desk.Json]:
    """Each number in the text that stands for a source: where it stands, and the file's address."""
    sources = {citation.number: citation for citation in citations if citation.supported}
    return [
        {"type": "url_citation", "url_citation": {"start_index": found.start(), "end_index": found.end(), **_address(source)}}
        for found in re.finditer(r"\[(\d+)\]", text)
        if (source := sources.get(int(found[1])))
    ]


def _address(citation: Citation) -> desk.Json:
    lines, page = citation.locator.lines, citation.locator.page
    place = f"#L{lines[0]}" if lines else f"#page={page}" if page else ""
    path = quote(str(citation.path).encode(errors="surrogateescape"))
    return {"url": f"file://{path}{place}", "title": desk.cleaned(f"{citation.path.name}, {citation.locator.describe()}")}


class Pieces:
    """An answer's events as chunks of a stream: cleaned as they come, the citations with the last."""

    def __init__(self, asked: Asked, identifier: str, created: int) -> None:
        self._asked = asked
        self._frame = {"id": identifier, "object": "chat.completion.chunk", "created": created, "model": NAME}
        self._links, self._cleaner, self._said = LinkFilter(), StreamCleaner(), ""

    def first(self) -> desk.Json:
        return self._chunk({"role": "assistant", "content": ""})

    def of(self, event: AnswerEvent) -> Iterator[desk.Json]:
        """The chunks that tell the event; most tell none."""
        if isinstance(event, Delta) and event.text:
            yield from self._content(self._safe(event.text))
        elif isinstance(event, AnswerFinished):
            answer = event.answer
            rest = self._links.flush()
            yield from self._content(self._cleaner.feed(rest) + self._cleaner.flush())
            if not self._said:
                yield from self._content(answer.text if answer.outcome == "answered" else NOT_IN_FILES)
            last = self._chunk({"annotations": annotate(self._said, answer.citations)}, "stop")
            yield {**last, NAME: desk.answer_reply(answer)}
            if self._asked.with_usage:
                yield {**self._frame, "choices": [], "usage": usage(answer)}

    def _safe(self, text: str) -> str:
        return text if self._asked.schema is not None else self._cleaner.feed(self._links.feed(text))

    def _content(self, text: str) -> Iterator[desk.Json]:
        if text:
            self._said += text
            yield self._chunk({"content": text})

    def _chunk(self, delta: desk.Json, finish: str | None = None) -> desk.Json:
        return {**self._frame, "choices": [{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}]}
