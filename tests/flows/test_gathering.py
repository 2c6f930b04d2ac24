"""Each file becomes one record, none is passed over in silence, and the report adds up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ragcli.errors import ModelError, SourceError
from ragcli.flows.filling import Form
from ragcli.flows.gathering import Batch, batch_from_disk, batch_from_index, extract_records
from ragcli.steps.shaping import parse_shape
from ragcli.types import Delta, Extracted, ExtractionFinished, ExtractionPlanned, ExtractionReport, Prompt, Root, Stop, Usage
from tests.fakes.desk import DOCS, Desk
from tests.fakes.model import ScriptedModel
from tests.fakes.split import split_words

FORM = Form(parse_shape("rent: number, tenant?: str"))
FILES = {"a.md": "The rent is 900 euros.", "b.md": "The rent is 750 euros.", "c.md": "Nothing of the kind.", "d.md": " "}


@pytest.fixture
def desk() -> Desk:
    return Desk(FILES)


def from_disk(desk: Desk) -> Batch:
    return batch_from_disk(desk.walker.walk([Root(DOCS, "")]), desk.reader, lambda: split_words, 64)


def outcomes(events: list[object]) -> dict[str, str]:
    return {event.path.name: event.outcome for event in events if isinstance(event, Extracted)}


def report_of(events: list[object]) -> ExtractionReport:
    last = events[-1]
    assert isinstance(last, ExtractionFinished)
    return last.report


def run(batch: Batch, model: ScriptedModel, **options: object) -> list[object]:
    return list(extract_records(FORM, batch, lambda: model, **options))  # type: ignore[arg-type]


def test_every_file_has_a_record_and_is_counted_once(desk: Desk) -> None:
    model = ScriptedModel('{"rent": 900, "tenant": null}', '{"rent": 750, "tenant": "Vane"}', '{"rent": 3, "tenant": null}')
    events = run(from_disk(desk), model)
    assert events[0] == ExtractionPlanned(4, 0)
    assert outcomes(events) == {"a.md": "filled", "b.md": "filled", "c.md": "nothing", "d.md": "skipped"}
    report = report_of(events)
    assert (report.files, report.filled, report.nothing, report.skipped) == (4, 2, 1, {"empty": 1})
    assert not report.is_whole
    first = events[1]
    assert isinstance(first, Extracted)
    assert first.record
    assert first.record.fields[0].citation
    assert first.record.fields[0].citation.path == DOCS / "a.md"


def test_the_index_gives_the_same_records(desk: Desk) -> None:
    desk.index("a.md", "b.md")
    model = ScriptedModel('{"rent": 900, "tenant": null}', '{"rent": 750, "tenant": null}')
    events = run(batch_from_index(desk.store.sources().values(), desk.store), model)
    assert outcomes(events) == {"a.md": "filled", "b.md": "filled"}
    assert report_of(events).is_whole


def test_what_was_done_is_passed_over_unless_it_changed(desk: Desk) -> None:
    model = ScriptedModel(always='{"rent": 900, "tenant": null}')
    first = run(from_disk(desk), model)
    done = {(str(event.path), event.digest) for event in first if isinstance(event, Extracted) and event.outcome != "skipped"}
    desk.files[DOCS / "b.md"] = "The rent is 800 euros."
    desk.reader.files = desk.walker.files = desk.files
    events = run(from_disk(desk), model, done=done)
    assert outcomes(events) == {"b.md": "nothing", "d.md": "skipped"}
    assert report_of(events).resumed == 2
    assert report_of(events).files == 4


def test_a_long_file_is_told_to_be_read_in_part_and_its_best_passages_are_shown() -> None:
    filler = "\n\n".join(f"Paragraph {number} speaks of weather and of birds." for number in range(40))
    desk = Desk({"long.md": f"Lease of the mill.\n\n{filler}\n\nThe rent is 900 euros.\n\n{filler}"})
    events = run(from_disk(desk), ScriptedModel('{"rent": 900, "tenant": null}'), context_tokens=120)
    (event,) = [event for event in events if isinstance(event, Extracted)]
    assert event.outcome == "filled"
    assert 0 < event.shown < event.passages
    assert report_of(events).partly == 1


class FailingModel(ScriptedModel):
    def stream(self, prompt: Prompt, *, max_tokens: int) -> Iterator[Delta | Stop]:
        if "750" in prompt.messages[-1].content:
            return iter([Stop("length", Usage())])
        return super().stream(prompt, max_tokens=max_tokens)


def test_one_file_that_the_model_fails_on_does_not_end_the_run(desk: Desk) -> None:
    events = run(from_disk(desk), FailingModel(always='{"rent": 900, "tenant": null}'))
    assert outcomes(events) == {"a.md": "filled", "b.md": "failed", "c.md": "nothing", "d.md": "skipped"}
    assert report_of(events).failed == 1


def test_without_a_model_the_run_ends_at_once(desk: Desk) -> None:
    def missing() -> ScriptedModel:
        raise ModelError("model-missing", "there is none", hint="pull one")

    with pytest.raises(ModelError):
        list(extract_records(FORM, from_disk(desk), missing))


def test_no_file_at_all_is_an_error() -> None:
    with pytest.raises(SourceError, match="no file"):
        run(batch_from_index((), Desk({}).store), ScriptedModel())


def test_closing_the_events_reads_no_further_file(desk: Desk) -> None:
    events = extract_records(FORM, from_disk(desk), lambda: ScriptedModel(always='{"rent": 900, "tenant": null}'))
    next(events)
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert Path("/docs/c.md") not in desk.reader.taken
