"""The part of an assistant that looks at files as a whole: what indexing some would meet, and what the index holds, as a map."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from ragcli.config import Config
from ragcli.machine import Machine, resolve
from ragcli.steps.overviewing import Overview, choose_for_map, make_overview
from ragcli.steps.previewing import guess_speed, preview_files
from ragcli.types import Preview, Root

BATCH = 64
"""Files whose vectors are read together: a batch is all that is held of them."""


class MapMaker:
    config: Config
    machine: Machine

    def preview(self, paths: Sequence[Path]) -> Preview:
        """What indexing the paths would meet, by names and sizes. Needs no model. Raises SourceError ``path-missing``."""
        from ragcli.adapters.readers.table import format_of

        walked = self.machine.walker.walk([Root(resolve(path), self.config.index.collection) for path in paths])
        speed = guess_speed(self.config.index.threads or os.cpu_count() or 1)
        return preview_files(walked, lambda path: format_of(path.name), characters_per_second=speed)

    def overview(self) -> Overview:
        """The index at a glance, with a place on a map for each file. Needs no model."""
        from ragcli.adapters.projection import centres, project

        store = self.machine.store
        sources, means = list(store.sources().values()), {}
        chosen = choose_for_map(sources)
        for start in range(0, len(chosen), BATCH):
            found = store.embedded_chunks([source.id for source in chosen[start : start + BATCH]])
            means |= centres({each: [chunk.vector for chunk in chunks] for each, chunks in found.items()})
        return make_overview(sources, store.stats(), store.roots(), project(means), time.time())
