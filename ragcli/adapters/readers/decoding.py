"""Bytes to text: which encoding a file has, and line ends as LF. It never guesses where the file says so itself."""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

from ragcli.adapters.readers.parsed import MAX_TEXT_BYTES, UnreadableError
from ragcli.adapters.readers.table import looks_binary, wide_encoding

SAMPLE_BYTES = 65536
"""How much of a file the encoding is guessed from: guessing takes 1 s for each 2 MB."""
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"""(?:coding[:=]|encoding=|charset=)[ \t]*["']?([-\w.]{2,40})""", re.I)
MAX_DAMAGE = 0.01
"""A UTF-8 file may have this share of broken characters (a log cut in the middle of one) and still be read as such."""


def decode(data: bytes) -> str:
    """The text with LF line ends and neither byte order mark nor NUL.

    Raises UnreadableError: ``binary``, ``encoding``, ``too_much_output``.
    """
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return normalise(data[len(mark) :].decode(encoding, "replace"))
    if looks_binary(data[:SAMPLE_BYTES]):
        raise UnreadableError("binary")
    wide = wide_encoding(data[:SAMPLE_BYTES])
    if wide:
        return normalise(data.decode(wide, "replace"))
    try:
        return normalise(data.decode("utf-8"))
    except UnicodeDecodeError:
        return normalise(_decode_other(data))


def normalise(text: str) -> str:
    """The same lines, each ended by one LF. Raises UnreadableError ``too_much_output``."""
    if len(text) > MAX_TEXT_BYTES or (len(text) > MAX_TEXT_BYTES // 4 and len(text.encode("utf-8", "replace")) > MAX_TEXT_BYTES):
        raise UnreadableError("too_much_output", f"more than {MAX_TEXT_BYTES >> 20} MiB of text")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\0", "\ufffd") if "\0" in text else text


def _decode_other(data: bytes) -> str:
    """The text of a file that is not UTF-8: as it declares itself, or as charset-normalizer reads its beginning."""
    declared = _DECLARED.search(data[:1024])
    if declared:
        try:
            return data.decode(declared[1].decode("ascii"))
        except (LookupError, UnicodeDecodeError):
            pass
    damaged = data.decode("utf-8", "replace")
    if damaged.count("\ufffd") <= MAX_DAMAGE * len(damaged):
        return damaged
    best = from_bytes(data[:SAMPLE_BYTES]).best()
    if best is None:
        raise UnreadableError("encoding")
    return data.decode(best.encoding, "replace")
