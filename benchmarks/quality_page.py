"""The page that shows what quality.py measured: tables, and plots that the page's viewer draws."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from setting import table_lines

from ragcli.steps.scoring import Bin, calibration_error

COLUMNS = {
    "recall@5": ("retrieval", "recall@5"),
    "nDCG@10": ("retrieval", "ndcg@10"),
    "F1": ("answers", "f1"),
    "contains": ("answers", "contains"),
    "abstention recall": ("abstention", "recall"),
    "false abstention": ("abstention", "false_rate"),
    "citations valid": ("citations", "valid"),
    "file right": ("citations", "file_precision"),
    "page right": ("citations", "page_hit"),
    "calibration error": ("calibration", "error"),
}
RANKS = (1, 5, 10)
Report = dict[str, Any]
NOTHING = "–"
FLOOR_COLUMNS = ("answered", "of these could be", "of what could be", "the others declined")


def table_head(columns: Sequence[str] = tuple(COLUMNS)) -> list[str]:
    return [f"| set | n | {' | '.join(columns)} |", "| --- " * (len(columns) + 2) + "|"]


def row(report: Report, columns: Sequence[str] = tuple(COLUMNS)) -> str:
    return f"| {report['set']} | {report['n']} | " + " | ".join(_cell(report, column) for column in columns) + " |"


def _cell(report: Report, column: str) -> str:
    group_name, name = COLUMNS[column]
    group = report.get(group_name, {})
    # How many were declined wrongly can be said only where there are questions to answer.
    counted = report.get("answers", {}).get("n") if name == "false_rate" else group.get("paged" if name == "page_hit" else "n")
    return f"{group[name]:.3f}" if counted and name in group else NOTHING


def quality_page(kept: Sequence[Report], worth: Sequence[Report] = ()) -> str:
    """Markdown; every figure stands in one of the kept reports or tables."""
    answered = [report for report in kept if report["about"]["model"]]
    together = _together(answered)
    parts = (
        _opening(kept),
        _tables(kept, answered),
        _worth(worth),
        _floors(together),
        _recall_plot(kept),
        _reliability([*together, *answered]),
        _closing(),
    )
    return "\n".join(line for part in parts for line in part) + "\n"


def _opening(kept: Sequence[Report]) -> Iterator[str]:
    machines = sorted({report["about"]["machine"] for report in kept})
    days = sorted({report["about"]["day"] for report in kept})
    yield "# How good the answers are"
    yield ""
    yield "Written by `python benchmarks/quality.py --page` from the reports of its runs; no figure was typed by hand."
    yield f"Measured {f'on {days[0]}' if len(days) == 1 else f'from {days[0]} to {days[-1]}'} on {'; '.join(machines)}."
    yield "The sets are samples of published ones, and some constants of ragcli were fitted on them, so read the figures as"
    yield "those of known questions: on your own files they may be lower. `ragcli eval` measures there."
    yield "`sample_corpus` comes with ragcli: letters, minutes, sheets and logs of a made-up house, in three languages, with 90"
    yield "questions from easy to hard."
    yield ""


def _tables(kept: Sequence[Report], answered: Sequence[Report]) -> Iterator[str]:
    for model in sorted({report["about"]["model"] for report in kept}):
        yield f"## Answers of {model}" if model else "## Finding the files, with no model asked"
        yield ""
        own = [report for report in kept if report["about"]["model"] == model]
        columns = [column for column in COLUMNS if any(_cell(report, column) != NOTHING for report in own)]
        yield from table_head(columns)
        yield from (row(report, columns) for report in own)
        yield ""
    for report in answered:
        latency = report.get("latency_ms", {})
        if "answer" in latency:
            yield (
                f"{report['set']}, {report['about']['model']}: median prompt {latency['prompt_tokens']:.0f} tokens, "
                f"first word after {latency['first_token'] / 1000:.1f} s, whole answer after {latency['answer'] / 1000:.1f} s."
            )
            yield ""


def _worth(tables: Sequence[Report]) -> Iterator[str]:
    for table in tables:
        yield from (f"## {table['title']}", "", table["about"], "", *table_lines(table["rows"]), "")


def _together(answered: Sequence[Report]) -> list[Report]:
    """For each model that was asked more than one set, how sure it was of all their questions: a report of that alone."""
    found = []
    for model in dict.fromkeys(report["about"]["model"] for report in answered):
        own = [report["calibration"]["bins"] for report in answered if report["about"]["model"] == model]
        if len(own) > 1:
            bins = {name: _merge([each[name] for each in own if name in each]) for name in sorted({*chain(*own)})}
            error = calibration_error([Bin(name, **each) for name, each in bins.items()])
            found.append({"set": f"all sets, {model}", "calibration": {"bins": bins, "error": error}})
    return found


def _merge(bins: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
    asked = sum(each["n"] for each in bins)
    shares = {name: sum(each["n"] * each[name] for each in bins) / asked for name in ("confidence", "answerable")}
    return {"n": asked, **shares}


def _floors(together: Sequence[Report]) -> Iterator[str]:
    """What other floors would let through, as far as the bins tell."""
    for report in together:
        bins = report["calibration"]["bins"]
        yield f"## What another floor would let through: {report['set']}"
        yield ""
        yield "Questions judged at least so sure: how many, which share of them the files answer, and which share that is of all"
        yield "that they answer; and of the others, which share is less sure. `answer.min_confidence` is the floor."
        yield ""
        yield from table_lines([["floor", *FLOOR_COLUMNS], *(_floor_row(name, bins) for name in bins)])
        yield ""


def _floor_row(name: str, bins: Mapping[str, Mapping[str, float]]) -> list[str]:
    all_bins, shown = list(bins.values()), [each for other, each in bins.items() if other >= name]
    (asked, could), (told, right) = _count(all_bins), _count(shown)
    declined = 1 - (told - right) / (asked - could)
    return [name.partition("-")[0], f"{told:.0f}", f"{right / told:.3f}", f"{right / could:.3f}", f"{declined:.3f}"]


def _count(bins: Sequence[Mapping[str, float]]) -> tuple[float, float]:
    """How many there are, and how many of them could be answered."""
    return sum(each["n"] for each in bins), sum(each["n"] * each["answerable"] for each in bins)


def _recall_plot(kept: Sequence[Report]) -> Iterator[str]:
    found = {report["set"]: report["retrieval"] for report in kept if report.get("retrieval", {}).get("n")}
    if not found:
        return
    yield "## How deep one has to look"
    yield ""
    yield f"Recall of the questions' files among the first {', '.join(map(str, RANKS))}; a line for each set: {', '.join(found)}."
    yield ""
    lines = [[retrieval[f"recall@{rank}"] for rank in RANKS] for retrieval in found.values()]
    yield from _plot("recall", [str(rank) for rank in RANKS], lines)


def _reliability(answered: Sequence[Report]) -> Iterator[str]:
    for report in answered:
        bins = report.get("calibration", {}).get("bins", {})
        if len(bins) < 2:
            continue
        yield f"## How far confidence can be believed: {report['set']}"
        yield ""
        yield "If confidence were the very probability that the files hold an answer, both lines would be one, but for chance: of"
        yield (
            f"so few questions its calibration error would be {error_by_chance(bins):.3f} on average. "
            f"It is {report['calibration']['error']:.3f}."
        )
        yield ""
        yield "| confidence | answers | on average | could be answered |"
        yield "| --- | --- | --- | --- |"
        for name, each in bins.items():
            yield f"| {name} | {each['n']} | {each['confidence']:.2f} | {each['answerable']:.2f} |"
        yield ""
        shown = [[each[name] for each in bins.values()] for name in ("confidence", "answerable")]
        yield from _plot("share that could be answered", list(bins), shown)


def error_by_chance(bins: Mapping[str, Mapping[str, float]]) -> float:
    """The calibration error to be expected of a perfect confidence: how far shares of binomial draws lie from their means."""
    total = sum(each["n"] for each in bins.values())
    return sum(each["n"] / total * _mean_deviation(int(each["n"]), each["confidence"]) for each in bins.values())


def _mean_deviation(n: int, share: float) -> float:
    chances = (math.comb(n, count) * share**count * (1 - share) ** (n - count) for count in range(n + 1))
    return sum(chance * abs(count / n - share) for count, chance in enumerate(chances))


def _plot(title: str, names: Sequence[str], lines: Sequence[Sequence[float]]) -> Iterator[str]:
    yield "```mermaid"
    yield "xychart-beta"
    yield "  x-axis [" + ", ".join(f'"{name}"' for name in names) + "]"
    yield f'  y-axis "{title}" 0 --> 1'
    for values in lines:
        yield "  line [" + ", ".join(f"{value:.3f}" for value in values) + "]"
    yield "```"
    yield ""


def _closing() -> Iterator[str]:
    yield "## What the columns mean"
    yield ""
    yield "`ragcli eval --help` says it of each. Abstention recall is the share of questions without an answer in the files that"
    yield "were declined, false abstention the share of the others. A dash: the set has no such questions, or no model was asked."
