"""Whether the header of a weight file can be what its format allows: said before any parser in C sees the file.

A header says where in the file things are and how many there are; a parser that believes one that lies reads outside of
its memory. Here every count, length and place is compared with the file's size, in Python, where a lie is an exception.
Formats: safetensors (an 8-byte length, then JSON) and GGUF versions 2 and 3, as their specifications describe them.
Knows nothing of what weights mean.
"""

from __future__ import annotations

import json
import mmap
import struct
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

SAFETENSORS_HEADER = 100_000_000
"""The library's own limit; a real header has some kilobytes for each layer."""
MAX_TENSORS, MAX_ENTRIES = 65_536, 65_536
MAX_NAME = 65_535
"""Bytes of a key, by the specification of GGUF; names of tensors have far fewer."""
MAX_DIMENSIONS = 4
LARGEST_ALIGNMENT = 1 << 16
FIXED_SIZES: Mapping[int, int] = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""GGUF's value types but text and array: bytes each."""
TEXT, ARRAY = 8, 9
BLOCKS: Mapping[int, tuple[int, int]] = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 10: (256, 84), 11: (256, 110),
    12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 20: (32, 18), 24: (1, 1), 25: (1, 2), 26: (1, 4),
    27: (1, 8), 28: (1, 8), 30: (1, 2),
}  # fmt: skip
"""How many weights of a tensor type make a block, and its bytes; the rarer types are only known to begin in the file."""
TENSOR_TYPES = 64
"""No type of GGML has a number as large."""
ARCHITECTURE, ALIGNMENT = b"general.architecture", b"general.alignment"
COUNTED = {"I8": 1, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2}
COUNTED |= {"I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8, "C64": 8}
"""The number types of safetensors, and their bytes; of others the size is not compared."""


class BadHeaderError(Exception):
    """What is wrong with the file, in a few words."""


def check_header(path: Path) -> None:
    """The header of the ``.safetensors`` or ``.gguf`` file speaks of nothing outside of the file. Raises BadHeaderError."""
    check = _check_safetensors if path.suffix == ".safetensors" else _check_gguf
    try:
        check(path)
    except (struct.error, ValueError, KeyError, TypeError, IndexError, OverflowError, RecursionError) as error:
        raise BadHeaderError("its header is cut off or garbled") from error


# ---- safetensors -----------------------------------------------------------------------------


def _check_safetensors(path: Path) -> None:
    size = path.stat().st_size
    with path.open("rb") as opened:
        (length,) = struct.unpack("<Q", opened.read(8))
        if length > min(SAFETENSORS_HEADER, size - 8):
            raise BadHeaderError("its header is longer than it may be")
        header = json.loads(opened.read(length))
    if not isinstance(header, dict) or len(header) > MAX_TENSORS:
        raise BadHeaderError("its header is no table of tensors")
    data = size - 8 - length
    spans = sorted(_span_of(entry, data) for name, entry in header.items() if name != "__metadata__")
    if any(before[1] > after[0] for before, after in zip(spans, spans[1:], strict=False)):
        raise BadHeaderError("two of its tensors share bytes")


def _span_of(entry: Mapping[str, Any], data: int) -> tuple[int, int]:
    """Where the tensor's bytes stand."""
    (start, end), shape = entry["data_offsets"], entry["shape"]
    counts = [start, end, *shape]
    if any(not isinstance(count, int) or isinstance(count, bool) or count < 0 for count in counts):
        raise BadHeaderError("a size in its header is no size")
    if not start <= end <= data:
        raise BadHeaderError("a tensor lies outside of the file")
    if entry["dtype"] in COUNTED and prod(shape) * COUNTED[entry["dtype"]] != end - start:
        raise BadHeaderError("a tensor has another size than its shape says")
    return start, end


# ---- GGUF ------------------------------------------------------------------------------------


def _check_gguf(path: Path) -> None:
    with path.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
        _GgufHeader(content).check()


class _GgufHeader:
    """Walks over a header; every step stays in the file or raises."""

    def __init__(self, content: mmap.mmap) -> None:
        self._content, self._size, self._at = content, len(content), 0
        self._alignment = 32

    def check(self) -> None:
        magic, version, tensors, entries = self._numbers("<4sIQQ")
        if magic != b"GGUF" or version not in (2, 3):
            raise BadHeaderError("it is no GGUF file of version 2 or 3")
        if tensors > MAX_TENSORS or entries > MAX_ENTRIES:
            raise BadHeaderError("its header counts more than any model has")
        keys = [self._entry() for _ in range(entries)]
        if len(set(keys)) < len(keys) or ARCHITECTURE not in keys:
            raise BadHeaderError("its header names a field twice, or no architecture")
        places = [self._tensor() for _ in range(tensors)]
        if len({name for name, _, _ in places}) < len(places):
            raise BadHeaderError("its header names a tensor twice")
        data = self._size - -(-self._at // self._alignment) * self._alignment
        if any(offset % self._alignment or offset + length > data for _, offset, length in places):
            raise BadHeaderError("a tensor lies outside of the file")

    def _numbers(self, form: str) -> tuple[Any, ...]:
        numbers = struct.unpack_from(form, self._content, self._at)
        self._at += struct.calcsize(form)
        return numbers

    def _pass_over(self, length: int) -> None:
        if length > self._size - self._at:
            raise BadHeaderError("something in its header is longer than the file")
        self._at += length

    def _text(self, limit: int) -> bytes:
        (length,) = self._numbers("<Q")
        start = self._at
        if length > limit:
            raise BadHeaderError("a name in its header is longer than it may be")
        self._pass_over(length)
        return self._content[start : self._at]

    def _entry(self) -> bytes:
        key, (kind,) = self._text(MAX_NAME), self._numbers("<I")
        start = self._at
        if kind == ARRAY:
            self._array()
        else:
            self._value(kind)
        if key == ALIGNMENT:
            (self._alignment,) = struct.unpack("<I", self._content[start : self._at])
            if self._alignment % 8 or not 0 < self._alignment <= LARGEST_ALIGNMENT:
                raise BadHeaderError("its alignment is none")
        return key

    def _value(self, kind: int) -> None:
        if kind == TEXT:
            (length,) = self._numbers("<Q")
            self._pass_over(length)
        elif kind in FIXED_SIZES:
            self._pass_over(FIXED_SIZES[kind])
        else:
            raise BadHeaderError("its header has a value of an unknown type")

    def _array(self) -> None:
        kind, count = self._numbers("<IQ")
        if kind in FIXED_SIZES:
            self._pass_over(count * FIXED_SIZES[kind])
        elif kind == TEXT:
            if count > (self._size - self._at) // 8:
                raise BadHeaderError("its header is longer than the file")
            self._texts(count)
        else:  # arrays of arrays are allowed, and no model has any
            raise BadHeaderError("its header has an array of what it may not have")

    def _texts(self, count: int) -> None:
        """A vocabulary: a hundred thousand texts and more, so that this loop is plain and quick."""
        read, content, at = struct.Struct("<Q").unpack_from, self._content, self._at
        for _ in range(count):
            at += 8 + read(content, at)[0]
            if at > self._size:
                raise BadHeaderError("something in its header is longer than the file")
        self._at = at

    def _tensor(self) -> tuple[bytes, int, int]:
        """Name, place and bytes of a tensor."""
        name, (dimensions,) = self._text(MAX_NAME), self._numbers("<I")
        if not 0 < dimensions <= MAX_DIMENSIONS:
            raise BadHeaderError("a tensor has no dimensions, or too many")
        shape = self._numbers(f"<{dimensions}Q")
        kind, offset = self._numbers("<IQ")
        weights, block = BLOCKS.get(kind, (1, 0))
        if kind >= TENSOR_TYPES or 0 in shape or shape[0] % weights:
            raise BadHeaderError("a tensor is of an unknown type or shape")
        return name, offset, prod(shape) // weights * block
