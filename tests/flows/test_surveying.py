"""Lists, counts and summaries over an index in memory: what is read, what is told, and what a stopped survey remembers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from ragcli.errors import ModelError
from ragcli.flows.summarizing import find_target, summarize_target
from ragcli.flows.surveying import SurveyOptions, find_matching, survey_matching
from ragcli.types import (
    Delta,
    Prompt,
    Question,
    Stop,
    Survey,
    SurveyEvent,
    SurveyFinished,
    SurveyKind,
    SurveyPlanned,
    SurveyProgressed,
    Unreadable,
    Usage,
)
from tests.fakes.desk import DOCS, Desk
from tests.fakes.embedder import HashingEmbedder
from tests.fakes.memory import KeptSteps
from tests.fakes.model import ScriptedModel

FILES = {
    "bakery.md": "Of our suppliers Fournil brings bread.",
    "optics.md": "Of the suppliers Quellhorst coats the mirror.",
    "pellets.txt": "One of the suppliers is Brandt and Sons, since 2019.",
    "cat.txt": "The house cat is called Parsec.",
}
SUPPLIERS = Question("List all suppliers")
OPTIONS = SurveyOptions(step_tokens=40, max_tokens=60, min_similarity=0.9)


class Reading(ScriptedModel):
    """Replies by what the prompt holds; fails at what it is told to, and is stopped after so many prompts."""

    def __init__(self, reply: Callable[[str], str], *, fails_at: str = "", stops_after: int = 99) -> None:
        super().__init__()
        self._reply, self.fails_at, self.stops_after = reply, fails_at, stops_after

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Iterator[Delta | Stop]:
        text = prompt.messages[-1].content
        self.prompts.append(prompt)
        if self.fails_at and self.fails_at in text:
            raise ModelError("model-failed", "it failed", hint="try again")
        if len(self.prompts) > self.stops_after:
            raise KeyboardInterrupt
        yield Delta(self._reply(text))
        yield Stop("stop", Usage())


def name_suppliers(text: str) -> str:
    names = [name for name in ("Fournil", "Quellhorst", "Brandt and Sons") if name in text]
    return "\n".join(f"- {name}" for name in [*names, "Atlantis Ltd"])


def desk_with(model: Reading, files: dict[str, str] | None = None) -> Desk:
    desk = Desk(files or FILES)
    desk.model = model
    desk.embedder = HashingEmbedder(token_limit=14)
    desk.index("")
    desk.loaded.clear()
    return desk


def survey(
    desk: Desk,
    memory: KeptSteps | None = None,
    kind: SurveyKind = "list",
    question: Question = SUPPLIERS,
    limit: int | None = None,
) -> tuple[list[SurveyEvent], Survey]:
    options = replace(OPTIONS, limit=limit)
    *events, last = survey_matching(question, kind, desk.ask_ports(), options, memory or KeptSteps())
    assert isinstance(last, SurveyFinished)
    return events, last.survey


def test_every_chunk_with_the_words_is_read_and_what_is_found_is_listed_with_its_place() -> None:
    events, done = survey(desk_with(Reading(name_suppliers)))
    plan = events[0]
    assert isinstance(plan, SurveyPlanned)
    assert (plan.chunks, plan.matching, plan.to_read, plan.steps, plan.seconds) == (4, 3, 3, 3, None)
    assert {item.text for item in done.items} == {"Fournil", "Quellhorst", "Brandt and Sons"}
    for item in done.items:
        (number,) = item.numbers
        citation = done.answer.citations[number - 1]
        assert item.text in citation.quote
        assert citation.supported
        assert f"- {item.text} [{number}]" in done.answer.text.splitlines()


def test_what_no_passage_bears_out_is_left_out_and_counted() -> None:
    _, done = survey(desk_with(Reading(name_suppliers)))
    assert done.coverage.unsupported == 3
    assert "Atlantis" not in done.answer.text
    assert done.answer.confidence == 0.5


def test_a_count_begins_with_the_number() -> None:
    _, done = survey(desk_with(Reading(name_suppliers)), kind="count", question=Question("How many suppliers in total?"))
    assert done.answer.text.startswith("3 found:\n- ")


def test_nothing_that_matches_is_said_without_a_model() -> None:
    desk = desk_with(Reading(name_suppliers))
    events, done = survey(desk, question=Question("List all xylophones"))
    assert (events, done.answer.outcome, done.coverage.matching) == ([], "no_evidence", 0)
    assert "model" not in desk.loaded


def test_a_limit_is_told_as_incomplete() -> None:
    _, done = survey(desk_with(Reading(name_suppliers)), limit=1)
    assert (done.coverage.read, done.coverage.matching, done.coverage.complete) == (1, 3, False)
    assert (done.coverage.files_read, done.coverage.files) == (1, 3)


def test_a_survey_that_was_stopped_goes_on_where_it_was() -> None:
    memory = KeptSteps()
    stopped = desk_with(Reading(name_suppliers, stops_after=2))
    with pytest.raises(KeyboardInterrupt):
        survey(stopped, memory)
    assert len(memory.replies) == 2
    goes_on = desk_with(Reading(name_suppliers))
    events, done = survey(goes_on, memory)
    assert isinstance(events[0], SurveyPlanned)
    assert events[0].steps_known == 2
    assert events[0].seconds is not None
    assert len(goes_on.model.prompts) == 1
    assert done.coverage.complete
    assert survey(goes_on, memory)[1].items == done.items


def test_a_changed_file_is_read_again_and_no_other() -> None:
    memory = KeptSteps()
    survey(desk_with(Reading(name_suppliers)), memory)
    changed = desk_with(Reading(name_suppliers), {**FILES, "bakery.md": "Of our suppliers Fournil brings no more bread."})
    survey(changed, memory)
    assert len(changed.model.prompts) == 1


def test_a_step_that_fails_is_told_and_the_rest_goes_on() -> None:
    desk = desk_with(Reading(name_suppliers, fails_at="Quellhorst"))
    events, done = survey(desk)
    assert sum(isinstance(event, SurveyProgressed) for event in events) == 3
    assert (done.coverage.read, done.coverage.failed, done.coverage.complete) == (2, 1, False)


def test_a_model_that_fails_at_everything_is_an_error() -> None:
    with pytest.raises(ModelError):
        survey(desk_with(Reading(name_suppliers, fails_at="uppliers")))


def test_what_is_far_from_the_question_is_not_read_and_copies_are_read_once() -> None:
    files = {**FILES, "copy.md": FILES["bakery.md"], "far.md": "Nothing of the kind."}
    matching = find_matching(SUPPLIERS, desk_with(Reading(name_suppliers), files).ask_ports(), 0.9)
    assert (len(matching.hits), matching.chunks) == (3, 6)
    assert find_matching(SUPPLIERS, Desk({}).ask_ports(with_store=False), 0.9).hits == ()


def test_a_survey_by_words_needs_no_embedder() -> None:
    desk = desk_with(Reading(name_suppliers))
    _, done = survey(desk, question=replace(SUPPLIERS, mode="words"))
    assert len(done.items) == 3
    assert "embedder" not in desk.loaded


# ---- summaries ----

ROOF = (
    "The builder wants 4,000 for the roof and says that nobody else would climb up there for less in winter when the boards "
    "are wet and every nail is cold."
)
LETTER = "\n\n".join(
    [
        "Mara wrote in 2009 to the man who built the house beside the old pass that its roof leaks badly whenever it rains for "
        "more than two days.",
        ROOF,
        "The board agreed in March to pay half of it before the work begins and the other half when the roof is dry, which took "
        "the whole summer.",
    ]
)
"""Three chunks."""


def tell_again(text: str) -> str:
    """The last sentence that is shown, and an invention."""
    told = [line.removeprefix("- ") for line in text.split("\n\n")[0].splitlines() if line.endswith(".")]
    return " ".join([*told, "Everybody was happy in 1999."])


def summarize(desk: Desk, path: str = "", limit: int | None = None) -> tuple[list[SurveyEvent], Survey]:
    target = find_target(DOCS / path if path else DOCS, desk.store)
    options = SurveyOptions(step_tokens=8, max_tokens=60, min_similarity=0.2, limit=limit)
    *events, last = summarize_target(target, Question("summary"), desk.ask_ports(), options, KeptSteps())
    assert isinstance(last, SurveyFinished)
    return events, last.survey


def test_a_file_is_summarised_from_all_its_parts_with_places() -> None:
    _, done = summarize(desk_with(Reading(tell_again), {"letter.txt": LETTER}), "letter.txt")
    assert done.coverage.complete
    assert f"{ROOF} [2]" in done.answer.text
    assert "happy" not in done.answer.text
    assert done.coverage.unsupported > 0
    assert all(citation.quote in LETTER for citation in done.answer.citations)


def test_a_folder_gets_an_overview_and_a_line_for_each_file() -> None:
    _, done = summarize(desk_with(Reading(tell_again), {"letter.txt": LETTER, **FILES}))
    overview, *files = done.answer.text.split("\n\n")
    assert "Parsec" in overview
    assert [line.split(":")[0] for line in files] == ["bakery.md", "cat.txt", "letter.txt", "optics.md", "pellets.txt"]
    assert len(done.items) == len(files)


def test_what_is_short_needs_no_overview() -> None:
    _, done = summarize(desk_with(Reading(tell_again), {"letter.txt": LETTER, "cat.txt": FILES["cat.txt"]}))
    assert [line.split(":")[0] for line in done.answer.text.split("\n\n")] == ["cat.txt", "letter.txt"]


def test_the_beginnings_of_all_files_come_first() -> None:
    desk = desk_with(Reading(tell_again), {"letter.txt": LETTER, "cat.txt": FILES["cat.txt"]})
    _, done = summarize(desk, limit=2)
    assert (done.coverage.read, done.coverage.files_read) == (2, 1)
    assert not done.coverage.complete


def test_files_that_could_not_be_read_are_named() -> None:
    desk = Desk({"letter.txt": LETTER, "scan.pdf": "x"})
    desk.reader.broken[DOCS / "scan.pdf"] = "no_text_layer"
    desk.model = Reading(tell_again)
    desk.index("")
    _, done = summarize(desk)
    assert done.coverage.skipped == (Unreadable(DOCS / "scan.pdf", "no_text_layer"),)
    assert not done.coverage.complete


def test_a_model_that_says_nothing_true_leaves_no_summary() -> None:
    _, done = summarize(desk_with(Reading(lambda _: "Whales fly over Jupiter.")), "cat.txt")
    assert (done.answer.outcome, done.answer.text) == ("no_evidence", "")
