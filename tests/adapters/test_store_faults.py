"""What an index survives: crashes between its steps, broken and rotten files, other processes, other people.

Faults at every system call, random kills and power cuts are in ``tests/faults``.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest

from ragcli.adapters import chunk_table, durability, reaching, store_writer
from ragcli.adapters.lance_files import lance_folder, manifests, table_folders
from ragcli.adapters.ledger import Ledger
from ragcli.adapters.store import LanceStore
from ragcli.errors import StoreError, UsageError
from ragcli.types import Root, Scope
from tests.fakes.indexed import IDENTITY, source_id, stored, unit, update

REPOSITORY = Path(__file__).parents[2]
ANYWHERE = Scope()
NOTES = Path("/home/ann/notes")
PARTS = 3


class Cut(BaseException):
    """Stands for the end of the process at this point."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


def generation(number: int, name: str = "a.md"):
    """A source whose chunks all tell of one generation, so that a mixture would show."""
    return update(NOTES / name, [f"generation{number} part{part} common" for part in range(PARTS)])


def write(folder: Path, *updates, finish: bool = True) -> None:
    with opened(folder) as store, store.writing(IDENTITY):
        store.replace(updates)
        if finish:
            store.finish()


@contextmanager
def opened(folder: Path) -> Iterator[LanceStore]:
    store = LanceStore(folder)
    try:
        yield store
    finally:
        store.close()


def texts(folder: Path, name: str = "a.md") -> list[str]:
    with opened(folder) as store:
        found = {entry.chunk.text for entry in store.search_words("common", limit=99, scope=ANYWHERE).entries}
        listed = [chunk.text for chunk in store.chunks_of(source_id(NOTES / name))]
        assert set(listed) <= found
        assert store.damaged == 0
        return listed


def levels(folder: Path, *, read_data: bool = True) -> dict[str, str]:
    with opened(folder) as store:
        return {finding.name: finding.level for finding in store.check(read_data=read_data)}


def is_whole(folder: Path) -> bool:
    return set(levels(folder).values()) == {"ok"}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def newest_manifest(folder: Path) -> Path:
    (table,) = table_folders(folder)
    every = manifests(table)
    return every[max(every)]


def data_files(folder: Path) -> list[Path]:
    (table,) = table_folders(folder)
    return sorted((table / "data").iterdir())


def zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


DAMAGE = {"zeroed": zero, "cut short": halve, "emptied": lambda path: path.write_bytes(b""), "gone": Path.unlink}
damaging = pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)


class TestCrash:
    def steps(self) -> dict[str, tuple[object, str]]:
        return {
            "before the table is written": (chunk_table.ChunkTable, "replace"),
            "after the table, before the flush": (durability, "flush"),
            "after the flush, before the ledger": (Ledger, "set_table"),
            "within the ledger's transaction": (Ledger, "put_sources"),
            "while tidying": (chunk_table.ChunkTable, "tidy"),
            "while removing old versions": (chunk_table.ChunkTable, "clean"),
            "after removing old versions": (Ledger, "drop_files"),
            "at the very end": (Ledger, "set_last_indexed"),
        }

    @pytest.mark.parametrize("step", range(8))
    def test_a_source_is_whole_old_or_whole_new(self, folder, monkeypatch, step):
        name, (owner, function) = list(self.steps().items())[step]
        write(folder, generation(0), generation(0, "b.md"))
        with monkeypatch.context() as patched, pytest.raises(Cut):
            patched.setattr(owner, function, self.cut_before)
            write(folder, generation(1), finish=True)
        assert texts(folder) in ([f"generation{number} part{part} common" for part in range(PARTS)] for number in (0, 1)), name
        assert texts(folder, "b.md") == [f"generation0 part{part} common" for part in range(PARTS)]
        write(folder, generation(2))
        assert texts(folder)[0].startswith("generation2")
        assert is_whole(folder)
        assert len(table_folders(folder)) == 1

    @staticmethod
    def cut_before(*_: object, **__: object) -> None:
        raise Cut

    def test_in_the_very_first_commit(self, folder, monkeypatch):
        with monkeypatch.context() as patched, pytest.raises(Cut):
            patched.setattr(durability, "flush", self.cut_before)
            write(folder, generation(0))
        with opened(folder) as store:
            assert store.sources() == {}
            assert store.search_words("common", limit=3, scope=ANYWHERE).entries == ()
        write(folder, generation(1))
        assert len(texts(folder)) == PARTS

    def test_the_same_writer_goes_on_after_an_error(self, folder, monkeypatch):
        with opened(folder) as store, store.writing(IDENTITY):
            store.replace([generation(0)])
            with monkeypatch.context() as patched, pytest.raises(StoreError, match="disk is full"):
                patched.setattr(durability, "digest_file", self.no_space)
                store.replace([generation(1)])
            assert store.chunks_of(source_id(NOTES / "a.md"))[0].text.startswith("generation0")
            store.replace([generation(2)])
            store.finish()
        assert texts(folder)[0].startswith("generation2")
        assert is_whole(folder)

    @staticmethod
    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    def test_cleaning_removes_nothing_of_the_version_that_the_ledger_names(self, folder, monkeypatch):
        write(folder, generation(0), generation(0, "b.md"))
        clean = chunk_table.ChunkTable.clean

        def clean_and_end(table: chunk_table.ChunkTable) -> None:
            clean(table)
            raise Cut

        with monkeypatch.context() as patched, pytest.raises(Cut):
            patched.setattr(chunk_table.ChunkTable, "clean", clean_and_end)
            with opened(folder) as store, store.writing(IDENTITY):
                store.replace([generation(1)])
                store.replace([generation(1, "b.md")])
                store.finish()
        assert texts(folder)[0].startswith("generation1")
        assert texts(folder, "b.md")[0].startswith("generation1")


class TestPowerCut:
    @damaging
    def test_files_of_an_unfinished_commit_do_not_matter(self, folder, monkeypatch, damage):
        write(folder, generation(0))
        before = set(contents(folder))
        with monkeypatch.context() as patched, pytest.raises(Cut):
            patched.setattr(durability, "flush", TestCrash.cut_before)
            write(folder, generation(1))
        for path in sorted(set(contents(folder)) - before):
            if not path.endswith(("ledger.db-wal", "ledger.db-shm")):
                damage(Path(path))
        assert texts(folder)[0].startswith("generation0")
        write(folder, generation(2))
        assert texts(folder)[0].startswith("generation2")
        assert is_whole(folder)

    @damaging
    def test_files_that_are_never_flushed_do_not_matter(self, folder, damage):
        write(folder, generation(0), finish=False)
        (table,) = table_folders(folder)
        for path in [*(table / "_transactions").iterdir(), table / "_versions" / "latest_version_hint.json"]:
            damage(path)
        assert texts(folder)[0].startswith("generation0")
        write(folder, generation(1))
        assert texts(folder)[0].startswith("generation1")

    def test_every_lasting_file_is_flushed_before_the_ledger_names_it(self, folder, monkeypatch):
        flushed: set[str] = set()
        flush = durability.flush
        monkeypatch.setattr(
            durability, "flush", lambda at, names: (flushed.update(str(at / name) for name in names), flush(at, names))
        )
        write(folder, generation(0), generation(0, "b.md"))
        lasting = {str(path) for path in table_folders(folder)[0].rglob("*") if path.is_file()}
        unflushed = {Path(path).name for path in lasting - flushed}
        assert all(name.endswith(".txn") or name == "latest_version_hint.json" for name in unflushed)


class TestBrokenManifest:
    @damaging
    @pytest.mark.parametrize("finish", [True, False], ids=["tidied", "with older versions"])
    def test_readers_see_the_newest_version_and_write_nothing(self, folder, damage, finish):
        write(folder, generation(0), finish=finish)
        write(folder, generation(1), finish=finish)
        damage(newest_manifest(folder))
        before = contents(folder)
        assert texts(folder)[0].startswith("generation1")
        with opened(folder) as store:
            assert store.search_meaning(unit(1), limit=1, scope=ANYWHERE).entries
        assert contents(folder) == before
        assert levels(folder)["version"] == "error"

    @damaging
    def test_the_next_writer_mends_it_and_keeps_the_broken_file_until_it_has_finished(self, folder, damage):
        write(folder, generation(0), finish=False)
        damage(newest_manifest(folder))
        was_there = newest_manifest(folder).exists() and damage is not Path.unlink
        with opened(folder) as store, store.writing(IDENTITY):
            aside = list(table_folders(folder)[0].glob("_versions/*.set-aside"))
            assert len(aside) == was_there
            assert store.sources()
            store.replace([generation(1, "b.md")])
            store.finish()
        assert not list(table_folders(folder)[0].glob("_versions/*.set-aside"))
        assert is_whole(folder)
        assert len(texts(folder)) == PARTS

    def test_no_overlay_is_left_in_the_temporary_folder(self, folder, tmp_path, monkeypatch):
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
        (tmp_path / "temporary").mkdir()
        write(folder, generation(0))
        zero(newest_manifest(folder))
        texts(folder)
        assert list((tmp_path / "temporary").iterdir()) == []


class TestRot:
    def test_a_changed_chunk_is_left_out_and_counted(self, folder):
        write(folder, update(NOTES / "a.md", ["the treaty was signed"]), update(NOTES / "b.md", ["the treaty was broken"]))
        for path in data_files(folder):
            path.write_bytes(path.read_bytes().replace(b"treaty was signed", b"treaty was sunken"))
        with opened(folder) as store:
            found = [entry.chunk.text for entry in store.search_meaning(unit(1), limit=9, scope=ANYWHERE).entries]
            assert found == ["the treaty was broken"]
            assert store.chunks_of(source_id(NOTES / "a.md")) == ()
            assert store.damaged == 1
        assert levels(folder)["content"] == "error"

    def test_a_repair_keeps_what_is_whole_and_forgets_the_rest_so_that_it_is_read_again(self, folder):
        write(folder, generation(1, "kept.md"), update(NOTES / "lost.md", ["intact common", "the treaty was signed common"]))
        for path in data_files(folder):
            path.write_bytes(path.read_bytes().replace(b"treaty was signed", b"treaty was sunken"))
        with opened(folder) as store:
            assert [source.path.name for source in store.repair()] == ["lost.md"]
            assert set(store.sources()) == {source_id(NOTES / "kept.md")}
            assert store.repair() == ()
        assert is_whole(folder)
        assert len(texts(folder, "kept.md")) == PARTS
        write(folder, update(NOTES / "lost.md", ["intact common", "the treaty was signed common"]))
        assert len(texts(folder, "lost.md")) == 2

    @damaging
    def test_the_next_writer_forgets_sources_whose_data_cannot_be_read(self, folder, damage):
        write(folder, generation(1, "kept.md"), finish=False)
        kept = set(data_files(folder))
        write(folder, generation(1, "lost.md"), finish=False)
        (lost,) = set(data_files(folder)) - kept
        damage(lost)
        if damage is zero:
            with opened(folder) as store:
                assert store.repair()
        write(folder, generation(2, "new.md"))
        with opened(folder) as store:
            assert {source.path.name for source in store.sources().values()} == {"kept.md", "new.md"}
        assert is_whole(folder)
        assert len(texts(folder, "kept.md")) == PARTS

    def test_a_lost_word_index_is_made_again(self, folder):
        write(folder, generation(0))
        shutil.rmtree(table_folders(folder)[0] / "_indices")
        with opened(folder) as store, pytest.raises(StoreError, match="cannot be read") as raised:
            store.search_words("common", limit=3, scope=ANYWHERE)
        assert "ragcli check --repair" in raised.value.hint
        write(folder)
        assert len(texts(folder)) == PARTS
        assert is_whole(folder)

    def test_a_lost_table_is_read_again_whole(self, folder):
        write(folder, generation(0))
        shutil.rmtree(table_folders(folder)[0])
        write(folder)
        with opened(folder) as store:
            assert store.sources() == {}
        write(folder, generation(1))
        assert is_whole(folder)

    def test_a_rotten_ledger_can_be_reset(self, folder):
        write(folder, generation(0))
        halve(folder / "ledger.db")
        assert levels(folder)["ledger"] == "error"
        with opened(folder) as store:
            with pytest.raises(StoreError) as raised, store.writing(IDENTITY):
                raise AssertionError("it was let in")
            assert raised.value.slug == "index-damaged"
            assert "ragcli index --force" in raised.value.hint
            store.reset(IDENTITY)
        write(folder, generation(1))
        assert is_whole(folder)


class TestOtherProcesses:
    def test_a_second_writer_is_told_who_the_first_one_is(self, folder):
        script = f"""
            from tests.adapters.test_store_faults import *
            with opened(Path({str(folder)!r})) as store, store.writing(IDENTITY):
                print("ready", flush=True)
                sys.stdin.readline()
        """
        with start_python(script) as child:
            assert child.stdout and child.stdin
            assert child.stdout.readline() == "ready\n"
            with opened(folder) as store, pytest.raises(StoreError) as raised, store.writing(IDENTITY):
                raise AssertionError("it was let in")
            assert raised.value.slug == "index-locked"
            assert str(child.pid) in raised.value.message
            child.kill()
            child.wait()
            write(folder, generation(0))

    def test_a_resting_reader_does_not_keep_a_writer_out(self, folder):
        write(folder, generation(0))
        with opened(folder) as reader:
            assert reader.chunks_of(source_id(NOTES / "a.md"))[0].text.startswith("generation0")
            write(folder, generation(1))
            assert reader.chunks_of(source_id(NOTES / "a.md"))[0].text.startswith("generation1")
            with opened(folder) as other:
                other.reset(IDENTITY)
            assert reader.sources() == {}
            assert reader.search_words("common", limit=3, scope=ANYWHERE).entries == ()


class TestPlaces:
    def test_nobody_else_can_read_it_whatever_the_umask(self, folder):
        before = os.umask(0)
        try:
            write(folder, generation(0))
        finally:
            os.umask(before)
        assert [path for path in [folder, *folder.rglob("*")] if path.stat().st_mode & 0o077] == []

    def test_a_folder_that_anyone_can_write_to_is_refused(self, folder):
        write(folder, generation(0))
        folder.chmod(0o777)
        with opened(folder) as store:
            for use in (store.sources, lambda: store.writing(IDENTITY).__enter__()):
                with pytest.raises(StoreError) as raised:
                    use()
                assert raised.value.slug == "unsafe-folder"

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
    def test_a_folder_of_another_user_is_refused(self, folder):
        folder.mkdir()
        os.chown(folder, 65534, 65534)
        with opened(folder) as store, pytest.raises(StoreError, match="belongs to another user"):
            store.identity()

    @pytest.mark.parametrize("name", ["s3://bucket/index", "db://cloud", "http://host/x", "hf://org/name"])
    def test_a_place_on_another_machine_is_refused(self, name):
        with pytest.raises(UsageError):
            LanceStore(Path(name))

    def test_reading_creates_nothing(self, folder):
        with opened(folder) as store:
            assert store.identity() is None
            list(store.check(read_data=True))
        assert not folder.exists()
        write(folder, generation(0))
        before = contents(folder)
        with opened(folder) as store:
            assert (len(store.sources()), store.stats().chunks) == (1, PARTS)
            store.search_words("common", limit=3, scope=ANYWHERE)
            list(store.check(read_data=True))
            assert contents(folder) == before
        assert contents(folder) == before

    @pytest.mark.parametrize("crashed", [False, True])
    def test_a_read_only_disk_can_be_searched(self, folder, monkeypatch, crashed):
        write(folder, generation(0))
        if crashed:
            script = f"""
                from tests.adapters.test_store_faults import *
                import signal
                with opened(Path({str(folder)!r})) as store, store.writing(IDENTITY):
                    store.replace([generation(1)])
                    os.kill(os.getpid(), signal.SIGKILL)
            """
            with start_python(script) as child:
                child.wait()
        script = f"""
            from tests.adapters.test_store_faults import *
            folder = Path({str(folder)!r})
            with opened(folder) as store:
                print(store.stats().chunks, store.chunks_of(source_id(NOTES / "a.md"))[0].text)
                try:
                    store.writing(IDENTITY).__enter__()
                except StoreError as error:
                    print(error.slug)
        """
        output = run_in_mounts(f"mount --bind {folder} {folder} && mount -o remount,bind,ro {folder}", script)
        assert output.splitlines() == [f"{PARTS} generation{int(crashed)} part0 common", "unsafe-folder"]

    def test_what_was_removed_is_gone_from_every_byte(self, folder):
        write(folder, update(NOTES / "secret.md", ["xyzzyplugh"], title="xyzzyplugh"), generation(0))
        assert any(b"xyzzyplugh" in content for content in contents(folder).values())
        with opened(folder) as store, store.writing(IDENTITY):
            store.remove([stored(NOTES / "secret.md")])
            store.finish()
        assert [path for path, content in contents(folder).items() if b"xyzzyplugh" in content] == []
        assert [path for path, content in contents(folder).items() if b"secret.md" in content] == []


class TestVersions:
    def test_a_newer_index_is_neither_read_nor_changed(self, folder):
        write(folder, generation(0))
        with sqlite3.connect(folder / "ledger.db") as ledger:
            ledger.execute("PRAGMA user_version = 99")
        ledger.close()
        before = contents(lance_folder(folder, "chunks-1")), (folder / "ledger.db").read_bytes()
        with opened(folder) as store:
            for use in (store.sources, lambda: store.writing(IDENTITY).__enter__(), lambda: store.reset(IDENTITY)):
                with pytest.raises(StoreError) as raised:
                    use()
                assert raised.value.slug == "index-newer"
        assert (contents(lance_folder(folder, "chunks-1")), (folder / "ledger.db").read_bytes()) == before

    def test_so_is_one_of_a_newer_schema(self, folder):
        with opened(folder) as store:
            with store.writing(replace(IDENTITY, schema=2)):
                pass
            with pytest.raises(StoreError) as raised, store.writing(IDENTITY):
                raise AssertionError("it was let in")
            assert raised.value.slug == "index-newer"


class TestCost:
    def test_the_ledger_alone_answers_without_loading_the_table_library(self, folder):
        with opened(folder) as store, store.writing(IDENTITY):
            store.remember_roots([Root(NOTES, "main")])
            store.replace([generation(0)])
            store.finish()
        script = f"""
            from pathlib import Path
            from ragcli.adapters.store import LanceStore
            from tests.fakes.indexed import IDENTITY
            import sys
            store = LanceStore(Path({str(folder)!r}))
            store.identity(), store.sources(), store.roots(), store.stats(), store.check()
            assert "filelock" not in sys.modules
            with store.writing(IDENTITY):
                store.refresh(list(store.sources().values()))
                store.finish()
            store.close()
            print(sorted({{"lancedb", "pyarrow", "numpy"}} & set(sys.modules)))
        """
        with start_python(script) as child:
            assert child.communicate()[0] == "[]\n"

    def test_many_commits_leave_few_files(self, folder, monkeypatch):
        monkeypatch.setattr(store_writer, "COMMITS_BEFORE_TIDYING", 10)
        with opened(folder) as store, store.writing(IDENTITY):
            most = 0
            for number in range(25):
                store.replace([generation(number)])
                most = max(most, len(contents(folder)))
            store.finish()
        assert most < 100
        assert len(contents(folder)) < 16
        assert texts(folder)[0].startswith("generation24")

    @pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files in /proc")
    def test_opening_again_and_again_leaks_no_open_files(self, folder):
        write(folder, generation(0))
        texts(folder)
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(30):
            texts(folder)
        zero(newest_manifest(folder))
        for _ in range(10):
            texts(folder)
        assert len(list(Path("/proc/self/fd").iterdir())) <= before + 3

    def test_wide_scopes_find_the_same_as_narrow_ones(self, folder, monkeypatch):
        updates = [
            update(NOTES / f"{number % 3}" / f"{number}.md", ["common"], vectors=[unit(1, number)]) for number in range(60)
        ]
        write(folder, *updates)
        scope = Scope(globs=("0", "1"))
        with opened(folder) as store:
            expected = [ranks(store, scope, limit) for limit in (1, 7, 60)]
            monkeypatch.setattr(reaching, "LONGEST_ID_LIST", 5)
            store.close()
            assert [ranks(store, scope, limit) for limit in (1, 7, 60)] == expected
            assert len(expected[-1]) == 40

    @pytest.mark.parametrize("by_another", [True, False])
    def test_a_scope_that_was_asked_for_before_sees_what_was_written_since(self, folder, by_another):
        scope = Scope(globs=("*.md",))
        write(folder, update(NOTES / "a.md", ["common"]), update(NOTES / "b.txt", ["common"]))
        with opened(folder) as store:
            assert len(store.search_words("common", limit=9, scope=scope).entries) == 1
            for number, name in enumerate(("c.md", "d.md", "e.md"), 2):
                added = update(NOTES / name, ["common"])
                if by_another:
                    write(folder, added)
                else:
                    with store.writing(IDENTITY):
                        store.replace([added])
                assert len(store.search_words("common", limit=9, scope=scope).entries) == number

    def test_a_large_table_gets_a_vector_index_and_scores_stay_exact(self, folder, monkeypatch):
        monkeypatch.setattr(chunk_table, "VECTOR_INDEX_FROM", 300)
        chance = random.Random(3)
        vectors = [unit(*(chance.gauss(0, 1) for _ in range(8))) for _ in range(600)]
        write(folder, update(NOTES / "many.md", [f"common {number}" for number in range(600)], vectors=vectors))
        with opened(folder) as store:
            found = store.search_meaning(vectors[77], limit=5, scope=ANYWHERE).entries
            assert found[0].chunk.ordinal == 77
            for entry in found:
                exact = sum(a * b for a, b in zip(vectors[77], vectors[entry.chunk.ordinal], strict=True))
                assert entry.score == pytest.approx(exact, abs=2e-3)
        (table,) = table_folders(folder)
        assert len(list((table / "_indices").iterdir())) == 2
        write(folder, generation(0))
        assert is_whole(folder)


def ranks(store: LanceStore, scope: Scope, limit: int) -> list[str]:
    return [entry.chunk.id for entry in store.search_meaning(unit(1), limit=limit, scope=scope).entries]


def start_python(script: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", dedent(script)], cwd=REPOSITORY, stdin=pipe, stdout=pipe, text=True)


def run_in_mounts(mount: str, script: str) -> str:
    """What the script prints in a process that sees these mounts alone."""
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip("mounting needs root")
    command = ["unshare", "-m", "bash", "-c", f'{mount} && exec "$0" -c "$1"', sys.executable, dedent(script)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
