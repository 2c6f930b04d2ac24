"""The flow behind ``eval``: a set's questions are asked of its own corpus, and the figures are told as one report.

The caller has indexed the corpus. Nothing of a set is kept but figures.
"""

from __future__ import annotations

import json
import random
import re
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ragcli.errors import SourceError
from ragcli.flows.translating import Ask
from ragcli.ports import Reader
from ragcli.steps.chunking import locate_span
from ragcli.steps.citing import MARKER
from ragcli.steps.scoring import (
    EvaluationQuestion,
    bins_of,
    calibration_error,
    contains_answer,
    ndcg_at,
    parse_question,
    recall_at,
    reciprocal_rank,
    score_answer,
)
from ragcli.types import (
    Answer,
    AnswerEvent,
    AnswerFinished,
    Citation,
    Document,
    EvaluationEvent,
    EvaluationFinished,
    EvaluationProgressed,
    FileStamp,
    Hit,
    Question,
    SearchResult,
)

Search = Callable[[Question], SearchResult]
FILES_RANKED = 10
HITS_FOR_RANKING = 60
"""Chunks searched for a ranking of files: ten files of up to six chunks each."""


@dataclass(frozen=True, slots=True)
class EvaluationOptions:
    retrieval_only: bool = False
    limit: int | None = None
    seed: int = 0
    k: int = 8


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one question."""

    question: EvaluationQuestion
    ranked: tuple[str, ...]
    """Files relative to the corpus, best first."""
    search_ms: float
    answer: Answer | None = None
    valid: tuple[bool, ...] = ()
    """For each citation whether its quote stands in the file at its place."""


def read_questions(folder: Path, *, limit: int | None, seed: int) -> list[EvaluationQuestion]:
    """The set's questions, or a sample of them that depends only on the seed. Raises SourceError.

    ``path-missing`` if the folder is no set, ``path-unreadable`` if a line is no question.
    """
    file = folder / "questions.jsonl"
    if not file.is_file():
        hint = "a set has corpus/ and questions.jsonl, or corpus/ and manifest.jsonl"
        raise SourceError("path-missing", f"{folder} is no evaluation set", hint=hint)
    questions = list(_parse(file))
    if limit is not None and limit < len(questions):
        questions = random.Random(seed).sample(questions, limit)
    return questions


def _parse(file: Path) -> Iterator[EvaluationQuestion]:
    for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), 1):
        if line.strip():
            try:
                yield parse_question(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                hint = 'each line is an object with "question", "answers" and "files"'
                raise SourceError("path-unreadable", f"line {number} of {file.name} is no question", hint=hint) from error


def evaluate_questions(
    folder: Path, search: Search, ask: Ask, reader: Reader, options: EvaluationOptions
) -> Iterator[EvaluationEvent]:
    """Progress for each question, then the report of DESIGN's shape. Searched and asked is as users do."""
    corpus = (folder / "corpus").resolve()
    questions = read_questions(folder, limit=options.limit, seed=options.seed)
    documents: dict[Path, Document | None] = {}
    outcomes: list[Outcome] = []
    for question in questions:
        yield EvaluationProgressed(len(outcomes), len(questions), question.id)
        result = search(Question(question.text, limit=HITS_FOR_RANKING))
        outcome = Outcome(question, rank_files(result.hits, corpus), result.took_ms.get("total", 0.0))
        if not (options.retrieval_only or question.is_retrieval_only):
            answer = last_answer(ask(Question(question.text, limit=options.k)))
            outcome = replace(outcome, answer=answer, valid=_check_citations(answer, reader, documents))
        outcomes.append(outcome)
    yield EvaluationProgressed(len(outcomes), len(questions), "done")
    yield EvaluationFinished(report_of(folder.name, outcomes, corpus))


def rank_files(hits: Iterable[Hit], corpus: Path) -> tuple[str, ...]:
    """The files of the hits, each at the place of its best chunk."""
    files = dict.fromkeys(hit.chunk.path.relative_to(corpus).as_posix() for hit in hits)
    return tuple(files)[:FILES_RANKED]


def last_answer(events: Iterable[AnswerEvent]) -> Answer | None:
    """The answer that the events end with, if they do."""
    return next((event.answer for event in events if isinstance(event, AnswerFinished)), None)


def _check_citations(answer: Answer | None, reader: Reader, documents: dict[Path, Document | None]) -> tuple[bool, ...]:
    """Each quote is looked for in its file, read again, at the place that the citation names."""
    citations = answer.citations if answer else ()
    return tuple(_stands_at(citation, _read_again(citation.path, reader, documents)) for citation in citations)


def _read_again(path: Path, reader: Reader, documents: dict[Path, Document | None]) -> Document | None:
    if path not in documents:
        status = path.stat()
        stamp = FileStamp(path, status.st_size, status.st_mtime_ns, status.st_ino)
        results = [result for _, result in reader.read([stamp])]
        documents[path] = results[0] if results and isinstance(results[0], Document) else None
    return documents[path]


def _stands_at(citation: Citation, document: Document | None) -> bool:
    if document is None:
        return False
    places = (match.span() for match in re.finditer(re.escape(citation.quote), document.text))
    return any(locate_span(document, *place) == citation.locator for place in places)


# ---- the report ------------------------------------------------------------------------------


def report_of(name: str, outcomes: Sequence[Outcome], corpus: Path) -> Mapping[str, object]:
    """The figures of DESIGN's ``eval --json``; a part that the set has no questions for has ``n`` 0."""
    asked = [outcome for outcome in outcomes if outcome.answer]
    return {
        "set": name,
        "n": len(outcomes),
        "retrieval": retrieval_of(outcomes),
        "answers": answers_of(asked),
        "abstention": abstention_of(asked),
        "calibration": calibration_of(asked),
        "citations": citations_of(asked, corpus),
        "injection": injection_of(asked),
        "extraction": {},
        "latency_ms": latency_of(outcomes),
        "by_type": _by(outcomes, corpus, lambda outcome: outcome.question.kind),
        "by_lang": _by(outcomes, corpus, lambda outcome: outcome.question.lang),
        "by_grade": _by(outcomes, corpus, lambda outcome: outcome.question.grade),
    }


def retrieval_of(outcomes: Sequence[Outcome]) -> Mapping[str, float]:
    rated = [outcome for outcome in outcomes if outcome.question.files and outcome.question.kind != "rejection"]
    figures: dict[str, float] = {"n": len(rated)}
    for k in (1, 5, 10):
        figures[f"recall@{k}"] = _mean(recall_at(outcome.ranked, outcome.question.files, k) for outcome in rated)
    figures["ndcg@10"] = _mean(ndcg_at(outcome.ranked, outcome.question.files, 10) for outcome in rated)
    figures["mrr@10"] = _mean(reciprocal_rank(outcome.ranked, outcome.question.files, 10) for outcome in rated)
    return figures


def answers_of(asked: Sequence[Outcome]) -> Mapping[str, float]:
    scores = [score_answer(_plain(outcome), outcome.question) for outcome in asked if outcome.question.is_answerable]
    return {
        "n": len(scores),
        "f1": _mean(score.f1 for score in scores),
        "contains": _mean(score.contains for score in scores),
        "exact": _mean(score.exact for score in scores),
    }


def abstention_of(asked: Sequence[Outcome]) -> Mapping[str, float]:
    silent = [_abstained(outcome) for outcome in asked if not outcome.question.is_answerable]
    wrongly = [_abstained(outcome) for outcome in asked if outcome.question.is_answerable]
    return {"n": len(silent), "recall": _mean(silent), "false_rate": _mean(wrongly)}


def calibration_of(asked: Sequence[Outcome]) -> Mapping[str, object]:
    """Whether confidence is the probability that it says it is, for all questions of which it is known what is right."""
    judged = [(outcome.answer.confidence, outcome.question.is_answerable) for outcome in asked if outcome.answer]
    bins = bins_of(judged)
    shown = {
        each.sureness: {"n": each.n, "confidence": round(each.confidence, 4), "answerable": round(each.answerable, 4)}
        for each in bins
    }
    return {"n": len(judged), "error": round(calibration_error(bins), 4), "bins": shown}


def citations_of(asked: Sequence[Outcome], corpus: Path) -> Mapping[str, float]:
    valid = [each for outcome in asked for each in outcome.valid]
    right = [
        citation.path.relative_to(corpus).as_posix() in outcome.question.files
        for outcome in asked
        if outcome.answer and outcome.question.files
        for citation in outcome.answer.citations
    ]
    pages = [
        any(citation.locator.page in outcome.question.pages for citation in outcome.answer.citations)
        for outcome in asked
        if outcome.answer and outcome.question.pages and outcome.answer.outcome == "answered"
    ]
    shares = {"valid": _mean(valid), "file_precision": _mean(right), "page_hit": _mean(pages)}
    return {"n": len(valid), "paged": len(pages), **shares}


def injection_of(asked: Sequence[Outcome]) -> Mapping[str, float]:
    planted = [outcome for outcome in asked if outcome.question.markers]
    obeyed = [
        any(re.search(marker, _plain(outcome), re.IGNORECASE) for marker in outcome.question.markers) for outcome in planted
    ]
    useful = [contains_answer(_plain(outcome), outcome.question) for outcome in planted]
    return {"n": len(planted), "obeyed": _mean(obeyed), "useful": _mean(useful)}


def latency_of(outcomes: Sequence[Outcome]) -> Mapping[str, float]:
    """Medians over the questions, in milliseconds."""
    figures = {"search": _median(outcome.search_ms for outcome in outcomes)}
    spoken = [outcome.answer for outcome in outcomes if outcome.answer and outcome.answer.model]
    if spoken:
        figures["first_token"] = _median(answer.took_ms.get("first_token", 0.0) for answer in spoken)
        figures["answer"] = _median(answer.took_ms.get("total", 0.0) for answer in spoken)
        figures["prompt_tokens"] = _median(answer.usage.prompt_tokens for answer in spoken)
    return figures


def _by(outcomes: Sequence[Outcome], corpus: Path, key: Callable[[Outcome], str]) -> Mapping[str, Mapping[str, float]]:
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(key(outcome), []).append(outcome)
    return {name: _group_figures(groups[name], corpus) for name in sorted(groups) if name}


def _group_figures(outcomes: Sequence[Outcome], corpus: Path) -> Mapping[str, float]:
    figures: dict[str, float] = {"n": len(outcomes)}
    retrieval = retrieval_of(outcomes)
    if retrieval["n"]:
        figures |= {name: retrieval[name] for name in ("recall@5", "ndcg@10")}
    asked = [outcome for outcome in outcomes if outcome.answer]
    if asked:
        figures["abstained"] = _mean(_abstained(outcome) for outcome in asked)
    answers = answers_of(asked)
    if answers["n"]:
        figures |= {name: answers[name] for name in ("f1", "contains")}
    cited = citations_of(asked, corpus)
    figures |= {name: cited[name] for name, count in (("file_precision", "n"), ("page_hit", "paged")) if cited[count]}
    return figures


def _plain(outcome: Outcome) -> str:
    """The answer without its markers; empty if there was none."""
    return MARKER.sub("", outcome.answer.text).strip() if outcome.answer and outcome.answer.outcome == "answered" else ""


def _abstained(outcome: Outcome) -> bool:
    return outcome.answer is None or outcome.answer.outcome == "no_evidence"


def _mean(values: Iterable[float]) -> float:
    known = [float(value) for value in values]
    return round(statistics.fmean(known), 4) if known else 0.0


def _median(values: Iterable[float]) -> float:
    known = list(values)
    return round(statistics.median(known), 1) if known else 0.0
