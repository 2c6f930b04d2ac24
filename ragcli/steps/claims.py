"""Whether a passage bears a statement out: by its words, and by the numbers, dates and names that must agree. No model.

It cannot tell a statement from its denial in the same words; what it finds is invention, not malice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ragcli.steps.languages import guess_language
from ragcli.steps.sentences import words_of

SUPPORTED_SHARE = 0.5
"""Share of what a statement adds to its question that a passage must hold."""
SUPPORTED_COSINE = 0.65
"""A sentence this near to one of the passage says it in other words; two on the same subject are at 0.3 to 0.5."""

NUMBER = re.compile(r"\d+(?:[.,'’\u00a0\u202f]\d+)*")
AFTERNOON = re.compile(r"\b(\d{1,2})((?:[:.]\d{2})?)\s*p\.?m\b", re.IGNORECASE)
_MONTHS = """
    january januar janvier enero gennaio janeiro januari jan jän
    february februar février febrero febbraio fevereiro februari feb févr
    march märz mars marzo março maart mar mrz
    april avril abril aprile apr avr
    may mai mayo maggio maio mei
    june juni juin junio giugno junho jun
    july juli juillet julio luglio julho jul juil
    august août agosto augustus aug
    september septembre septiembre settembre setembro sep sept
    october oktober octobre octubre ottobre outubro oct okt
    november novembre noviembre novembro nov
    december dezember décembre diciembre dicembre dezembro dec dez déc
"""
MONTHS: Mapping[str, str] = {
    name: str(number) for number, line in enumerate(_MONTHS.strip().splitlines(), 1) for name in line.split()
}
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
DATED_MONTH = re.compile(
    rf"\d\.?(?:st|nd|rd|th|er)?\s+(?:of\s+|de\s+)?({_MONTH})\b|\b({_MONTH})\.?\s+(?:de\s+)?\d", re.IGNORECASE
)
"""A month beside a number: by itself ``may`` is a verb and ``mars`` a planet."""
_COUNTS = """
    zero null zéro cero
    one eins ein eine un une uno una
    two zwei deux dos
    three drei trois tres
    four vier quatre cuatro
    five fünf cinq cinco
    six sechs seis
    seven sieben sept siete
    eight acht huit ocho
    nine neun neuf nueve
    ten zehn dix diez
    eleven elf onze once
    twelve zwölf douze doce
"""
COUNTS: Mapping[str, str] = {
    name: str(number) for number, line in enumerate(_COUNTS.strip().splitlines()) for name in line.split()
}
LISTED = re.compile(r"[ \t>*-]*\d\d?[.)]\s+(?=[^\W\d_])")
"""The number of an item in a list, which no passage need have."""
ASSENT = frozenset(["yes", "no", "ja", "nein", "oui", "non", "sí", "si", "sim", "nee"])
NAME = re.compile(r"(?<![.!?:\n\"“„«(\-*] )(?<!^)\b[^\W\d_a-zß-öø-ÿ][^\W\d_]+\b")
"""A word with a capital that does not begin a sentence."""


def bears_out(statement: str, text: str, question: str = "", *, cosine: float = 0.0) -> bool:
    """Whether the text holds the statement's numbers, months and names, and at least half of what it adds to the question.

    Words and names that the question has count as held; numbers do not, for a wrong one is often there. ``cosine`` is that
    of the statement with the nearest sentence of the text, where it was computed: then the words may be others.
    """
    statement = _without_number(statement)
    return agrees(statement, text, question) and (
        share_held(statement, text, question) >= SUPPORTED_SHARE or cosine >= SUPPORTED_COSINE
    )


def agrees(statement: str, text: str, question: str = "") -> bool:
    """Whether no number, month or name of the statement is missing from the text."""
    statement, held = _without_number(statement), numbers_in(text)
    if not all(readings & held for readings in _wanted_numbers(statement)):
        return False
    return months_in(statement) <= held | _any_months(text) and _names_agree(statement, text, question)


def _without_number(statement: str) -> str:
    """The statement without what it is numbered with in a list; a day in front of its month is no such number."""
    listed = LISTED.match(statement)
    return statement if listed is None or DATED_MONTH.match(statement.lstrip()) else statement[listed.end() :]


def share_held(statement: str, text: str, question: str = "") -> float:
    """How much of what the statement adds to the question the text holds: 0 to 1; of all of it, if it adds nothing."""
    said = words_of(statement) - ASSENT
    wanted = said - words_of(question) or said
    if not wanted:
        return 0.0
    words, numbers = words_of(text), numbers_in(text)
    held = [word for word in wanted if word in words or _is_number_of(word, numbers)]
    return len(held) / len(wanted)


def _is_number_of(word: str, numbers: frozenset[str]) -> bool:
    """A date or an amount that is written in another way is held all the same."""
    return MONTHS.get(word) in numbers or (word[0].isdigit() and not numbers.isdisjoint(_readings(word)))


def numbers_in(text: str) -> frozenset[str]:
    """Every number of the text in each way that it may be read, small ones in words and months of dates too."""
    written = {reading for readings in _wanted_numbers(text) for reading in readings}
    parts = {part.lstrip("0") or "0" for token in NUMBER.findall(text) for part in re.split(r"\D", token)}
    spoken = {COUNTS[word] for word in re.findall(r"[^\W\d_]+", text.casefold()) if word in COUNTS}
    return frozenset(written | parts | spoken | months_in(text))


def months_in(text: str) -> frozenset[str]:
    """The numbers of the months that are named in dates."""
    return frozenset(MONTHS[(first or second).casefold()] for first, second in DATED_MONTH.findall(text))


def _any_months(text: str) -> frozenset[str]:
    return frozenset(MONTHS[word] for word in re.findall(r"[^\W\d_]+", text.casefold()) if word in MONTHS)


def _wanted_numbers(text: str) -> list[frozenset[str]]:
    """The readings of each number, any of which may be meant."""
    morning = AFTERNOON.sub(lambda found: f"{int(found[1]) % 12 + 12}{found[2]}", text)
    plain = [_readings(token) for token in NUMBER.findall(morning)]
    # Whoever reads 6:45 pm may find 18:45 or the same words.
    spoken = [_readings(token) for token in NUMBER.findall(text)] if morning != text else plain
    return [one | other for one, other in zip(plain, spoken, strict=True)] if len(plain) == len(spoken) else plain


def _readings(token: str) -> frozenset[str]:
    """``9.000`` is nine thousand or nine, ``05`` is 5."""
    groups = re.split(r"\D", token)
    readings = {"".join(groups)} if all(len(group) == 3 for group in groups[1:]) else set()
    if len(groups) > 1:
        readings.add(".".join(["".join(groups[:-1]), groups[-1]]).rstrip("0").rstrip("."))
    return frozenset(reading.lstrip("0") or "0" for reading in readings or {"".join(groups)})


def _names_agree(statement: str, text: str, question: str) -> bool:
    if guess_language(statement) == "de":
        return True  # there every noun has a capital
    names = words_of(" ".join(name for name in NAME.findall(statement) if name.casefold() not in MONTHS))
    return names <= words_of(text) | words_of(question)
