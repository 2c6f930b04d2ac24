"""Bytes to text: which encoding a file has, and line ends as LF. It never guesses where the file says so itself."""

from __future__ import annotations

import codecs
import contextlib
import re
from collections import Counter

from charset_normalizer import from_bytes

from ragcli.adapters.readers.parsed import MAX_TEXT_BYTES, UnreadableError
from ragcli.adapters.readers.table import is_odd, looks_binary, wide_encoding

SAMPLE_BYTES = 65536
"""How much of a file the encoding is guessed from: guessing takes 1 s for each 2 MB."""
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SHIFTED = ((b"\x1b$)C", "iso2022_kr"), (b"\x1b$", "iso2022_jp_2"), (b"\x1b(J", "iso2022_jp_2"))
"""Escape sequences of encodings that are ASCII to the eye."""
_DECLARED = re.compile(rb"""(?:coding[:=]|encoding=|charset=)[ \t]*["']?([-\w.]{2,40})""", re.I)
_HIGH = re.compile(rb"[\x80-\xff]+")
LATIN_RUN, LATIN_SHARE = 1.6, 0.8
"""Accented letters stand alone among ASCII ones; letters of other scripts, and the bytes of one such letter, side by side."""
_TYPOGRAPHY = frozenset(b"\x80\x84\x85\x8a\x8e\x91\x92\x93\x94\x95\x96\x97\x99\x9a\x9c\x9e")
_CENTRAL = re.compile(rb"[\xb3\xb9][a-z]|[\x9a\x9d\x9e]")
_HUNGARIAN, _NOT_HUNGARIAN = frozenset("őű".encode("cp1250")), frozenset("àãäçèê".encode("cp1252"))
_TURKISH, _NOT_TURKISH = frozenset("ğış".encode("cp1254")), frozenset("áæ".encode("cp1252"))
MAX_DAMAGE = 0.01
"""A text may have this share of characters that no text has."""
DAMAGED_LINE = 3
"""So many whole characters for a broken one show that a line is UTF-8, cut or garbled; else it is in an old encoding."""
MIXED_FROM = 0.1
"""Share of UTF-8 among the lines that are not ASCII from which it is no accident: the file was put together from several."""


def decode(data: bytes) -> str:
    """The text with LF line ends and neither byte order mark nor NUL.

    Raises UnreadableError: ``binary``, ``encoding``, ``too_much_output``.
    """
    for mark, encoding in MARKS:
        if data.startswith(mark):
            data = data[len(mark) :]
            return normalise(_decode_narrow(data) if encoding == "utf-8" else _checked(data.decode(encoding, "replace")))
    if looks_binary(data[:SAMPLE_BYTES]):
        raise UnreadableError("binary")
    wide = wide_encoding(data[:SAMPLE_BYTES])
    return normalise(data.decode(wide, "replace") if wide else _decode_narrow(data))


def normalise(text: str) -> str:
    """The same lines, each ended by one LF. Raises UnreadableError ``too_much_output``."""
    if len(text) > MAX_TEXT_BYTES or (len(text) > MAX_TEXT_BYTES // 4 and len(text.encode("utf-8", "replace")) > MAX_TEXT_BYTES):
        raise UnreadableError("too_much_output", f"more than {MAX_TEXT_BYTES >> 20} MiB of text")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\0", "\ufffd") if "\0" in text else text


def _decode_narrow(data: bytes) -> str:
    """The text of a file whose line ends are single bytes."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_old(data)
    for escape, encoding in _SHIFTED:
        if escape in data:
            with contextlib.suppress(UnicodeDecodeError):
                return data.decode(encoding)
    return text


def _decode_old(data: bytes) -> str:
    """The text of a file that is not UTF-8: as it declares itself, or line by line in UTF-8 and what the others look like."""
    declared = _DECLARED.search(data[:1024])
    if declared:
        with contextlib.suppress(LookupError, UnicodeDecodeError):
            return data.decode(declared[1].decode("ascii"))
    lines = data.split(b"\n")
    known = {number: text for number, line in enumerate(lines) if (text := _decode_line(line)) is not None}
    old = [line for number, line in enumerate(lines) if number not in known]
    if not old:
        return "\n".join(known.values())
    encoding = _guess(b"\n".join(old)[:SAMPLE_BYTES])
    wide = sum(not text.isascii() for text in known.values())
    if wide < MIXED_FROM * (wide + len(old)):
        return _checked(data.decode(encoding, "replace"))
    texts = [known[number] if number in known else line.decode(encoding, "replace") for number, line in enumerate(lines)]
    return _checked("\n".join(texts))


def _decode_line(line: bytes) -> str | None:
    """The line's text if it is UTF-8, whole or damaged."""
    if line.isascii():
        return line.decode("ascii")
    text = line.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    whole = sum(character > "\x7f" for character in text) - broken if broken else 1
    return text if whole >= DAMAGED_LINE * broken else None


def _guess(sample: bytes) -> str:
    """The encoding of bytes that are not UTF-8. Raises UnreadableError ``encoding``."""
    runs = _HIGH.findall(sample)
    high = b"".join(runs)
    accents = sum(byte >= 0xA0 or byte in _TYPOGRAPHY for byte in high)
    if len(high) <= LATIN_RUN * len(runs) and accents >= LATIN_SHARE * len(high):
        return _guess_latin(sample, set(high))
    best = from_bytes(sample).best()
    if best is None:
        raise UnreadableError("encoding")
    return best.encoding


def _guess_latin(sample: bytes, high: set[int]) -> str:
    """The guesser takes French for Polish and Swedish for Roman-8, so a few letters decide here; most texts are Western."""
    if _CENTRAL.search(sample) or (high & _HUNGARIAN and not high & _NOT_HUNGARIAN):
        return "cp1250"
    return "cp1254" if high & _TURKISH and not high & _NOT_TURKISH else "cp1252"


def _checked(text: str) -> str:
    """The same text, if it is one. Raises UnreadableError ``encoding``."""
    sample = text[:SAMPLE_BYTES]
    odd = sum(count for character, count in Counter(sample).items() if is_odd(character))
    if odd > MAX_DAMAGE * len(sample):
        raise UnreadableError("encoding")
    return text
