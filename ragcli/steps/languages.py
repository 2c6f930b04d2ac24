"""Which language a text is in, as far as its script and its commonest words tell. No model, and no word of what it means."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

_WORDS = """
    en the of and to in is was that it with as on be this by are from which when how where who what does did many there
    de der die das und ist nicht mit ein eine wird auch auf dem den von zu im für wie wer wann wo viel viele welche hat sind
    fr le la les et des est une du que dans pour qui sur pas au aux quand où quel quelle combien sont avec comment ont
    es el los las es una del que en para por con se qué cuándo dónde quién cuál cuántos cómo son está como más
    it il gli una del della che di per con non sono quando dove chi quale quanti come nel alla le
    pt os as uma do da que em para com não são quando onde quem qual quantos como no na dos
    nl de het een en van is niet met op dat voor wanneer waar wie welke hoeveel zijn wordt aan bij ook hoe wat
"""
COMMON_WORDS: Mapping[str, frozenset[str]] = {
    language: frozenset(words) for language, *words in (line.split() for line in _WORDS.strip().splitlines())
}
SCRIPTS: Mapping[str, re.Pattern[str]] = {
    "ja": re.compile(r"[\u3040-\u30ff]"),
    "ko": re.compile(r"[\uac00-\ud7af\u1100-\u11ff]"),
    "zh": re.compile(r"[\u4e00-\u9fff\u3400-\u4dbf]"),
    "ru": re.compile(r"[\u0400-\u04ff]"),
    "ar": re.compile(r"[\u0600-\u06ff]"),
    "el": re.compile(r"[\u0370-\u03ff]"),
    "he": re.compile(r"[\u0590-\u05ff]"),
    "hi": re.compile(r"[\u0900-\u097f]"),
    "th": re.compile(r"[\u0e00-\u0e7f]"),
}
"""In this order: a Japanese text has Chinese characters too."""
SCRIPT_SHARE = 0.2
"""Of a text's letters. A Latin name in a Chinese sentence takes many letters, a Greek one in an English text few."""
LEAST_SHARE = 0.06
"""Of a text's words: tables and code have fewer common words than that in any language, prose has a third."""
NAMES: Mapping[str, str] = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "pt": "Portuguese", "nl": "Dutch",
    "ja": "Japanese", "ko": "Korean", "zh": "Chinese", "ru": "Russian", "ar": "Arabic", "el": "Greek", "he": "Hebrew",
    "hi": "Hindi", "th": "Thai",
}  # fmt: skip


def guess_language(text: str) -> str:
    """The code of the likeliest language, a key of ``NAMES``; empty if nothing tells, as for a table or a code."""
    letters = sum(character.isalpha() for character in text)
    if not letters:
        return ""
    for language, script in SCRIPTS.items():
        # Kana are the smaller part of a Japanese text.
        share = SCRIPT_SHARE / 2 if language == "ja" else SCRIPT_SHARE
        if len(script.findall(text)) >= share * letters:
            return language
    words = Counter(re.findall(r"[^\W\d_]+", text.casefold()))
    counts = {language: sum(words[word] for word in common) for language, common in COMMON_WORDS.items()}
    best = max(counts, key=lambda language: counts[language])
    others = [count for language, count in counts.items() if language != best]
    return best if counts[best] > max(others) and counts[best] >= LEAST_SHARE * words.total() else ""


def languages_of(texts: Iterable[str]) -> Counter[str]:
    """How many of the texts are in which language; those that do not tell are left out."""
    return Counter(language for language in map(guess_language, texts) if language)
