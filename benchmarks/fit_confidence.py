"""How sure to be that the files answer, fitted: `python benchmarks/fit_confidence.py [--keep FILE] SET_FOLDER…`.

Each set's questions are asked with no floor, and what was seen of each answer is kept, one JSON object a line; a run that
was stopped goes on. A logistic regression of "has an answer" is fitted, every set weighing the same, on the verdict's logit,
how much the question surprises a model that was asked for one, how far two wordings of the answer agree, whether the evidence
holds the answer word for word, whether the passages lack a name of the question, and whether the evidence says the opposite.
Then each set is left out in turn, and what the others' fit makes of it is printed: the area under the curve, and for several
floors the share of unanswerable questions that are refused and of answerable ones that are refused wrongly.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from setting import HOME

from ragcli.adapters.offline import close_doors

FLOORS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6)
RIDGE = 0.01
SIGNS = ("verbatim", "strangers", "opposed")
"""What is seen of the evidence itself."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="+", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--keep", type=Path, default=Path("confidence.jsonl"))
    options = parser.parse_args()
    close_doors()
    for folder in options.sets:
        ask_all(folder, options.model, options.limit, options.keep)
    kept = [json.loads(line) for line in options.keep.read_text(encoding="utf-8").splitlines()]
    sets = {folder.name: features_of([each for each in kept if each["set"] == folder.name]) for folder in options.sets}
    sets = {name: rows for name, rows in sets.items() if len(rows)}
    weights = fit(list(sets.values()))
    names = "VERDICT_WEIGHT, SURPRISE_WEIGHT, AGREEMENT_WEIGHT, VERBATIM_WEIGHT, STRANGERS_WEIGHT, OPPOSED_WEIGHT, OFFSET"
    print(f"all sets: {names} = {', '.join(f'{weight:.2f}' for weight in weights)}")
    print("\n| set left out | n | area under curve | calibration error | " + " | ".join(f"< {floor}" for floor in FLOORS) + " |")
    print("| --- " * (4 + len(FLOORS)) + "|")
    for name, rows in sets.items():
        others = [other for key, other in sets.items() if key != name] or [rows]
        print(row(name, rows, fit(others)))
    print(row("all, fitted on all", np.concatenate(list(sets.values())), weights))


def ask_all(folder: Path, model_name: str | None, limit: int | None, keep: Path) -> None:
    """Each question of the set that has not been asked before is asked, and what came of it added to ``keep``."""
    from dataclasses import replace

    from ragcli.assistant import Assistant
    from ragcli.flows import asking
    from ragcli.flows.evaluating import read_questions
    from ragcli.steps.citing import MARKER
    from ragcli.steps.scoring import score_answer
    from ragcli.types import AnswerFinished, Question

    seen: list[dict[str, Any]] = []

    def remember(verdict: float, surprise: float, agreement: float, evidence: Any) -> float:
        told = {"verdict": verdict, "surprise": surprise, "agreement": agreement}
        seen.append(told | {sign: getattr(evidence, sign) for sign in SIGNS})
        return 1.0

    asking.answerability = remember
    done = {json.loads(line)["id"] for line in keep.read_text(encoding="utf-8").splitlines()} if keep.exists() else set()
    with (
        Assistant.open(HOME) as assistant,
        assistant._beside(folder, model_name) as beside,
        keep.open("a", encoding="utf-8") as out,
    ):
        beside.index([folder / "corpus"])
        ports, options = beside._ask_ports(), replace(beside._ask_options(), min_confidence=0.0)
        for question in read_questions(folder, limit=limit, seed=0):
            if question.is_retrieval_only or question.id in done:
                continue
            seen.clear()
            *_, last = asking.ask_question(Question(question.text), ports, options)
            assert isinstance(last, AnswerFinished)
            answer = last.answer
            score = score_answer(MARKER.sub("", answer.text), question)
            told = {
                "set": folder.name,
                "id": question.id,
                "kind": question.kind,
                "is_answerable": question.is_answerable,
                "said": answer.text,
                "f1": score.f1,
                "contains": score.contains,
                "top": answer.hits[0].score if answer.hits else 0.0,
                "similarity": max((hit.similarity or 0.0 for hit in answer.hits), default=0.0),
                "support": [citation.supported for citation in answer.citations],
                "tokens": answer.usage.prompt_tokens,
                "ms": answer.took_ms["total"],
                **(seen[-1] if seen else {"verdict": 0.0, "surprise": 0.0, "agreement": 0.0} | dict.fromkeys(SIGNS, False)),
            }
            out.write(json.dumps(told, ensure_ascii=False) + "\n")
            out.flush()


def features_of(rows: list[dict[str, Any]]) -> np.ndarray:
    """For each question the verdict's logit, the surprise, the agreement, the signs, one, and whether there is an answer."""
    from ragcli.steps.judging import LEAST, MOST

    sure = [min(MOST, max(LEAST, each["verdict"])) for each in rows]
    return np.array(
        [
            (
                math.log(verdict / (1 - verdict)),
                each["surprise"],
                each["agreement"],
                *(each[sign] for sign in SIGNS),
                1.0,
                each["is_answerable"],
            )
            for each, verdict in zip(rows, sure, strict=True)
        ],
        dtype=float,
    )


def fit(sets: list[np.ndarray]) -> np.ndarray:
    """The weights of a logistic regression, by Newton's method, where every set counts as much as another."""
    data = np.concatenate(sets)
    share = np.concatenate([np.full(len(rows), 1 / len(rows)) for rows in sets]) / len(sets)
    features, truth = data[:, :-1], data[:, -1]
    weights = np.zeros(features.shape[1])
    ridge = RIDGE * np.diag([*[1.0] * (len(weights) - 1), 0.0])
    for _ in range(50):
        guess = 1 / (1 + np.exp(-features @ weights))
        slope = features.T @ (share * (guess - truth)) + ridge @ weights
        curve = (features * (share * guess * (1 - guess))[:, None]).T @ features + ridge
        weights = weights - np.linalg.solve(curve, slope)
    return weights


def row(name: str, rows: np.ndarray, weights: np.ndarray) -> str:
    guess, truth = 1 / (1 + np.exp(-rows[:, :-1] @ weights)), rows[:, -1] == 1
    refused = [f"{_share(guess[~truth] < floor)} / {_share(guess[truth] < floor)}" for floor in FLOORS]
    return (
        f"| {name} | {len(rows)} | {area(guess, truth)} | {calibration_error(guess, truth):.3f} | " + " | ".join(refused) + " |"
    )


def _share(values: np.ndarray) -> str:
    return f"{values.mean():.2f}" if len(values) else "–"


def area(guess: np.ndarray, truth: np.ndarray) -> str:
    if truth.all() or not truth.any():
        return "–"
    wins = (guess[truth][:, None] > guess[~truth]).mean() + 0.5 * (guess[truth][:, None] == guess[~truth]).mean()
    return f"{wins:.3f}"


def calibration_error(guess: np.ndarray, truth: np.ndarray, bins: int = 5) -> float:
    """The mean distance between what was said and what was so, over equal bins (expected calibration error)."""
    place = np.minimum((guess * bins).astype(int), bins - 1)
    return sum(abs(guess[place == b].mean() - truth[place == b].mean()) * (place == b).mean() for b in set(place.tolist()))


if __name__ == "__main__":
    main()
