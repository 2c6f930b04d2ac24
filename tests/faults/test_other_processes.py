"""Two writers at once, and readers beside a writer that replaces and tidies without end."""

from __future__ import annotations

import os
import signal
from collections import Counter

from ragcli.types import Scope
from tests.fakes.indexed import unit
from tests.faults.judging import NAMES, generation_of, judge
from tests.faults.tally import settle, sized
from tests.faults.victims import Launcher
from tests.faults.work import FOUR, PARTS, ROUNDS, SAYS, WORKS, Work, opened

SCANS = sized(300, 1500)


def test_two_writers_never_write_the_same_document_twice(launcher, prepared, tmp_path):
    folder = prepared("re-index", tmp_path)
    with Launcher() as second:
        mine, others = launcher.start("compete", folder), second.start("compete", folder, diary=tmp_path / "other diary")
        outcomes = mine(), others()
    assert [outcome.end for outcome in outcomes] == ["done", "done"], outcomes
    with opened(folder) as store:
        ids = Counter(entry.chunk.id for entry in store.search_meaning(unit(1), limit=999, scope=Scope()).entries)
        assert max(ids.values()) == 1
        assert len(ids) == PARTS * len(NAMES)
        assert all(generation_of(store, name) >= 100 for name in NAMES)
    judge(folder, Work(WORKS["re-index"].prepare, WORKS["re-index"].run, dict.fromkeys(FOUR, ROUNDS + 99), {}), outcomes[0])
    settle("rounds of two writers", 2 * ROUNDS, floor=50)


def test_a_reader_sees_every_document_whole_whatever_a_writer_does(launcher, prepared, tmp_path):
    folder = prepared("re-index", tmp_path)
    wait = launcher.start("churn", folder)
    failures: list[str] = []
    seen: set[int] = set()
    try:
        with opened(folder) as store:
            for number in range(SCANS):
                looks = (
                    lambda: store.search_words("common", limit=99, scope=Scope()).entries,
                    lambda: store.search_meaning(unit(1), limit=99, scope=Scope()).entries,
                )
                found = Counter(SAYS.fullmatch(entry.chunk.text).group(1, 2) for entry in looks[number % 2]())
                if len(found) != len(NAMES) or set(found.values()) != {PARTS}:
                    failures.append(f"scan {number} saw {dict(found)}")
                seen |= {int(generation) for _, generation in found}
            assert store.damaged == 0
    finally:
        os.kill(launcher.pid, signal.SIGKILL)
        outcome = wait()
    assert outcome.end == "killed by 9", outcome.message
    assert len(seen) > 5, "the reader never saw the writer's work"
    settle("scans beside a writer", SCANS, floor=SCANS, failures=failures)
