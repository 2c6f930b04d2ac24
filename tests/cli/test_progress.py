"""Progress where nothing can be drawn again: a line every ten seconds."""

from __future__ import annotations

from ragcli.cli.showing.progress import LineProgress, Progress, Unit


def lines_of(unit: Unit, moments: list[tuple[float, float, float]]) -> list[str]:
    """What is said when the work has come to ``done`` of ``total`` at each moment."""
    said: list[str] = []
    now = [0.0]
    progress = LineProgress("Indexing", unit, said.append, clock=lambda: now[0])
    with progress:
        for now[0], done, total in moments:
            progress.update(done, total, f"{done:.0f} of {total:.0f}")
    return said


def test_silent_for_ten_seconds_then_rate_and_time_left() -> None:
    moments = [(second, second * 1e6, 60e6) for second in range(31)]
    assert lines_of("bytes", moments) == [
        "Indexing: 10000000 of 60000000, 1.0 MB/s, about 50 s left",
        "Indexing: 20000000 of 60000000, 1.0 MB/s, about 40 s left",
        "Indexing: 30000000 of 60000000, 1.0 MB/s, about 30 s left",
    ]


def test_items_are_counted() -> None:
    assert lines_of("items", [(20, 5, 10)]) == ["Indexing: 5 of 10, 0.2/s, about 20 s left"]


def test_what_begins_anew_has_a_rate_of_its_own() -> None:
    moments = [(10, 40e6, 40e6), (20, 1e6, 50e6), (30, 11e6, 51e6)]
    assert lines_of("bytes", moments) == [
        "Indexing: 40000000 of 40000000, 4.0 MB/s",
        "Indexing: 1000000 of 50000000",
        "Indexing: 11000000 of 51000000, 1.0 MB/s, about 40 s left",
    ]


def test_nothing_done_yet_promises_nothing() -> None:
    assert lines_of("bytes", [(11, 0, 0)]) == ["Indexing: 0 of 0"]


def test_quiet_says_nothing() -> None:
    with Progress() as progress:
        progress.update(1, 2, "half")
