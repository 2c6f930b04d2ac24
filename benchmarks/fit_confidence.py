"""How sure to be that the files answer, fitted: `python benchmarks/fit_confidence.py [--keep FILE] SET_FOLDER…`.

Each set's questions are asked with no floor, and what was seen of each answer is kept, one JSON object a line; a run that was
stopped goes on. A logistic regression of "has an answer" is fitted, every set weighing the same, on the verdict's logit, how
much the question surprises a model that was asked for one, whether it was not asked, whether the evidence holds the answer
word for word, whether the passages lack a name of the question, and whether the evidence says the opposite or tells of other
years. Its offset is moved to how many questions have an answer where none was taken away (prior correction; King and Zeng:
Logistic Regression in Rare Events Data, 2001). `--judge-again` asks for the judgement alone, of the answers that are kept.
Then each set is left out in turn, and what the others' fit makes of it is printed: the area under the curve, and for several
floors the share of unanswerable questions that are refused and of answerable ones that are refused wrongly. What each signal,
the floor and the check of the answers are worth is kept for docs/quality.md.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from setting import HOME, tell_table

from ragcli.adapters.offline import close_doors

FLOORS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8)
RIDGE = 0.01
ANSWERABLE = 0.785
"""The share of questions that have an answer: of the five sets before ``cut_evidence.py`` took half of two of them, each set
counting the same, and of those that come with ragcli (0.789). Who asks about files of their own mostly knows that it is there."""
SIGNS = ("verbatim", "strangers", "opposed", "other_years")
"""What is seen of the evidence itself."""
UNJUDGED = {"verdict": 0.0, "surprise": 0.0} | dict.fromkeys(SIGNS, False)
"""Where nothing was close enough to ask the model."""
UNGUESSED = 2
"""The column of ``features_of`` that tells questions which the model was not asked to guess."""
SIGNALS = {
    "verdict": [0],
    "verdict, surprise": [0, 1],
    "verdict, evidence": [0, 3, 4, 5, 6],
    "surprise, evidence": [1, 3, 4, 5, 6],
    "all": [0, 1, 3, 4, 5, 6],
}
"""Columns of ``features_of``; the others are taken for zero, but for ``UNGUESSED``."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="+", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--keep", type=Path, default=Path("confidence.jsonl"))
    parser.add_argument("--judge-again", action="store_true")
    options = parser.parse_args()
    close_doors()
    for folder in options.sets:
        if options.judge_again:
            judge_again(folder, options.model, options.keep)
        ask_all(folder, options.model, options.limit, options.keep)
    kept = [json.loads(line) for line in options.keep.read_text(encoding="utf-8").splitlines()]
    sets = {folder.name: features_of([each for each in kept if each["set"] == folder.name]) for folder in options.sets}
    sets = {name: rows for name, rows in sets.items() if len(rows)}
    weights = fit(list(sets.values()))
    names = "VERDICT, SURPRISE, UNGUESSED, VERBATIM, STRANGERS, OPPOSED and OTHER_YEARS_WEIGHT, OFFSET"
    print(f"all sets: {names} = {', '.join(f'{weight:.2f}' for weight in weights)}")
    print("\n| set left out | n | area under curve | calibration error | " + " | ".join(f"< {floor}" for floor in FLOORS) + " |")
    print("| --- " * (4 + len(FLOORS)) + "|")
    for name, rows in sets.items():
        others = [other for key, other in sets.items() if key != name] or [rows]
        print(row(name, rows, fit(others)))
    print(row("all, fitted on all", np.concatenate(list(sets.values())), weights))
    tell_signals(sets)
    own = [each for each in kept if each["set"] in sets]
    tell_floor(own)
    tell_claims(own, options.model or "the default model")


def tell_signals(sets: dict[str, np.ndarray]) -> None:
    """What fits with some of the signals tell answerable questions from others by."""
    rows = []
    for name, columns in SIGNALS.items():
        unused = [column for column in range(UNGUESSED + 1 + len(SIGNS)) if column not in (*columns, UNGUESSED)]
        chosen = {key: _without(rows, unused) for key, rows in sets.items()}
        weights = fit(list(chosen.values()))
        guesses = {key: 1 / (1 + np.exp(-each[:, :-1] @ weights)) for key, each in chosen.items()}
        rows.append([name, *(area(guesses[key], each[:, -1] == 1) for key, each in chosen.items())])
    about = "Area under the curve: how often a question that the files answer is judged surer than one that they do not."
    tell_table("signals", "What each signal of the judgement is worth", about, [["signals", *sets], *rows])


def _without(rows: np.ndarray, columns: list[int]) -> np.ndarray:
    kept = rows.copy()
    kept[:, columns] = 0.0
    return kept


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
    about = (
        "F1 over the questions that the files answer; answered wrongly: the share of the others, which in a set that is half cut "
        "are those whose evidence `benchmarks/cut_evidence.py` took out of the files."
    )
    tell_table("floor", "What declining is worth", about, [head, *rows])


def tell_claims(kept: list[dict[str, Any]], model: str) -> None:
    """What the check of an answer against its passages finds: how many are borne out, and how many of which are right."""
    rows = []
    for name in dict.fromkeys(each["set"] for each in kept if "support" in each):
        said = [each for each in kept if each["set"] == name and each["said"]]
        held = [each for each in said if each["support"] and all(each["support"])]
        others = [each for each in said if each not in held]
        rights = [sum(bool(each["contains"]) for each in part) for part in (held, others)]
        rows.append([name, *map(str, (len(said), len(held), rights[0], len(others), rights[1]))])
    head = ["set", "answers", "borne out", "of these right", "not borne out", "of these right"]
    about = (
        "Answers with no floor, looked up in the passages that they cite; right is what has an accepted answer. `--strict` drops "
        "what is not borne out. It is little, because the check has chosen between two wordings before."
    )
    tell_table(f"claims-{model.replace(' ', '-')}", f"What checking answers is worth: {model}", about, [head, *rows])


def ask_all(folder: Path, model_name: str | None, limit: int | None, keep: Path) -> None:
    """Each question of the set that has not been asked before is asked, and what came of it added to ``keep``."""
    from ragcli.flows import asking
    from ragcli.flows.evaluating import read_questions
    from ragcli.steps.citing import MARKER
    from ragcli.steps.scoring import score_answer
    from ragcli.types import AnswerFinished, Question

    done = {json.loads(line)["id"] for line in keep.read_text(encoding="utf-8").splitlines()} if keep.exists() else set()
    with asked(folder, model_name) as (ports, options, seen), keep.open("a", encoding="utf-8") as out:
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
                **(seen[-1] if seen else UNJUDGED),
            }
            out.write(json.dumps(told, ensure_ascii=False) + "\n")
            out.flush()


def judge_again(folder: Path, model_name: str | None, keep: Path) -> None:
    """Each kept answer to a question of the set is judged anew, from the passages that are found for it now."""
    from ragcli.flows import asking, saying
    from ragcli.flows.evaluating import read_questions
    from ragcli.flows.gathering import result_of
    from ragcli.flows.searching import Stopwatch
    from ragcli.steps.citing import SPACED_MARKER
    from ragcli.steps.defusing import defuse_context
    from ragcli.types import Question

    kept = {row["id"]: row for row in map(json.loads, keep.read_text(encoding="utf-8").splitlines())}
    with asked(folder, model_name) as (ports, options, seen):
        for question in read_questions(folder, limit=None, seed=0):
            row = kept.get(question.id)
            if row is None or row["set"] != folder.name or not row["said"]:
                continue
            seen.clear()
            unsaid, model, _ = result_of(asking.find_context(Question(question.text), ports, options, None, Stopwatch()))
            if model is not None:
                shown = defuse_context(unsaid.context, question.text).context
                saying.judge_answer(question.text, SPACED_MARKER.sub("", row["said"]), shown, model, 0.0)
            row.update(seen[-1] if seen else UNJUDGED)
    keep.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept.values()), encoding="utf-8")


@contextmanager
def asked(folder: Path, model_name: str | None) -> Iterator[tuple[Any, Any, list[dict[str, Any]]]]:
    """The set's corpus is indexed: ports and options to ask with, with no floor, and what is seen of each judgement."""
    from ragcli.assistant import Assistant
    from ragcli.flows import asking, saying

    seen: list[dict[str, Any]] = []

    def remember(verdict: float, surprise: float | None, evidence: Any) -> float:
        seen.append({"verdict": verdict, "surprise": surprise} | {sign: getattr(evidence, sign) for sign in SIGNS})
        return 1.0

    saying.answerability = remember
    saying.settled_surprise = lambda *_: None
    asking.hear_dissent = lambda answer, *_: answer  # it is no part of the answer that is judged
    with Assistant.open(HOME) as assistant, assistant._beside(folder, model_name) as beside:
        beside.index([folder / "corpus"])
        yield beside._ask_ports(), replace(beside._ask_options(), min_confidence=0.0), seen


def features_of(rows: list[dict[str, Any]]) -> np.ndarray:
    """For each question the verdict's logit, the surprise, whether it was not asked for, the signs, one, and whether there is an
    answer."""
    from ragcli.steps.judging import LEAST, MOST

    sure = [min(MOST, max(LEAST, each["verdict"])) for each in rows]
    return np.array(
        [
            (_logit(verdict), *_surprises(each["surprise"]), *map(each.get, SIGNS), 1.0, each["is_answerable"])
            for each, verdict in zip(rows, sure, strict=True)
        ],
        dtype=float,
    )


def _surprises(surprise: float | None) -> tuple[float, bool]:
    return (0.0, True) if surprise is None else (surprise, False)


def fit(sets: list[np.ndarray]) -> np.ndarray:
    """The weights of the features, by logistic regression, where every set counts as much as another.

    Questions that the model was asked to guess say what each signal is worth; the others only what not guessing is worth, with
    those weights kept: they come from many languages, each with a few questions.
    """
    weights = regress([rows for rows in (each[each[:, UNGUESSED] == 0] for each in sets) if len(rows)])
    others = [rows for rows in (each[each[:, UNGUESSED] == 1] for each in sets) if len(rows)]
    if others:
        alone = [rows[:, [UNGUESSED, -1]] for rows in others]
        weights[UNGUESSED] = regress(alone, [rows[:, :-1] @ weights for rows in others])[0]
    weights[-1] += _logit(ANSWERABLE) - _logit(float(np.mean([rows[:, -1].mean() for rows in sets])))
    return weights


def _logit(share: float) -> float:
    return math.log(share / (1 - share))


def regress(sets: list[np.ndarray], known: list[np.ndarray] | None = None) -> np.ndarray:
    """The weights by Newton's method; ``known`` is what is added to each row's logit. The last feature is not held back."""
    data = np.concatenate(sets)
    share = np.concatenate([np.full(len(rows), 1 / len(rows)) for rows in sets]) / len(sets)
    features, truth = data[:, :-1], data[:, -1]
    added = np.concatenate(known) if known else np.zeros(len(data))
    weights = np.zeros(features.shape[1])
    ridge = RIDGE * np.diag([*[1.0] * (len(weights) - 1), 0.0])
    for _ in range(50):
        guess = 1 / (1 + np.exp(-features @ weights - added))
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
