"""One answer in two wordings, the shortest and a sentence: which of them is shown, or which sentence of the files instead.

A small model that answers in a sentence first says again what was asked, and then finds the right fact more often: of 21
questions to web snippets 18 sentences had it, and 13 of the shortest answers. Where both say the same the shortest is shown.

In other languages than English small models break words off and leave out what matters. There the file's own sentence is
shown if the model's was taken from it: of 74 questions in nine languages 44 of those held the answer, and 37 of the model's.

A small model that found the place and not the answer says the question's own words again: of 7 such answers 6 were wrong. There
too the file's own sentence is shown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ragcli.steps.citing import LONGEST_QUOTE, SPACED_MARKER, cite_statement, says_not_found
from ragcli.steps.languages import guess_language
from ragcli.steps.sentences import SENTENCE_END, plain_words, words_of
from ragcli.types import Passage

LEAST_RESTATED = 0.3
"""Of the question's words. A sentence that does not say them again is about something else that stands there."""
LEAST_TAKEN = 0.8
"""Of a sentence's words. What a sentence of a file has fewer of was not taken from it, or from others too."""
CUT_QUOTE = LONGEST_QUOTE - 30
"""Characters: what is longer, and ends like no sentence, was cut at a word."""
YEAR = re.compile(r",? \d{4}\b")
NAME = re.compile(r" [A-ZÄÖÜÀ-Þ][\w'’-]+")
ALTERNATIVES = re.compile(r"\b(?:or|and)\b", re.IGNORECASE)
"""What a question has that names what to choose from: its own words answer it."""


def choose_wording(short: str, sentence: str, question: str, passages: Sequence[Passage]) -> str:
    """The shortest answer, unless a passage bears the sentence out and the two differ. Of English questions.

    If the shortest only says words of the question again, it is the file's sentence that either was taken from.
    """
    bare = SPACED_MARKER.sub("", short)
    source = None if _says_nothing(sentence, question) else cite_statement(sentence, passages, question)
    if _restates(bare, question) and (place := source or cite_statement(bare, passages, question)):
        quote = _in_a_line(place.quote)
        return quote if SENTENCE_END.search(quote) or len(quote) < CUT_QUOTE else f"{quote}…"
    if source is None:
        return short
    if share_said(bare, sentence) == 1.0:
        return complete(short, sentence)
    return sentence if share_said(question, sentence) >= LEAST_RESTATED else short


def find_own_words(said: str, question: str, passages: Sequence[Passage]) -> str:
    """The file's sentence that has most of what was said, if it is whole and not in English, else what was said.

    Empty if that says nothing or no passage bears it out.
    """
    source = None if _says_nothing(said, question) else cite_statement(said, passages, question)
    if source is None:
        return ""
    quote = _in_a_line(source.quote)
    is_whole = SENTENCE_END.search(quote) and not quote[0].islower() and len(source.quote) < LONGEST_QUOTE
    is_taken = share_said(said, quote) >= LEAST_TAKEN and guess_language(quote) != "en"
    return quote if is_whole and is_taken else said


def _says_nothing(said: str, question: str) -> bool:
    return says_not_found(said) or words_of(said) <= words_of(question)


def _restates(short: str, question: str) -> bool:
    """Whether all words of the short answer are the question's, which names nothing to choose from. Not only the telling ones:
    ``protein A`` answers what protein it is.
    """
    said, asked = plain_words(short).split(), plain_words(question).split()
    return bool(said) and set(said) <= set(asked) and not ALTERNATIVES.search(question)


def _in_a_line(quote: str) -> str:
    return " ".join(quote.split())


def share_said(short: str, sentence: str) -> float:
    """The share of the short text's telling words that the sentence has; of a text without any, whether it stands in it."""
    wanted = words_of(short)
    if not wanted:
        return float(short.strip(" .").casefold() in sentence.casefold())
    return len(wanted & words_of(sentence)) / len(wanted)


def complete(short: str, sentence: str) -> str:
    """The short text with the year or the rest of the name that stands right behind it in the sentence."""
    bare = short.rstrip(".")
    found = re.search(rf"(?<!\w){re.escape(bare)}(?!\w)", sentence) if bare.strip() else None
    if not found:
        return short
    end = found.end()
    last = sentence[:end].split()[-1]
    while last[0].isupper() and (name := NAME.match(sentence, end)):
        end = name.end()
    if (last[0].isupper() or last[0].isdigit()) and (year := YEAR.match(sentence, end)):
        end = year.end()
    return sentence[found.start() : end] if end > found.end() else short
