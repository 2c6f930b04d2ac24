"""The part of an assistant that is examined: a set of questions is indexed apart from the user's files, and asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ragcli.machine import Machine, resolve
from ragcli.types import EvaluationEvent, EvaluationProgressed


class Examinee:
    """Answers sets of questions with the settings, the models and the ports that it has."""

    machine: Machine
    _beside: Callable[[Path, str | None], Any]
    """An assistant with an index of its own for the folder; closes itself."""

    def evaluate_events(
        self,
        folder: Path,
        *,
        retrieval_only: bool = False,
        limit: int | None = None,
        seed: int = 0,
        model: str | None = None,
        k: int = 8,
    ) -> Iterator[EvaluationEvent]:
        """The set in ``folder`` is indexed apart from the user's files and asked; the last event is EvaluationFinished."""
        from ragcli.flows import evaluating, extracting

        folder = resolve(folder)
        if (folder / "manifest.jsonl").is_file():
            yield from extracting.evaluate_extraction(folder, self.machine.reader)
            return
        options = evaluating.EvaluationOptions(retrieval_only, limit, seed, k)
        questions = evaluating.read_questions(folder, limit=limit, seed=seed)
        with self._beside(folder, model) as beside:
            if not retrieval_only and not all(question.is_retrieval_only for question in questions):
                beside.machine.check_model()
            for _ in beside.index_events([folder / "corpus"]):
                yield EvaluationProgressed(0, 0, "indexing")
            yield from evaluating.evaluate_questions(folder, beside.search, beside.ask_events, beside.machine.reader, options)
