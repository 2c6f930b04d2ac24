"""ragcli: ask your own files, offline, with checked citations.

The public API; names are loaded when they are first used, so that ``import ragcli`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ragcli.assistant import Assistant
    from ragcli.errors import RagError
    from ragcli.types import (
        Answer,
        Citation,
        Extracted,
        FieldValue,
        Hit,
        IndexReport,
        Question,
        Record,
        Scope,
        SearchResult,
    )

__version__ = "0.1.0"
__all__ = [
    "Answer",
    "Assistant",
    "Citation",
    "Extracted",
    "FieldValue",
    "Hit",
    "IndexReport",
    "Question",
    "RagError",
    "Record",
    "Scope",
    "SearchResult",
    "__version__",
]

_HOMES = {"Assistant": "ragcli.assistant", "RagError": "ragcli.errors"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'ragcli' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES.get(name, "ragcli.types")), name)
