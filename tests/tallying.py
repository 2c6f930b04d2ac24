"""What the suites have tried for each promise: told when all tests have run, and read by ``scripts/promises``.

A promise goes by one short name, which stands as a literal in the test that counts it: ``count("secrets flagged", 40)``.
"""

from __future__ import annotations

from collections import Counter

import pytest

SECTION = "promises tested"
SENT = "counted"
"""Under this name a worker of pytest-xdist sends what it has counted."""
COUNTED: Counter[str] = Counter()


def count(promise: str, number: int = 1) -> None:
    """So many more cases of the promise were tried, and each of them held."""
    COUNTED[promise] += number


def send(config: pytest.Config) -> None:
    """A worker hands its counts over; nothing where this is no worker."""
    if hasattr(config, "workeroutput"):
        config.workeroutput[SENT] = dict(COUNTED)


def receive(node: object) -> None:
    """What the worker has counted is counted here. A worker that crashed sent nothing."""
    COUNTED.update(getattr(node, "workeroutput", {}).get(SENT, {}))


def tell(reporter: pytest.TerminalReporter) -> None:
    """The counts stand in the summary, one line for each promise."""
    if COUNTED:
        reporter.section(SECTION)
        for promise, number in sorted(COUNTED.items()):
            reporter.write_line(f"{promise}: {number}")
