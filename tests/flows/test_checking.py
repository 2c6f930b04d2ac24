"""Each finding says what is so and, where it is bad, what to type."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ragcli.flows import checking
from ragcli.flows.checking import FolderState, Terminal, check_machine, look_at_folder
from ragcli.types import Finding, IndexIdentity, InstalledModel, SealState, StoreStats

SEALED = SealState("seccomp", "Seccomp: 2")
OPEN = SealState("none", "there is no seal for win32")
FOLDER = FolderState(Path("/home/ada/.local/share/ragcli"), 0o700, True, 50 * 1024**3, True)
EMBEDDER = InstalledModel("all-minilm-l6-v2", "embedder", Path("/m/e"), "sentence-transformers", 90_000_000, "wheel", {})
LLM = InstalledModel("smollm2-135m", "llm", Path("/m/l"), "gguf", 98_000_000, "wheel", {})
IDENTITY = IndexIdentity("all-minilm-l6-v2", "d", 384, ("", ""), "c", 1)
STATS = StoreStats(12, 340, 0, 1_500_000, 1, IDENTITY)


def examine(**changes: Any) -> dict[str, Finding]:
    """The findings by name for a machine where all is well, but for the changes."""
    healthy: dict[str, Any] = {
        "seal": SEALED,
        "airgap": "auto",
        "models": [EMBEDDER, LLM],
        "embedder": "all-minilm-l6-v2",
        "llm": "auto",
        "engines": {"llamacpp": "", "mlx": "not installed"},
        "stats": STATS,
        "folder": FOLDER,
        "terminal": Terminal(True, "utf-8"),
    }
    findings = list(check_machine(**(healthy | changes)))
    assert len({finding.name for finding in findings}) == len(findings)
    return {finding.name: finding for finding in findings}


def test_a_healthy_machine_has_no_complaints() -> None:
    findings = examine()
    assert {finding.level for finding in findings.values()} == {"ok"}
    assert findings["language model"].message == "smollm2-135m (98 MB)"
    assert findings["index"].message == "12 sources, 340 chunks, 2 MB"


@pytest.mark.parametrize(
    ("name", "level", "hint", "changes"),
    [
        ("python", "error", "3.11", {"python": (3, 10, 4)}),
        ("network", "warning", "--offline-proof", {"seal": OPEN}),
        ("network", "error", "--offline-proof", {"seal": OPEN, "airgap": "require"}),
        ("embedder", "error", "ragcli models pull all-minilm-l6-v2", {"models": [LLM]}),
        ("language model", "error", "ragcli models list", {"models": [EMBEDDER]}),
        ("language model", "error", "ragcli models pull qwen", {"llm": "qwen"}),
        ("engine", "error", "pip install", {"engines": {"llamacpp": "it does not load"}}),
        ("engine", "error", "pip install", {"engines": {}}),
        ("index", "warning", "ragcli index", {"stats": None}),
        ("index", "warning", "ragcli index", {"stats": StoreStats(0, 0, 0, 0, None, None)}),
        ("index", "error", "models.embedder old", {"stats": replace(STATS, identity=replace(IDENTITY, embedder="old"))}),
        ("privacy", "error", "chmod 700", {"folder": replace(FOLDER, mode=0o750)}),
        ("privacy", "error", "RAGCLI_HOME", {"folder": replace(FOLDER, mine=False)}),
        ("sync", "error", "RAGCLI_HOME", {"folder": replace(FOLDER, path=Path("/home/ada/Dropbox/ragcli"))}),
        ("disk", "warning", "RAGCLI_HOME", {"folder": replace(FOLDER, free_bytes=10**8)}),
        ("file system", "error", "RAGCLI_HOME", {"folder": replace(FOLDER, hard_links=False)}),
        ("terminal", "warning", "LC_ALL", {"terminal": Terminal(True, "ascii")}),
    ],
)
def test_one_thing_amiss_gives_one_complaint_with_what_to_do(name: str, level: str, hint: str, changes: dict) -> None:
    findings = examine(**changes)
    assert findings[name].level == level
    assert hint in findings[name].hint
    assert [other.name for other in findings.values() if other.level != "ok"] == [name]


def test_scans_that_were_skipped_say_what_reads_them() -> None:
    stats = replace(STATS, skipped=3, reasons={"no_text_layer": 2, "encrypted": 1})
    finding = examine(stats=stats, recognizes_scans=False)["scans"]
    assert (finding.level, finding.message.split()[0]) == ("warning", "2")
    assert "[ocr]" in finding.hint
    assert "scans" not in examine(stats=stats, recognizes_scans=True)
    assert "scans" not in examine(recognizes_scans=False)


def test_a_fresh_machine_has_nothing_to_hide_yet() -> None:
    findings = examine(folder=replace(FOLDER, mode=None, hard_links=None), terminal=Terminal(False, ""))
    assert {finding.level for finding in findings.values()} == {"ok"}


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/Users/ada/Library/Mobile Documents/com~apple~CloudDocs/r", "iCloud"),
        ("/Users/ada/Library/CloudStorage/Box/r", "a cloud drive"),
        ("/home/ada/OneDrive - Analytical Engines/r", "OneDrive"),
        ("/home/ada/Dropbox (Personal)/r", "Dropbox"),
        ("/home/ada/Nextcloud/r", "Nextcloud"),
        ("/home/ada/synced/r", ""),
        ("/home/ada/.local/share/ragcli", ""),
    ],
)
def test_sync_folders_are_known_by_name(path: str, service: str) -> None:
    assert checking.synced_by(Path(path)) == service


def test_looking_at_a_folder_leaves_no_trace(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    state = look_at_folder(tmp_path)
    assert (state.mode, state.mine, state.hard_links) == (0o750, True, True)
    assert state.free_bytes > 0
    assert not list(tmp_path.iterdir())


def test_looking_at_a_folder_that_is_not_there_makes_none(tmp_path: Path) -> None:
    state = look_at_folder(tmp_path / "a" / "b")
    assert (state.mode, state.hard_links) == (None, None)
    assert state.free_bytes > 0
    assert not (tmp_path / "a").exists()


def test_a_file_system_without_hard_links_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    assert look_at_folder(tmp_path).hard_links is False
    assert not list(tmp_path.iterdir())


GIB = 1 << 30


@pytest.mark.parametrize(
    ("memory", "needed", "level"),
    [
        (None, 5 * GIB, "ok"),
        (checking.MemoryState(8 * GIB, 4 * GIB), 0, "ok"),
        (checking.MemoryState(8 * GIB, 4 * GIB), 4 * GIB, "ok"),
        (checking.MemoryState(8 * GIB, 4 * GIB), 5 * GIB, "warning"),
        (checking.MemoryState(8 * GIB, 4 * GIB), 9 * GIB, "error"),
    ],
)
def test_memory_is_compared_with_what_the_model_needs(memory: checking.MemoryState | None, needed: int, level: str) -> None:
    finding = checking.check_memory(memory, needed)
    assert finding.level == level
    assert bool(finding.hint) == (level != "ok")


def test_this_machine_has_memory() -> None:
    memory = checking.look_at_memory()
    assert memory is not None
    assert 0 < memory.available <= memory.total
