"""The part of an assistant that answers from everything that matches: lists, counts, summaries."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import astuple, replace
from pathlib import Path

from ragcli.config import Config, Locations
from ragcli.errors import SourceError
from ragcli.flows.asking import AskPorts, check_index, check_question
from ragcli.flows.summarizing import NOT_TEXT, find_target, summarize_target
from ragcli.flows.surveying import SurveyOptions, survey_matching
from ragcli.machine import Machine
from ragcli.ports import StepMemory
from ragcli.steps.canvassing import find_summary_target, recognise_survey, survey_kind
from ragcli.types import Question, Scope, StoredSource, SurveyEvent, SurveyFinished, Unreadable

EVERYTHING = Scope()
SURVEYS = "surveys"
"""Folder below the data folder for what was read by surveys."""


class CollectionSurveyor:
    """Surveys of one index. Each can be stopped at any moment, and goes on where it was when it is asked again."""

    config: Config
    locations: Locations
    machine: Machine

    def recognise_survey(self, question: Question) -> bool:
        """Whether the question wants everything that matches, or the summary of a file or folder that it names."""
        return recognise_survey(question.text) is not None or self._summary_target(question.text) is not None

    def survey_events(self, question: Question, *, limit: int | None = None) -> Iterator[SurveyEvent]:
        """A list or a number out of every chunk that matches, or the summary that the question asks for.

        ``limit`` ends it after so many chunks. The last event is SurveyFinished. Raises UsageError, StoreError, ModelError.
        """
        check_question(question.text)
        target = self._summary_target(question.text)
        if target is not None:
            yield from self.summarize_events(target, limit=limit)
            return
        check_index(question, self.machine.store, lambda: self.machine.identity)
        kind = recognise_survey(question.text) or survey_kind(question.text)
        ports, memory = self._survey_ports(), self._memory(kind, question)
        yield from survey_matching(question, kind, ports, self._survey_options(limit), memory, skipped=self._skipped(question))

    def summarize_events(
        self, path: Path, *, focus: str = "", limit: int | None = None, scope: Scope = EVERYTHING
    ) -> Iterator[SurveyEvent]:
        """A summary of the indexed file, or of every file of the scope below the folder; ``focus`` says what matters in it.

        The last event is SurveyFinished. Raises SourceError ``not-indexed``, StoreError, ModelError.
        """
        real = Path(os.path.realpath(path.expanduser()))
        question = Question(focus or f"summary of {real.name}", scope)
        check_index(replace(question, mode="words"), self.machine.store, lambda: self.machine.identity)
        target = find_target(real, self.machine.store, self._admits(scope))
        if not target.sources and not target.skipped:
            raise SourceError("not-indexed", f"nothing at {path} is indexed", hint=f"ragcli index {path}")
        memory = self._memory("summary", replace(question, text=f"{real}\n{focus}"))
        yield from summarize_target(target, question, self._survey_ports(), self._survey_options(limit), memory, focus=focus)

    def survey(self, text: str, *, limit: int | None = None) -> SurveyFinished:
        """As ``survey_events`` for a question of that text, all at once."""
        *_, last = self.survey_events(Question(text), limit=limit)
        assert isinstance(last, SurveyFinished)
        return last

    def _summary_target(self, text: str) -> Path | None:
        return find_summary_target(text, (source.path for source in self.machine.store.sources().values()))

    def _survey_ports(self) -> AskPorts:
        machine = self.machine
        return AskPorts(machine.store, lambda: machine.embedder, lambda: machine.model)

    def _survey_options(self, limit: int | None) -> SurveyOptions:
        answer = self.config.answer
        return SurveyOptions(answer.context_tokens, answer.max_tokens, answer.min_similarity, limit)

    def _memory(self, kind: str, question: Question) -> StepMemory:
        from ragcli.adapters.step_memory import FileStepMemory

        told = repr((kind, question.text, astuple(question.scope)))
        return FileStepMemory(self.locations.data / SURVEYS, hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:32])

    def _skipped(self, question: Question) -> tuple[Unreadable, ...]:
        """The files in the question's scope that might have said something and could not be read."""
        admits = self._admits(question.scope)
        return tuple(
            Unreadable(each.path, each.reason, each.detail)
            for each in self.machine.store.sources().values()
            if each.reason and each.reason not in NOT_TEXT and admits(each)
        )

    def _admits(self, scope: Scope) -> Callable[[StoredSource], bool]:
        from ragcli.adapters.scoping import ScopeFilter

        filtered = ScopeFilter(scope, [root.path for root in self.machine.store.roots()])
        return lambda source: filtered.admits(str(source.path), source.collection, source.modified_ns)

    def forget_surveys(self) -> None:
        """Nothing that surveys read is kept any longer: it may be of a file that was taken out of the index."""
        from ragcli.adapters.step_memory import forget_surveys

        forget_surveys(self.locations.data / SURVEYS)
