"""The part of an assistant that stays: the index is kept as the disk is, and others can see how that goes."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragcli.config import Config, Locations
from ragcli.errors import SourceError
from ragcli.flows.watching import STEADY, Pace, WatchPorts, watch_roots
from ragcli.machine import Machine, resolve
from ragcli.types import Finding, IndexFinished, IndexReport, Root, ServiceFile, WatchEvent, WatchHealth, WatchState

if TYPE_CHECKING:
    from ragcli.parts.errands import Errands

HEARTBEAT = "watch.json"
WATCH_LOCK = "watch.lock"
IndexRun = Callable[..., Iterator[WatchEvent]]


class IndexAttendant:
    """One watcher for each index; whoever else indexes meanwhile adds to what it watches."""

    config: Config
    locations: Locations
    machine: Machine
    index_events: IndexRun

    def watch_events(
        self,
        paths: Sequence[Path] = (),
        *,
        collection: str | None = None,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        pace: Pace = STEADY,
    ) -> Iterator[WatchEvent]:
        """As ``index_events``, and again whenever something below the paths changes; endless.

        Without paths all known roots are watched, those too that another process adds. Known paths keep the rules that they
        were indexed with. Raises SourceError ``path-missing``, ``nothing-to-index``; StoreError ``already-watching``, and what
        ends indexing but does not pass.
        """
        rules = Root(Path(), collection or self.config.index.collection, tuple(include), tuple(exclude))
        chosen = self._chosen(paths)
        if not chosen and not self.machine.store.roots():
            raise SourceError("nothing-to-index", "no folder has been indexed yet", hint="ragcli watch ~/Documents")
        with ExitStack() as stack:
            stack.enter_context(self.machine.watching_alone(self.locations.run / WATCH_LOCK))
            watcher = stack.enter_context(closing(self.machine.make_watcher()))
            errands = stack.enter_context(closing(self._errands()))
            # Last, so that it falls silent first: then a process that is ended halfway is not missed.
            heartbeat = self.machine.make_heartbeat(self.locations.run / HEARTBEAT)
            stack.callback(heartbeat.end)
            # What the caller brought is in this process alone.
            work = self.index_events if self.machine.brought else errands.run
            look = _Look(self.machine, self.index_events, work, chosen, rules)

            def beat(state: WatchState, looked: float | None, trouble: str) -> None:
                heartbeat.say(state, looked, trouble)
                errands.rest()

            yield from watch_roots(WatchPorts(watcher, look.roots, look.events, beat, self.machine.reason_to_wait), pace)

    def index_apart_events(self, paths: Sequence[Path] = (), **options: Any) -> Iterator[WatchEvent]:
        """As ``index_events``, in a process that is gone afterwards, and its memory with it."""
        patience = self.machine.patience
        with closing(self._errands(patience.seconds if patience else 0.0)) as errands:
            yield from errands.run(paths, **options)

    def give_way(self) -> None:
        """This process stands behind others for processor and disk from now on, as the settings say; it cannot be taken back."""
        self.machine.give_way()

    def wait_for_writers(self, seconds: float, tell: Callable[[str], None]) -> None:
        """From now on another process that writes is waited for so long, and who waits is told. Before, not at all."""
        self.machine.wait_for_writers(seconds, tell)

    def watch_health(self) -> WatchHealth | None:
        """What the watcher of this index last said; None if there is none, and none ended in disorder."""
        return self.machine.read_heartbeat(self.locations.run / HEARTBEAT)

    def watch_finding(self) -> Finding:
        """The same in words."""
        from ragcli.flows.checking import check_watcher

        return check_watcher(self.watch_health(), time.time())

    def install_service(self, paths: Sequence[Path] = ()) -> ServiceFile:
        """The system has a service that watches the paths, or all known roots, once the user starts it.

        Raises SourceError ``path-missing``; UsageError ``bad-argument``; StoreError ``unsafe-folder``, ``disk-full``.
        """
        names = [os.fspath(path) for path in self._chosen(paths)]
        return self.machine.service_manager().install(["watch", "--quiet", *(["--", *names] if names else [])])

    def uninstall_service(self) -> ServiceFile:
        """The system has no such service. Raises UsageError ``bad-argument``; StoreError ``unsafe-folder``."""
        return self.machine.service_manager().uninstall()

    def _chosen(self, paths: Sequence[Path]) -> tuple[Path, ...]:
        """The real paths. One that is not there may be a root that will come back, as that of a disk."""
        known = {root.path for root in self.machine.store.roots()}
        real = [Path(os.path.realpath(path.expanduser())) for path in paths]
        return tuple(path if path in known else resolve(given) for path, given in zip(real, paths, strict=True))

    def _errands(self, patience: float = 0.0) -> Errands:
        from ragcli.parts.errands import Errands

        return Errands(self.config, self.locations, patience=patience)


class _Look:
    """Compares the index with the disk here, at little cost, and has the work done elsewhere if there is any."""

    def __init__(self, machine: Machine, index_events: IndexRun, work: IndexRun, chosen: Sequence[Path], rules: Root) -> None:
        self._machine = machine
        self._compare, self._work = index_events, work
        self._chosen, self._rules = chosen, rules
        self._is_first = bool(chosen)

    def roots(self) -> tuple[Path, ...]:
        return tuple(self._chosen) or tuple(dict.fromkeys(root.path for root in self._machine.store.roots()))

    def events(self) -> Iterator[WatchEvent]:
        self._machine.store.close()  # another process may have put another ledger in its place
        there = [path for path in self._chosen if path.exists()]
        for paths, rules in self._by_rules(there) if self._chosen else [((), {})]:
            yield from self._take_up(paths, rules)
        if self._chosen and not there:
            yield IndexFinished(IndexReport())
        self._is_first = False

    def _take_up(self, paths: Sequence[Path], rules: Mapping[str, Any]) -> Iterator[WatchEvent]:
        *_, last = self._compare(paths, dry_run=True, **rules)
        assert isinstance(last, IndexFinished)
        report = last.report
        if self._is_first or report.added or report.changed or report.removed or self._machine.store.unfinished:
            yield from self._work(paths, **rules)
        else:
            yield last

    def _by_rules(self, paths: Sequence[Path]) -> list[tuple[list[Path], Mapping[str, Any]]]:
        """What to index together, and how: a path keeps the rules of the root that it is in, of each collection."""
        known = sorted(self._machine.store.roots(), key=lambda root: len(root.path.parts))
        groups: defaultdict[Root, list[Path]] = defaultdict(list)
        for path in paths:
            around = {root.collection: root for root in known if path == root.path or root.path in path.parents}
            is_link = os.path.realpath(path) != os.fspath(path)
            for root in around.values() or [self._rules]:
                if is_link and around:
                    # It became one since. By that name another root would be made: look at all of the collection instead.
                    groups[Root(Path(), root.collection)] = []
                else:
                    groups[replace(root, path=Path())].append(path)
        names = ("collection", "include", "exclude")
        return [(together, {name: getattr(rules, name) for name in names}) for rules, together in groups.items()]
