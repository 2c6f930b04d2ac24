"""The table of promises: what the suites counted in a run, and which tests count it.

``scripts/promises`` writes the table of ``docs/security.md`` from the output of test runs. A count is as large as the last
run that told it; the names are those of the tests, and a test holds the two together.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.tallying import SECTION

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "security.md"
BEGIN, END = "<!-- promises: scripts/promises writes what follows -->", "<!-- end of promises -->"
COUNTERS = ("count", "settle")
"""Functions whose first argument is the name of a promise."""
LEAD = {"settle": "faults: "}


def told_in(output: str) -> dict[str, int]:
    """Promises and numbers in the output of a test run. Raises ValueError if there are none."""
    found: dict[str, int] = {}
    inside = False
    for line in output.splitlines():
        told = re.fullmatch(r"(.+): (\d+)", line) if inside else None
        if told:
            found[told[1]] = int(told[2])
        inside = bool(told) or SECTION in line and line.startswith("=")
    if not found:
        raise ValueError("no promises are told in that output: is it that of a whole test run?")
    return found


def names_in_tests(folder: Path = TESTS) -> dict[str, set[str]]:
    """A pattern for the name of each promise that tests count, and the tests, relative to the repository."""
    found: dict[str, set[str]] = {}
    for path in sorted(folder.rglob("*.py")):
        source = path.read_text("utf-8")
        if not any(f"import {name}" in source or f", {name}" in source for name in COUNTERS):
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in COUNTERS and node.args:
                pattern = _pattern(node.args[0], LEAD.get(node.func.id, ""))
                if pattern:
                    found.setdefault(pattern, set()).add(path.relative_to(folder.parent).as_posix())
    return found


def _pattern(argument: ast.expr, lead: str) -> str:
    """The name as a regular expression, where a part that is known only at run time stands for anything."""
    parts = argument.values if isinstance(argument, ast.JoinedStr) else [argument]
    if not any(isinstance(part, ast.Constant) for part in parts):
        return ""
    if any(isinstance(part, ast.Constant) and not isinstance(part.value, str) for part in parts):
        return ""  # the other count, of itertools
    words = [re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".+" for part in parts]
    return "" if words == ["faults:\\ ", ".+"] else re.escape(lead) + "".join(words)


def tests_of(promise: str, names: Mapping[str, Iterable[str]]) -> list[str]:
    return sorted({test for pattern, tests in names.items() if re.fullmatch(pattern, promise) for test in tests})


def table(counts: Mapping[str, int], names: Mapping[str, Iterable[str]]) -> str:
    lines = ["| promise | cases | tests |", "|---|---:|---|"]
    for promise in sorted(counts):
        where = ", ".join(f"`{test}`" for test in tests_of(promise, names))
        lines.append(f"| {promise} | {counts[promise]:,} | {where} |")
    return "\n".join(lines)


def table_in(page: str) -> dict[str, int]:
    rows = re.findall(r"^\| ([^|]+?) \| ([\d,]+) \|", page[page.index(BEGIN) : page.index(END)], re.MULTILINE)
    return {name: int(number.replace(",", "")) for name, number in rows}


def updated(page: str, told: Mapping[str, int], names: Mapping[str, Iterable[str]]) -> str:
    """The page with the new counts; promises that no test counts any more are gone."""
    counts = {name: number for name, number in (table_in(page) | dict(told)).items() if tests_of(name, names)}
    before, after = page[: page.index(BEGIN)], page[page.index(END) :]
    return f"{before}{BEGIN}\n\n{table(counts, names)}\n\n{after}"


def main(outputs: Iterable[str]) -> None:
    told: dict[str, int] = {}
    for name in outputs:
        told |= told_in(Path(name).read_text("utf-8", "replace"))
    PAGE.write_text(updated(PAGE.read_text("utf-8"), told, names_in_tests()), "utf-8")
    print(f"{len(told)} promises, {sum(told.values()):,} cases, in {PAGE.relative_to(TESTS.parent)}")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
