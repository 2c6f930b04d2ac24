"""The constants of fusion, fitted over several sets at once: `python benchmarks/fit_fusion.py FOLDER_OF_SETS [SET…]`.

Each set is left out in turn, the constants are chosen on the others, and the set is scored with them: what that loses
against constants chosen on the set itself is what fitting to a set would only have pretended. Sets are indexed once,
below RAGCLI_HOME, as `ragcli eval` does.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from setting import HOME, tell_table

from ragcli.adapters.offline import close_doors
from ragcli.config import SearchSettings
from ragcli.flows.evaluating import rank_files, read_questions
from ragcli.flows.searching import add_cosines, search_names, trust_in_words
from ragcli.steps.querying import marks_in, write_out_years
from ragcli.steps.ranking import (
    CANDIDATES,
    MARKS_WEIGHT,
    NAMES_PULL,
    OTHER_LANGUAGES,
    follow_names,
    fuse_rankings,
    leading_hits,
    lift_named,
)
from ragcli.steps.scoring import ndcg_at, recall_at
from ragcli.types import Hit, Question, Ranking, Scope

WORDS_WEIGHTS = (0.2, 0.3, 0.4, 0.5, 0.6)
MARKS_WEIGHTS = (0.0, 0.1, 0.2, 0.3)
PULLS = (0.0, 0.5, 0.7, 0.85, 0.95)
OTHERS = (1.0, 2.0, 3.0)


@dataclass(frozen=True)
class Constants:
    words: float = SearchSettings().words_weight
    marks: float = MARKS_WEIGHT
    pull: float = NAMES_PULL
    others: float = OTHER_LANGUAGES
    """Times the weight of words, for questions in a language that the embedder does not know."""

    def words_weight(self, is_unknown: bool) -> float:
        return self.words * (self.others if is_unknown else 1.0)


ABLATIONS = {
    "as it is": Constants(),
    "no names": Constants(pull=0.0),
    "no marks": Constants(marks=0.0),
    "all languages alike": Constants(others=1.0),
    "neither": Constants(marks=0.0, pull=0.0),
    "no words": Constants(words=0.0, marks=0.0, pull=0.0),
}


@dataclass(frozen=True)
class Asked:
    """All that was found for a question; every choice of constants orders the same chunks."""

    files: tuple[str, ...]
    corpus: Path
    is_unknown: bool
    """Whether the embedder does not know its language, and words do."""
    marks: tuple[str, ...]
    rankings: tuple[Ranking, ...]
    cosines: Mapping[str, float]
    named: Mapping[str, Ranking]
    """By the lead whose names were searched for."""

    def hits(self, constants: Constants) -> Sequence[Hit]:
        weights = {"words_weight": constants.words_weight(self.is_unknown), "marks_weight": constants.marks}
        rankings = [*self.rankings, *self.named.values()] if constants.pull else self.rankings
        hits = fuse_rankings(rankings, similarities=self.cosines, marks=self.marks, **weights)
        leads = [
            follow_names(rank, lead, self.named[lead.chunk.id], self.rankings[0], hits)
            for rank, lead in leading_hits(hits)
            if lead.chunk.id in self.named
        ]
        return lift_named(hits, leads, pull=constants.pull) if constants.pull else hits

    def figures(self, constants: Constants) -> tuple[float, float]:
        ranked = rank_files(self.hits(constants), self.corpus)
        return recall_at(ranked, self.files, 5), ndcg_at(ranked, self.files, 10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("sets", nargs="*")
    options = parser.parse_args()
    close_doors()
    names = options.sets or sorted(found.parent.name for found in options.folder.glob("*/questions.jsonl"))
    asked = {name: gather(options.folder / name) for name in names}
    grid = [Constants(*values) for values in itertools.product(WORDS_WEIGHTS, MARKS_WEIGHTS, PULLS, OTHERS)]
    scored = {name: {constants: score(questions, constants) for constants in grid} for name, questions in asked.items()}
    print_folds(scored)
    print_ablations(asked)


def gather(folder: Path) -> list[Asked]:
    """The set's questions that have files, with what each way of searching finds for them."""
    from ragcli.assistant import Assistant

    corpus = (folder / "corpus").resolve()
    with Assistant.open(HOME) as assistant, assistant._beside(folder.resolve(), None) as beside:
        for _ in beside.index_events([corpus]):
            pass
        questions = [each for each in read_questions(folder, limit=None, seed=0) if each.files and each.kind != "rejection"]
        found = [ask(each.text, each.files, corpus, beside._ask_ports()) for each in questions]
    print(f"{folder.name}: {len(found)} questions", flush=True)
    return found


def ask(text: str, files: tuple[str, ...], corpus: Path, ports: Any) -> Asked:
    question, store, text = Question(text), ports.store, write_out_years(text)
    vector = ports.embedder().embed_query(text)
    words, meaning = store.search_both(text, vector, limit=CANDIDATES, scope=Scope())
    is_unknown = trust_in_words(words, text, ports) != 1.0
    cosines = {entry.chunk.id: entry.score for entry in meaning.entries}
    add_cosines(cosines, words, vector, store)
    leads: dict[str, Hit] = {}
    for words_weight, others in itertools.product(WORDS_WEIGHTS, OTHERS):  # other weights, other leads
        weight = Constants(words_weight, others=others).words_weight(is_unknown)
        hits = fuse_rankings([words, meaning], similarities=cosines, words_weight=weight, marks=marks_in(text))
        leads |= {lead.chunk.id: lead for _, lead in leading_hits(hits)}
    named = {chunk_id: search_names(lead, question, store, vector, cosines) for chunk_id, lead in leads.items()}
    return Asked(files, corpus, is_unknown, marks_in(text), (words, meaning), cosines, named)


def score(questions: Sequence[Asked], constants: Constants) -> float:
    """The mean of recall@5 and nDCG@10."""
    return statistics.fmean(statistics.fmean(each.figures(constants)) for each in questions)


def print_folds(scored: Mapping[str, Mapping[Constants, float]]) -> None:
    def best(names: Sequence[str]) -> Constants:
        return max(scored[names[0]], key=lambda constants: statistics.fmean(scored[name][constants] for name in names))

    print("\nmean of recall@5 and nDCG@10; chosen on the other sets, on the set itself, and as ragcli has it\n")
    print("| set | chosen on the others | scores | chosen on itself | scores | as it is |")
    print("| --- " * 6 + "|")
    for name in scored:
        others, own = best([other for other in scored if other != name] or [name]), best([name])
        row = [_shown(others), scored[name][others], _shown(own), scored[name][own], scored[name].get(Constants(), float("nan"))]
        print(f"| {name} | " + " | ".join(cell if isinstance(cell, str) else f"{cell:.3f}" for cell in row) + " |")
    print(f"\nchosen on all: {_shown(best(list(scored)))}; as it is: {_shown(Constants())}")


def print_ablations(asked: Mapping[str, Sequence[Asked]]) -> None:
    rows = [
        [name, str(len(questions)), *(_both(questions, constants) for constants in ABLATIONS.values())]
        for name, questions in asked.items()
    ]
    about = "Recall@5 and nDCG@10 of the files, as `benchmarks/fit_fusion.py` measured them with each part left out."
    tell_table("fusion", "What each part of the search is worth", about, [["set", "n", *ABLATIONS], *rows])


def _both(questions: Sequence[Asked], constants: Constants) -> str:
    recalls, gains = zip(*(each.figures(constants) for each in questions), strict=True)
    return f"{statistics.fmean(recalls):.3f} / {statistics.fmean(gains):.3f}"


def _shown(constants: Constants) -> str:
    return f"words {constants.words}, marks {constants.marks}, pull {constants.pull}, others {constants.others}"


if __name__ == "__main__":
    main()
