"""How sure to be that the files answer, fitted: `python benchmarks/fit_confidence.py [--keep FILE] SET_FOLDER…`.

Each set's questions are asked with no floor, and what was seen of each answer is kept, one JSON object a line; a run that
was stopped goes on. A logistic regression of "has an answer" is fitted, every set weighing the same, on the verdict's logit,
how much the question surprises a model that was asked for one, whether the evidence holds the answer word for word, whether
the passages lack a name of the question, and whether the evidence says the opposite. Then each set is left out in turn, and
what the others' fit makes of it is printed: the area under the curve, and for several floors the share of unanswerable
questions that are refused and of answerable ones that are refused wrongly. What each signal and the floor are worth is kept
for docs/quality.md.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from setting import HOME, tell_table

from ragcli.adapters.offline import close_doors

FLOORS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6)
RIDGE = 0.01
SIGNS = ("verbatim", "strangers", "opposed")
"""What is seen of the evidence itself."""
SIGNALS = {
    "verdict": [0],
    "verdict, surprise": [0, 1],
    "verdict, evidence": [0, 2, 3, 4],
    "surprise, evidence": [1, 2, 3, 4],
    "all": [0, 1, 2, 3, 4],
}
"""Columns of ``features_of``."""


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
    names = "VERDICT_WEIGHT, SURPRISE_WEIGHT, VERBATIM_WEIGHT, STRANGERS_WEIGHT, OPPOSED_WEIGHT, OFFSET"
    print(f"all sets: {names} = {', '.join(f'{weight:.2f}' for weight in weights)}")
    print("\n| set left out | n | area under curve | calibration error | " + " | ".join(f"< {floor}" for floor in FLOORS) + " |")
    print("| --- " * (4 + len(FLOORS)) + "|")
    for name, rows in sets.items():
        others = [other for key, other in sets.items() if key != name] or [rows]
        print(row(name, rows, fit(others)))
    print(row("all, fitted on all", np.concatenate(list(sets.values())), weights))
    tell_signals(sets)
    tell_floor([each for each in kept if each["set"] in sets])


def tell_signals(sets: dict[str, np.ndarray]) -> None:
    """What fits with some of the signals tell answerable questions from others by."""
    rows = []
    for name, columns in SIGNALS.items():
        chosen = {key: rows[:, [*columns, -2, -1]] for key, rows in sets.items()}
        weights = fit(list(chosen.values()))
        guesses = {key: 1 / (1 + np.exp(-each[:, :-1] @ weights)) for key, each in chosen.items()}
        rows.append([name, *(area(guesses[key], each[:, -1] == 1) for key, each in chosen.items())])
    about = "Area under the curve: how often a question that the files answer is judged surer than one that they do not."
    tell_table("signals", "What each signal of the judgement is worth", about, [["signals", *sets], *rows])


def tell_floor(kept: list[dict[str, Any]]) -> None:
    """What declining costs and gains: the same answers without a floor and with the one of the settings."""
    from ragcli.config import AnswerSettings
    from ragcli.steps.judging import Evidence, answerability

    floor, rows = AnswerSettings().min_confidence, []
    for name in dict.fromkeys(each["set"] for each in kept):
        own = [each for each in kept if each["set"] == name]
        sure = [answerability(each["verdict"], each["surprise"], Evidence("", *(each[sign] for sign in SIGNS))) for each in own]
        cells = []
        for least in (0.0, floor):
            said = [(each, guess >= least) for each, guess in zip(own, sure, strict=True)]
            told = [each["f1"] * is_said for each, is_said in said if each["is_answerable"]]
            wrong = [float(is_said) for each, is_said in said if not each["is_answerable"]]
            cells += [f"{np.mean(told):.3f}", f"{np.mean(wrong):.3f}"]
        rows.append([name, str(len(own)), *cells])
    head = ["set", "n", "F1, always answered", "answered wrongly", f"F1, declined below {floor}", "answered wrongly"]
    about = "F1 over the questions that the files answer; answered wrongly: the share of the others."
    tell_table("floor", "What declining is worth", about, [head, *rows])


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

    def remember(verdict: float, surprise: float, evidence: Any) -> float:
        seen.append({"verdict": verdict, "surprise": surprise} | {sign: getattr(evidence, sign) for sign in SIGNS})
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
                **(seen[-1] if seen else {"verdict": 0.0, "surprise": 0.0} | dict.fromkeys(SIGNS, False)),
            }
            out.write(json.dumps(told, ensure_ascii=False) + "\n")
            out.flush()


def features_of(rows: list[dict[str, Any]]) -> np.ndarray:
    """For each question the verdict's logit, the surprise, the signs, one, and whether there is an answer."""
    from ragcli.steps.judging import LEAST, MOST

    sure = [min(MOST, max(LEAST, each["verdict"])) for each in rows]
    return np.array(
        [
            (math.log(verdict / (1 - verdict)), each["surprise"], *(each[sign] for sign in SIGNS), 1.0, each["is_answerable"])
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
