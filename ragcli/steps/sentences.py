"""Texts become sentences and telling words, in any language, by plain rules and no model."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

WORD = re.compile(r"[^\W_]+(?:(?<=\d)[.,]\d+)*")
CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")
BOUNDARY = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s)|[。！？]+[”’」』）]*|\n+")
"""Where a sentence may end."""
SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’»)\]」』）]*$")
"""How a text ends whose last sentence is whole."""
QUOTATION_MARKS = (("“", "”"), ("「", "」"), ("『", "』"))
"""Of Chinese and Japanese, where what is quoted may be sentences that are part of one."""
LONGEST_QUOTATION = 120
"""Characters on either side of a full stop: what was not opened or closed in so many is a speech, or a mark was forgotten."""
ABBREVIATION = re.compile(
    r"(?:(?<!/)\b(?:[^\W\d_]|Mr|Mrs|Ms|Dr|Prof|St|vs|etc|No|Nr|ca|bzw|vgl|usw|evtl|inkl|cf|p|pp|env|art|fig|approx|Inc|Ltd|Co|Corp)"
    r"|\b[^\W\d_]\.[^\W\d_]|\b(?:der|des|dem|den|vom|zum|im)\s\d\d?)$",
    re.IGNORECASE,
)
"""What a full stop may stand behind without ending a sentence: single letters that are no unit (``km/h.``), the common short
forms, German ordinals."""
GERMAN_DAY = re.compile(
    r"(?:(?<=\b\d)|(?<=\b[012]\d)|(?<=\b3[01]))\.\s+(?:Januar|Jänner|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November"
    r"|Dezember|(?:Jan|Feb|Mrz|Apr|Aug|Sept?|Okt|Nov|Dez)\.)(?!\w)"
)
"""The full stop of a day of the month, which stands behind the number, up to the month."""
LIST_NUMBER = re.compile(r"[ \t>#*-]*\d\d?(?:\.\d\d?)*")
"""What a line of a list or a heading begins with, up to its full stop."""
LIST_ITEM = re.compile(rf"{LIST_NUMBER.pattern}[.)][ \t]")
FULL_STOP = re.compile(r"[.!?…](?=\s|$)")
WRAPPED_LINE = 50
"""Characters: a line break behind at least so many may be one of a wrapped line."""
PROSE_END, PROSE_START = re.compile(r"(?:^|\s)[^\W\d_]+,?$"), re.compile(r"[^\W\d_]+(?=[\s,.;:]|$)")
"""Words at which prose is wrapped. The rows of a table have others there, as a rule."""
_COMMON_WORDS = """
    a an and are as at be by can der die das ein eine en est et for from has have het il in is ist it its la le les
    los mit no not of on or que s said says se that the their there these they this to un una und von was were which
    will with zu
"""
SHORTEST_LOOP, LONGEST_LOOP = 8, 240
"""Characters of what a model says again and again: shorter runs are rulers and ellipses, longer ones a whole answer."""
LOOP_TURNS = 3
COMMON = frozenset(_COMMON_WORDS.split())
"""Words that two unrelated sentences share."""


def words_of(text: str) -> frozenset[str]:
    """The telling words, lower-case; scripts without spaces count by character."""
    words: set[str] = set()
    for word in WORD.findall(text.lower()):
        if CJK.search(word):
            words.update(word)
        elif word not in COMMON:
            words.add(word.removesuffix("s") if len(word) > 3 and word.isalpha() else word)
    return frozenset(words)


def weigh_words(text: str, held: Sequence[frozenset[str]]) -> dict[str, float]:
    """What each telling word of the text counts for among sentences with these words: more, the fewer of them have it."""
    spread = Counter(word for words in held for word in words)
    return {word: math.log(1 + len(held) / (0.5 + spread[word])) for word in words_of(text)}


def plain_words(text: str) -> str:
    """All words, lower-case, with a space between two: what stands word for word in another text stands in its plain words."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Spans of the sentences in order, without the white space around them; a table's or a list's line is one."""
    spans: list[tuple[int, int]] = []
    start = 0
    for match in BOUNDARY.finditer(text):
        if _ends_sentence(text, start, match):
            spans.append((start, match.end()))
            start = match.end()
    spans.append((start, len(text)))
    return [span for span in (_trim(text, *span) for span in spans) if span[0] < span[1]]


def split_windows(text: str, longest: int, least: int = 0) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """The span of each sentence, and that of it between the one before and the one behind it, if they have no more than
    ``longest`` characters, else as many of the sentence alone. A text without sentences is one.

    Where these are lines that end no sentence, as of a list or a table, there are more of them: about ``least`` characters.
    """
    spans = split_sentences(text) or [(0, len(text))]
    windows = []
    for place, (start, end) in enumerate(spans):
        first, last = max(0, place - 1), min(len(spans) - 1, place + 1)
        if spans[last][1] - spans[first][0] > longest:
            windows.append(((start, end), (start, min(end, start + longest))))
            continue
        while spans[last][1] - spans[first][0] < least:
            before = first - (first > 0 and _is_line(text, spans[first]))
            behind = last + (last < len(spans) - 1 and _is_line(text, spans[last]))
            if (before, behind) == (first, last) or spans[behind][1] - spans[before][0] > longest:
                break
            first, last = before, behind
        windows.append(((start, end), (spans[first][0], spans[last][1])))
    return windows


def _is_line(text: str, span: tuple[int, int]) -> bool:
    """Whether the span is a line of its own, which ends with no mark of a sentence."""
    return not SENTENCE_END.search(text, *span)


def _ends_sentence(text: str, start: int, match: re.Match[str]) -> bool:
    mark, rest = match[0], text[match.end() :].lstrip(" \t")[:1]
    if mark[0] == "\n":
        return len(mark) > 1 or not _is_wrapped(text, match.start(), rest)
    if mark[0] == ".":
        line = text.rfind("\n", 0, match.start()) + 1
        if rest.islower() or LIST_NUMBER.fullmatch(text, line, match.start()) or GERMAN_DAY.match(text, match.start()):
            return False
        return not ABBREVIATION.search(text, max(start, match.start() - 8), match.start())
    return mark[0] not in "。！？" or not _is_quoted(text, start, match, rest)


def _is_wrapped(text: str, end: int, rest: str) -> bool:
    """Whether the line that ends there goes on in the next one, which begins with ``rest``.

    Before a capital it does if both are prose and the next word would have made it longer than the lines around it.
    """
    start = text.rfind("\n", 0, end) + 1
    if end - start < WRAPPED_LINE:
        return False
    if SENTENCE_END.search(text, start, end) and LIST_ITEM.match(text, end + 1):
        return False
    if rest.islower() or rest.isdigit() or (rest and rest in "(\"'"):
        return True
    line, after = text[start:end], text[end + 1 :].partition("\n")[0].strip()
    before = text[:start].rstrip("\n")[-2 * len(line) :].rpartition("\n")[2]
    is_prose = not after.isupper() and (len(after) >= WRAPPED_LINE or FULL_STOP.search(after))
    word = PROSE_START.match(after) if is_prose and PROSE_END.search(line) else None
    return word is not None and len(f"{line} {word[0]}") > max(len(before), len(after))


def _is_quoted(text: str, start: int, match: re.Match[str], rest: str) -> bool:
    """Whether the sentence that quotes goes on behind the mark: in the quotation, or with the Japanese "he said"."""
    if match[0].endswith("」") and rest == "と":
        return True
    ahead = text[match.end() : match.end() + LONGEST_QUOTATION].partition("\n")[0]
    said = text[max(start, match.end() - LONGEST_QUOTATION) : match.end()]
    return any(said.count(opening) > said.count(closing) and closing in ahead for opening, closing in QUOTATION_MARKS)


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    body = text[start:end]
    return start + len(body) - len(body.lstrip()), end - (len(body) - len(body.rstrip()))


def find_loop(text: str) -> int | None:
    """Where the second turn begins, at a sentence if it has one, if the text ends in ``LOOP_TURNS`` equal turns; else None."""
    for period in range(SHORTEST_LOOP, min(LONGEST_LOOP, len(text) // LOOP_TURNS) + 1):
        turn = text[-period:]
        if text.endswith(turn * LOOP_TURNS) and WORD.search(turn):
            start = len(text) - LOOP_TURNS * period
            while start >= period and text[start - period : start] == turn:
                start -= period
            sentences = [match.end() for match in BOUNDARY.finditer(text, start, start + period + 1)]
            return sentences[-1] if sentences else start + period
    return None
