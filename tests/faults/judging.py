"""What must be true of an index after whatever was done to its writer."""

from __future__ import annotations

from pathlib import Path

from ragcli.adapters.lance_files import table_folders
from ragcli.adapters.store import LanceStore
from ragcli.types import Scope
from tests.fakes.indexed import source_id, unit
from tests.faults.victims import Outcome
from tests.faults.work import GONE, NOTES, PARTS, SAYS, Work, opened, put

NAMES = ("a", "b", "c", "d")


def judge(folder: Path, work: Work, outcome: Outcome) -> None:
    """The index opens without anybody's help, every document is whole-old or whole-new, and as promised where one was made.

    The next write works, and leaves an index in which not a byte is wrong.
    """
    found = None if work.begins_broken and not outcome.promises else look(folder)
    put(folder, {"next": 9})
    again = look(folder)
    assert again["next"] == 9
    for name in NAMES:
        allowed = work.allows(name, outcome.promises.get(name))
        assert again[name] in allowed, f"{name} is of generation {again[name]}, not of {allowed}"
        assert found is None or again[name] == found[name], f"the next write changed {name}"
    with opened(folder) as store:
        wrong = [f"{finding.name}: {finding.message}" for finding in store.check(read_data=True) if finding.level != "ok"]
    assert not wrong, wrong
    assert len(table_folders(folder)) == 1, "a table was left over"


def look(folder: Path) -> dict[str, int]:
    """The generation of each document, from a handle of its own. Every way of asking gives the same."""
    with opened(folder) as store:
        if store.identity() is None:
            return dict.fromkeys((*NAMES, "next"), GONE)
        listed = {source.path.name for source in store.sources().values()}
        every = [entry.chunk.text for entry in store.search_words("common", limit=99, scope=Scope()).entries]
        near = [entry.chunk.text for entry in store.search_meaning(unit(1), limit=99, scope=Scope()).entries]
        assert sorted(every) == sorted(near), "the searches disagree"
        found = {name: generation_of(store, name) for name in (*NAMES, "next")}
        assert {name for name, generation in found.items() if generation != GONE} == listed
        assert len(every) == PARTS * len(listed)
        assert store.damaged == 0, f"{store.damaged} chunks are not as they were written"
        return found


def generation_of(store: LanceStore, name: str) -> int:
    matches = [SAYS.fullmatch(chunk.text) for chunk in store.chunks_of(source_id(NOTES / name))]
    if not matches:
        return GONE
    assert [match and (match[1], int(match[3])) for match in matches] == [(name, part) for part in range(PARTS)], "it is torn"
    generations = {int(match[2]) for match in matches if match}
    assert len(generations) == 1, f"a mixture of generations {generations}"
    return generations.pop()
