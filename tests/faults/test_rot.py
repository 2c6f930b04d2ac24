"""Every flipped bit is reported by ``check --read-data``, and nothing that has changed is ever shown."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

from ragcli.errors import StoreError
from ragcli.types import Scope
from tests.fakes.indexed import unit, update
from tests.faults.tally import settle, sized
from tests.faults.work import NOTES, document, opened, writing

FLIPS = sized(100, 400)
MUTABLE = ("writer.lock", ".txn", "latest_version_hint.json", "ledger.checksum")
"""What the index does not stand on: it may be gone, or full of anything."""


def test_every_flipped_bit_is_reported_and_no_changed_chunk_is_shown(tmp_path):
    folder = tmp_path / "index"
    names = [f"n{number}" for number in range(12)]
    with writing(folder) as store:
        store.replace([*(document(name, 1) for name in names), update(NOTES / "long", ["lorem " * 900])])
        store.finish()
    original = shown(folder)
    assert len(original) > len(names)
    whole = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.endswith(MUTABLE)}
    whole = {path: content for path, content in whole.items() if path.name != "CACHEDIR.TAG"}  # for backup programs alone
    chance = random.Random(11)
    failures = []
    for number in range(FLIPS):
        target = chance.choice(list(whole))
        target.write_bytes(flipped(whole[target], chance))
        if is_whole(folder):
            failures.append(f"flip {number} in {target.relative_to(folder)} was not reported")
        if not shown(folder) <= original:
            failures.append(f"flip {number} in {target.relative_to(folder)}: a changed chunk was shown")
        target.write_bytes(whole[target])
    assert is_whole(folder)
    settle("flipped bits", FLIPS, floor=FLIPS, failures=failures)


def flipped(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def is_whole(folder: Path) -> bool:
    with opened(folder) as store:
        return all(finding.level == "ok" for finding in store.check(read_data=True))


def shown(folder: Path) -> set[str]:
    found: set[str] = set()
    with opened(folder) as store:
        for search in (
            lambda: store.search_words("common lorem", limit=50, scope=Scope()),
            lambda: store.search_meaning(unit(1), limit=50, scope=Scope()),
        ):
            with suppress(StoreError):
                found |= {entry.chunk.text for entry in search().entries}
    return found
