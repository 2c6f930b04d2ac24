"""What is forgotten or purged is in no file any more: the bytes, not only the answers.

LanceDB packs texts, so that a search of its files for a word proves nothing by itself: rows that were removed must not be
there packed either. Its files hold such rows exactly as long as a file of deletion marks stands beside them.
"""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ragcli.adapters.store import LanceStore
from ragcli.assistant import EVALUATIONS, Assistant
from ragcli.config import Config, Locations
from ragcli.errors import StoreError
from ragcli.flows.forgetting import forget_paths
from ragcli.parts.guardian import KEPT
from ragcli.parts.surveyor import SURVEYS
from ragcli.types import Root, Scope
from tests.fakes.embedder import HashingEmbedder
from tests.fakes.indexed import IDENTITY, unit, update
from tests.fakes.model import ScriptedModel
from tests.fakes.split import split_words
from tests.tallying import count

MARKER = "zebrafinch-7741"
NOTES = Path("/home/ann/notes")
WORDS = "the tea in the harbour was cold when the ship left for the north and nobody had thought of milk".split()  # noqa: SIM905


def filler(number: int) -> str:
    return " ".join(random.Random(number).choices(WORDS, k=80))


def files_with(folder: Path, marker: str) -> list[Path]:
    """What ``grep -r`` finds, and paths that are named so."""
    return [
        path for path in folder.rglob("*") if marker in path.name or (path.is_file() and marker.encode() in path.read_bytes())
    ]


def marks_of_removed_rows(folder: Path) -> list[Path]:
    return list(folder.glob("*.lance/_deletions/*"))


def versions(folder: Path) -> int:
    return len(list(folder.glob("*.lance/_versions/*.manifest")))


@pytest.fixture
def store(tmp_path: Path) -> LanceStore:
    """Three hundred passages, and one file among them that will be forgotten: far less than a tenth."""
    store = LanceStore(tmp_path / "index")
    others = [update(NOTES / f"{number}.md", [filler(number)], vectors=[unit(1, number)]) for number in range(300)]
    with store.writing(IDENTITY):
        store.remember_roots([Root(NOTES, "main")])
        store.replace([*others, update(NOTES / f"{MARKER}.md", [f"{filler(0)} {MARKER} one", f"{MARKER} two"], title=MARKER)])
        store.finish()
    return store


def test_a_forgotten_file_leaves_nothing_in_the_store(store: LanceStore, tmp_path: Path) -> None:
    index = tmp_path / "index"
    assert files_with(index, MARKER), "its name stands in the ledger"
    list(forget_paths([NOTES / f"{MARKER}.md"], store))

    # The rule against it names it; nothing else does.
    with closing(sqlite3.connect(index / "ledger.db")) as database:
        assert MARKER in database.execute("SELECT exclude FROM roots").fetchone()[0]
        database.execute("UPDATE roots SET exclude = '[]'")
        database.execute("PRAGMA secure_delete = ON")
        database.commit()
        database.execute("VACUUM")
    assert files_with(index, MARKER) == []
    assert marks_of_removed_rows(index) == []
    assert versions(index) == 1

    (index / "ledger.checksum").unlink(missing_ok=True)
    found = store.search_words("zebrafinch", limit=9, scope=Scope()).entries
    assert found == ()
    assert store.stats().sources == 300
    assert {finding.level for finding in store.check(read_data=True)} == {"ok"}
    count("ways to forget that left no byte behind")


def test_optimizing_clears_away_what_indexing_removed(store: LanceStore, tmp_path: Path) -> None:
    with store.writing(IDENTITY):
        store.remove([source for source in store.sources().values() if MARKER in source.path.name])
        store.finish(quick=True)
    assert marks_of_removed_rows(tmp_path / "index"), "else the other tests prove nothing"
    with store.writing(IDENTITY):
        store.finish()
    assert marks_of_removed_rows(tmp_path / "index") == []
    assert files_with(tmp_path / "index", MARKER) == []
    assert len(store.sources()) == 300
    count("ways to forget that left no byte behind")


def test_the_index_is_as_good_as_before(store: LanceStore) -> None:
    asked = {"limit": 5, "scope": Scope()}
    before = store.search_words("harbour tea", **asked), store.search_meaning(unit(1, 200), **asked)
    list(forget_paths([NOTES / f"{MARKER}.md"], store))
    after = store.search_words("harbour tea", **asked), store.search_meaning(unit(1, 200), **asked)
    assert [entry.chunk.id for entry in after[1].entries] == [entry.chunk.id for entry in before[1].entries]
    assert {entry.chunk.id for entry in after[0].entries} <= set(store_ids(store))
    assert not store.unfinished


def store_ids(store: LanceStore) -> list[str]:
    return [chunk.id for source in store.sources() for chunk in store.chunks_of(source)]


# ---- purge -----------------------------------------------------------------------------------


@pytest.fixture
def assistant(tmp_path: Path) -> Assistant:
    """With an index, a history and a model's folder, of files that bear the marker."""
    home = tmp_path / "home"
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / f"{MARKER}.md").write_text(f"# Notes\n\n{MARKER} is all about tea.\n")
    made = Assistant(
        Config(),
        Locations(home, home / "config.toml"),
        embedder=HashingEmbedder(),
        split=split_words,
        model=ScriptedModel(always="Tea."),
    )
    made.index([documents])
    (home / "history").write_text(f"\n# 2026-01-01\n+{MARKER}?\n")
    (home / "surveys").mkdir()
    (home / "surveys" / "a.jsonl").write_text(f'["x", "{MARKER}"]\n')
    (home / "models" / "tiny").mkdir(parents=True)
    (home / "config.toml").write_text("")
    (home / "mine.txt").write_text("not ragcli's")
    return made


def test_purging_leaves_nothing_of_the_users_files(assistant: Assistant, tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert files_with(home, MARKER)
    removed = [event.path.name for event in assistant.purge_events()]
    assert {"index", "history", "surveys"} <= set(removed)
    assert files_with(home, MARKER) == []
    assert sorted(path.name for path in home.iterdir()) == ["config.toml", "mine.txt", "models"]
    assert (tmp_path / "documents" / f"{MARKER}.md").exists()
    assert list(assistant.purge_events()) == []
    assert assistant.stats().sources == 0
    count("ways to forget that left no byte behind")


def test_every_place_that_ragcli_writes_to_is_purged() -> None:
    """A new one is put into the list, or said here to tell nothing of the user."""
    locations = Locations(Path("/data"), Path("/data/config.toml"))
    places = {name for name, value in vars(Locations).items() if isinstance(value, property)}
    named = {getattr(locations, name).name for name in places}
    assert named - {"models"} <= set(KEPT)
    assert {EVALUATIONS, SURVEYS} <= set(KEPT)


def test_models_go_only_if_they_are_asked_for(assistant: Assistant, tmp_path: Path) -> None:
    list(assistant.purge_events(models=True))
    assert not (tmp_path / "home" / "models").exists()


def test_a_link_goes_and_what_it_leads_to_stays(assistant: Assistant, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "keep.txt").write_text("keep")
    (tmp_path / "home" / "eval").symlink_to(elsewhere)
    list(assistant.purge_events())
    assert not (tmp_path / "home" / "eval").is_symlink()
    assert (elsewhere / "keep.txt").exists()


def test_nothing_is_purged_under_another_writer(assistant: Assistant, tmp_path: Path) -> None:
    other = LanceStore(tmp_path / "home" / "index")
    with other.writing(other.identity() or IDENTITY), pytest.raises(StoreError) as caught:
        list(assistant.purge_events())
    assert caught.value.slug == "index-locked"
    assert assistant.stats().sources == 1
