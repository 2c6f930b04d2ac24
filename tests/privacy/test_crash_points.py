"""Wherever the program fails, no word of a document or a question is in what it says, logs or leaves behind, but in the store."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from ragcli.cli.bugs import LEFT_OUT, describe
from ragcli.errors import NO_EVIDENCE
from tests.privacy.crashing import INDEXING, PLACES, QUOTING
from tests.tallying import count

REPOSITORY = Path(__file__).parents[2]
IN_DOCUMENT, IN_QUESTION = "quokka-4471", "numbat-9902"
QUESTION = f"Which day is the {IN_QUESTION} tea?"
FEWEST = 20


def run(
    place: str, home: Path, *command: str, env: Mapping[str, str] | None = None, piped: str | None = None, umask: int = -1
) -> subprocess.CompletedProcess[str]:
    """The program in a process of its own, with all folders that it could write to below ``home``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAGCLI_", "XDG_"))}
    own = {"RAGCLI_HOME": str(home / "ragcli"), "HOME": str(home), "TMPDIR": str(home / "tmp"), "PYTHONPATH": str(REPOSITORY)}
    (home / "tmp").mkdir(parents=True, exist_ok=True)
    return subprocess.run(
        [sys.executable, "-m", "tests.privacy.crashing", place, *command],
        capture_output=True,
        text=True,
        cwd=home,
        check=False,
        timeout=120,
        env={**kept, **own, "RAGCLI_ANSWER_MIN_SIMILARITY": "0.01", **(env or {})},
        umask=umask,
        **({"stdin": subprocess.DEVNULL} if piped is None else {"input": piped}),
    )


def write_documents(folder: Path) -> Path:
    folder.mkdir()
    (folder / "tea.md").write_text(f"# Tea\n\nThe {IN_DOCUMENT} tea is on Thursday.\n")
    (folder / "table.csv").write_text(f"day,what\nThursday,{IN_DOCUMENT}\n")
    return folder


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    return write_documents(tmp_path / "documents")


def outside_the_store(home: Path, marker: str) -> list[Path]:
    store = home / "ragcli" / "index"
    files = [path for path in home.rglob("*") if path.is_file() and not path.is_relative_to(store)]
    return [path for path in files if marker.encode() in path.read_bytes()]


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with an index of the documents."""
    folder = tmp_path_factory.mktemp("indexed")
    write_documents(folder / "documents")
    done = run("nowhere", folder / "home", "index", str(folder / "documents"))
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    return folder / "home"


def test_there_are_places_enough() -> None:
    assert len(PLACES) >= FEWEST


@pytest.mark.parametrize("place", PLACES)
def test_no_failure_quotes_a_document_or_a_question(place: str, indexed: Path, tmp_path: Path) -> None:
    home, command = tmp_path / "home", PLACES[place]
    write_documents(tmp_path / "documents")
    if command != INDEXING:
        shutil.copytree(indexed, home)
    done = run(place, home, *command, str(tmp_path / "documents") if command == INDEXING else QUESTION)
    assert "PLANTED" in done.stderr, f"never reached: {done.stderr}"
    for word in (IN_DOCUMENT, IN_QUESTION, QUOTING):
        assert word not in done.stderr, done.stderr
    assert QUOTING not in done.stdout
    assert outside_the_store(home, IN_DOCUMENT) == []
    assert outside_the_store(home, IN_QUESTION) == []
    count("places where a failure quoted nothing")


def test_the_same_failure_is_told_in_full_to_whoever_looks_for_it(documents: Path, tmp_path: Path) -> None:
    place = "ragcli.flows.indexing:chunk_document"
    assert IN_DOCUMENT in run(place, tmp_path / "a", "index", str(documents), env={"RAGCLI_TRACEBACK": "1"}).stderr
    done = run(place, tmp_path / "b", "index", str(documents))
    assert done.returncode == 1
    assert "PlantedError" in done.stderr
    assert LEFT_OUT in done.stderr
    assert "indexing.py" in done.stderr


def test_a_question_is_kept_nowhere(indexed: Path, tmp_path: Path) -> None:
    assert outside_the_store(indexed, IN_DOCUMENT) == []
    home = Path(shutil.copytree(indexed, tmp_path / "home"))
    done = run("nowhere", home, "ask", QUESTION)
    assert done.returncode in (0, NO_EVIDENCE), done.stderr
    assert [path for path in home.rglob("*") if path.is_file() and IN_QUESTION.encode() in path.read_bytes()] == []


def test_what_is_piped_in_is_kept_nowhere(indexed: Path, tmp_path: Path) -> None:
    """Not even in the index."""
    home = Path(shutil.copytree(indexed, tmp_path / "home"))
    marker = "stoat-3310"
    done = run("nowhere", home, "ask", "Which day is the stoat tea?", piped=f"The {marker} tea is on Friday.\n" * 50)
    assert done.returncode in (0, NO_EVIDENCE), done.stderr
    assert [path for path in home.rglob("*") if path.is_file() and marker.encode() in path.read_bytes()] == []
    count("runs after which question or standard input were kept nowhere", 2)


COMMANDS = (f"ask {IN_QUESTION}", "ask --all tea", "check --read-data", "config set answer.max_tokens 64")


@pytest.mark.timeout(600)
def test_nobody_else_can_open_anything_whatever_the_umask(documents: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    looked = 0
    for command in (["index", str(documents)], *map(str.split, COMMANDS), ["forget", str(documents / "tea.md")]):
        done = run("nowhere", home, *command, umask=0)
        assert "Traceback" not in done.stderr, done.stderr
        kept = list((home / "ragcli").rglob("*"))
        assert [path for path in kept if path.lstat().st_mode & 0o077 and not path.is_symlink()] == [], command
        looked += len(kept)
    assert (home / "ragcli").stat().st_mode & 0o777 == 0o700
    count("files and folders that nobody else can open", looked)


def test_what_led_to_a_failure_is_told_without_words_too() -> None:
    try:
        try:
            raise ValueError(IN_DOCUMENT)
        except ValueError as error:
            raise KeyError(IN_QUESTION) from error
    except KeyError as error:
        error.add_note(IN_DOCUMENT)
        told = "\n".join(describe(error))
    assert told.index("ValueError") < told.index("KeyError")
    assert "test_crash_points.py" in told
    assert IN_DOCUMENT not in told.replace("raise ValueError(IN_DOCUMENT)", "")
    assert IN_QUESTION not in told


DIE = """
import os, resource, signal, sys
from ragcli.adapters import offline
{doors}
held = {marker!r} * 1000
os.kill(os.getpid(), signal.SIGSEGV)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no core dumps")
def test_a_crash_leaves_no_memory_on_the_disk(tmp_path: Path) -> None:
    """Whoever starts the program may want core dumps; it refuses them for itself and whatever it starts."""

    def want_dumps() -> None:
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))

    code = DIE.format(doors="offline.close_doors()", marker=IN_DOCUMENT)
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, preexec_fn=want_dumps) as process:
        _, status = os.waitpid(process.pid, 0)
        process.returncode = -os.WTERMSIG(status)
    assert os.WTERMSIG(status) == signal.SIGSEGV
    assert not os.WCOREDUMP(status)
    assert list(tmp_path.iterdir()) == []
    count("crashes that left no memory on the disk")
