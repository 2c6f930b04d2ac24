"""What the fault suites share: prepared indexes, a launcher of victims, and the count at the end."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.tally import FULL, LONGEST_SECONDS, TRIED
from tests.faults.victims import Launcher
from tests.faults.work import WORKS


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(LONGEST_SECONDS))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if TRIED:
        terminalreporter.section(f"faults tried ({'full' if FULL else 'cut-down'} set)")
        for suite, points in sorted(TRIED.items()):
            terminalreporter.write_line(f"{suite}: {points}")


@pytest.fixture(scope="session")
def launcher() -> Iterator[Launcher]:
    with Launcher() as started:
        yield started


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Path], Path]:
    """Gives a fresh copy, in the folder, of the index that the work of that name begins with."""
    bases: dict[str, Path] = {}

    def copy(name: str, place: Path) -> Path:
        if name not in bases:
            bases[name] = tmp_path_factory.mktemp(f"base-{name}") / "index"
            WORKS[name].prepare(bases[name])
        index = place / "index"
        shutil.rmtree(index, ignore_errors=True)
        if bases[name].exists():
            shutil.copytree(bases[name], index)
        return index

    return copy
