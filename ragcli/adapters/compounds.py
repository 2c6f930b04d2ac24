"""The parts of German compounds: who looks for ``Vertrag`` finds ``Mietvertrag``, and the other way round.

simplemma knows which words there are. Its German dictionary is read once in a process, in half a second, when the first German
text with a long noun is met.
"""

from __future__ import annotations

import re
from functools import lru_cache

SHORTEST_PART = 4
"""Letters: shorter words, such as ``tag`` and ``rat``, end many words that they are no part of."""
LONG_WORD = re.compile(r"(?<![^\W_])[^\W\d_]{8,48}(?![^\W_])")
GERMAN_WORD = re.compile(
    r"\b(?:der|das|und|ist|nicht|ein|eine|einen|dem|den|des|für|auf|mit|wird|wurde|sind|oder|wie|wann|wer|wo|welche[rsnm]?|bei|nach|auch)\b",
    re.IGNORECASE,
)
LEAST_WORDS = 2
"""Different ones that a text has to have. Where another language passes, half a second is lost."""
JOINTS = ("", "s", "es", "n", "en", "er", "e", "ns")
"""What may stand between a part and the next one."""
PREFIXES = frozenset(["durch", "hinter", "unter", "wider", "wieder", "zurück", "zusammen", "über"])
_SUFFIXES = """
    bare baren heit heiten isch keit keiten lich liche lichen lose losen nehmen nehmer schaft schaften
"""
SUFFIXES = frozenset(_SUFFIXES.split())
"""What begins or ends a word and is a word by itself too, with another meaning."""
REMEMBERED = 20_000
"""Words; a long index meets the same ones again and again."""


def parts_in(text: str, *, nouns_only: bool = True) -> tuple[str, ...]:
    """The parts of the compounds of a German text, each once, in order; of any other text none.

    ``nouns_only`` takes words with a capital for compounds; who types a query may leave capitals out.
    """
    words = [word for word in LONG_WORD.findall(text) if word[0].isupper() or not nouns_only]
    if not words or not _is_german(text):
        return ()
    compounds = (split_compound(word.lower()) for word in dict.fromkeys(words))
    return tuple(dict.fromkeys(part for parts in compounds if len(parts) > 1 for part in parts))


def _is_german(text: str) -> bool:
    return len({word.lower() for word in GERMAN_WORD.findall(text)}) >= LEAST_WORDS


@lru_cache(maxsize=REMEMBERED)
def split_compound(word: str) -> tuple[str, ...]:
    """The parts of a lower-case word, with their joints; the word alone if it is no compound.

    Of several places to cut it the one with the longest known last part counts; an ``s`` there is taken for a joint.
    """
    cuts = [cut for cut in range(SHORTEST_PART, len(word) - SHORTEST_PART + 1) if _is_cut(word[:cut], word[cut:])]
    if not cuts:
        return (word,)
    cut = cuts[0]
    if word[cut] == "s" and cut + 1 in cuts:
        cut += 1
    return (*split_compound(word[:cut]), *split_compound(word[cut:]))


def _is_cut(first: str, last: str) -> bool:
    return last not in SUFFIXES and _is_noun(last) and (_may_begin(first) or len(split_compound(first)) > 1)


def _may_begin(part: str) -> bool:
    if part in PREFIXES:
        return False
    stems = [part.removesuffix(joint) for joint in JOINTS if part.endswith(joint)]
    return any(len(stem) >= SHORTEST_PART - 1 and _is_noun(stem) for stem in (*stems, f"{part}e"))


def _is_noun(word: str) -> bool:
    from simplemma import is_known

    return is_known(word.capitalize(), lang="de")
