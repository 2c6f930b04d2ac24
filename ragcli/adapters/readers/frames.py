"""What travels between the asking process and the worker: length-prefixed frames of JSON and UTF-8.

The worker has touched hostile bytes, so nothing it sends is believed: no pickle, every length bounded, every field checked.
"""

from __future__ import annotations

import json
import os
import struct
from itertools import pairwise
from pathlib import Path
from typing import Any

from ragcli.adapters.readers.parsed import MAX_TEXT_BYTES, Parsed, UnreadableError
from ragcli.types import REASONS, Block, Document, Locator, Unreadable

PREFIX = struct.Struct(">II")
"""Lengths in bytes of header and text."""
REQUEST = struct.Struct(">I")
MAX_HEADER_BYTES = 64 << 20
HELLO = b'{"hello":1}'
ALIVE = b'{"alive":1}'
"""Between the steps of a file that takes long. It says nothing else, and nothing else is read from it."""
KINDS = frozenset({"prose", "markdown", "code", "table"})
LONGEST_LINE = 500
"""Of a title, a heading or a detail, in characters."""


def encode_request(path: Path) -> bytes:
    name = os.fsencode(path)
    return REQUEST.pack(len(name)) + name


def encode_answer(result: Parsed | UnreadableError, digest: str) -> bytes:
    """One frame. Blocks are rows of start, end, first line, last line, page, label, member, heading."""
    if isinstance(result, UnreadableError):
        return _frame({"reason": result.reason, "detail": result.detail, "digest": digest}, b"")
    rows = [_row(block) for block in result.blocks]
    header = {"title": result.title, "kind": result.kind, "digest": digest, "blocks": rows}
    return _frame(header, result.text.encode("utf-8"))


def _row(block: Block) -> list[Any]:
    place = block.locator
    return [block.start, block.end, *(place.lines or (None, None)), place.page, place.label, place.member, block.heading]


def encode_hello() -> bytes:
    return PREFIX.pack(len(HELLO), 0) + HELLO


def encode_alive() -> bytes:
    return PREFIX.pack(len(ALIVE), 0) + ALIVE


def _frame(header: dict[str, Any], text: bytes) -> bytes:
    encoded = json.dumps(header, separators=(",", ":")).encode("ascii")
    return PREFIX.pack(len(encoded), len(text)) + encoded + text


def frame_length(prefix: bytes) -> tuple[int, int]:
    """Lengths of header and text. Raises ValueError if they are beyond what a worker may send."""
    header, text = PREFIX.unpack(prefix)
    if header > MAX_HEADER_BYTES or text > MAX_TEXT_BYTES:
        raise ValueError("a frame over the limit")
    return header, text


def decode_answer(path: Path, header: bytes, text: bytes) -> Document | Unreadable:
    """The document, every invariant of its blocks checked. Raises ValueError if the frame is not what a worker sends."""
    try:
        fields = json.loads(header)
        digest = _checked_digest(fields["digest"])
        if "reason" in fields:
            return _unreadable(path, fields, digest)
        decoded = text.decode("utf-8")
        blocks = tuple(_block(row) for row in fields["blocks"])
        kind, title = fields["kind"], _line(fields["title"])
    except (KeyError, TypeError, IndexError, RecursionError) as error:
        raise ValueError("a frame of another shape") from error
    ends = [0, *(end for block in blocks for end in (block.start, block.end)), len(decoded)]
    if kind not in KINDS or any(left > right for left, right in pairwise(ends)):
        raise ValueError("blocks out of order")
    if not blocks:
        return Unreadable(path, "empty", digest=digest)
    return Document(path=path, title=title or _spelled(path.stem), text=decoded, digest=digest, kind=kind, blocks=blocks)


def _unreadable(path: Path, fields: dict[str, Any], digest: str) -> Unreadable:
    if fields["reason"] not in REASONS:
        raise ValueError("an unknown reason")
    return Unreadable(path, fields["reason"], _line(fields["detail"]), digest)


def _block(row: list[Any]) -> Block:
    start, end, first, last, page, label, member, heading = row
    numbers = [start, end, *(number for number in (first, last, page) if number is not None)]
    if any(type(number) is not int or number < 0 for number in numbers) or (first is None) != (last is None):
        raise ValueError("a block of another shape")
    lines = None if first is None else (first, last)
    return Block(start, end, Locator(lines, page, _line(label), _line(member)), tuple(_line(step) for step in heading))


def _spelled(name: str) -> str:
    """A file name as text: what is no UTF-8 in it is shown by a mark, since no tokenizer takes half a character."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _line(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("text expected")
    return " ".join(value[:LONGEST_LINE].split())


def _checked_digest(value: Any) -> str:
    if not isinstance(value, str) or len(value) not in (0, 64) or value.strip("0123456789abcdef"):
        raise ValueError("a digest expected")
    return value
