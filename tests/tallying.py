"""What the suites have tried for each promise: told when all tests have run, and read by ``scripts/promises``.

A promise goes by one short name, which stands as a literal in the test that counts it: ``count("secrets flagged", 40)``.
"""

from __future__ import annotations

from collections import Counter

import pytest

SECTION = "promises tested"
COUNTED: Counter[str] = Counter()


def count(promise: str, number: int = 1) -> None:
    """So many more cases of the promise were tried, and each of them held."""
    COUNTED[promise] += number


def tell(reporter: pytest.TerminalReporter) -> None:
    """The counts stand in the summary, one line for each promise."""
    if COUNTED:
        reporter.section(SECTION)
        for promise, number in sorted(COUNTED.items()):
            reporter.write_line(f"{promise}: {number}")
