"""The walker: which files below the user's roots may be read, and how many entries each rule left out.

rignore (ripgrep's own crate) says what ``.gitignore`` and ``.ignore`` hide. A second look at the same folders with the
standard library finds what it cannot tell: sizes and kinds of files, links that lead out, names that are not UTF-8,
``.ragignore``, and what to report as left out. Nothing is opened here but folders.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import rignore

from ragcli.adapters.ignore_rules import Rules, read_rules
from ragcli.adapters.private_names import SECRET, SECRET_FOLDER, VCS
from ragcli.types import FileStamp, Root, Unreadable, Walked

DATALESS = 0x40000000
"""macOS: the content is in a cloud, and looking into it would fetch it."""
IGNORE_FILE = ".ragignore"


class RignoreWalker:
    """Finds files by the ignore rules that stand in the folders themselves, and by a few of its own.

    Left out and counted: other file systems, what ``.gitignore``, ``.ignore`` and ``.ragignore`` name, hidden entries (unless
    ``index_hidden``), folders of version control, names that suggest a secret, and what ``exclude`` names.
    A root is taken even if hidden or ignored, but never if it is a secret.
    """

    def __init__(self, *, index_hidden: bool = False, max_file_bytes: int = 256 << 20, exclude: Sequence[str] = ()) -> None:
        self._index_hidden = index_hidden
        self._max_file_bytes = max_file_bytes
        self._exclude = tuple(exclude)

    def walk(self, roots: Iterable[Root]) -> Walked:
        """Every regular file below the roots that no rule leaves out, each once, in path order."""
        found = _Found(self._max_file_bytes)
        missing = []
        for root in roots:
            path = Path(os.path.normpath(root.path.expanduser().absolute()))
            try:
                self._walk_root(path, root, path.stat(), found)
            except (FileNotFoundError, NotADirectoryError):
                missing.append(path)
            except OSError as error:
                found.refuse(os.fspath(path), *_trouble(error))
        return found.walked(missing)

    def _walk_root(self, path: Path, root: Root, status: os.stat_result, found: _Found) -> None:
        if _is_secret(path):
            found.refuse(os.fspath(path), "secret_name")
        elif stat.S_ISDIR(status.st_mode):
            excluded = Rules.parse((*self._exclude, *root.exclude))
            _Walk(found, path, excluded, Rules.parse(root.include), index_hidden=self._index_hidden).run(status)
        else:
            real = os.path.realpath(path)  # a link named by the user is followed here, for readers never follow one
            found.take(real, status, real)


def _is_secret(path: Path) -> bool:
    """Whether the path's own name suggests a secret, or it lies in a folder for secrets."""
    return bool(SECRET.fullmatch(path.name)) or any(SECRET_FOLDER.fullmatch(part) for part in path.parts)


def _trouble(error: OSError) -> tuple[str, str]:
    """Reason and detail for what the system would not do."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "vanished", ""
    return "permission", "" if isinstance(error, PermissionError) else error.strerror or ""


class _Found:
    """What all roots together yield; ``real`` paths without links make sure that each file comes once."""

    def __init__(self, max_file_bytes: int) -> None:
        self.left_out: Counter[str] = Counter()
        self._max_file_bytes = max_file_bytes
        self._stamps: dict[str, FileStamp] = {}
        self._refused: dict[str, Unreadable] = {}

    def take(self, real: str, status: os.stat_result, path: str) -> None:
        """The file is among the stamps, or refused for what its status says."""
        if real in self._stamps:
            return
        if not stat.S_ISREG(status.st_mode):
            self.refuse(path, "not_regular")
        elif getattr(status, "st_flags", 0) & DATALESS:
            self.refuse(path, "dataless")
        elif status.st_size > self._max_file_bytes:
            self.refuse(path, "too_large", f"{status.st_size / 1e6:,.0f} MB")
        elif not _is_readable(status, path):
            # Told here and not by the reader: with a permission neither size nor time changes, and nobody would look again.
            self.refuse(path, "permission")
        else:
            times = status.st_mtime_ns, status.st_ino, status.st_ctime_ns
            self._stamps[real] = FileStamp(Path(path), status.st_size, *times)

    def refuse(self, path: str, reason: str, detail: str = "") -> None:
        self._refused.setdefault(path, Unreadable(Path(path), reason, detail))

    def walked(self, missing: Iterable[Path]) -> Walked:
        stamps = sorted(self._stamps.values(), key=lambda stamp: stamp.path.parts)
        refused = sorted(self._refused.values(), key=lambda each: each.path.parts)
        return Walked(tuple(stamps), tuple(refused), dict(self.left_out), tuple(missing))


def _is_readable(status: os.stat_result, path: str) -> bool:
    """The system is asked only where the mode leaves a doubt: most files are readable by their owner, who is asking."""
    is_owners = status.st_uid == os.geteuid() and bool(status.st_mode & stat.S_IRUSR)
    return is_owners or os.access(path, os.R_OK)


@dataclass(frozen=True, slots=True)
class _Folder:
    path: str
    """With a slash at its end, as the user spelled the root."""
    relative: str
    """To the root, with a slash at its end; empty for the root."""
    rules: tuple[tuple[str, Rules], ...]
    """Those of ``.ragignore`` files above, each with the ``relative`` of its folder, innermost first."""
    lists_names: bool = True
    """Whether rignore can tell about what is in it: not below a name that is no UTF-8."""


@dataclass(slots=True)
class _Walk:
    """One root's walk."""

    found: _Found
    root: Path
    excluded: Rules
    included: Rules
    index_hidden: bool
    _allowed: set[str] = field(default_factory=set)
    _real_root: str = ""
    _device: int = 0
    _seen: set[tuple[int, int]] = field(default_factory=set)

    def run(self, status: os.stat_result) -> None:
        self._real_root = os.path.realpath(self.root).rstrip("/") + "/"
        self._device = status.st_dev
        self._seen.add((status.st_dev, status.st_ino))
        self._allowed = set(_allowed_by_rignore(self.root))
        folders = [_Folder(os.fspath(self.root).rstrip("/") + "/", "", ())]
        while folders:
            folders += self._look_into(folders.pop())

    def _look_into(self, folder: _Folder) -> list[_Folder]:
        """The folders inside; files are taken, refused or counted as left out."""
        try:
            with os.scandir(folder.path) as listing:
                entries = list(listing)
        except OSError as error:
            self.found.refuse(folder.path.rstrip("/"), *_trouble(error))
            return []
        if any(entry.name == IGNORE_FILE for entry in entries):
            own = (folder.relative, read_rules(folder.path + IGNORE_FILE))
            folder = _Folder(folder.path, folder.relative, (own, *folder.rules), folder.lists_names)
        inside = []
        for entry in entries:
            try:
                inside += self._look_at(entry, folder)
            except OSError as error:
                self.found.refuse(entry.path, *_trouble(error))
        return inside

    def _look_at(self, entry: os.DirEntry[str], folder: _Folder) -> Iterator[_Folder]:
        """The entry if it is a folder to look into; anything else is taken, refused or counted. Raises OSError."""
        is_folder = entry.is_dir(follow_symlinks=False)
        rule = self._rule_against(entry, folder, is_folder)
        if rule:
            self.found.left_out[rule] += 1
        elif entry.is_symlink():
            self._judge_link(entry)
        elif is_folder:
            yield from self._enter(entry, folder)
        else:
            status = entry.stat(follow_symlinks=False)
            self.found.take(f"{self._real_root}{folder.relative}{entry.name}", status, entry.path)

    def _rule_against(self, entry: os.DirEntry[str], folder: _Folder, is_folder: bool) -> str:
        """The rule that leaves the entry out; empty if none does."""
        name = entry.name
        if name in VCS:
            return "vcs"
        if SECRET.fullmatch(name):
            return "secret"
        if name.startswith((".", "~$")) and not self.index_hidden:
            return "hidden"
        relative = folder.relative + name
        if self.excluded and self.excluded.verdict(relative, is_folder):
            return "excluded"
        if self.included and not is_folder and not self.included.verdict(relative, is_folder):
            return "excluded"
        for base, rules in folder.rules:
            verdict = rules.verdict(relative[len(base) :], is_folder)
            if verdict is not None:
                return "ignored" if verdict else ""
        return "" if not folder.lists_names or entry.path in self._allowed or not _is_utf8(name) else "ignored"

    def _judge_link(self, entry: os.DirEntry[str]) -> None:
        """A link within the root is passed over, for its target comes by itself; one that leads out is refused."""
        target = os.path.realpath(entry.path)
        if f"{target}/".startswith(self._real_root):
            return
        try:
            mode = Path(target).stat().st_mode
        except OSError:
            return
        self.found.refuse(entry.path, "symlink_out" if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else "not_regular")

    def _enter(self, entry: os.DirEntry[str], folder: _Folder) -> Iterator[_Folder]:
        """The folder, unless it is a mount, a placeholder or one where the walk has been (a loop of bind mounts)."""
        status = entry.stat(follow_symlinks=False)
        key = status.st_dev, status.st_ino
        if status.st_dev != self._device or key in self._seen:
            self.found.left_out["mounted"] += 1
            return
        self._seen.add(key)
        if getattr(status, "st_flags", 0) & DATALESS:
            self.found.refuse(entry.path, "dataless")
            return
        lists_names = folder.lists_names and _is_utf8(entry.name)
        yield _Folder(f"{entry.path}/", f"{folder.relative}{entry.name}/", folder.rules, lists_names)


def _is_utf8(name: str) -> bool:
    return name.isascii() or not any("\udc80" <= character <= "\udcff" for character in name)


def _allowed_by_rignore(root: Path) -> Iterator[str]:
    """Every path below the root that no ``.gitignore`` or ``.ignore`` hides, hidden ones included."""
    walker = rignore.walk(
        root,
        ignore_hidden=False,
        require_git=False,
        read_global_git_ignore=False,
        same_file_system=True,
        overrides=[f"!{name}" for name in sorted(VCS)],
    )
    while True:
        try:
            path = next(walker)
        except StopIteration:
            return
        except (ValueError, OSError):
            continue  # it cannot spell names that are not UTF-8; those are taken unless another rule speaks
        if path is None:
            return
        yield os.fspath(path)
