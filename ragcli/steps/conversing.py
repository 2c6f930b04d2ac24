"""A question that needs the one before it becomes one that stands alone: by plain rules, or with a language model's help.

What is asked goes first and what it is about behind it: a search looks for both, and a reader sees how it was understood.
It knows no index, and keeps nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ragcli.steps.citing import SPACED_MARKER
from ragcli.steps.languages import guess_language
from ragcli.steps.sentences import words_of
from ragcli.types import Answer, Message, Prompt, Turn

MOST_TURNS = 4
"""Kept of a conversation."""
TURNS_LOOKED_AT = 2
"""Who asks about something older than that names it."""
SHORT_ANSWER = 80
"""Characters of an answer that may be what "it" stands for; a longer one would drown the question."""
SHORT_QUESTION = 4
"""Words of a question that may have no verb of its own."""
LONGEST_REMARK = 8
"""Words of what is no question: a longer one is a statement or a search, and names what it is about."""
USUAL = ("en", "de", "fr", "es")
"""What a question may be in that is too short to tell."""
REWRITE_TOKENS = 48
LONGEST_REWRITE = 240

CONNECTIVES: Mapping[str, str] = {
    "en": r"(?:and|but|or|what about|how about|also|so)\b(?: then\b)?",
    "de": r"(?:und|aber|oder|was ist mit|wie ist es mit|wie sieht es mit|wie steht es um|auch)\b",
    "fr": r"(?:et|mais|ou|qu['’]en est-il d[eu']|alors)\b",
    "es": r"¿?(?:y(?! a[ -]t)|pero|qué hay de|qué pasa con)\b",
    "it": r"(?:e|ed|ma|che ne è di)\b",
    "pt": r"(?:e|mas)\b",
    "nl": r"(?:en|maar|of|hoe zit het met)\b",
}
PRONOUNS: Mapping[str, str] = {
    "en": r"it|its|they|them|their|theirs|he|him|his|she|her|hers|this|these|those|there|the same(?!.* as\b)|both(?! \w)"
    r"|(?:(?<=is |of |in |on |at |do |to )|(?<=was |for |did )|(?<=does |with )|(?<=after |about )|(?<=before ))that",
    "de": r"er|sie|ihn|ihm|ihr|ihre[nmrs]?|sein|seine[nmrs]?|dessen|deren|davon|dafür|damit|darin|darüber|dazu|daran|darauf"
    r"|dort|das(?=\s*$|\s+\w+\s*$)|diese[nmrs]?|jene[nmrs]?|derselbe|dieselbe|dasselbe|beide[nr]?(?! \w)",
    "fr": r"il|elle|ils|elles|lui|leurs?|son|sa|ses|cela|ça|celui|celle|ceux|celles|en|y",
    "es": r"él|ella|ellos|ellas|lo|le|les|su|sus|eso|ese|esa|esos|esas|esto|este|esta|allí|ahí|ambos|ambas",
    "it": r"lui|lei|loro|suo|sua|suoi|sue|lo|ne|ci|questo|questa|quello|quella|lì",
    "pt": r"ele|ela|eles|elas|seu|sua|seus|suas|isso|isto|esse|essa|este|esta|lá",
    "nl": r"hij|hem|zij|ze|hun|haar|zijn|dat|dit|deze|die|daar|er",
}
EMPTY: Mapping[str, str] = {
    "en": r"(?:is|was) it (?:possible|raining|snowing|late)|what time is it|is there|are there|there (?:is|are|was|were)"
    r"|(?:was|were) there|it (?:cost|take|need)s? (?:to|for|me|us)|it makes? sense|this (?:year|month|week)|these days|those who",
    "de": r"gibt es|wie geht es|das (?=[A-ZÄÖÜ])|sie (?:bitte|mir)|die das",
    "fr": r"y a-t-il|il y a|est-il|faut-il|il faut|en (?=\d{4})|en (?:janvier|février|mars|avril|mai|juin|juillet|août|septembre)"
    r"|en (?:octobre|novembre|décembre|cas|tout|total|moyenne|été|hiver)",
    "es": r"lo que|est[ea] (?:año|mes|semana)",
    "it": r"c['’]è|ci sono",
    "pt": r"este (?:ano|mês)|esta semana",
    "nl": r"er is|er zijn|zijn er|is er|(?:dat|dit|deze|die) \w+",
}
"""Where a pronoun stands for nothing that was said before."""
OTHERS = re.compile(
    r"\bthe (?:other|former|latter)\b|\bthe (?:new|old|first|second|third|last) ones?\b|\bl['’]autre\b"
    r"|\b(?:der|die|das|den|dem) andere[nrs]?\b|\b(?:el otro|la otra)\b",
    re.IGNORECASE,
)
"""One of several: the question before says of what."""
ARTICLES = r"the|our|my|der|die|das|den|dem|le|la|les|el|los|las|il|gli|os|as|de|het"
INDEFINITE = r"a|an|ein|eine|einen|un|une|una|um|uma|een"
PREPOSITIONS = (
    r"(?:in|on|at|for|since|from|to|until|with|without|by|before|after|during|under|per"
    r"|im|am|um|für|seit|von|vom|bis|mit|ohne|bei|vor|nach|unter|zu|zum|zur|pro"
    r"|en|dans|pour|depuis|avec|sans|par|avant|après|pendant|jusqu['’]à|à|au|aux|de|du|des|of"
    r"|para|desde|con|sin|por|antes|después|hasta|durante|a)"
)
ASKING = re.compile(
    r"\b(?:what|which|who|whom|whose|when|where|why|how|much|many|often|long|far|exactly|else|more"
    r"|was|welche[nmrs]?|wer|wen|wem|wessen|wann|wo|warum|wieso|wie|viel|viele|oft|lange|genau|noch"
    r"|que|quoi|quel(?:le)?s?|qui|quand|où|pourquoi|comment|combien|encore"
    r"|qué|cuál(?:es)?|quién(?:es)?|cuándo|dónde|por qué|cómo|cuánt[oa]s?|más"
    r"|che|cosa|quale|quali|chi|perché|come|quant[oaie]|quem|onde|wat|welke|wie|wanneer|waar|waarom|hoe|hoeveel)\b",
    re.IGNORECASE,
)
YEAR = re.compile(r"\b(?:19|20)\d\d\b")
WORD = re.compile(r"[^\W_]+(?:[’'-][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class StandAlone:
    """A question as it is asked of the files."""

    text: str
    is_follow_up: bool
    by: str = "rules"
    """Who rewrote it: ``rules``, or the name of a model."""
    has_background: bool = False
    """It has the question before behind it: a reader understands it, but nobody would ask so."""


def turn_of(text: str, answer: Answer, *, keep_answer: bool = True) -> Turn:
    """The turn that ``text``, as it was typed, and its answer make."""
    said = answer.text if keep_answer and answer.outcome == "answered" else ""
    return Turn(text, answer.question.text, said)


def is_follow_up(text: str) -> bool:
    """Whether the question leans on what was said before: by how it begins, what it leaves out, or a pronoun.

    A pronoun for something that the question itself names before leans on nothing.
    """
    bare = text.strip().rstrip("?!. ？").strip()
    known = guess_language(text)
    connectives = [CONNECTIVES[known]] if known in CONNECTIVES else CONNECTIVES.values()
    if any(re.match(rf"{pattern}\s", bare + " ", re.IGNORECASE) for pattern in connectives):
        return True
    if "?" not in text and not ASKING.match(bare) and len(WORD.findall(bare)) > LONGEST_REMARK:
        return False
    languages = [known] if known in PRONOUNS else USUAL if not known else []
    return _leaves_out(bare) or any(_leans_on(bare, language) for language in languages)


def _leaves_out(bare: str) -> bool:
    """A few words without anything to look for: "Since when?", "For adults?", "In 2023?", "Why?"."""
    words = WORD.findall(bare)
    if not words or len(words) > SHORT_QUESTION:
        return False
    without = ASKING.sub("", re.sub(rf"\b{PREPOSITIONS}\b", "", bare, flags=re.IGNORECASE))
    telling = words_of(without)
    return not telling or (re.match(rf"{PREPOSITIONS}\s", bare, re.IGNORECASE) is not None)


def _leans_on(bare: str, language: str) -> bool:
    plain = re.sub(rf"\b(?:{EMPTY[language]})", " ", bare, flags=re.NOFLAG if language == "de" else re.IGNORECASE)
    found = re.search(rf"(?<![\w'’])(?:{PRONOUNS[language]})(?!\w)", plain, re.IGNORECASE)
    return OTHERS.search(plain) is not None or (found is not None and not _names_something(plain[: found.start()]))


def _names_something(before: str) -> bool:
    """Whether what stands before a pronoun has what it may stand for: a name, or a noun behind an article.

    What is asked for ("with which deadline can it …") is not it, nor is the new thing of "a menu for it".
    """
    asked = ASKING.sub(" ", re.sub(r"\bwelche[nmrs]?\s+\w+", " ", before))
    names = [word for word in WORD.findall(asked)[1:] if word[0].isupper()]
    articles = ARTICLES if re.search(rf"\b{PREPOSITIONS}\s+$", before, re.IGNORECASE) else f"{ARTICLES}|{INDEFINITE}"
    return bool(names) or re.search(rf"\b(?:{articles})\s+\w{{3,}}|\bl['’]\w{{3,}}", asked, re.IGNORECASE) is not None


def rewrite_by_rules(text: str, turns: Sequence[Turn]) -> StandAlone:
    """The question with what it leans on; as it is where it leans on nothing, or nothing was said.

    "And in 2023?" changes the year of the question before, "and for children?" what stood behind the same word; any
    other has the question before put behind it, and its answer if that is a name: numbers lead a search astray.
    """
    if not turns or not is_follow_up(text):
        return StandAlone(text, False)
    last = turns[-1]
    rest = _without_connective(text)
    replaced = _replace_year(rest, last.standalone) or _replace_phrase(rest, last.standalone)
    if replaced:
        return StandAlone(replaced, True)
    before = last.standalone.strip()
    background = [before if before.endswith(")") else before.rstrip("?!. ？") + "?"]
    said = _said(last)
    if len(said) <= SHORT_ANSWER and any(letter.isupper() for letter in said) and not re.search(r"\d", said):
        background.append(said.rstrip(".") + ".")
    return StandAlone(f"{text.strip()} ({' '.join(background)})", True, has_background=True)


def _said(turn: Turn) -> str:
    """The answer without the numbers of passages, which mean nothing any more."""
    return SPACED_MARKER.sub("", turn.answer).strip()


def _without_connective(text: str) -> str:
    for pattern in CONNECTIVES.values():
        found = re.match(rf"\s*{pattern}\s+", text, re.IGNORECASE)
        if found:
            return text[found.end() :].strip()
    return text.strip()


def _replace_year(rest: str, before: str) -> str | None:
    """``in 2023?`` after a question about 2024."""
    new, old = YEAR.findall(rest), set(YEAR.findall(before))
    is_bare = len(new) == 1 and not words_of(re.sub(rf"\b{PREPOSITIONS}\b", "", YEAR.sub("", rest), flags=re.IGNORECASE))
    return YEAR.sub(new[0], before) if is_bare and len(old) == 1 else None


def _replace_phrase(rest: str, before: str) -> str | None:
    """``of the grey water tank?`` after ``What is the capacity of the drinking water tank?``."""
    bare = rest.rstrip("?!. ？")
    found = re.match(rf"({PREPOSITIONS})\s+(.+)", bare, re.IGNORECASE)
    if not found or len(WORD.findall(bare)) > SHORT_QUESTION + 2 or ASKING.search(bare):
        return None
    *_, same = [None, *re.finditer(rf"\b{re.escape(found[1])}\s+.+$", before.rstrip("?!. ？"), re.IGNORECASE)]
    # What stood behind the same word goes, up to the next such word: one phrase for another.
    if same is None:
        return None
    tail = same[0][len(found[1]) :]
    following = re.search(rf"\s{PREPOSITIONS}\s", tail, re.IGNORECASE)
    kept = tail[following.start() :] if following else ""
    return f"{before[: same.start()]}{bare}{kept}?"


def build_rewriting(text: str, turns: Sequence[Turn]) -> Prompt:
    """Asks a model for the question as it would stand alone; short, for it is read before every such question."""
    said = []
    for turn in turns[-TURNS_LOOKED_AT:]:
        said += [f"Question: {turn.standalone}", f"Answer: {_said(turn)[:SHORT_ANSWER] or 'not known'}"]
    task = (
        "Rewrite the last question so that it can be understood alone, in its language: put names for he, she, it and the like."
    )
    user = "\n".join([*said, f"Last question: {text.strip()}", f"{task} Write only the question."])
    return Prompt((Message("system", "You rewrite questions. You never answer them."), Message("user", user)))


def accept_rewriting(reply: str, text: str, turns: Sequence[Turn]) -> str | None:
    """The model's question, if it keeps what was asked and brings in nothing that nobody said; else None."""
    line = next((line.strip(" \"'“”") for line in reply.splitlines() if line.strip()), "")
    line = re.sub(r"^(?:rewritten |last )?question:\s*", "", line, flags=re.IGNORECASE).strip(" \"'“”")
    said = words_of(" ".join([text, *(f"{turn.question} {turn.standalone} {turn.answer}" for turn in turns)]))
    asked, new = words_of(ASKING.sub(" ", _without_pronouns(text))), words_of(ASKING.sub(" ", line))
    if not line or len(line) > LONGEST_REWRITE or not new - words_of(text):
        return None
    return line if asked <= new | words_of(line) and len(new - said) <= 1 else None


def _without_pronouns(text: str) -> str:
    language = guess_language(text)
    return re.sub(rf"\b(?:{PRONOUNS.get(language, PRONOUNS['en'])})\b", " ", _without_connective(text), flags=re.IGNORECASE)
