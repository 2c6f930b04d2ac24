"""Whether the files answer a question at all: what the model is shown for its verdict, and what the verdict is worth.

A small model that reads a page and is told to say so when the answer is not there does it almost at random. Shown three
sentences and asked yes or no, it can tell: the area under the curve rose from 0.5 to 0.8 with 1.5 billion weights. So it is
asked that first, which costs a fifth of the answer's time and spares the answer where there is none.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ragcli.prompting import SYSTEM
from ragcli.sentences import split_sentences, words_of
from ragcli.types import Hit, Message, Prompt

HITS_LOOKED_AT = 4
"""Passages among whose sentences the evidence is looked for; further ones hardly ever held it."""
LONGEST_EVIDENCE = 900
"""Characters: three long sentences. More than that dilutes the verdict."""
LEAST, MOST = 1e-4, 1 - 1e-4
"""No verdict counts as surer than this."""

# A logistic regression over the development sets: see benchmarks/fit_confidence.py.
VERDICT_WEIGHT, CLOSENESS_WEIGHT, OFFSET = 0.89, 0.20, -0.39
WITHOUT_CLOSENESS = 1.1
"""Stands for the closeness where no embedder was asked: its median on the development sets."""

Cosines = Callable[[str, Sequence[str]], Sequence[float]]
"""Of a question with each of some texts."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The few sentences of the files that come nearest to a question."""

    text: str
    closeness: float
    """Cosine of the middle sentence with the question, plus the share of the question's rarer words that it holds: 0 to 2."""


def choose_evidence(question: str, hits: Sequence[Hit], cosines: Cosines | None) -> Evidence:
    """The sentence nearest to the question with its neighbours. The hits are not empty.

    With ``cosines`` None only the words decide.
    """
    windows = [window for hit in hits[:HITS_LOOKED_AT] for window in _windows(hit.chunk.text)]
    sentences = [sentence for sentence, _ in windows]
    shares = _word_shares(question, sentences)
    meanings = cosines(question, sentences) if cosines else [0.0] * len(sentences)
    nearness = [share + meaning for share, meaning in zip(shares, meanings, strict=True)]
    best = max(range(len(windows)), key=lambda place: nearness[place])
    return Evidence(windows[best][1], nearness[best] if cosines else WITHOUT_CLOSENESS)


def _windows(text: str) -> list[tuple[str, str]]:
    """Each sentence, and it again between the one before and the one behind it, if they are not too long."""
    spans = split_sentences(text) or [(0, len(text))]
    windows = []
    for place, (start, end) in enumerate(spans):
        first, last = spans[max(0, place - 1)][0], spans[min(len(spans) - 1, place + 1)][1]
        if last - first > LONGEST_EVIDENCE:
            first, last = start, min(end, start + LONGEST_EVIDENCE)
        windows.append((text[start:end], text[first:last]))
    return windows


def _word_shares(question: str, sentences: Sequence[str]) -> list[float]:
    """How much of the question each sentence holds: the share of its words, where a rarer word counts for more."""
    held = [words_of(sentence) for sentence in sentences]
    spread = Counter(word for words in held for word in words)
    weights = {word: math.log(1 + len(sentences) / (0.5 + spread[word])) for word in words_of(question)}
    total = sum(weights.values()) or 1.0
    return [sum(weight for word, weight in weights.items() if word in words) / total for words in held]


def build_judgement(question: str, evidence: Evidence) -> Prompt:
    """Asks for one word: yes or no."""
    user = f"Text: {evidence.text}\n\nQuestion: {question}\nDoes the text state the answer? Say yes or no."
    return Prompt((Message("system", SYSTEM), Message("user", user)))


def read_verdict(first_tokens: Mapping[str, float]) -> float:
    """The probability of yes against no, given how likely the answer begins with which token; even if with neither."""
    said = {"yes": 0.0, "no": 0.0}
    for token, probability in first_tokens.items():
        word = token.strip().casefold()
        if word in said:
            said[word] += probability
    return said["yes"] / sum(said.values()) if any(said.values()) else 0.5


def answerability(verdict: float, closeness: float) -> float:
    """The probability that the files answer the question."""
    sure = min(MOST, max(LEAST, verdict))
    logit = VERDICT_WEIGHT * math.log(sure / (1 - sure)) + CLOSENESS_WEIGHT * closeness + OFFSET
    return 1 / (1 + math.exp(-logit))
