"""What every reader keeps: the fake one that flows are tested with, and the real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from ragcli.adapters.readers.worker import WorkerReader
from ragcli.ports import Reader
from ragcli.types import REASONS, Document, FileStamp, Unreadable
from tests.fakes.reader import FakeReader

Make = Callable[[dict[str, str]], Reader]

FILES = {
    "one.txt": "First line.\n\nSecond paragraph\nwith two lines.\n\n\n\nThird.\n",
    "empty.txt": "",
    "blank.txt": " \n\n",
    "three.txt": "Ünïcode 天气 and\nmore.",
}


def assert_sound(document: Document) -> None:
    """Blocks are in order, within the text, leave out only white space, and their lines are the text's own."""
    text, blocks = document.text, document.blocks
    assert blocks
    ends = [0, *(end for block in blocks for end in (block.start, block.end)), len(text)]
    assert all(left <= right for left, right in pairwise(ends))
    gaps = [text[left:right] for left, right in zip(ends[::2], ends[1::2], strict=True)]
    assert not "".join(gaps).strip()
    assert all(text[block.start : block.end].strip() for block in blocks)
    for block in blocks:
        assert block.locator.describe()
        if block.locator.lines and not block.locator.member:  # a member's lines are its own
            first = text.count("\n", 0, block.start) + 1
            assert block.locator.lines == (first, first + text.count("\n", block.start, block.end))
    assert document.title
    assert len(document.digest) == 64


def stamp(path: Path) -> FileStamp:
    return FileStamp(path, 0, 0, 0)


@pytest.fixture(params=["fake", "real"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Makes a reader for files that exist below ``tmp_path``."""
    made: list[WorkerReader] = []

    def make_reader(files: dict[str, str]) -> Reader:
        if request.param == "fake":
            return FakeReader({tmp_path / name: text for name, text in files.items()})
        for name, text in files.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        made.append(WorkerReader())
        return made[-1]

    yield make_reader
    for reader in made:
        reader.close()


def test_each_stamp_gets_one_result_in_order(make: Make, tmp_path: Path) -> None:
    stamps = [stamp(tmp_path / name) for name in [*FILES, "gone.txt", "one.txt"]]
    results = list(make(FILES).read(stamps))
    assert [given for given, _ in results] == stamps
    assert [result.path for _, result in results] == [each.path for each in stamps]


def test_documents_are_sound(make: Make, tmp_path: Path) -> None:
    documents = [result for _, result in make(FILES).read([stamp(tmp_path / name) for name in FILES])]
    sound = [document for document in documents if isinstance(document, Document)]
    assert [document.path.name for document in sound] == ["one.txt", "three.txt"]
    for document in sound:
        assert_sound(document)
        assert document.text == FILES[document.path.name]


def test_a_file_that_cannot_be_read_says_why_and_stops_nothing(make: Make, tmp_path: Path) -> None:
    names = ["gone.txt", "empty.txt", "blank.txt", "three.txt"]
    results = [result for _, result in make(FILES).read([stamp(tmp_path / name) for name in names])]
    reasons = [result.reason for result in results if isinstance(result, Unreadable)]
    assert reasons == ["vanished", "empty", "empty"]
    assert set(reasons) <= set(REASONS)
    assert isinstance(results[-1], Document)


def test_the_same_bytes_give_the_same_document(make: Make, tmp_path: Path) -> None:
    reader = make(FILES)
    first, second = (list(reader.read([stamp(tmp_path / "one.txt")])) for _ in range(2))
    assert first == second


def test_digests_tell_files_apart(make: Make, tmp_path: Path) -> None:
    results = [result for _, result in make(FILES).read([stamp(tmp_path / name) for name in FILES])]
    assert len({result.digest for result in results}) == len(FILES)


def test_reading_can_be_left_halfway_and_begun_again(make: Make, tmp_path: Path) -> None:
    reader = make(FILES)
    reading = reader.read([stamp(tmp_path / "one.txt") for _ in range(50)])
    next(reading)
    again = list(reader.read([stamp(tmp_path / "three.txt")]))
    assert [result.path.name for _, result in again] == ["three.txt"]
    assert isinstance(again[0][1], Document)


def test_a_reader_has_a_fingerprint(make: Make) -> None:
    assert make({}).fingerprint
