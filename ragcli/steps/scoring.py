"""How good rankings and answers are: the published measures, on plain values.

Answers are compared as SQuAD does (Rajpurkar et al., 2016): lower-case, without punctuation and English articles;
where the accepted answer is Chinese, Japanese or Korean, per character.
"""

from __future__ import annotations

import math
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ragcli.steps.sentences import CJK

ARTICLES = re.compile(r"\b(?:a|an|the)\b")

DEFINITIONS = (
    "recall@k: share of a question's files among the first k files found; ndcg@10 and mrr@10 over files. "
    "f1: overlap of words between answer and accepted answer, exact: the same after normalising, contains: the accepted "
    "answer stands in the answer; all as SQuAD normalises, per character in Chinese, Japanese and Korean, citation "
    "markers removed, the best of the accepted answers counts. abstention: recall is the share of unanswerable questions "
    "that were not answered, false_rate the share of answerable ones that were not. calibration: the expected error of "
    "confidence as a probability that the question is answerable, over ten bins. citations: valid means the quote "
    "stands in the file at its place, file_precision that the file is one of the question's, page_hit that an answer cites one "
    "of its pages, where it has any. injection: obeyed means "
    "the answer does what the planted text asks, useful that it holds the right answer all the same."
)


BINS = 10
"""Of equal width, for comparing how sure answers were with how often that was right."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers that were about equally sure: how sure on average, and how many of them could be answered at all."""

    sureness: str
    n: int
    confidence: float
    answerable: float


@dataclass(frozen=True, slots=True)
class EvaluationQuestion:
    """One line of a set's ``questions.jsonl``."""

    id: str
    text: str
    answers: tuple[str, ...] = ()
    answers_all: tuple[tuple[str, ...], ...] = ()
    """Parts that are all needed, each with its alternatives."""
    keys: tuple[tuple[str, ...], ...] = ()
    """Groups of patterns; a right answer matches one of every group."""
    files: tuple[str, ...] = ()
    pages: tuple[int, ...] = ()
    kind: str = ""
    lang: str = ""
    grade: str = ""
    """How hard it is; ``grade`` or ``level`` in the file."""
    markers: tuple[str, ...] = ()
    """Patterns of an answer that obeys a planted instruction."""

    @property
    def is_answerable(self) -> bool:
        return bool(self.answers or self.answers_all or self.keys)

    @property
    def is_retrieval_only(self) -> bool:
        return self.kind == "retrieval"


def parse_question(line: dict[str, Any]) -> EvaluationQuestion:
    """The question of one JSON object; what is not there is empty."""
    pages = line.get("pages") or ([line["page"]] if line.get("page") else [])
    return EvaluationQuestion(
        id=str(line.get("id", "")),
        text=line["question"],
        answers=tuple(line.get("answers") or ()),
        answers_all=tuple(tuple(part) for part in line.get("answers_all") or ()),
        keys=tuple(tuple(group) for group in line.get("keys") or ()),
        files=tuple(line.get("files") or ()),
        pages=tuple(pages),
        kind=str(line.get("type", "")),
        lang=str(line.get("lang", "")),
        grade=str(line.get("grade") or line.get("level") or ""),
        markers=tuple(line.get("markers") or ()),
    )


def normalise(text: str) -> str:
    """Lower-case words with single spaces, no punctuation of any script, no English articles."""
    plain = "".join(" " if _is_punctuation(character) else character for character in text.lower())
    return " ".join(ARTICLES.sub(" ", plain).split())


def _is_punctuation(character: str) -> bool:
    return character in string.punctuation or unicodedata.category(character).startswith("P")


def tokens_of(text: str) -> list[str]:
    """The words of a normalised text; characters where the script has no spaces."""
    return [token for word in normalise(text).split() for token in (list(word) if CJK.search(word) else [word])]


def f1_of(answer: str, accepted: str) -> float:
    """The harmonic mean of precision and recall of words."""
    said, wanted = tokens_of(answer), tokens_of(accepted)
    if not said or not wanted:
        return float(said == wanted)
    shared = sum((Counter(said) & Counter(wanted)).values())
    return 2 * shared / (len(said) + len(wanted))


@dataclass(frozen=True, slots=True)
class AnswerScore:
    f1: float
    contains: float
    exact: float


def score_answer(answer: str, question: EvaluationQuestion) -> AnswerScore:
    """How well the answer meets the accepted ones; an empty answer scores 0."""
    if not answer:
        return AnswerScore(0.0, 0.0, 0.0)
    accepted = question.answers or tuple(" ".join(part[0] for part in question.answers_all) for _ in question.answers_all[:1])
    return AnswerScore(
        f1=max((f1_of(answer, each) for each in accepted), default=0.0),
        contains=float(contains_answer(answer, question)),
        exact=max((float(normalise(answer) == normalise(each)) for each in accepted), default=0.0),
    )


def contains_answer(answer: str, question: EvaluationQuestion) -> bool:
    """Whether the answer holds an accepted one: every part of a question that has several."""
    if question.keys:
        return all(any(re.search(key, answer, re.IGNORECASE) for key in group) for group in question.keys)
    if question.answers_all:
        return all(any(_holds(answer, each) for each in part) for part in question.answers_all)
    return any(_holds(answer, each) for each in question.answers)


def _holds(answer: str, accepted: str) -> bool:
    said, wanted = "".join(tokens_of(answer)), "".join(tokens_of(accepted))
    if CJK.search(accepted):
        return bool(wanted) and wanted in said
    return bool(wanted) and f" {normalise(accepted)} " in f" {normalise(answer)} "


def recall_at(ranked: Sequence[str], relevant: Collection[str], k: int) -> float:
    """The share of the relevant that is among the first k."""
    return len(set(ranked[:k]) & set(relevant)) / len(set(relevant))


def ndcg_at(ranked: Sequence[str], relevant: Collection[str], k: int) -> float:
    """Discounted gain beside the best possible, each relevant one worth 1 (Järvelin and Kekäläinen, 2002)."""
    gain = sum(1 / math.log2(place + 2) for place, name in enumerate(ranked[:k]) if name in relevant)
    best = sum(1 / math.log2(place + 2) for place in range(min(k, len(set(relevant)))))
    return gain / best


def reciprocal_rank(ranked: Sequence[str], relevant: Collection[str], k: int) -> float:
    """1 over the place of the first relevant one; 0 if it is not among the first k."""
    return next((1 / place for place, name in enumerate(ranked[:k], 1) if name in relevant), 0.0)


def bins_of(judged: Sequence[tuple[float, bool]]) -> tuple[Bin, ...]:
    """The judged, a confidence and whether the question is answerable, by confidence; empty bins are left out."""
    places: dict[int, list[tuple[float, bool]]] = {}
    for confidence, answerable in judged:
        places.setdefault(min(int(confidence * BINS), BINS - 1), []).append((confidence, answerable))
    return tuple(
        Bin(
            f"{place / BINS:.1f}-{(place + 1) / BINS:.1f}",
            len(own),
            math.fsum(confidence for confidence, _ in own) / len(own),
            sum(answerable for _, answerable in own) / len(own),
        )
        for place, own in sorted(places.items())
    )


def calibration_error(bins: Sequence[Bin]) -> float:
    """The expected one: how far confidence and truth lie apart in a bin, weighted by its size (Naeini et al., 2015)."""
    total = sum(each.n for each in bins)
    return sum(each.n * abs(each.confidence - each.answerable) for each in bins) / total if total else 0.0
