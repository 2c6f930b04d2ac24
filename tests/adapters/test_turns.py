"""A conversation on disk: small, private, and over after half a day."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ragcli.adapters.turns import LIFETIME_SECONDS, LONGEST_TEXT, MOST_TURNS, TurnFile
from ragcli.types import Turn


def test_turns_are_read_back_oldest_first_and_the_oldest_go(tmp_path: Path) -> None:
    turns = [Turn(f"question {number}", f"alone {number}", f"answer {number}") for number in range(MOST_TURNS + 2)]
    for turn in turns:
        TurnFile(tmp_path / "talk.json").add(turn)
    assert TurnFile(tmp_path / "talk.json").read() == tuple(turns[2:])


def test_texts_are_cut(tmp_path: Path) -> None:
    TurnFile(tmp_path / "talk.json").add(Turn("q" * 10_000, "s", "a" * 10_000))
    (kept,) = TurnFile(tmp_path / "talk.json").read()
    assert (len(kept.question), len(kept.answer)) == (LONGEST_TEXT, LONGEST_TEXT)


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        TurnFile(tmp_path / "home" / "talk.json").add(Turn("q", "s", "a"))
    finally:
        os.umask(before)
    assert (tmp_path / "home" / "talk.json").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in (tmp_path / "home").glob("*talk*")] == ["talk.json"]


def test_yesterdays_conversation_is_over_and_gone(tmp_path: Path) -> None:
    now = [1000.0]
    talk = TurnFile(tmp_path / "talk.json", clock=lambda: now[0])
    talk.add(Turn("q", "s", "a"))
    now[0] += LIFETIME_SECONDS
    assert talk.read()
    now[0] += 1
    assert talk.read() == ()
    assert not (tmp_path / "talk.json").exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"turns": 3}', b"\xff", b'{"said": 1, "turns": [{}]}'])
def test_a_damaged_file_holds_no_conversation(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "talk.json").write_bytes(content)
    assert TurnFile(tmp_path / "talk.json").read() == ()
    assert not (tmp_path / "talk.json").exists()


def test_clearing_leaves_nothing(tmp_path: Path) -> None:
    talk = TurnFile(tmp_path / "talk.json")
    talk.add(Turn("q", "s", "a"))
    talk.clear()
    talk.clear()
    assert talk.read() == ()
