"""Whether the files answer a question at all: what the model is shown for its verdict, and what the verdict is worth.

A small model that reads a page and is told to say so when the answer is not there does it almost at random. Made to answer,
and then shown the three sentences that it answered from and asked yes or no, it can tell: the area under the curve rose
from 0.5 to 0.85 with 1.5 billion weights. Asked for one sentence that it had not chosen itself, it came to 0.8.

A question that no longer fits a text is often a fitting one with a word or two exchanged. So the model is asked the other way
round too, which question the text answers so, and how likely it then finds the real one, as in Lewis and Fan: Generative
Question Answering: Learning to Answer the Whole Question, 2019. What gives an exchanged word away is not the whole question's
likelihood but that of its least likely token, or of a long one's second or third: by itself it tells as much as 0.75 of that
area, and is right where the verdict is not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ragcli.steps.opposites import is_opposed
from ragcli.steps.prompting import SYSTEM, describe_source
from ragcli.steps.querying import write_out_years
from ragcli.steps.sentences import plain_words, split_sentences, split_windows, weigh_words, words_of
from ragcli.types import Context, Message, Prompt

VERDICT_TASK = "Do you know the answer after reading the text? Say yes or no."
"""Asked whether it knows the answer, and not whether the text answers the question, the model is righter: the area under the
curve rose by 0.03 to 0.09 on three development sets and stayed on two. The mean of several such questions brought no more."""
LONGEST_EVIDENCE = 900
"""Characters: three long sentences. More than that dilutes the verdict."""
LEAST_EVIDENCE = 300
"""Of short lines so many characters: what a list is about often stands some lines above."""
LEAST, MOST = 1e-4, 1 - 1e-4
"""No verdict counts as surer than this."""
MOST_SURPRISE = 15.0
"""Nats. What is less likely yet is a slip of the pen or a rare name, as often as another question."""
SURPRISE_OF_ANSWERED, SURPRISE_OF_OTHERS = 6.0, 10.0
"""What it was on average of questions that were settled without it: 57 of which 46 had an answer, and 19 of which 2 had."""
LONG_QUESTION = 24
"""Tokens: twice what most questions have."""
LONGEST_GUESS = 300
"""Characters of the answer that the model guesses from, and of the question that it guesses, where each token is a step."""

# A logistic regression over the development sets: see benchmarks/fit_confidence.py.
VERDICT_WEIGHT, SURPRISE_WEIGHT, UNGUESSED_WEIGHT, OFFSET = 1.20, -0.08, -0.14, 0.07
VERBATIM_WEIGHT, STRANGERS_WEIGHT, OPPOSED_WEIGHT, OTHER_YEARS_WEIGHT = 0.39, -0.68, -0.98, -0.31

NAME = re.compile(r"(?<=\s)(?:[A-ZÄÖÜÀ-Þ][\w'’-]+|\d[\w.,-]*\w)")
"""A word with a capital or a number, behind the first word of a sentence."""
YEAR = re.compile(r"(?<!\d)(?:1\d|20)\d\d(?!\d|s\b|年代)")
"""A year, and no decade."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The few sentences that an answer was taken from."""

    text: str
    verbatim: bool
    """Whether they hold the answer word for word."""
    strangers: bool
    """Whether the question names somebody or something that nothing does of what was found in the files of the passages."""
    opposed: bool
    """Whether they say the opposite of something in the question."""
    other_years: bool
    """Whether they name years, and none of the question's: of nine such questions eight had no answer."""


def choose_evidence(question: str, answer: str, context: Context) -> Evidence:
    """The sentence that holds the answer, or else most of its words, and then of the question's; with its neighbours.

    The context has a passage. Without an answer it is the sentence nearest to the question.
    """
    windows = [
        (passage, *window)
        for passage in context.passages
        for window in split_windows(passage.text, LONGEST_EVIDENCE, LEAST_EVIDENCE)
    ]
    sentences = [passage.text[slice(*sentence)] for passage, sentence, _ in windows]
    asked, said = _word_shares(question, sentences), _word_shares(answer, sentences)
    wanted = plain_words(answer)
    holds = [bool(wanted) and wanted in plain_words(sentence) for sentence in sentences]
    best = max(range(len(windows)), key=lambda place: (holds[place], said[place] + 0.3 * asked[place]))
    passage, _, span = windows[best]
    around = passage.text[slice(*span)]
    text = f"{describe_source(passage.hit)}\n{around}"
    signs = _has_strangers(question, context), is_opposed(question, around), _has_other_years(question, text)
    return Evidence(text, bool(wanted) and wanted in plain_words(around), *signs)


def _word_shares(wanted: str, sentences: Sequence[str]) -> list[float]:
    """How much of the wanted text each sentence holds: the share of its words, where a rarer word counts for more."""
    held = [words_of(sentence) for sentence in sentences]
    weights = weigh_words(wanted, held)
    total = sum(weights.values()) or 1.0
    return [sum(weight for word, weight in weights.items() if word in words) / total for words in held]


def _has_strangers(question: str, context: Context) -> bool:
    shown = [passage.hit for passage in context.passages]
    files = {hit.chunk.source_id for hit in shown}
    found = [*shown, *(hit for hit in context.left_out if hit.chunk.source_id in files)]
    held = words_of("\n".join(f"{describe_source(hit)}\n{hit.chunk.text}" for hit in found))
    sentences = (question[start:end] for start, end in split_sentences(question))
    return any(not words_of(name) <= held for sentence in sentences for name in NAME.findall(write_out_years(sentence)))


def _has_other_years(question: str, text: str) -> bool:
    asked, told = frozenset(YEAR.findall(question)), frozenset(YEAR.findall(text))
    return bool(asked and told) and not asked & told


def build_judgement(question: str, evidence: Evidence) -> Prompt:
    """Asks for one word: yes or no."""
    user = f"Text: {evidence.text}\n\nQuestion: {question}\n{VERDICT_TASK}"
    return Prompt((Message("system", SYSTEM), Message("user", user)))


def read_verdict(first_tokens: Mapping[str, float]) -> float:
    """The probability of yes against no, given how likely the answer begins with which token; even if with neither."""
    said = {"yes": 0.0, "no": 0.0}
    for token, probability in first_tokens.items():
        word = token.strip().casefold()
        if word in said:
            said[word] += probability
    return said["yes"] / sum(said.values()) if any(said.values()) else 0.5


def build_guess(answer: str, evidence: Evidence) -> Prompt:
    """Asks which question the evidence answers so. It begins as the judgement does, so that engines need not read that again."""
    user = f"Text: {evidence.text}\n\nAnswer: {answer[:LONGEST_GUESS]}\nSay the question that this answers."
    return Prompt((Message("system", SYSTEM), Message("user", user)))


def find_surprise(likelihoods: Sequence[float]) -> float:
    """How little the least likely token of the question was to be expected, in nats. The first may be any: who, when, how.

    Of a long question it is the second or third least likely: among more tokens one is always a surprise.
    """
    place = len(likelihoods) // LONG_QUESTION
    ordered = sorted(likelihoods[1:])
    return min(MOST_SURPRISE, -ordered[place]) if ordered else 0.0


def answerability(verdict: float, surprise: float | None, evidence: Evidence) -> float:
    """The probability that the files answer the question; ``surprise`` is None where the model was not asked to guess."""
    sure = min(MOST, max(LEAST, verdict))
    logit = VERDICT_WEIGHT * math.log(sure / (1 - sure)) + OFFSET
    logit += UNGUESSED_WEIGHT if surprise is None else SURPRISE_WEIGHT * surprise
    logit += VERBATIM_WEIGHT * evidence.verbatim + STRANGERS_WEIGHT * evidence.strangers
    logit += OPPOSED_WEIGHT * evidence.opposed + OTHER_YEARS_WEIGHT * evidence.other_years
    return 1 / (1 + math.exp(-logit))


def settled_surprise(verdict: float, evidence: Evidence, floor: float) -> float | None:
    """What the question's surprise is taken for where none could bring the probability to the other side of the floor.

    None where it has to be found.
    """
    if answerability(verdict, MOST_SURPRISE, evidence) >= floor:
        return SURPRISE_OF_ANSWERED
    return SURPRISE_OF_OTHERS if answerability(verdict, 0.0, evidence) < floor else None
