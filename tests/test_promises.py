"""The page of promises names what the tests count, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import promises
from tests.promises import BEGIN, END, PAGE, names_in_tests, table_in, told_in, updated

OUTPUT = """\
......                                                    [100%]
======================== promises tested =========================
packets caught: 6
faults: random kills: 200
=============== 6 passed, 1 skipped in 3.21s =====================
"""
NAMES = {"packets\\ caught": {"tests/b.py", "tests/a.py"}, "faults: .+": {"tests/c.py"}}


def test_every_promise_that_tests_count_stands_on_the_page() -> None:
    told = table_in(PAGE.read_text("utf-8"))
    missing = [pattern for pattern in names_in_tests() if not any(re.fullmatch(pattern, name) for name in told)]
    assert missing == [], "run scripts/promises: it writes the table from the output of the tests"


def test_every_promise_on_the_page_is_counted_by_a_test() -> None:
    names = names_in_tests()
    assert [name for name in table_in(PAGE.read_text("utf-8")) if not promises.tests_of(name, names)] == []


def test_no_promise_is_told_with_nothing_tested() -> None:
    assert [name for name, number in table_in(PAGE.read_text("utf-8")).items() if not number] == []


def test_the_tests_that_the_page_names_exist() -> None:
    for name in re.findall(r"`(tests/[\w/]+\.py)`", PAGE.read_text("utf-8")):
        assert (PAGE.parents[1] / name).exists(), name


def test_counts_are_read_from_the_output_of_a_run() -> None:
    assert told_in(OUTPUT) == {"packets caught": 6, "faults: random kills": 200}
    assert told_in(OUTPUT + OUTPUT.replace(": 6", ": 7"))["packets caught"] == 7
    assert told_in("=== promises tested ===\npackets caught: 6\n1 passed in 3.2s\n") == {"packets caught": 6}
    with pytest.raises(ValueError, match="no promises"):
        told_in("6 passed in 1 s\n")


def test_the_table_is_written_anew_and_the_rest_of_the_page_stays() -> None:
    page = f"# Title\n\n{BEGIN}\n\n| promise | cases | tests |\n|---|---:|---|\n| gone | 1 | x |\n\n{END}\n\nAfter.\n"
    written = updated(page, {"packets caught": 6000}, NAMES)
    assert "| packets caught | 6,000 | `tests/a.py`, `tests/b.py` |" in written
    assert table_in(written) == {"packets caught": 6000}
    assert written.startswith("# Title\n") and written.endswith("\n\nAfter.\n")
    assert updated(written, {"faults: full disks": 4}, NAMES).count("\n| ") == 3
    assert updated(written, {}, NAMES) == written


def test_names_are_found_in_calls_and_only_there(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_x.py").write_text(
        "from tests.tallying import count\n"
        "from tests.faults.tally import settle\n"
        "count('lines cleaned', 3)\n"
        "count(f'model {name}: tokens', 3)\n"
        "count(name, 3)\n"
        "settle('kills', 2, floor=1)\n"
        "'text'.count('x')\n"
    )
    assert names_in_tests(tmp_path / "tests") == {
        "lines\\ cleaned": {"tests/test_x.py"},
        "model\\ .+:\\ tokens": {"tests/test_x.py"},
        "faults:\\ kills": {"tests/test_x.py"},
    }
    assert promises.names_in_tests()
