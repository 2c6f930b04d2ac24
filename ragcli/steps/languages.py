"""Which language a text is in, as far as its script and its commonest words tell. No model, and no word of what it means."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from ragcli.steps.sentences import words_of

_WORDS = """
    en the of and to in is was were that it with as on be this by are from has have had his their
    en when how where who what why which does do did many much there
    de der die das und ist nicht mit ein eine wird wurde werden auch auf dem den des von zu im in für bei nach als hat sind
    de wie wer was wen wem wann wo warum wieso viel viele welche welcher welches welchem welchen woher
    fr le la les et des est une un du de en que dans pour sur pas au aux sont avec ont son sa ce cette il elle par
    fr qui où quand quel quelle quels quelles combien comment pourquoi quoi lequel laquelle
    es el los las es una un del de la en que para por con se son está como más su fue al lo
    es qué cuándo dónde quién quiénes cuál cuáles cuánto cuánta cuántos cuántas cómo
    it il gli lo una un del della dei delle degli dell di in e che per con non sono nel nella alla le è ha si
    it quando dove chi quale quali quanto quanta quanti quante come cosa perché
    pt os as o a uma um do da dos das de e em que para com não são no na ao pode é foi se ser por seu sua
    pt quando onde quem qual quais quantos quantas quanto como porque
    nl de het een en van is niet met in op dat voor zijn wordt werd aan bij ook als was
    nl wanneer waar wie wat welke welk hoe hoeveel waarom
    no og i er det som på av til den med ikke en et for har var fra om ble seg
    no hva hvem når hvor hvorfor hvordan hvilken hvilket hvilke mye mange
    da og i er det som på af til den med ikke en et for har var fra om blev sig
    da hvad hvem hvornår hvor hvorfor hvordan hvilken hvilket hvilke meget mange
    sv och i är det som på av till den med inte en ett för har var från om blev sig där
    sv vad vem när hur varför vilken vilket vilka mycket många
    pl i w na z się że nie jest to do od po dla o był była są przez
    pl jak kiedy gdzie kto kogo co który która które jaki jaka jakie ile dlaczego czy
    tr ve bir bu da de ile için olarak en çok var gibi kadar olan
    tr ne nedir neler zaman nerede neresinde kim kimi hangi nasıl kaç neden mi mı mu mü
    vi và là của có được cho các trong một những không người ở với đã để
    vi đâu nào gì khi ai bao nhiêu sao
"""
COMMON_WORDS: Mapping[str, frozenset[str]] = {
    language: frozenset(
        word for known, *words in map(str.split, _WORDS.strip().splitlines()) if known == language for word in words
    )
    for language in dict.fromkeys(line.split()[0] for line in _WORDS.strip().splitlines())
}
LETTERS: Mapping[str, re.Pattern[str]] = {
    "de": re.compile("ß"),
    "es": re.compile("[¿¡ñ]"),
    "pt": re.compile("[ãõ]"),
    "no": re.compile("[æø]"),
    "da": re.compile("[æø]"),
    "pl": re.compile("[łąęśźżćń]"),
    "tr": re.compile("[ğış]"),
    "vi": re.compile("[đơư\u1ea0-\u1ef9]"),
}
"""That hardly another language here has; one tells as much as a common word."""
TWINS = frozenset({"no", "da"})
"""Where these two tell alike, the first is taken: who reads one reads the other."""
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
WORD = re.compile(r"[^\W\d_]+")
LEAST_SHARE = 0.06
"""Of a text's words: tables and code have fewer common words than that in any language, prose has a third."""
NAMES: Mapping[str, str] = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "pt": "Portuguese", "nl": "Dutch",
    "no": "Norwegian", "da": "Danish", "sv": "Swedish", "pl": "Polish", "tr": "Turkish", "vi": "Vietnamese",
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
    folded = text.lower()
    words = Counter(WORD.findall(folded))
    counts = {language: sum(words[word] for word in common) for language, common in COMMON_WORDS.items()}
    for language, telling in LETTERS.items():
        counts[language] += len(telling.findall(folded))
    best = max(counts, key=lambda language: counts[language])
    others = [count for language, count in counts.items() if language != best and not {language, best} <= TWINS]
    return best if counts[best] > max(others) and counts[best] >= LEAST_SHARE * words.total() else ""


def telling_words(text: str) -> frozenset[str]:
    """The words that not any text of its language has, as ``words_of`` gives them."""
    return words_of(text) - words_of(" ".join(COMMON_WORDS.get(guess_language(text), ())))


def is_taken_for_english(text: str) -> bool:
    """Whether the text is in English, or nothing tells that it is not."""
    return guess_language(text) in ("", "en")


def languages_of(texts: Iterable[str]) -> Counter[str]:
    """How many of the texts are in which language; those that do not tell are left out."""
    return Counter(language for language in map(guess_language, texts) if language)
