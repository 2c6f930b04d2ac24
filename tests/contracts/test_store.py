"""What every store does, the one in memory and the one on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ragcli.adapters.store import LanceStore
from ragcli.errors import StoreError
from ragcli.ports import Store
from ragcli.types import FileStamp, Locator, Root, Scope, SourceUpdate
from tests.fakes.indexed import DIMENSION, IDENTITY, source_id, stored, unit, update
from tests.fakes.store import MemoryStore

ANYWHERE = Scope()
NOTES = Path("/home/ann/notes")


@pytest.fixture(params=["memory", "disk"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MemoryStore | LanceStore]:
    made = MemoryStore() if request.param == "memory" else LanceStore(tmp_path / "index")
    yield made
    made.close()


@pytest.fixture
def again(store: MemoryStore | LanceStore, tmp_path: Path) -> Iterator[Callable[[], MemoryStore | LanceStore]]:
    """Opens the same index once more, as the next command would."""
    opened: list[LanceStore] = []

    def reopen() -> MemoryStore | LanceStore:
        if isinstance(store, MemoryStore):
            return store
        store.close()
        opened.append(LanceStore(tmp_path / "index"))
        return opened[-1]

    yield reopen
    for each in opened:
        each.close()


def paths_of(ranking) -> list[str]:
    return [entry.chunk.path.name for entry in ranking.entries]


def fill(store: Store, *updates) -> None:
    with store.writing(IDENTITY):
        store.replace(updates)
        store.finish()


def test_fits_the_port(store):
    fitting: Store = store
    assert fitting is store


class TestWithoutAnIndex:
    def test_nothing_is_known(self, store):
        assert store.identity() is None
        assert (store.sources(), store.roots()) == ({}, ())
        assert store.stats().chunks == 0
        assert not store.holds_chunks

    def test_looking_for_chunks_says_how_to_make_one(self, store):
        for look in (
            lambda: store.search_words("tea", limit=3, scope=ANYWHERE),
            lambda: store.search_meaning(unit(1), limit=3, scope=ANYWHERE),
            lambda: store.similarities(unit(1), ["00"]),
            lambda: store.chunks_of("00"),
            lambda: store.embedded_chunks(["00"]),
        ):
            with pytest.raises(StoreError) as raised:
                look()
            assert raised.value.slug == "index-missing"
            assert "ragcli index PATH" in raised.value.hint

    def test_an_index_without_chunks_finds_nothing(self, store):
        fill(store)
        assert store.identity() == IDENTITY
        assert store.search_words("tea", limit=3, scope=ANYWHERE).entries == ()
        assert store.search_meaning(unit(1), limit=3, scope=ANYWHERE).entries == ()


class TestSources:
    def test_what_was_stored_is_what_comes_back(self, store, again):
        given_update = update(NOTES / "tea.md", ["Green tea", "Black tea"], heading=("Drinks", "Hot"), title="Tea", modified_ns=5)
        fill(store, given_update)
        reopened = again()
        assert reopened.sources() == {given_update.source.id: given_update.source}
        assert reopened.chunks_of(given_update.source.id) == tuple(each.chunk for each in given_update.chunks)

    def test_chunks_come_back_with_the_vectors_that_were_stored(self, store, again):
        tea, wine = update(NOTES / "tea.md", ["Green", "Black"]), update(NOTES / "wine.md", ["Red"])
        fill(store, tea, wine)
        found = again().embedded_chunks([tea.source.id, wine.source.id, source_id(NOTES / "never-there.md")])
        assert {key: [each.chunk for each in own] for key, own in found.items() if own} == {
            made.source.id: [each.chunk for each in made.chunks] for made in (tea, wine)
        }
        assert list(found[tea.source.id][1].vector) == pytest.approx(list(tea.chunks[1].vector), abs=1e-3)
        assert again().holds_chunks

    def test_vectors_that_are_stored_again_are_the_same(self, store, again):
        tea = update(NOTES / "tea.md", ["Green", "Black"], vectors=[unit(0.1, 0.7, -0.3), unit(0.33, 0.01)])
        fill(store, tea)
        once = again().embedded_chunks([tea.source.id])[tea.source.id]
        fill(store, replace(tea, chunks=once))
        twice = again().embedded_chunks([tea.source.id])[tea.source.id]
        assert [list(each.vector) for each in once] == [list(each.vector) for each in twice]

    @pytest.mark.parametrize(
        "locator", [Locator(), Locator(page=3), Locator((1, 9), 2, "Setup > Linux", "b/c.md"), Locator(label="Prices!A1:C9")]
    )
    def test_locators_survive(self, store, again, locator):
        plain = update(NOTES / "a", ["text"])
        chunk = replace(plain.chunks[0].chunk, locator=locator)
        fill(store, replace(plain, chunks=(replace(plain.chunks[0], chunk=chunk),)))
        assert again().chunks_of(plain.source.id) == (chunk,)

    def test_skipped_sources_are_kept_with_their_reason(self, store, again):
        skipped = replace(stored(NOTES / "scan.pdf", reason="no_text_layer"), detail="12 pages")
        with store.writing(IDENTITY):
            store.replace([SourceUpdate(skipped)])
        assert again().sources()[skipped.id] == skipped
        assert again().stats().skipped == 1

    def test_a_source_that_can_no_longer_be_read_loses_its_chunks(self, store):
        before = update(NOTES / "a.md", ["apples"])
        fill(store, before, update(NOTES / "b.md", ["bananas"]))
        with store.writing(IDENTITY):
            store.replace([replace(before, source=replace(before.source, reason="permission"), chunks=())])
        assert store.chunks_of(before.source.id) == ()
        assert paths_of(store.search_words("apples bananas", limit=5, scope=ANYWHERE)) == ["b.md"]
        assert store.sources()[before.source.id].chunks == 0

    def test_replacing_swaps_a_source_whole(self, store):
        fill(store, update(NOTES / "a.md", ["one", "two", "three"]), update(NOTES / "b.md", ["other"]))
        fill(store, update(NOTES / "a.md", ["four"]))
        assert [chunk.text for chunk in store.chunks_of(source_id(NOTES / "a.md"))] == ["four"]
        assert [chunk.text for chunk in store.chunks_of(source_id(NOTES / "b.md"))] == ["other"]
        assert store.stats().chunks == 2

    def test_the_same_update_twice_changes_nothing(self, store):
        same = update(NOTES / "a.md", ["one", "two"])
        fill(store, same)
        fill(store, same)
        assert store.stats().chunks == 2
        assert len(store.search_words("one two", limit=9, scope=ANYWHERE).entries) == 2

    def test_removing(self, store, again):
        gone, kept = update(NOTES / "a.md", ["apples"]), update(NOTES / "b.md", ["bananas"])
        fill(store, gone, kept)
        with store.writing(IDENTITY):
            store.remove([gone.source, stored(NOTES / "never-there.md")])
            store.finish()
        assert set(again().sources()) == {kept.source.id}
        assert paths_of(again().search_meaning(unit(1), limit=9, scope=ANYWHERE)) == ["b.md"]

    def test_refreshing_updates_the_stamp_and_keeps_the_chunks(self, store, again):
        before = update(NOTES / "a.md", ["apples"])
        fill(store, before)
        stamp = FileStamp(NOTES / "a.md", 1, modified_ns=99, inode=2**63 + 1)
        touched = replace(before.source, modified_ns=stamp.modified_ns, inode=stamp.inode, chunks=0)
        with store.writing(IDENTITY):
            store.refresh([touched, stored(NOTES / "never-there.md")])
        assert again().sources() == {touched.id: replace(touched, chunks=1)}
        assert len(again().chunks_of(touched.id)) == 1

    @pytest.mark.parametrize(
        "name",
        ["x' OR 1=1 OR path='", "it's", 'a"b', "line\nbreak", b"caf\xe9".decode("utf-8", "surrogateescape"), "\x1b[31m", "名前"],
    )
    def test_any_file_name_is_only_a_name(self, store, again, name):
        odd = update(NOTES / name, ["the odd one"], title=name)
        fill(store, odd, *(update(NOTES / f"{number}.md", ["plain"]) for number in range(3)))
        assert again().sources()[odd.source.id].path == NOTES / name
        assert again().search_words("odd", limit=3, scope=ANYWHERE).entries[0].chunk.path == NOTES / name
        fill(again(), replace(odd, chunks=()))
        with store.writing(IDENTITY):
            store.remove([odd.source])
        assert len(store.sources()) == 3
        assert store.stats().chunks == 3


class TestRoots:
    def test_are_remembered_once_in_each_collection(self, store, again):
        first, second = Root(NOTES, "main"), Root(Path("/srv/docs"), "work", ("*.md",), ("old",))
        elsewhere = replace(first, collection="private")
        with store.writing(IDENTITY):
            store.remember_roots([second, replace(first, exclude=("*.tmp",))])
            store.remember_roots([elsewhere, first])
        assert again().roots() == (first, elsewhere, second)
        with store.writing(IDENTITY):
            store.forget_roots([first, Root(Path("/unknown"), "x")])
        assert again().roots() == (elsewhere, second)


class TestWriting:
    def test_another_identity_is_refused_with_the_command_that_helps(self, store):
        fill(store, update(NOTES / "a.md", ["apples"]))
        with pytest.raises(StoreError) as raised, store.writing(replace(IDENTITY, embedder="other")):
            raise AssertionError("it was let in")
        assert raised.value.slug == "index-mismatch"
        assert "ragcli index --force" in raised.value.hint
        assert store.identity() == IDENTITY

    def test_only_one_at_a_time(self, store):
        with store.writing(IDENTITY):
            with pytest.raises(StoreError) as raised, store.writing(IDENTITY):
                raise AssertionError("it was let in")
            assert raised.value.slug == "index-locked"
        with store.writing(IDENTITY):
            pass

    def test_nothing_is_written_outside(self, store):
        one = update(NOTES / "a.md", ["apples"])
        for write in (
            lambda: store.replace([one]),
            lambda: store.remove([one.source]),
            lambda: store.refresh([one.source]),
            lambda: store.remember_roots([Root(NOTES, "main")]),
            lambda: store.finish(),
        ):
            with pytest.raises(RuntimeError):
                write()

    def test_what_is_written_can_be_read_at_once(self, store):
        with store.writing(IDENTITY):
            for number in range(3):
                store.replace([update(NOTES / f"{number}.md", [f"word{number}"])])
                assert paths_of(store.search_words(f"word{number}", limit=5, scope=ANYWHERE)) == [f"{number}.md"]
                assert len(store.sources()) == number + 1

    def test_a_reset_keeps_the_roots_and_takes_the_new_identity(self, store, again):
        fill(store, update(NOTES / "a.md", ["apples"]))
        with store.writing(IDENTITY):
            store.remember_roots([Root(NOTES, "main")])
        other = replace(IDENTITY, embedder="other", dimension=2)
        store.reset(other)
        assert again().identity() == other
        assert (again().sources(), again().roots()) == ({}, (Root(NOTES, "main"),))
        reopened = again()
        with reopened.writing(other):
            reopened.replace([update(NOTES / "a.md", ["pears"], vectors=[[0.6, 0.8]])])
            reopened.finish()
        found = reopened.search_meaning([0.6, 0.8], limit=3, scope=ANYWHERE).entries
        assert [entry.chunk.text for entry in found] == ["pears"]

    def test_stats(self, store):
        fill(store, update(NOTES / "a.md", ["one", "two"]), update(NOTES / "b.md", ["three"]))
        stats = store.stats()
        assert (stats.sources, stats.chunks, stats.skipped, stats.identity) == (2, 3, 0, IDENTITY)
        assert stats.last_indexed_ns is not None


class TestBoth:
    def test_brings_what_each_brings_alone(self, store):
        texts = [f"apples and {number} pears" for number in range(8)]
        fill(store, update(NOTES / "a.md", texts, vectors=[unit(1, number) for number in range(8)]))
        asked = {"limit": 5, "scope": ANYWHERE}
        alone = store.search_words("apples 3", **asked), store.search_meaning(unit(1), **asked)
        assert store.search_both("apples 3", unit(1), **asked) == alone
        assert store.search_both("apples 3", unit(1), limit=0, scope=ANYWHERE)[1].entries == ()


class TestMeaning:
    def test_ranks_by_cosine(self, store):
        near, middle, far = unit(1, 0.1), unit(1, 1), unit(-1, 0.2)
        fill(store, update(NOTES / "a.md", ["far", "near", "middle"], vectors=[far, near, middle]))
        ranking = store.search_meaning(unit(1), limit=2, scope=ANYWHERE)
        assert ranking.name == "meaning"
        assert [entry.chunk.text for entry in ranking.entries] == ["near", "middle"]
        assert [entry.score for entry in ranking.entries] == pytest.approx([near[0], middle[0]], abs=2e-3)

    def test_similarities_are_those_of_the_search(self, store):
        fill(store, update(NOTES / "a.md", ["a", "b", "c"]))
        found = {entry.chunk.id: entry.score for entry in store.search_meaning(unit(1, 1), limit=9, scope=ANYWHERE).entries}
        assert store.similarities(unit(1, 1), [*found, "00", "not hex'"]) == pytest.approx(found, abs=2e-3)
        assert store.similarities(unit(1, 1), []) == {}

    def test_a_limit_of_nothing_finds_nothing(self, store):
        fill(store, update(NOTES / "a.md", ["a"]))
        assert store.search_meaning(unit(1), limit=0, scope=ANYWHERE).entries == ()
        assert store.search_words("a", limit=0, scope=ANYWHERE).entries == ()


class TestWords:
    def test_the_rarer_word_counts_more(self, store):
        fill(store, *(update(NOTES / f"{number}.md", ["common words here"]) for number in range(5)))
        fill(store, update(NOTES / "rare.md", ["common zebra here"]))
        ranking = store.search_words("common zebra", limit=3, scope=ANYWHERE)
        assert ranking.name == "words"
        assert paths_of(ranking)[0] == "rare.md"
        assert ranking.entries[0].score > ranking.entries[1].score > 0

    def test_titles_headings_and_file_names_are_found(self, store):
        fill(store, update(NOTES / "budget-2024.xlsx", ["numbers"], title="Expenses", heading=("Travel",)))
        for word in ("budget", "expenses", "travel", "numbers"):
            assert paths_of(store.search_words(word, limit=3, scope=ANYWHERE)) == ["budget-2024.xlsx"]
        assert store.chunks_of(source_id(NOTES / "budget-2024.xlsx"))[0].text == "numbers"

    def test_parts_of_identifiers_are_found(self, store):
        fill(store, update(NOTES / "a.py", ["def parse_config_file(path): tomllib.load(path)"]))
        for word in ("config", "tomllib"):
            assert paths_of(store.search_words(word, limit=3, scope=ANYWHERE)) == ["a.py"]

    def test_german_compounds_are_found_by_their_parts_and_parts_by_compounds(self, store):
        fill(store, update(NOTES / "a.md", ["Der Mietvertrag ist vom Mai."]), update(NOTES / "b.md", ["Die Miete ist hoch."]))
        assert paths_of(store.search_words("Vertrag", limit=3, scope=ANYWHERE)) == ["a.md"]
        assert set(paths_of(store.search_words("Wo ist der mietvertrag?", limit=3, scope=ANYWHERE))) == {"a.md", "b.md"}
        assert store.chunks_of(source_id(NOTES / "a.md"))[0].text == "Der Mietvertrag ist vom Mai."

    @pytest.mark.parametrize(
        "text",
        ["", "  ", '"', 'a" AND (', "+a -b ~2^3", "field:value", "' OR 1=1 --", "\0", "\ud800", "*", "((((", "x " * 9000],
    )
    def test_a_query_is_only_words(self, store, text):
        fill(store, update(NOTES / "a.md", ["apples"]))
        assert paths_of(store.search_words(text, limit=3, scope=ANYWHERE)) in ([], ["a.md"])

    @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(text=st.text(max_size=60))
    def test_no_text_is_too_strange(self, store, text):
        if not store.sources():
            fill(store, update(NOTES / "a.md", ["apples"]))
        assert len(store.search_words(text + " apples", limit=3, scope=ANYWHERE).entries) == 1


class TestScope:
    @pytest.fixture
    def filled(self, store):
        with store.writing(IDENTITY):
            store.remember_roots([Root(NOTES, "main"), Root(Path("/srv/work"), "work")])
        fill(
            store,
            update(NOTES / "tea.md", ["word"], modified_ns=10),
            update(NOTES / "trips" / "rome.TXT", ["word"], modified_ns=20),
            update(Path("/srv/work/plan.md"), ["word"], collection="work", modified_ns=30),
        )
        return store

    @pytest.mark.parametrize(
        ("scope", "expected"),
        [
            (Scope(), {"tea.md", "rome.TXT", "plan.md"}),
            (Scope(collection="work"), {"plan.md"}),
            (Scope(collection="none such"), set()),
            (Scope(types=("md",)), {"tea.md", "plan.md"}),
            (Scope(types=("txt", "pdf")), {"rome.TXT"}),
            (Scope(since_ns=20), {"rome.TXT", "plan.md"}),
            (Scope(globs=("trips",)), {"rome.TXT"}),
            (Scope(globs=("*.md",), since_ns=20), {"plan.md"}),
            (Scope(globs=("/srv", "tea*")), {"plan.md", "tea.md"}),
        ],
    )
    def test_only_what_it_admits_is_found(self, filled, scope, expected):
        assert set(paths_of(filled.search_words("word", limit=9, scope=scope))) == expected
        assert set(paths_of(filled.search_meaning(unit(1), limit=9, scope=scope))) == expected
        both = filled.search_both("word", unit(1), limit=9, scope=scope)
        assert [set(paths_of(ranking)) for ranking in both] == [expected, expected]

    def test_it_is_applied_before_the_limit(self, store):
        close = [update(NOTES / f"{number}.md", ["word word word"], vectors=[unit(1)]) for number in range(30)]
        fill(store, *close, update(Path("/srv/only.md"), ["a word among many others"], vectors=[unit(-1)]))
        scope = Scope(globs=("/srv",))
        assert paths_of(store.search_words("word", limit=1, scope=scope)) == ["only.md"]
        assert paths_of(store.search_meaning(unit(1), limit=1, scope=scope)) == ["only.md"]


class TestHealth:
    def test_a_whole_index_is_said_to_be_whole(self, store):
        assert [finding.level for finding in store.check()] == ["warning"]
        assert store.repair() == ()
        fill(store, update(NOTES / "a.md", ["apples"]))
        for read_data in (False, True):
            assert {finding.level for finding in store.check(read_data=read_data)} == {"ok"}
        assert store.repair() == ()
        assert len(store.sources()) == 1

    def test_a_run_without_an_end_is_known_until_the_next_one_ends(self, store, again):
        assert not store.unfinished
        with store.writing(IDENTITY):
            store.replace([update(NOTES / "a.md", ["apples"])])
        assert again().unfinished
        reopened = again()
        with reopened.writing(IDENTITY):
            reopened.finish()
        assert not reopened.unfinished

    def test_nothing_is_counted_as_damaged_without_reason(self, store):
        fill(store, update(NOTES / "a.md", ["apples"] * 3))
        store.search_words("apples", limit=9, scope=ANYWHERE)
        assert store.damaged == 0


def test_vectors_have_the_dimension_that_the_tests_assume():
    assert len(unit(1)) == DIMENSION
