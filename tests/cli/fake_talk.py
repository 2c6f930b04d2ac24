"""The conversations and surveys of the fake assistant: real turns, made-up findings."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from ragcli.errors import SourceError
from ragcli.parts.converser import Converser
from ragcli.steps.canvassing import recognise_survey
from ragcli.types import (
    Answer,
    Citation,
    Locator,
    ModelIdentity,
    Question,
    Reach,
    Scope,
    Survey,
    SurveyEvent,
    SurveyFinished,
    SurveyItem,
    SurveyPlanned,
    SurveyProgressed,
    Unreadable,
)

EVERYTHING = Scope()
BAKERY = Citation(1, Path("/files/bakery.md"), Locator(lines=(3, 3)), "Fournil brings bread.", True)


class FakeTalk(Converser):
    def recognise_survey(self, question: Question) -> bool:
        return recognise_survey(question.text) is not None

    def survey_events(self, question: Question, *, limit: int | None = None) -> Iterator[SurveyEvent]:
        """Three chunks in three steps, of which the last names a supplier; ``slow`` waits, ``zebra`` finds nothing."""
        read = min(limit or 3, 3)
        yield SurveyPlanned("list", 9, 3, read, 2, read, 0, 12.0)
        if "slow" in question.text:
            time.sleep(60)
        for step in range(1, read + 1):
            yield SurveyProgressed(step, read, step, read, BAKERY.path, ("Fournil",))
        skipped = (Unreadable(Path("/files/scan.pdf"), "no_text_layer"),)
        coverage = Reach(9, 3, read, files=2, files_read=read // 2, skipped=skipped, floor=0.25, unsupported=1)
        if "zebra" in question.text:
            yield SurveyFinished(Survey("list", Answer(question, "", "no_evidence", 0.0), (), coverage))
            return
        answer = Answer(question, "- Fournil [1]", "answered", 0.5, (BAKERY,), model=ModelIdentity("tiny", "fake"))
        yield SurveyFinished(Survey("list", answer, (SurveyItem("Fournil", (1,)),), coverage))

    def summarize_events(
        self, path: Path, *, focus: str = "", limit: int | None = None, scope: Scope = EVERYTHING
    ) -> Iterator[SurveyEvent]:
        if "absent" in path.name:
            raise SourceError("not-indexed", f"nothing at {path} is indexed", hint=f"ragcli index {path}")
        yield SurveyPlanned("summary", 2, 2, 2, 1, 2, 2, 3.0)
        answer = Answer(Question(focus), "Bread is brought. [1]", "answered", 1.0, (BAKERY,))
        yield SurveyFinished(Survey("summary", answer, (), Reach(2, 2, 2, files=1, files_read=1)))
