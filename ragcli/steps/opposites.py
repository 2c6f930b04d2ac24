"""Whether a text says the opposite of what is asked: asked about the stronger of two, it knows a weaker one only.

Of the questions that people wrote to look answered and not to be, about a fifth differ from the text by such a word
(Rajpurkar, Jia, Liang: Know What You Don't Know, 2018), and a small model overlooks it. Only English words are known here,
and no pair of words for one thing seen from two sides: who bought a house is told by a text that says who sold it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cache

ADJECTIVES = (
    "strong weak, high low, large small, big small, long short, tall short, old new, old young, rich poor, cheap expensive, "
    "good bad, easy hard, easy difficult, fast slow, quick slow, rapid slow, hot cold, warm cool, wet dry, deep shallow, "
    "thick thin, wide narrow, broad narrow, full empty, simple complex, direct indirect, active passive, positive negative, "
    "public private, domestic foreign, internal external, urban rural, ancient modern, common rare, similar different, "
    "legal illegal, possible impossible, known unknown, stable unstable, dependent independent, temporary permanent, "
    "natural artificial, superior inferior, senior junior, major minor, noisy quiet, safe dangerous, clean dirty"
)
VERBS = (
    "increase decrease, increase reduce, rise fall, rise decline, grow shrink, grow decline, expand contract, strengthen weaken, "
    "raise lower, support oppose, favor oppose, favour oppose, accept reject, approve reject, agree disagree, allow forbid, "
    "allow prohibit, allow ban, permit forbid, permit prohibit, permit ban, include exclude, encourage discourage, add remove, "
    "create destroy, build destroy, appear disappear, connect disconnect, succeed fail, love hate, enable disable"
)
NOUNS = (
    "friend enemy, ally enemy, ally opponent, friend foe, supporter opponent, majority minority, maximum minimum, "
    "success failure, import export, income expense, profit loss, asset liability, surplus deficit, boy girl, male female, "
    "morning evening, day night, summer winter, war peace, advantage disadvantage, strength weakness"
)
OTHERS = (
    "before after, early late, earlier later, earliest latest, more less, more fewer, most least, most fewest, first last, "
    "better worse, best worst, greater lesser, always never, man woman, men women, north south, northern southern, east west, "
    "eastern western, northeast southwest, northwest southeast, upper lower, inner outer, inside outside, above below, "
    "rose fell, grew shrank"
)
ENDINGS = {ADJECTIVES: ("", "er", "est", "ly"), VERBS: ("", "s", "ed", "ing"), NOUNS: ("", "s"), OTHERS: ("",)}

DEGREE = re.compile(r"\bhow \w+")
"""How old somebody is may be asked of the youngest."""


def is_opposed(question: str, text: str) -> bool:
    """Whether the text has the opposite of a word of the question, and in no form the word itself."""
    asked, told = _known_words(DEGREE.sub("", question.casefold())), _known_words(text.casefold())
    _, opposites = _lexicon()
    return any(opposites[word] & told for word in asked - told)


def _known_words(text: str) -> set[str]:
    forms, _ = _lexicon()
    return {word for form in re.findall(r"\w+", text) for word in forms.get(form, ())}


@cache
def _lexicon() -> tuple[Mapping[str, set[str]], Mapping[str, set[str]]]:
    """The words that a form may be of, and the opposites of each word."""
    forms, opposites = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    for pairs, endings in ENDINGS.items():
        for pair in pairs.split(", "):
            one, other = pair.split()
            opposites[one].add(other)
            opposites[other].add(one)
            for word in (one, other):
                for ending in endings:
                    forms[_inflected(word, ending)].add(word)
    return forms, opposites


def _inflected(word: str, ending: str) -> str:
    """As English is spelt: allies, reduced, bigger, permitted."""
    if re.search(r"[^aeiou]y$", word) and ending and ending != "ing":
        return word[:-1] + ("ies" if ending == "s" else "i" + ending)
    if word.endswith("e") and ending[:1] in ("e", "i"):
        return word[:-1] + ending
    if re.search(r"^(?:for|per)?[^aeiou]*[aeiou][^aeiouwxy]$", word) and ending[:1] in ("e", "i"):
        return word + word[-1] + ending
    return word + ("es" if ending == "s" and re.search(r"(?:s|x|z|ch|sh)$", word) else ending)
