"""What would be read, what not and why, and about how long it would take."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ragcli.adapters.readers.table import format_of
from ragcli.steps.previewing import guess_speed, preview_files
from ragcli.types import FileStamp, Preview, Unreadable, Walked


def preview(*files: tuple[str, int], speed: float = 1000.0, refused: tuple[str, ...] = ()) -> Preview:
    stamps = tuple(FileStamp(Path("/files", name), size, 0, 0) for name, size in files)
    walked = Walked(stamps, tuple(Unreadable(Path("/x"), reason) for reason in refused), {"hidden": 2})
    return preview_files(walked, lambda path: format_of(path.name), characters_per_second=speed)


def test_files_are_counted_by_type_and_those_that_no_reader_reads_by_reason() -> None:
    seen = preview(
        ("a.md", 10), ("b.MD", 20), ("c.pdf", 100), ("Makefile", 5), ("d.png", 999), ("e.7z", 9), refused=("permission",)
    )
    assert (seen.files, seen.bytes) == (4, 135)
    assert seen.by_type == {"md": 2, "pdf": 1, "makefile": 1}
    assert seen.unreadable == {"permission": 1, "binary": 1, "unsupported": 1}
    assert seen.left_out == {"hidden": 2}


def test_nothing_takes_no_time() -> None:
    assert preview(("d.png", 999)).seconds == 0


def test_a_pdf_holds_less_text_than_its_size_and_a_huge_file_counts_in_part() -> None:
    assert preview(("a.pdf", 10**6)).seconds < preview(("a.txt", 10**6)).seconds
    assert preview(("a.txt", 10**9)).seconds == preview(("a.txt", 10**8)).seconds


@given(st.lists(st.integers(0, 10**7), max_size=20), st.floats(1.0, 1e6))
def test_more_files_take_longer_and_more_speed_less(sizes: list[int], speed: float) -> None:
    files = [(f"{number}.txt", size) for number, size in enumerate(sizes)]
    assert preview(*files, speed=speed).seconds <= preview(*files, ("z.txt", 1), speed=speed).seconds
    assert preview(*files, speed=speed * 2).seconds <= preview(*files, speed=speed).seconds


def test_more_cores_are_faster_up_to_some() -> None:
    speeds = [guess_speed(cores) for cores in range(65)]
    assert speeds == sorted(speeds)
    assert speeds[0] == speeds[1] > 0
    assert speeds[64] == speeds[8]
