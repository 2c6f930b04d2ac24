"""The values of a record and the passages it was made from: where each value stands, word for word, or that it stands nowhere.

A number may be written in other ways (1,234.50 for 1234.5) and a date too (31 May 2027 for 2027-05-31). No model is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from ragcli.steps.citing import LONGEST_QUOTE, locate_quote
from ragcli.steps.fitting import leaves_of
from ragcli.steps.querying import LATIN
from ragcli.steps.sentences import split_sentences, words_of
from ragcli.types import Citation, Context, FieldValue, Passage

Span = tuple[int, int]

NUMBER = re.compile(r"[-−]?\d+(?:[.,'’ \u00a0\u202f]\d+)*")
GROUP = re.compile(r"['’ \u00a0\u202f]")
"""What parts thousands and is never a decimal sign."""
MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan ene gen",
            "feb fév fev",
            "mar mär",
            "apr avr abr",
            "may mai mag",
            "jun juin giu",
            "jul juil lug",
            "aug aoû ago",
            "sep set",
            "oct okt out ott",
            "nov",
            "dec dez déc dic",
        ),
        1,
    )
    for name in names.split()
}
"""How the months begin in English, German, French, Spanish, Italian and Portuguese."""
_MONTH = r"[^\W\d_]{3,}\.?"
DATES = (
    re.compile(r"(?<!\d)(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})(?!\d)"),
    re.compile(r"(?<!\d)(?P<day>\d{1,2})[-/.]\s?(?P<month>\d{1,2})[-/.]\s?(?P<year>\d{4})(?!\d)"),
    re.compile(r"(?<!\d)(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})(?!\d)"),
    re.compile(
        rf"(?<!\d)(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|º)?\.?\s+(?:of |de )?(?P<month>{_MONTH}),?\s+(?:de )?"
        r"(?P<year>\d{4})(?!\d)"
    ),
    re.compile(rf"(?P<month>{_MONTH})\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}})(?!\d)"),
    re.compile(r"(?<!\d)(?P<year>\d{4})\s?年\s?(?P<month>\d{1,2})\s?月\s?(?P<day>\d{1,2})\s?日"),
)


def ground_record(data: Any, context: Context) -> tuple[FieldValue, ...]:
    """Each value with a citation of the passage that holds it, or None; in the order of the data."""
    leaves = [(place, value) for place, value in leaves_of(data)]
    companions = words_of(" ".join(str(value) for _, value in leaves if value is not None))
    return tuple(FieldValue(place, value, _cite(place, value, context.passages, companions)) for place, value in leaves)


def _cite(place: str, value: object, passages: Sequence[Passage], companions: frozenset[str]) -> Citation | None:
    """Of several places the one that speaks of the field and of the record's other values."""
    wanted = words_of(re.sub(r"[/_\d-]+", " ", place)) | companions
    best: tuple[int, Passage, Span] | None = None
    for passage in passages:
        for span in find_value(value, passage.text):
            quote = quote_around(passage.text, span)
            score = len(words_of(passage.text[slice(*quote)]) & wanted)
            if best is None or score > best[0]:
                best = (score, passage, quote)
    if best is None:
        return None
    _, passage, quote = best
    chunk = passage.hit.chunk
    text = passage.text[slice(*quote)]
    return Citation(passage.number, chunk.path, locate_quote(passage, quote), text, supported=True)


def find_value(value: object, text: str) -> Iterator[Span]:
    """Every place where the text states the value. True, false, null and an empty text stand nowhere."""
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, int | float):
        yield from _find_number(float(value), text)
        return
    words = str(value).split()
    if not words:
        return
    # Not within a longer word: "art" does not stand in "party". Scripts without spaces have no such edges.
    pattern = rf"(?<!{LATIN})" * bool(re.match(LATIN, words[0])) + r"\s+".join(map(re.escape, words))
    pattern += rf"(?!{LATIN})" * bool(re.match(LATIN, words[-1][-1]))
    yield from (match.span() for match in re.finditer(pattern, text, re.IGNORECASE))
    wanted = _as_date(str(value))
    if wanted is not None:
        yield from _find_date(wanted, text)


def _find_number(value: float, text: str) -> Iterator[Span]:
    for match in NUMBER.finditer(text):
        if value in set(readings_of(match[0])):
            yield match.span()


def readings_of(numeral: str) -> Iterator[float]:
    """What a numeral may mean: ``1.234`` is one thousand and some, or one and some."""
    bare = GROUP.sub("", numeral.replace("−", "-"))
    sign = -1.0 if bare.startswith("-") else 1.0
    bare = bare.lstrip("-")
    for decimal, group in ((".", ","), (",", ".")):
        plain = bare.replace(group, "")
        grouped = re.fullmatch(rf"\d{{1,3}}(?:{re.escape(group)}\d{{2,3}})*(?:{re.escape(decimal)}\d+)?", bare)
        if plain.count(decimal) <= 1 and (grouped or group not in bare):
            number = float(plain.replace(decimal, "."))
            # A hyphen is more often a dash than a sign: "9-12".
            yield from (number, sign * number)


def _as_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else None
    except ValueError:
        return None


def _find_date(wanted: date, text: str) -> Iterator[Span]:
    for pattern in DATES:
        for match in pattern.finditer(text):
            if (int(match["year"]), _month(match["month"]), int(match["day"])) == (wanted.year, wanted.month, wanted.day):
                yield match.span()


def _month(text: str) -> int:
    if text.isdecimal():
        return int(text)
    name = text.casefold()
    return MONTHS.get(name[:4]) or MONTHS.get(name[:3], 0)


def quote_around(text: str, span: Span) -> Span:
    """The sentences that hold the span, cut to ``LONGEST_QUOTE`` characters around it."""
    holding = [each for each in split_sentences(text) if each[0] < span[1] and span[0] < each[1]]
    start, end = (holding[0][0], holding[-1][1]) if holding else span
    if end - start > LONGEST_QUOTE:
        margin = max(0, LONGEST_QUOTE - (span[1] - span[0])) // 2
        start, end = max(start, span[0] - margin), min(end, span[1] + margin)
    return start, end
