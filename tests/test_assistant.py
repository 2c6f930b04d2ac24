"""What Python users hold: the flows on ports that the caller brings, and adapters made only when they are needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ragcli.assistant import Assistant, resolve
from ragcli.config import Config, Locations, with_setting
from ragcli.errors import ConfigError, ModelError, RagError, SourceError, StoreError, UsageError
from ragcli.types import (
    AnswerFinished,
    Delta,
    EvaluationFinished,
    EvaluationProgressed,
    Indexed,
    IndexFinished,
    Planned,
    Question,
    Removed,
    Scope,
)
from tests.fakes.embedder import HashingEmbedder
from tests.fakes.model import ScriptedModel
from tests.fakes.reader import FakeReader
from tests.fakes.split import split_words
from tests.fakes.store import MemoryStore

FILES = {"lease.md": "The lease ends on 31 May 2027.", "house/cat.txt": "The house cat is called Parsec."}


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / "docs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "docs" / name).write_text(text)
    return tmp_path / "docs"


class DiskReader(FakeReader):
    """Reads real files, in this process."""

    def __init__(self) -> None:
        super().__init__(_Disk())


class _Disk(Mapping[Path, str]):
    def __getitem__(self, path: Path) -> str:
        return path.read_text()

    def __contains__(self, path: object) -> bool:
        return isinstance(path, Path) and path.is_file()

    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 0


@pytest.fixture
def ports() -> dict[str, Any]:
    """Fakes for all that needs a model or a database; the walk is the real one."""
    return {
        "store": MemoryStore(),
        "reader": DiskReader(),
        "split": split_words,
        "embedder": HashingEmbedder(),
        "model": ScriptedModel(always="It ends on 31 May 2027 [1]."),
    }


@pytest.fixture
def locations(tmp_path: Path) -> Locations:
    return Locations(tmp_path / "data", tmp_path / "config.toml")


CONFIG = with_setting(Config(), "answer.min_similarity", 0.1, origin="test")


@pytest.fixture
def assistant(ports: dict[str, Any], locations: Locations) -> Assistant:
    return Assistant(CONFIG, locations, **ports)


# ---- the whole way ----


def test_files_are_indexed_searched_asked_changed_and_forgotten(assistant: Assistant, docs: Path) -> None:
    assert assistant.index([docs]).added == 2
    found = assistant.search(Question("house cat", mode="words"))
    assert found.hits[0].chunk.path == docs / "house/cat.txt"
    answer = assistant.ask("When does the lease end?")
    assert (answer.text, answer.citations[0].path) == ("It ends on 31 May 2027 [1].", docs / "lease.md")
    (docs / "house/cat.txt").unlink()
    assert assistant.index().removed == 1
    assert [chunk.text for chunk in assistant.chunks_of(docs / "lease.md")] == [FILES["lease.md"]]
    assert Removed(docs / "lease.md") in list(assistant.forget_events([docs / "lease.md"]))
    assert assistant.index().added == 0, "what was forgotten stays forgotten"
    assert assistant.index([docs]).added == 0
    assert assistant.stats().sources == 0


def test_an_answer_can_be_followed_and_its_length_chosen(assistant: Assistant, docs: Path) -> None:
    assistant.index([docs])
    *events, last = assistant.ask_events(Question("Explain when the lease ends"), max_tokens=3)
    assert "".join(event.text for event in events if isinstance(event, Delta)) == "It ends on"
    assert isinstance(last, AnswerFinished)


def test_a_question_can_be_limited_to_some_files(assistant: Assistant, docs: Path) -> None:
    assistant.index([docs])
    found = assistant.search(Question("lease cat", scope=Scope(types=("txt",))))
    assert {hit.chunk.path.name for hit in found.hits} == {"cat.txt"}


def test_asking_in_one_line_takes_the_mode_of_the_settings(ports: dict[str, Any], locations: Locations, docs: Path) -> None:
    words = Assistant(with_setting(CONFIG, "search.mode", "words", origin="test"), locations, **ports)
    words.index([docs])
    assert words.ask("lease").question.mode == "words"


def test_a_piped_text_needs_no_index(assistant: Assistant) -> None:
    answer = assistant.ask("When does it end?", piped="The lease ends on 31 May 2027.\n")
    assert answer.citations[0].locator.lines == (1, 1)


def test_a_piped_text_is_answered_from_although_the_index_is_another_embedders(
    assistant: Assistant, ports: dict[str, Any], locations: Locations, docs: Path
) -> None:
    assistant.index([docs])
    other = Assistant(CONFIG, locations, **{**ports, "embedder": HashingEmbedder(digest="b" * 64)})
    with pytest.raises(StoreError, match="other files"):
        other.ask("When does the lease end?")
    assert other.search(Question("lease", mode="words")).hits
    assert other.ask("When?", piped="The lease ends on 31 May 2027.").citations[0].path == Path("stdin")


def test_watching_looks_at_once_and_again(assistant: Assistant, docs: Path) -> None:
    events = assistant.watch_events([docs])
    assert isinstance(next(events), Planned)
    while not isinstance(next(events), IndexFinished):
        pass
    (docs / "new.txt").write_text("Something new.")
    assert Indexed(docs / "new.txt", 1) in [next(events), next(events), next(events)]
    events.close()  # type: ignore[attr-defined]


# ---- force ----


def test_force_without_paths_builds_the_index_of_another_embedder(
    assistant: Assistant, ports: dict[str, Any], locations: Locations, docs: Path
) -> None:
    assistant.index([docs])
    other = Assistant(CONFIG, locations, **{**ports, "embedder": HashingEmbedder(name="another")})
    with pytest.raises(StoreError) as raised:
        other.index([docs], force=True)
    assert (raised.value.slug, "--force" in raised.value.hint) == ("index-mismatch", True)
    assert other.index(force=True, dry_run=True).changed == 2
    assert other.index(force=True).added == 2
    identity = other.stats().identity
    assert identity is not None
    assert identity.embedder == "another"


def test_force_for_one_collection_leaves_the_others_in_the_index(assistant: Assistant, docs: Path) -> None:
    assistant.index([docs / "house"], collection="home")
    assistant.index([docs / "lease.md"], collection="papers")
    assert assistant.index(collection="home", force=True).changed == 1
    assert {source.path.name for source in assistant.sources().values()} == {"cat.txt", "lease.md"}
    assert assistant.stats().chunks == 2


# ---- what can go wrong ----


def slug_of(raised: pytest.ExceptionInfo[RagError]) -> str:
    return raised.value.slug


def test_a_missing_embedder_is_said_before_anything_is_looked_at(locations: Locations, docs: Path) -> None:
    class NoWalker:
        def walk(self, roots: object) -> None:
            raise AssertionError("there is nothing to embed with, and still the disk was walked")

    bare = Assistant(Config(), locations, store=MemoryStore(), walker=NoWalker())
    for start in (lambda: bare.index([docs]), lambda: bare.index(), lambda: list(bare.watch_events([docs]))):
        with pytest.raises(ModelError) as raised:
            start()
        assert slug_of(raised) == "model-missing"
        assert raised.value.hint == "ragcli models pull all-minilm-l6-v2"


def test_what_is_not_there_is_said_with_what_to_type(assistant: Assistant, docs: Path) -> None:
    cases: list[tuple[str, Any]] = [
        ("nothing-to-index", lambda: assistant.index()),
        ("nothing-to-index", lambda: list(assistant.watch_events())),
        ("path-missing", lambda: assistant.index([docs / "nowhere"])),
        ("index-missing", lambda: assistant.ask("?")),
        ("index-missing", lambda: assistant.search(Question("?"))),
        ("index-missing", lambda: assistant.optimize()),
        ("empty-question", lambda: assistant.ask("  ")),
        ("not-indexed", lambda: list(assistant.forget_events([docs]))),
        ("not-indexed", lambda: assistant.chunks_of(docs / "lease.md")),
        ("path-missing", lambda: list(assistant.evaluate_events(docs))),
        ("model-unknown", lambda: assistant.show_model("no-such-model")),
    ]
    for slug, call in cases:
        with pytest.raises(RagError) as raised:
            call()
        assert slug_of(raised) == slug


def test_an_index_without_text_is_empty(assistant: Assistant, tmp_path: Path) -> None:
    (tmp_path / "blank").mkdir()
    (tmp_path / "blank" / "a.txt").write_text(" ")
    assistant.index([tmp_path / "blank"])
    with pytest.raises(StoreError) as raised:
        assistant.search(Question("anything"))
    assert slug_of(raised) == "index-empty"


def test_paths_are_followed_to_where_they_lead(docs: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(docs)
    assert resolve(tmp_path / "link" / "house" / ".." / "lease.md") == docs / "lease.md"
    with pytest.raises(UsageError) as raised:
        resolve(Path("s3://bucket/file"))
    assert slug_of(raised) == "remote-path"


# ---- evaluation ----


def test_a_set_is_evaluated_apart_from_the_users_files(assistant: Assistant, ports: dict[str, Any], tmp_path: Path) -> None:
    folder = make_set(tmp_path)
    with Assistant(CONFIG, assistant.locations, **{name: port for name, port in ports.items() if name != "store"}) as real_store:
        *signs, last = real_store.evaluate_events(folder)
        assert isinstance(last, EvaluationFinished)
        assert signs[0] == EvaluationProgressed(0, 0, "indexing")
        assert last.report["retrieval"]["recall@1"] == 1  # type: ignore[index]
        assert last.report["answers"]["contains"] == 1  # type: ignore[index]
        assert last.report["citations"]["valid"] == 1  # type: ignore[index]
        assert real_store.stats().sources == 0
    assert not ports["model"].closed, "what the caller brought is the caller's to close"


def test_another_embedder_evaluates_with_a_new_index(ports: dict[str, Any], locations: Locations, tmp_path: Path) -> None:
    folder, brought = make_set(tmp_path), {name: port for name, port in ports.items() if name != "store"}
    for embedder in (HashingEmbedder(), HashingEmbedder(name="another")):
        with Assistant(CONFIG, locations, **{**brought, "embedder": embedder}) as each:
            *_, last = each.evaluate_events(folder, retrieval_only=True)
            assert isinstance(last, EvaluationFinished)


def test_a_missing_model_is_said_before_a_corpus_is_indexed(ports: dict[str, Any], locations: Locations, tmp_path: Path) -> None:
    brought = {name: port for name, port in ports.items() if name not in ("store", "model")}
    with Assistant(CONFIG, locations, **brought) as without_model, pytest.raises(ModelError) as raised:
        next(without_model.evaluate_events(make_set(tmp_path)))
    assert slug_of(raised) == "model-missing"
    assert brought["embedder"].embedded == []


def test_an_extraction_set_is_only_read(assistant: Assistant, docs: Path) -> None:
    (docs / "corpus").mkdir()
    (docs / "corpus" / "a.txt").write_text("found here")
    (docs / "manifest.jsonl").write_text('{"file": "a.txt", "tier": "core", "must": ["found"]}\n')
    *_, last = assistant.evaluate_events(docs)
    assert isinstance(last, EvaluationFinished)
    assert last.report["extraction"]["core"]["found"] == 1  # type: ignore[index]


def make_set(folder: Path) -> Path:
    (folder / "set" / "corpus").mkdir(parents=True)
    (folder / "set" / "corpus" / "lease.md").write_text(FILES["lease.md"])
    question = {"id": "1", "question": "When does the lease end?", "answers": ["31 May 2027"], "files": ["lease.md"]}
    (folder / "set" / "questions.jsonl").write_text(json.dumps(question) + "\n")
    return folder / "set"


# ---- how it is made ----


def test_an_assistant_is_opened_with_settings_that_win(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGCLI_SEARCH_LIMIT", "3")
    with Assistant.open(answer__max_tokens=7) as opened:
        assert (opened.config.answer.max_tokens, opened.config.search.limit) == (7, 3)
        assert opened.locations.data == home
    with Assistant.open(home / "other", search__limit=4) as opened:
        assert opened.config.search.limit == 4
        assert opened.locations.data == home / "other"
    with pytest.raises(ConfigError, match="answer.no_such"):
        Assistant.open(answer__no_such=1)
    assert not home.exists(), "opening writes nothing"


def test_only_known_ports_can_be_brought(locations: Locations) -> None:
    with pytest.raises(TypeError, match="stor"):
        Assistant(Config(), locations, stor=MemoryStore())


def test_closing_twice_is_fine_and_what_was_brought_stays(assistant: Assistant, ports: dict[str, Any], docs: Path) -> None:
    assistant.index([docs])
    assistant.close()
    assistant.close()
    assert not ports["model"].closed
    assert assistant.stats().sources == 2


def test_the_models_of_the_catalog_are_listed_without_any_installed(locations: Locations) -> None:
    bare = Assistant(Config(), locations)
    rows = {row.name: row for row in bare.model_list()}
    assert rows["all-minilm-l6-v2"].in_use
    assert not any(row.installed for row in rows.values())
    assert bare.show_model("smollm2-135m") == rows["smollm2-135m"]
    with pytest.raises(ModelError) as raised:
        bare.remove_model("smollm2-135m")
    assert slug_of(raised) == "model-missing"


def test_importing_the_assistant_loads_no_library_and_no_adapter() -> None:
    code = (
        "import sys, ragcli; before = sorted(name for name in sys.modules if name.startswith('ragcli'));"
        "from ragcli import Assistant; import json;"
        "print(json.dumps([before, sorted(sys.modules)]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after = json.loads(done.stdout)
    assert before == ["ragcli"]
    assert not [name for name in after if name.startswith("ragcli.adapters.")]
    assert {name.split(".")[0] for name in after}.isdisjoint({"numpy", "torch", "lancedb", "rich", "watchdog", "tokenizers"})


def test_what_is_missing_is_reported_by_the_doctor(locations: Locations) -> None:
    findings = list(Assistant(Config(), locations).doctor())
    assert any("models pull" in finding.hint for finding in findings)


def test_an_index_is_checked_repaired_and_optimized(assistant: Assistant, ports: dict[str, Any], docs: Path) -> None:
    assert [finding.level for finding in assistant.check(repair=True)] == ["warning"]
    assistant.index([docs])
    assistant.optimize()
    damage(ports["store"])
    levels = [finding.level for finding in assistant.check(read_data=True)]
    assert "error" in levels
    repaired = list(assistant.check(read_data=True, repair=True))
    assert repaired[0].name == "repair"
    assert repaired[-1].level == "ok"
    assert assistant.index().added == 1
    with pytest.raises(SourceError):
        assistant.chunks_of(docs / "nowhere.txt")


def damage(store: MemoryStore) -> None:
    key, each = next(iter(store.chunks.items()))
    store.chunks[key] = replace(each, chunk=replace(each.chunk, text="something else"))


def test_closing_leaves_no_reading_process(ports: dict[str, Any], locations: Locations, docs: Path) -> None:
    brought = {name: port for name, port in ports.items() if name != "reader"}
    with Assistant(CONFIG, locations, **brought) as reading:
        assert reading.index([docs]).added == 2
        assert len(children()) == 1
    assert children() == []


def children() -> list[str]:
    """Processes of the worker that this process started and that still run."""
    done = subprocess.run(["ps", "-ww", "-o", "args=", "--ppid", str(os.getpid())], capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if "ragcli.adapters.readers.parsing" in line]
