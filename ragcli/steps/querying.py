"""What a question or a passage says outright: marks such as codes and quoted words, and names. Plain rules, no model.

It knows nothing of scores: how much a mark or a name counts is ranking's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ragcli.steps.sentences import WORD, words_of
from ragcli.types import Chunk

LATIN = r"[0-9A-Za-z_\u00c0-\u024f]"
"""What a code is made of. Not ``\\w``: in a script without spaces a code has other letters right beside it."""
MARK = re.compile(
    r"[\"“„«「『](?P<quoted>[^\"“”„«»「」『』\n]{2,80})[\"”“»」』]"  # a phrase in quotes
    rf"|(?<!{LATIN})(?:"
    rf"{LATIN}[\w-]+\.[a-z][a-z0-9]{{0,4}}"  # a file name
    r"|\d{4}-\d{2}(?:-\d{2})?"  # a date
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


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
