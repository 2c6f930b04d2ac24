"""The rows of the chunk table as plain values: from a chunk, back to a chunk, and the seal that shows any change.

It knows nothing of tables and files.
"""

from __future__ import annotations

import json
import re
import struct
from array import array
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

from ragcli.adapters.compounds import parts_in
from ragcli.types import Chunk, Locator, Vector

PLAIN_COLUMNS = (
    *("id", "source_id", "ordinal", "start", "end", "title", "heading", "first_line", "last_line", "page", "label", "digest"),
    *("lead", "words"),
)
"""Every column but the vector. ``words`` is searched: title, file name, headings and parts of compounds, then the text,
``words[lead:]``."""
_HEX = re.compile(r"[0-9a-f]+")
_AFTER_MEMBER = "\x1f"
"""Stands in the column ``label`` between a member and its label, both of which are one line of text without controls."""

Row = Mapping[str, Any]
"""A row by column, its ``vector`` as the stored bytes."""


def as_row(chunk: Chunk, vector: bytes) -> Row:
    title, heading = storable(chunk.title), [storable(part) for part in chunk.heading]
    parts = storable(" ".join(parts_in(chunk.text)))
    lead = "\n".join(filter(None, dict.fromkeys([title, storable(chunk.path.name), *heading, parts]))) + "\n"
    first_line, last_line = chunk.locator.lines or (None, None)
    return {
        "id": chunk.id,
        "source_id": chunk.source_id,
        "ordinal": chunk.ordinal,
        "start": chunk.start,
        "end": chunk.end,
        "title": title,
        "heading": heading,
        "first_line": first_line,
        "last_line": last_line,
        "page": chunk.locator.page,
        "label": storable(_as_label(chunk.locator)),
        "digest": chunk.digest,
        "lead": len(lead),
        "words": lead + storable(chunk.text),
        "vector": vector,
    }


def as_chunk(row: Row, path: Path) -> Chunk:
    lines = None if row["first_line"] is None else (row["first_line"], row["last_line"])
    return Chunk(
        id=row["id"],
        source_id=row["source_id"],
        path=path,
        title=row["title"],
        heading=tuple(row["heading"]),
        ordinal=row["ordinal"],
        start=row["start"],
        end=row["end"],
        text=row["words"][row["lead"] :],
        locator=_as_locator(lines, row["page"], row["label"]),
        digest=row["digest"],
    )


def _as_label(locator: Locator) -> str:
    return f"{locator.member}{_AFTER_MEMBER}{locator.label}" if locator.member else locator.label


def _as_locator(lines: tuple[int, int] | None, page: int | None, label: str) -> Locator:
    member, mark, rest = label.partition(_AFTER_MEMBER)
    return Locator(lines, page, rest, member) if mark else Locator(lines, page, label)


def stored_vector(row: Row) -> Vector:
    """The row's vector; stored again, it gives the same bytes."""
    return array("f", struct.unpack(f"{len(row['vector']) // 2}e", row["vector"]))


def seal(row: Row) -> bytes:
    """A checksum of all that is stored of a chunk; kept apart from it, in the ledger."""
    plain = json.dumps([row[name] for name in PLAIN_COLUMNS], separators=(",", ":"))
    return blake2b(plain.encode() + row["vector"], digest_size=16).digest()


def among(ids: Iterable[str], column: str = "source_id") -> str:
    """A predicate. Only hex gets into it: nothing that a user or a file can choose ever does."""
    return f"{column} IN ({_hex_list(ids)})"


def not_among(ids: Iterable[str]) -> str:
    return f"source_id NOT IN ({_hex_list(ids)})"


def storable(text: str) -> str:
    """Without the lone surrogates that a file name can bring and Arrow does not take; as long as before."""
    return text.encode("utf-8", "replace").decode()


def _hex_list(ids: Iterable[str]) -> str:
    checked = list(ids)
    if not all(_HEX.fullmatch(each) for each in checked):
        raise ValueError("ids of sources and chunks must be lower-case hex")
    return ",".join(f"'{each}'" for each in checked)
