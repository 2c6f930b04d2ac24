"""A question that asks several things, as questions that ask one each: small models answer the first, and one search finds the
files of one. Plain rules, no model: what they do not plainly tell apart stays one question.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ragcli.steps.languages import guess_language
from ragcli.steps.sentences import WORD, split_sentences

MOST_PARTS = 4
LEAST_WORDS = 3
"""Of a part: "and when?" is left to the question that it stands in."""
LONGEST_QUESTION = 600
"""Characters: what is longer is a text with a question in it."""
AUXILIARY = r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|shall|should|may|might|must)"


@dataclass(frozen=True, slots=True)
class Grammar:
    """How a language asks: its "and", its asking words, what may stand before them, and what follows in a question of its own."""

    conjunction: str
    asking: str
    before: str
    direct: str = ""
    """Nothing where the words behind do not tell it from a part of another sentence."""


GRAMMARS: Mapping[str, Grammar] = {
    "en": Grammar(
        "and",
        "who|whose|whom|what|when|where|why|how|which",
        "in|on|at|by|for|from|to|of|with|under|since|until|after|before|about|through",
        rf"(?:\s+[\w'’-]+){{0,4}}?\s+{AUXILIARY}\b",
    ),
    "de": Grammar(
        "und",
        "wer|wen|wem|wessen|was|wann|wo|woher|wohin|warum|wieso|weshalb|wie|wieviel|welche[nmrs]?",
        "in|an|am|auf|ab|bei|bis|für|von|vor|nach|zu|mit|um|seit|aus|über|unter|durch",
    ),
    "fr": Grammar(
        "et",
        "qui|que|quoi|quel(?:le)?s?|quand|où|pourquoi|comment|combien|qu['’]est-ce",
        "à|de|en|dans|pour|par|avec|sur|sous|depuis|chez|avant|après",
    ),
    "es": Grammar("y", "(?:quién(?:es)?|qué|cuál(?:es)?|cuándo|dónde|cómo|cuánt[oa]s?)", "a|de|en|para|por|con|desde|hasta"),
    "it": Grammar("ed?", "chi|che|cosa|qual[ei]?|quando|dove|perché|come|quant[oaie]", "a|di|da|in|con|su|per"),
    "pt": Grammar("e", "quem|o que|que|qual|quais|quando|onde|como|quant[oa]s?", "a|de|em|para|por|com|desde|até"),
    "nl": Grammar("en", "wie|wat|welke?|wanneer|waar|waarom|hoe|hoeveel", "in|op|aan|bij|voor|van|naar|met|sinds|tot|uit|over"),
}


def divide_question(text: str) -> tuple[str, ...]:
    """The questions that the text asks, in order, each beginning with an asking word; the text alone if it asks one.

    What a later part leaves out ("and how much does it cost?") is not put in.
    """
    grammar = GRAMMARS.get(guess_language(text) or "en")
    if grammar is None or len(text) > LONGEST_QUESTION:
        return (text,)
    parts = [part for start, end in split_sentences(text) for part in _divide_sentence(text[start:end], grammar)]
    begins = re.compile(rf"[\s¿]*(?:(?:{grammar.conjunction})\s+)?{_asking(grammar)}", re.IGNORECASE)
    is_plain = all(begins.match(part) and len(WORD.findall(part)) >= LEAST_WORDS for part in parts)
    return tuple(map(_as_question, parts)) if 1 < len(parts) <= MOST_PARTS and is_plain else (text,)


def _asking(grammar: Grammar) -> str:
    return rf"(?:(?:{grammar.before})\s+)?(?:{grammar.asking})\b"


def _divide_sentence(sentence: str, grammar: Grammar) -> Iterator[str]:
    """The sentence cut before each "and" behind which it asks anew.

    Without a comma it may go on with what was asked ("who decides what is bought and when it is paid"): then nothing before may
    ask a second time, and what follows has to stand as a question does.
    """
    anew = rf"(?={_asking(grammar)}(?P<direct>{grammar.direct})?)"
    start = 0
    for cut in re.finditer(rf"(?P<comma>[,;]?)\s+(?:{grammar.conjunction})\s+{anew}", sentence, re.IGNORECASE):
        asked = re.findall(rf"\b(?:{grammar.asking})\b", sentence[start : cut.start()], re.IGNORECASE)
        if cut["comma"] or (len(asked) == 1 and cut["direct"] is not None):
            yield sentence[start : cut.start()]
            start = cut.end()
    yield sentence[start:]


def _as_question(part: str) -> str:
    bare = part.strip().strip("?？!.,¿ ")
    return f"{bare[0].upper()}{bare[1:]}?"
