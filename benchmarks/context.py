"""What showing the model more of the files is worth: `python benchmarks/context.py [--budgets 350 1000] SET_FOLDER`.

Each question that the files answer is asked with no floor under every budget, one right after the other, and what came of it is
kept, one JSON object a line; a run that was stopped goes on. The table is kept for docs/quality.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

from fit_confidence import asked
from setting import tell_table

from ragcli.adapters.offline import close_doors

ABOUT = (
    "The same questions of {name}, all of them answerable, asked with no floor and `answer.context_tokens` as named. "
    "Shown: the right answer stands in the passages that the model reads; contains: it stands in what the model says."
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--budgets", type=int, nargs="+", default=[350, 1000])
    parser.add_argument("--model")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--keep", type=Path, default=Path("context.jsonl"))
    options = parser.parse_args()
    close_doors()
    ask_all(options)
    name = options.folder.name
    kept = [each for each in read_kept(options.keep) if each["set"] == name]
    rows = [row(budget, [each for each in kept if each["budget"] == budget]) for budget in options.budgets]
    head = ["tokens", "n", "shown", "contains", "F1", "median prompt", "median answer"]
    tell_table("context", "What a larger context is worth", ABOUT.format(name=name), [head, *rows])


def ask_all(options: argparse.Namespace) -> None:
    """Asks what has not been asked yet, and keeps how each answer did."""
    from ragcli.flows.evaluating import read_questions

    done = {(row["id"], row["budget"]) for row in read_kept(options.keep)}
    with asked(options.folder, options.model) as (ports, asking_options, _), options.keep.open("a", encoding="utf-8") as out:
        for question in read_questions(options.folder, limit=options.limit, seed=0):
            for budget in options.budgets:
                if not question.is_answerable or question.is_retrieval_only or (question.id, budget) in done:
                    continue
                told = ask(question, ports, replace(asking_options, context_tokens=budget))
                out.write(json.dumps({"set": options.folder.name, "id": question.id, "budget": budget} | told) + "\n")
                out.flush()


def read_kept(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def ask(question: Any, ports: Any, options: Any) -> dict[str, float]:
    """How the answer to a question of a set does."""
    from ragcli.flows.asking import ask_question
    from ragcli.steps.citing import MARKER
    from ragcli.steps.scoring import score_answer
    from ragcli.types import AnswerFinished, Question

    *_, last = ask_question(Question(question.text), ports, options)
    assert isinstance(last, AnswerFinished)
    answer = last.answer
    score = score_answer(MARKER.sub("", answer.text), question)
    shown = score_answer("\n".join(passage.text for passage in answer.context.passages), question)
    return {
        "shown": shown.contains,
        "contains": score.contains,
        "f1": score.f1,
        "prompt": answer.usage.prompt_tokens,
        "ms": answer.took_ms["total"],
    }


def row(budget: int, kept: list[dict[str, float]]) -> list[str]:
    shares = [f"{statistics.mean(each[name] for each in kept):.3f}" for name in ("shown", "contains", "f1")]
    prompt, seconds = (statistics.median(each[name] for each in kept) for name in ("prompt", "ms"))
    return [str(budget), str(len(kept)), *shares, f"{prompt:.0f} tokens", f"{seconds / 1000:.1f} s"]


if __name__ == "__main__":
    main()
