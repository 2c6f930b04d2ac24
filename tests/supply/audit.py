"""What an audit found, read so that nothing found is not taken for nothing known: ``python -m tests.supply.audit REPORT``.

pip-audit calls a package that its databases could not tell of "skipped", and ends as if all were well.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

CLEAN, VULNERABLE, NOT_AUDITED = 0, 1, 3


def verdict(report: Mapping[str, Any]) -> tuple[int, list[str]]:
    """Exit status, and what to say."""
    packages = report.get("dependencies", [])
    skipped = [each["name"] for each in packages if "skip_reason" in each]
    holes = list(_holes(packages))
    if holes:
        return VULNERABLE, holes
    if not packages or len(skipped) == len(packages):
        return NOT_AUDITED, ["NOTHING WAS AUDITED: the databases of known vulnerabilities could not be had from here"]
    said = [f"{len(packages) - len(skipped)} packages have no known vulnerability"]
    if skipped:
        return NOT_AUDITED, [*said, f"{len(skipped)} could not be looked up: {', '.join(skipped)}"]
    return CLEAN, said


def _holes(packages: list[dict[str, Any]]) -> Iterator[str]:
    for package in packages:
        for hole in package.get("vulns", ()):
            mended = ", ".join(hole.get("fix_versions", ())) or "no release yet"
            yield f"{package['name']} {package['version']}: {hole['id']} (mended in: {mended})"


if __name__ == "__main__":
    status, lines = verdict(json.loads(Path(sys.argv[1]).read_text("utf-8")))
    print(*lines, sep="\n")  # noqa: T201
    sys.exit(status)
