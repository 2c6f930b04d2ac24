"""Prompts become token ids such that no content can spell a control token. Owns tokenizers and jinja2.

The chat template is rendered with unguessable marks in place of the contents, then template and contents are encoded
apart. Both engines get the same ids. It knows nothing of engines, and nothing of what the contents are about.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from jinja2 import TemplateError, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer

from ragcli.errors import ModelError
from ragcli.types import Prompt

PLAIN_TEMPLATE = (
    "{% if add_bos_token %}{{ bos_token }}{% endif %}"
    "{% for message in messages %}{{ message.role | capitalize }}: {{ message.content }}\n\n{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)
"""For models without a chat template: one labelled paragraph for each message."""

END_OF_TURN = ("<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "</s>", "<end_of_turn>", "<eos>", "<|end|>")
"""Tokens with which known models end a turn, where the model has them as control tokens."""

MARKER = re.compile(r"<[^\s<>]{1,40}>|\[/?[A-Z_]{2,40}\]")
"""What a template may set a role off with in ordinary tokens: ``<|user|>``, ``<<SYS>>``, ``[INST]``."""

Messages = Sequence[Mapping[str, str]]


class ChatEncoder:
    """Encodes for the model in ``folder``: its ``tokenizer.json`` and, where it has one, its chat template.

    A template is ``chat_template.jinja``, else ``chat_template`` in ``tokenizer_config.json``, else ``PLAIN_TEMPLATE``.
    Raises ModelError ``model-failed`` where one of them cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        with translated(folder.name):
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self._settings = _read_json(folder / "tokenizer_config.json")
            self._template = _environment().from_string(_template_source(folder, self._settings))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._name = folder.name
        added = self._tokenizer.get_added_tokens_decoder()
        # Runs of white space are tokens of some models; they control nothing.
        self._controls = {id: token.content for id, token in added.items() if token.content.strip()}
        self._stop_ids = self._find_stop_ids(folder)

    @property
    def stop_ids(self) -> frozenset[int]:
        """The tokens that end an answer."""
        return self._stop_ids

    @property
    def control_ids(self) -> frozenset[int]:
        """The tokens that only the template may use."""
        return frozenset(self._controls)

    def encode_prompt(self, prompt: Prompt) -> list[int]:
        """The prompt in the model's own chat form, up to where the answer begins.

        Raises ModelError ``model-failed`` where the template refuses the roles or leaves out a message.
        """
        nonce = secrets.token_hex(16)
        contents = {f"m{nonce}n{number}m": message.content for number, message in enumerate(prompt.messages)}
        messages = [{"role": message.role, "content": mark} for message, mark in zip(prompt.messages, contents, strict=True)]
        with translated(self._name):
            pieces = re.split(f"(m{nonce}n[0-9]+m)", self._render(messages))
        if contents.keys() - set(pieces):
            message = f"the chat template of {self._name} leaves out a message"
            raise ModelError("model-failed", message, hint="choose another model with --model")
        markers = self._markers([piece for piece in pieces if piece not in contents])
        return [
            id
            for piece in pieces
            for id in (self._encode_content(contents[piece], markers) if piece in contents else self._encode(piece))
        ]

    def encode_text(self, text: str) -> list[int]:
        """The text alone, as an answer would have it."""
        return self._encode_content(text)

    def count_tokens(self, text: str) -> int:
        return len(self.encode_text(text))

    def decode(self, ids: Sequence[int]) -> str:
        """The text of the ids; control tokens have none."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=True)

    def _render(self, messages: Messages, *, answer_next: bool = True) -> str:
        try:
            return self._fill(messages, answer_next)
        except TemplateError:
            # Some models know no system role: theirs is told at the head of the user's turn.
            if len(messages) < 2 or messages[0]["role"] != "system":
                raise
            both = {"role": messages[1]["role"], "content": f"{messages[0]['content']}\n\n{messages[1]['content']}"}
            return self._fill([both, *messages[2:]], answer_next)

    def _fill(self, messages: Messages, answer_next: bool) -> str:
        special = {name: _token_text(value) for name, value in self._settings.items() if name.endswith("_token")}
        # Models that can think aloud would spend the whole answer on it.
        return self._template.render(messages=messages, add_generation_prompt=answer_next, enable_thinking=False, **special)

    def _encode(self, text: str) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def _encode_content(self, text: str, markers: re.Pattern[str] | None = None) -> list[int]:
        """Ids of the text without a control token: what spells one is cut in two and encoded as ordinary text."""
        text = text.encode(errors="replace").decode()  # half a surrogate pair, as in a file name, is no text
        if markers is not None:
            text = markers.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        spans = [span for id, span in zip(encoding.ids, encoding.offsets, strict=True) if id in self._controls]
        cuts = sorted({0, len(text), *(cut for start, end in spans for cut in (start, (start + end + 1) // 2, end))})
        if not spans:
            return encoding.ids
        if len(cuts) <= 2:  # nothing is left to cut: an unknown character, or a control token of one character
            return [id for id in encoding.ids if id not in self._controls]
        return [id for start, end in pairwise(cuts) for id in self._encode_content(text[start:end])]

    def _markers(self, pieces: Sequence[str]) -> re.Pattern[str] | None:
        """Finds in contents what this template marks its roles with in ordinary tokens; None if it does not."""
        found = {marker for piece in pieces for marker in MARKER.findall(piece)} - set(self._controls.values())
        return re.compile("|".join(map(re.escape, sorted(found, key=len, reverse=True)))) if found else None

    def _find_stop_ids(self, folder: Path) -> frozenset[int]:
        ids = {id for id, text in self._controls.items() if text in END_OF_TURN}
        for name in ("generation_config.json", "config.json"):
            value = _read_json(folder / name).get("eos_token_id")
            ids |= {id for id in (value if isinstance(value, list) else [value]) if isinstance(id, int)}
        end = self._tokenizer.token_to_id(_token_text(self._settings.get("eos_token")))
        return frozenset(ids | {id for id in (end, self._end_of_turn()) if id is not None})

    def _end_of_turn(self) -> int | None:
        """The control token that the template itself puts after an assistant's message."""
        mark = f"m{secrets.token_hex(16)}m"
        turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": mark}]
        with translated(self._name):
            following = self._encode(self._render(turns, answer_next=False).partition(mark)[2])
        return following[0] if following and following[0] in self._controls else None


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Errors of tokenizers, jinja2 and the files they read become ModelError ``model-failed``."""
    try:
        yield
    except Exception as error:
        message = f"the tokenizer or chat template of {name} cannot be used ({type(error).__name__})"
        raise ModelError("model-failed", message, hint=f"install it again: ragcli models pull {name}") from error


class GenerationTag(Extension):
    """``{% generation %}…{% endgeneration %}`` marks answers for training; here it is its body."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _environment() -> ImmutableSandboxedEnvironment:
    """Where chat templates expect to be rendered: the globals and filters that model authors rely on."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", GenerationTag]
    )
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = lambda pattern: datetime.now().strftime(pattern)
    environment.filters["tojson"] = lambda value, indent=None: json.dumps(value, ensure_ascii=False, indent=indent)
    return environment


def _raise_exception(message: str) -> None:
    raise TemplateError(message)


def _template_source(folder: Path, settings: Mapping[str, Any]) -> str:
    own_file = folder / "chat_template.jinja"
    if own_file.is_file():
        return own_file.read_text(encoding="utf-8")
    source = settings.get("chat_template") or PLAIN_TEMPLATE
    if isinstance(source, str):
        return source
    named = {entry["name"]: entry["template"] for entry in source}
    return named.get("default") or next(iter(named.values()))


def _read_json(file: Path) -> Mapping[str, Any]:
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def _token_text(value: Any) -> str:
    """Token settings are texts, or tables with the text in ``content``."""
    return str(value.get("content", "")) if isinstance(value, Mapping) else str(value or "")
