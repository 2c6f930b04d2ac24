"""Pages that are pictures: which are recognised, how much of that there may be, and the real recogniser behind the wall."""

from __future__ import annotations

import importlib.util
import os
import random
import sys
import textwrap
import types
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pypdfium2
import pytest

from ragcli.adapters.readers import pages, parsing
from ragcli.adapters.readers.pacing import MAX_RECOGNIZED_PAGES, Pace
from ragcli.adapters.readers.pages import LONGEST_SIDE, read_pdf
from ragcli.adapters.readers.parsed import Parsed, UnreadableError
from ragcli.adapters.readers.scanned import Line, Picture
from ragcli.adapters.readers.worker import WorkerReader
from ragcli.types import Document, Unreadable
from tests.hostile.bombs import pdf_of, stream
from tests.readers import read_one
from tests.readers.test_lines import assert_parsed_sound, pieces
from tests.readers.test_pages import make_pdf
from tests.readers.test_structure import zipped

HAS_RECOGNIZER = importlib.util.find_spec("rapidocr") is not None
with_recognizer = pytest.mark.skipif(not HAS_RECOGNIZER, reason="nothing recognises text here: pip install 'ragcli[ocr]'")

Pixels = tuple[int, int, bytes]
"""Width, height and grey bytes."""


def photographed(pdf: bytes) -> Pixels:
    """The first page of the document, as a scanner sees it."""
    document = pypdfium2.PdfDocument(pdf)
    page = document[0]
    printed = page.render(scale=200 / 72, grayscale=True)
    rows = [bytes(printed.buffer)[row * printed.stride :][: printed.width] for row in range(printed.height)]
    found = printed.width, printed.height, b"".join(rows)
    printed.close()
    page.close()
    document.close()
    return found


def noise(width: int, height: int) -> Pixels:
    return width, height, random.Random(1).randbytes(width * height)


def scanned_pdf(*pages: Pixels | str, box: str = "0 0 612 792") -> bytes:
    """A PDF of pages that hold a picture and nothing else, or where a text is given, that text and nothing else."""
    kids = b" ".join(b"%d 0 R" % (4 + 3 * number) for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(pages)),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, page in enumerate(pages):
        own = 4 + 3 * number
        resources = b"<< /Font << /F1 3 0 R >> /XObject << /I %d 0 R >> >>" % (own + 2)
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [%s] /Resources %s /Contents %d 0 R >>" % (box.encode(), resources, own + 1)
        )
        left, bottom, right, top = box.split()
        whole = f"q {right} 0 0 {top} {left} {bottom} cm /I Do Q"
        objects.append(stream((f"BT /F1 10 Tf 72 700 Td ({page}) Tj ET" if isinstance(page, str) else whole).encode()))
        width, height, pixels = (1, 1, b"x") if isinstance(page, str) else page
        entries = b"/Type /XObject /Subtype /Image /Width %d /Height %d /BitsPerComponent 8" % (width, height)
        objects.append(stream(zlib.compress(pixels), entries + b" /ColorSpace /DeviceGray /Filter /FlateDecode"))
    return pdf_of(objects)


DOT: Pixels = (1, 1, b"\0")
TYPED = "This page has words of its own."


# ---- which pages, with a recogniser that is told what to see -----------------------------------


class Recognizer:
    """Sees the same in every picture, and remembers the pictures."""

    def __init__(self, text: str = "seen in a picture") -> None:
        self.text = text
        self.pictures: list[Picture] = []

    def __call__(self, picture: Picture, pace: Pace) -> list[Line]:
        self.pictures.append(picture)
        if self.text == "refuse":
            raise UnreadableError("malformed")
        return [Line(0, 0, 100, 20, self.text)] if self.text else []


@pytest.fixture
def recognizer(monkeypatch: pytest.MonkeyPatch) -> Recognizer:
    made = Recognizer()
    monkeypatch.setattr(pages, "_recognizer", lambda pace: made)
    return made


def places(parsed: Parsed) -> list[tuple[int | None, str]]:
    assert_parsed_sound(parsed)
    return list(zip((block.locator.page for block in parsed.blocks), pieces(parsed), strict=True))


def test_only_pages_that_are_pictures_are_recognised(recognizer: Recognizer) -> None:
    found = places(read_pdf(scanned_pdf(TYPED, DOT, TYPED, DOT)))
    assert found == [(1, TYPED), (2, recognizer.text), (3, TYPED), (4, recognizer.text)]
    assert len(recognizer.pictures) == 2


def test_a_page_number_in_the_text_layer_gives_way_to_the_page(recognizer: Recognizer) -> None:
    assert places(read_pdf(make_pdf([(300, 30, "- 7 -")], picture=True))) == [(1, recognizer.text)]


@pytest.mark.parametrize("text", ["", "refuse"])
def test_where_nothing_is_recognised_the_page_says_what_it_said(recognizer: Recognizer, text: str) -> None:
    recognizer.text = text
    assert places(read_pdf(make_pdf([(300, 30, "- 7 -")], picture=True))) == [(1, "- 7 -")]
    assert read_pdf(scanned_pdf(DOT)).blocks == ()


def test_a_longer_scan_is_left_alone_and_says_why(recognizer: Recognizer) -> None:
    with pytest.raises(UnreadableError) as refusal:
        read_pdf(scanned_pdf(*[DOT] * (MAX_RECOGNIZED_PAGES + 1)))
    assert (refusal.value.reason, refusal.value.detail) == (
        "no_text_layer",
        f"more than {MAX_RECOGNIZED_PAGES} pages to recognise",
    )
    assert recognizer.pictures == []


def test_a_book_with_many_pictures_keeps_its_text(recognizer: Recognizer) -> None:
    long = "The text of a page of the book. " * 20
    parsed = read_pdf(scanned_pdf(*[long] * MAX_RECOGNIZED_PAGES, *[DOT] * (MAX_RECOGNIZED_PAGES + 1)))
    assert (len(parsed.blocks), recognizer.pictures) == (MAX_RECOGNIZED_PAGES, [])


def test_all_scans_in_an_archive_share_what_one_file_may_take(recognizer: Recognizer) -> None:
    one = scanned_pdf(*[DOT] * (MAX_RECOGNIZED_PAGES * 2 // 3))
    parsed = parsing.parse(zipped({"a.pdf": one, "b.pdf": one}), "scans.zip")
    assert {block.locator.member for block in parsed.blocks} >= {"a.pdf"}
    assert len(recognizer.pictures) == MAX_RECOGNIZED_PAGES * 2 // 3


@pytest.mark.parametrize("box", ["0 0 5000000 5000000", "0 0 1 14400", "0 0 0.01 0.01", "0 0 612 792"])
def test_the_picture_of_a_page_is_never_large(recognizer: Recognizer, box: str) -> None:
    read_pdf(scanned_pdf(DOT, box=box))
    for picture in recognizer.pictures:
        assert max(picture.width, picture.height) <= LONGEST_SIDE + 1
        assert len(picture.pixels) >= picture.stride * picture.height >= picture.width * picture.height


def test_every_page_begins_a_step(recognizer: Recognizer) -> None:
    steps: list[int] = []
    read_pdf(scanned_pdf(DOT, TYPED, DOT), Pace(lambda: steps.append(len(recognizer.pictures))))
    assert steps == [0, 1]


def test_without_the_extra_nothing_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "find_spec", lambda name: None)
    steps: list[int] = []
    with pytest.raises(UnreadableError) as refusal:
        read_pdf(scanned_pdf(DOT), Pace(lambda: steps.append(1)))
    assert (refusal.value.reason, refusal.value.detail, steps) == ("no_text_layer", "", [])


# ---- the worker's limits, with a recogniser that takes long ------------------------------------

SLOW_WORKER = """
import resource, sys, time
from ragcli.adapters.readers import pages, parsing
from ragcli.adapters.readers.scanned import Line
def find_lines(picture, pace):
    started = time.process_time()
    while time.process_time() - started < {burnt}:
        pass
    room = [resource.getrlimit(kind) for kind in (resource.RLIMIT_DATA, resource.RLIMIT_CPU)]
    return [Line(0, 0, 9, 9, " ".join("all" if soft == hard else "some" for soft, hard in room) + " of the room is there")]
pages._recognizer = lambda pace: find_lines
sys.exit(parsing.main(["1000000", "60", "{allowed}", "768"]))
"""
MakeReader = Callable[[str], WorkerReader]


@pytest.fixture
def make_reader() -> Iterator[MakeReader]:
    made: list[WorkerReader] = []

    def make(script: str) -> WorkerReader:
        made.append(WorkerReader(seconds=60, command=[sys.executable, "-c", script]))
        return made[-1]

    yield make
    for reader in made:
        reader.close()


def test_the_time_of_a_file_is_given_to_each_page(make_reader: MakeReader, tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(scanned_pdf(*[DOT] * 6))
    document = read_one(make_reader(SLOW_WORKER.format(burnt=0.3, allowed=1)), path)
    assert isinstance(document, Document)
    assert [block.locator.page for block in document.blocks] == [1, 2, 3, 4, 5, 6]
    assert document.text.startswith("all all of the room is there")


def test_a_page_that_takes_longer_ends_the_worker(make_reader: MakeReader, tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(scanned_pdf(DOT))
    assert read_one(make_reader(SLOW_WORKER.format(burnt=30, allowed=1)), path) == Unreadable(path, "too_slow")


# ---- the real one ------------------------------------------------------------------------------

LINES = [
    "Water board of Quellhorst, minutes of 14 May 1987",
    "The mirror needs 45 minutes with the fans running",
    "before it gives sharp images. Nobody opens the dome",
    "until the tank of 9,000 litres is full again.",
]
PAPER = make_pdf([(72, 700 - 20 * row, text) for row, text in enumerate(LINES)])
LEFT = textwrap.wrap(
    "The keeper of the archive writes down who came, what they asked for and when they left the house again.", 26
)
RIGHT = textwrap.wrap("In winter the reading room is heated only on three days, so nobody stays there longer than an hour.", 26)
COLUMNS = make_pdf([(x, 700 - 20 * row, text) for x, column in ((72, LEFT), (330, RIGHT)) for row, text in enumerate(column)])
FILES: dict[str, bytes] = {
    "mixed.pdf": scanned_pdf(TYPED, photographed(PAPER), photographed(COLUMNS)),
    "noise.pdf": scanned_pdf(noise(400, 500)),
    "blank.pdf": scanned_pdf((400, 500, b"\xff" * 200_000)),
    "large.pdf": scanned_pdf(photographed(PAPER), box="0 0 500000 647000"),
    "strip.pdf": scanned_pdf((3, 3000, bytes(9000)), box="0 0 1 14400"),
    "cut off.pdf": scanned_pdf((2000, 2000, b"\xff" * 1000)),
}


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Document | Unreadable]:
    """What the sealed worker makes of each file, in a home of its own, in which nothing may be left behind."""
    folder, home = tmp_path_factory.mktemp("scans"), tmp_path_factory.mktemp("home")
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", os.fspath(home))
        patch.setenv("XDG_CACHE_HOME", os.fspath(home / ".cache"))
        patch.delenv("CI", raising=False)
        reader = WorkerReader(seconds=250)
        results = {name: read_one(reader, folder / name) for name in FILES}
        reader.close()
    assert list(home.iterdir()) == []
    return results


@with_recognizer
def test_a_scan_is_read(read: dict[str, Document | Unreadable]) -> None:
    document = read["mixed.pdf"]
    assert isinstance(document, Document)
    first, second, _ = (document.text[block.start : block.end] for block in document.blocks)
    assert [block.locator.describe() for block in document.blocks] == ["page 1", "page 2", "page 3"]
    assert first == TYPED
    assert second.split("\n") == LINES


@with_recognizer
def test_a_scan_in_two_columns_is_read_as_a_person_would(read: dict[str, Document | Unreadable]) -> None:
    document = read["mixed.pdf"]
    assert isinstance(document, Document)
    third = document.text[document.blocks[2].start :]
    assert third.split() == " ".join([*LEFT, *RIGHT]).split()


@with_recognizer
def test_a_page_that_claims_to_be_a_mile_is_read_all_the_same(read: dict[str, Document | Unreadable]) -> None:
    document = read["large.pdf"]
    assert isinstance(document, Document)
    assert document.text.split("\n") == LINES


@with_recognizer
@pytest.mark.parametrize("name", ["noise.pdf", "blank.pdf", "strip.pdf", "cut off.pdf"])
def test_a_picture_without_text_is_empty(read: dict[str, Document | Unreadable], name: str) -> None:
    result = read[name]
    assert isinstance(result, Unreadable)
    assert result.reason == "empty"


@with_recognizer
def test_scans_are_read_again_once_the_extra_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    there = WorkerReader().fingerprint
    monkeypatch.setattr("ragcli.adapters.readers.worker.OPTIONAL_LIBRARIES", ("tree-sitter",))
    assert "rapidocr" in there
    assert WorkerReader().fingerprint != there


# ---- macOS -------------------------------------------------------------------------------------


def test_vision_is_given_the_pixels_and_asked_for_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("PIL", reason="no Pillow here: pip install 'ragcli[ocr]'")
    seen: list[object] = []

    class OCR:
        def __init__(self, image: object, **settings: object) -> None:
            seen.append(image)

        def recognize(self, *, px: bool) -> list[tuple[str, float, tuple[float, ...]]]:
            assert px
            return [("second", 1.0, (0, 50, 90, 70)), ("first", 0.5, (0, 10, 90, 30)), ("  ", 1.0, (0, 0, 1, 1))]

    package = types.ModuleType("ocrmac")
    package.ocrmac = types.SimpleNamespace(OCR=OCR)  # type: ignore[attr-defined]  # what the real package has
    monkeypatch.setitem(sys.modules, "ocrmac", package)
    monkeypatch.delitem(sys.modules, "ragcli.adapters.readers.vision", raising=False)
    from ragcli.adapters.readers import vision

    found = vision.find_lines(Picture(3, 2, 4, b"abc.def."), Pace())
    assert found == [Line(0, 50, 90, 70, "second"), Line(0, 10, 90, 30, "first")]
    assert (seen[0].size, seen[0].tobytes()) == ((3, 2), b"abcdef")  # type: ignore[attr-defined]  # an image of Pillow
    monkeypatch.delitem(sys.modules, "ragcli.adapters.readers.vision")
