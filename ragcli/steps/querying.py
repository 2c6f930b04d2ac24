"""What a question or a passage says outright: marks such as codes and quoted words, names, and what is asked. Plain rules, no
model.

It knows nothing of scores: how much a mark or a name counts is ranking's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ragcli.steps.sentences import WORD, split_sentences, words_of
from ragcli.types import Chunk

LATIN = r"[0-9A-Za-z_\u00c0-\u024f]"
"""What a code is made of. Not ``\\w``: in a script without spaces a code has other letters right beside it."""
MARK = re.compile(
    r"[\"“„«「『](?P<quoted>[^\"“”„«»「」『』\n]{2,80})[\"”“»」』]"  # a phrase in quotes
    rf"|(?<!{LATIN})(?:"
    rf"{LATIN}[\w-]{{1,80}}\.[a-z][a-z0-9]{{0,4}}"  # a file name; without a bound a long text takes time by its square
    r"|\d{4}-\d{2}(?:-\d{2})?"  # a date
    rf"|[A-Z][A-Z0-9]*(?:-[A-Z0-9]+){{0,4}}-\d{LATIN}*(?:-[A-Z0-9]+){{0,4}}"  # a code with hyphens: INV-2025-0417, F-16
    r"|[a-z]{1,6}(?:-\d{2,}){0,4}-\d{3,}(?:-\d+){0,4}"  # and as it is often typed: e-412
    r"|v?\d+(?:\.\d+){2,}"  # a version, 31.12.2025
    rf"|(?=[0-9_]*[A-Za-z])(?={LATIN}*[0-9_]){LATIN}{{2,}}"  # letters with digits: P3081, read_file
    rf"|{LATIN}*[a-z][A-Z]{LATIN}*"  # camelCase
    r"|[A-Z]{2,}"  # an acronym
    rf")(?!{LATIN})"
)
MOST_NAMES = 32
"""Of one text: each is a word to search for, and a list of names names nothing in particular."""
SHORTEST_TITLE = 4
"""Characters of a title that can be told from a common word when another file names it."""
MOST_NAMESAKES = 8
"""Files of one title: with more of them ("README") naming the title points to none."""
BRACKETED = re.compile(r"\s*\([^()]*\)$")
"""What a title adds to tell it from another is left out where others name it."""
FISCAL_YEAR = re.compile(r"\bFY ?['’]?(?P<century>\d\d)?(?P<year>\d\d)(?:Q(?P<quarter>[1-4]))?\b")
QUARTERS = {"1": "first quarter ", "2": "second quarter ", "3": "third quarter ", "4": "fourth quarter "}
ASKED_LATE = re.compile(
    r"(?P<before>(?:after|among|as of|at|before|besides|between|by|during|for|from|if|in|of|on|since|under|until|when|while|with"
    r"|within|without|\w+ing)\b.*), (?P<asked>(?:[a-z]{2,5} )?(?:who|whose|whom|what|when|where|why|how|which)\b.*\?)",
    re.IGNORECASE | re.DOTALL,
)
"""An English question that says when or where before it asks."""


def marks_in(question: str) -> tuple[str, ...]:
    """Quoted phrases, file names, dates, codes and acronyms of the question, folded, each once, in order."""
    text = question.lower() if question.isupper() else question
    return tuple(dict.fromkeys(_folded(match["quoted"] or match[0]) for match in MARK.finditer(text)))


def share_of_marks(marks: Sequence[str], chunk: Chunk) -> float:
    """How many of the marks stand in the chunk, its title, headings or file name; 0 to 1."""
    if not marks:
        return 0.0
    text = _folded(" ".join([chunk.title, chunk.path.name, *chunk.heading, chunk.text]))
    return sum(stands_in(mark, text) for mark in marks) / len(marks)


def stands_in(name: str, text: str) -> bool:
    """Whether the text has the name, and not as a part of a longer word or code."""
    return name in text and re.search(rf"(?<!{LATIN}){re.escape(name)}(?!{LATIN})", text) is not None


def names_in(text: str, *, besides: str) -> tuple[str, ...]:
    """The first words of the text that begin with a capital and that ``besides`` does not have, each once, in order.

    In German these are the nouns; a script without capitals has none.
    """
    asked = words_of(besides)
    capital = dict.fromkeys(word for word in WORD.findall(text) if word[0].isupper())
    return tuple(word for word in capital if words_of(word) - asked)[:MOST_NAMES]


def named_in(text: str, chunks: Iterable[Chunk]) -> frozenset[str]:
    """The ids of the chunks whose file the text names, by its title or by its file name."""
    titles: dict[str, list[Chunk]] = {}
    for chunk in chunks:
        bare = BRACKETED.sub("", chunk.title) if chunk.title.endswith(")") else chunk.title
        for title in {bare, chunk.path.name}:
            if len(title) >= SHORTEST_TITLE:
                titles.setdefault(title, []).append(chunk)
    named = (meant for title, meant in titles.items() if stands_in(title, text))
    return frozenset(chunk.id for meant in named if len({each.source_id for each in meant}) <= MOST_NAMESAKES for chunk in meant)


def write_out_years(text: str) -> str:
    """The text with fiscal years as files write them: ``FY2023Q1`` as ``first quarter 2023``, ``FY23`` as ``2023``."""

    def written(match: re.Match[str]) -> str:
        century = match["century"] or ("20" if match["year"] < "50" else "19")
        return f"{QUARTERS.get(match['quarter'], '')}{century}{match['year']}"

    return FISCAL_YEAR.sub(written, text)


def ask_directly(question: str) -> str:
    """The last sentence of an English question that asks, and what it says before it asks behind that: of ``In May, who won?``
    ``Who won in May?``. As it is if none asks.
    """
    sentences = [question[start:end] for start, end in split_sentences(question)]
    asking = next((sentence for sentence in reversed(sentences) if sentence.endswith("?")), question)
    late = ASKED_LATE.fullmatch(asking) if asking.endswith("?") else None  # else a long text takes time by its square
    if late is None:
        return asking
    asked, before = late["asked"].rstrip("? "), late["before"]
    return f"{asked[0].upper()}{asked[1:]} {before[0].lower()}{before[1:]}?"


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
