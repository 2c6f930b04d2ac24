"""How sure to be that the files answer, fitted: `python benchmarks/fit_confidence.py [--model NAME] SET_FOLDER…`.

Each set's questions are searched for and judged, not answered. A logistic regression of "has an answer" on the verdict's
logit and the closeness is fitted, every set weighing the same; then each set is left out in turn, and what the others'
fit makes of it is printed: the area under the curve, and for several floors the share of unanswerable questions that
are refused and of answerable ones that are refused wrongly.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
from setting import HOME

from ragcli.adapters.offline import close_doors

FLOORS = (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)
RIDGE = 0.01


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="+", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--limit", type=int)
    options = parser.parse_args()
    close_doors()
    sets = {folder.name: judged(folder, options.model, options.limit) for folder in options.sets}
    sets = {name: rows for name, rows in sets.items() if len(rows)}
    weights = fit(list(sets.values()))
    print(f"all sets: VERDICT_WEIGHT, CLOSENESS_WEIGHT, OFFSET = {', '.join(f'{weight:.2f}' for weight in weights)}")
    print("\n| set left out | n | area under curve | calibration error | " + " | ".join(f"< {floor}" for floor in FLOORS) + " |")
    print("| --- " * (4 + len(FLOORS)) + "|")
    for name, rows in sets.items():
        others = [other for key, other in sets.items() if key != name] or [rows]
        print(row(name, rows, fit(others)))
    print(row("all, fitted on all", np.concatenate(list(sets.values())), weights))


def judged(folder: Path, model_name: str | None, limit: int | None) -> np.ndarray:
    """A row for each question: the verdict's logit, the closeness, one, and whether there is an answer."""
    from functools import partial

    from ragcli.asking import cosines_with, search_chunks
    from ragcli.assistant import Assistant
    from ragcli.evaluating import read_questions
    from ragcli.judging import LEAST, MOST, build_judgement, choose_evidence, read_verdict
    from ragcli.types import Question

    rows = []
    with Assistant.open(HOME) as assistant, assistant._beside(folder, model_name) as beside:
        beside.index([folder / "corpus"])
        ports, options = beside._ask_ports(), beside._ask_options()
        model = ports.model()
        for question in read_questions(folder, limit=limit, seed=0):
            hits = search_chunks(Question(question.text), ports, words_weight=options.words_weight).hits
            if question.is_retrieval_only or not hits:
                continue
            evidence = choose_evidence(question.text, hits, partial(cosines_with, embedder=ports.embedder()))
            verdict = read_verdict(model.first_tokens(build_judgement(question.text, evidence)))
            verdict = min(MOST, max(LEAST, verdict))
            rows.append((math.log(verdict / (1 - verdict)), evidence.closeness, 1.0, float(question.is_answerable)))
            print(f"{folder.name} {question.id} {verdict:.3f} {evidence.closeness:.3f} {question.is_answerable}", flush=True)
    return np.array(rows)


def fit(sets: list[np.ndarray]) -> np.ndarray:
    """The weights of a logistic regression, by Newton's method, where every set counts as much as another."""
    data = np.concatenate(sets)
    share = np.concatenate([np.full(len(rows), 1 / len(rows)) for rows in sets]) / len(sets)
    features, truth = data[:, :3], data[:, 3]
    weights = np.zeros(3)
    ridge = RIDGE * np.diag([1.0, 1.0, 0.0])
    for _ in range(50):
        guess = 1 / (1 + np.exp(-features @ weights))
        slope = features.T @ (share * (guess - truth)) + ridge @ weights
        curve = (features * (share * guess * (1 - guess))[:, None]).T @ features + ridge
        weights = weights - np.linalg.solve(curve, slope)
    return weights


def row(name: str, rows: np.ndarray, weights: np.ndarray) -> str:
    guess, truth = 1 / (1 + np.exp(-rows[:, :3] @ weights)), rows[:, 3] == 1
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
