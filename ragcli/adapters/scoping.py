"""Which sources a ``Scope`` admits. Pure: it knows paths, collections and times, not where they are stored."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ragcli.types import Scope


class ScopeFilter:
    """Decides for one source at a time whether it may be found.

    A glob admits a file if it matches the file or a folder above it. ``*`` and ``?`` stay within a name, ``**`` does not.
    ``/absolute``, ``~/home`` and ``./here`` patterns start where they say. Any other pattern starts at any folder;
    one that is a single name is looked for only from the indexed folder down, so that ``--in home`` does not
    admit everything below ``/home``.
    """

    def __init__(self, scope: Scope, roots: Iterable[Path] = ()) -> None:
        self._scope = scope
        self._endings = tuple(f".{ending.lower().lstrip('.')}" for ending in scope.types)
        start = _from_root_down([str(root) for root in roots])
        patterns = [_pattern(_anchor(glob), start) for glob in scope.globs]
        self._globs = re.compile("|".join(patterns), re.DOTALL) if patterns else None

    def admits(self, path: str, collection: str, modified_ns: int) -> bool:
        """Takes the path as a string: this is asked of every source of an index, and a ``Path`` costs more than the answer."""
        scope = self._scope
        if scope.collection is not None and collection != scope.collection:
            return False
        if scope.since_ns is not None and modified_ns < scope.since_ns:
            return False
        if self._endings and not path.rpartition("/")[2].lower().endswith(self._endings):
            return False
        return self._globs is None or self._globs.fullmatch(path) is not None


def _from_root_down(roots: Iterable[str]) -> str:
    """What stands before the first name that a single-name pattern is compared with: the folder that the root is in.

    Longer roots come first, for one root can lie within another. A path that is below none is compared whole.
    """
    starts = []
    for root in sorted(roots, key=len, reverse=True):
        parent, _, name = root.rpartition("/")
        starts.append(f"{re.escape(parent)}/(?={re.escape(name)}(?:/|\\Z))")
    return f"(?>{'|'.join([*starts, ''])})"


def _anchor(glob: str) -> str:
    """The pattern without a ``~`` or a leading dot folder, which are the only ones that depend on who asks."""
    if glob.split("/")[0] in (".", ".."):
        return str((Path.cwd() / glob).resolve())
    return str(Path(glob).expanduser() if glob.startswith("~/") else Path(glob))


def _pattern(glob: str, from_root_down: str) -> str:
    if glob.startswith("/"):
        start = ""
    elif "/" in glob:
        start = "(?:.*/)?"
    else:
        start = f"{from_root_down}(?:.*/)?"
    below = ".*" if glob.endswith("/") else "(?:/.*)?"
    return f"{start}{_translate(glob)}{below}"


_TOKEN = re.compile(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)


def _translate(pattern: str) -> str:
    fixed = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(fixed.get(token) or _one(token) for token in _TOKEN.findall(pattern))


def _one(token: str) -> str:
    if len(token) == 1:
        return re.escape(token)
    inner = token[1:-1]
    sign, inner = ("^", inner[1:]) if inner.startswith("!") else ("", inner)
    escaped = re.sub(r"([\\\[\]^&~|])", r"\\\1", inner)
    try:
        re.compile(f"[{escaped}]")
    except re.error:
        return re.escape(token)  # such as [z-a]: a name can hold those characters
    return f"(?!/)[{sign}{escaped}]"
