"""Under which licences the packages of an installation stand, as SPDX spells them, and whether ragcli may stand on them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import metadata

ALLOWED = frozenset(
    {
        *(
            "0BSD",
            "Apache-2.0",
            "BSD-2-Clause",
            "BSD-3-Clause",
            "BSL-1.0",
            "CC0-1.0",
            "CNRI-Python",
            "ISC",
            "MIT",
            "MIT-CMU",
            "PSF-2.0",
        ),
        *("Unlicense", "Zlib"),
        "MPL-2.0",  # copyleft by the file: nothing of it is changed here
    }
)
EXCEPTIONS = frozenset({"LLVM-exception"})
SPELLINGS = {
    "Apache": "Apache-2.0",
    "Apache 2": "Apache-2.0",
    "Apache 2.0 License": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "BSD-3-Clause, Apache-2.0, dependency licenses": "BSD-3-Clause AND Apache-2.0",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
"""What packages wrote before there was one spelling. A new one is looked at and put here."""


def licence_of(package: str) -> str:
    """The package's own words as an SPDX expression; as they are if nobody has looked at them."""
    told = metadata.metadata(package)
    expression = told.get("License-Expression")
    if expression:
        return expression
    classified = [line.rpartition(" :: ")[2] for line in told.get_all("Classifier") or () if line.startswith("License ::")]
    written = (told.get("License") or "").strip().split("\n")[0]
    for words in (written, *classified):
        if SPELLINGS.get(words, words) and _parts(SPELLINGS.get(words, words)) <= ALLOWED:
            return SPELLINGS.get(words, words)
    return written or " AND ".join(classified) or "none given"


def _parts(expression: str) -> frozenset[str]:
    return frozenset(re.split(r"\s+(?:AND|OR|WITH)\s+|[()]", expression)) - {""} - EXCEPTIONS


def not_allowed(packages: Iterable[str]) -> dict[str, str]:
    """Packages of other licences. Of alternatives one that is allowed is enough."""
    return {package: licence for package in packages if not is_allowed(licence := licence_of(package))}


def is_allowed(expression: str) -> bool:
    return any(_parts(alternative) <= ALLOWED for alternative in re.split(r"\s+OR\s+", expression)) and bool(expression)
