"""LanceDB, loaded without the client of its cloud service. Owns lancedb.

The client is never called here, and was more than half of what loading LanceDB took. In its place stand classes that can be
named, as LanceDB does in its signatures, and do nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

CLOUD_CLIENT = tuple(f"lance_namespace_urllib3_client.{name}" for name in ("api", "api_client", "configuration"))
"""What of the generated client speaks to a server; the rest are the records that it speaks of."""


class NoModule(ModuleType):
    """Has every class, and each is empty."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {"__module__": self.__name__})


class NoCloud(MetaPathFinder, Loader):
    """Finds the modules of CLOUD_CLIENT before anyone else does."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        is_cloud = any(fullname == name or fullname.startswith(f"{name}.") for name in CLOUD_CLIENT)
        return ModuleSpec(fullname, self, is_package=True) if is_cloud else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return NoModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing in it."""


@contextmanager
def without_cloud() -> Iterator[None]:
    finder = NoCloud()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


with without_cloud():
    import lancedb
    from lancedb.index import FTS, IvfRq
    from lancedb.query import MatchQuery
    from lancedb.table import Table

__all__ = ["FTS", "IvfRq", "MatchQuery", "Table", "lancedb"]
