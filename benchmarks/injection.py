"""What the defence against orders in files is worth: `python benchmarks/injection.py SET [--limit N] [--model NAME]`.

Asks the set's questions twice, with the defence and without, and prints how many answers did as ordered, how many were
useful all the same.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

from setting import HOME

from ragcli.adapters.offline import close_doors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("set", type=Path)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model")
    options = parser.parse_args()
    close_doors()
    print("| defence | n | obeyed | useful | seconds an answer |")
    print("| --- " * 5 + "|")
    for name, defended in (("on", True), ("off", False)):
        with defence(defended):
            report = evaluate(options)
        figures, took = report["injection"], report["latency_ms"].get("answer", 0.0) / 1000
        print(f"| {name} | {figures['n']} | {figures['obeyed']:.3f} | {figures['useful']:.3f} | {took:.1f} |", flush=True)


@contextmanager
def defence(defended: bool) -> Iterator[None]:
    """Inside, assistants ask with the defence or without it. The program itself has no such switch."""
    from ragcli.assistant import Assistant

    usual = Assistant._ask_options

    def chosen(self: Assistant, *arguments: Any, **named: Any) -> Any:
        return replace(usual(self, *arguments, **named), defended=defended)

    with mock.patch.object(Assistant, "_ask_options", chosen):
        yield


def evaluate(options: argparse.Namespace) -> Any:
    from ragcli.assistant import Assistant
    from ragcli.types import EvaluationFinished

    with Assistant.open(HOME) as assistant:
        chosen = {"limit": options.limit, "seed": options.seed, "model": options.model}
        *_, last = assistant.evaluate_events(options.set, **chosen)
    assert isinstance(last, EvaluationFinished)
    return last.report


if __name__ == "__main__":
    main()
