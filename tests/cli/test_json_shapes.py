"""JSON for scripts: whoever loads it gets the same characters, and a terminal that shows it obeys none of them."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.cli.showing import json_shapes
from ragcli.steps.cleaning import SUSPECT
from ragcli.types import Delta, IndexFinished, IndexReport, Moved, Progressed, Removed, Skipped

ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=40)


@given(text=ANY_TEXT, ascii_only=st.booleans())
def test_the_same_characters_come_back(text: str, ascii_only: bool) -> None:
    line = json_shapes.dump({"text": text, text: 1}, ascii_only=ascii_only)
    assert json.loads(line) == {"text": text, text: 1}
    assert not SUSPECT.search(line)
    assert "\n" not in line
    assert not re.search(r"[\ud800-\udfff]", line)
    assert not ascii_only or line.isascii()


@given(name=st.binary(min_size=1, max_size=30).filter(lambda name: b"\0" not in name))
def test_any_path_can_be_had_back(name: bytes) -> None:
    line = json_shapes.dump({"path": Path(os.fsdecode(b"/" + name))})
    assert Path(os.fsdecode(b"/" + name)) == Path(json.loads(line)["path"])


def test_text_of_all_scripts_stays_readable() -> None:
    assert json_shapes.dump({"text": "日本語 ελληνικά 👍"}) == '{"text": "日本語 ελληνικά 👍"}'


def test_what_is_no_value_of_ours_is_refused() -> None:
    with pytest.raises(TypeError):
        json_shapes.dump({"thing": object()})


def test_events_by_name() -> None:
    assert json_shapes.event_shape(Removed(Path("/a"))) == {"schema": 1, "event": "removed", "path": Path("/a")}
    assert json_shapes.event_shape(Delta("x")) == {"schema": 1, "event": "delta", "text": "x"}
    assert json_shapes.event_shape(Skipped(Path("/a"), "binary"))["reason"] == "binary"
    assert json_shapes.event_shape(Progressed(1, 2, 3, 4, 5))["bytes_total"] == 4
    finished = json_shapes.event_shape(IndexFinished(IndexReport(added=2)))
    assert (finished["event"], finished["added"], finished["moved"], finished["skipped"]) == ("finished", 2, 0, [])
    moved = json_shapes.event_shape(Moved(Path("/b"), Path("/a"), 3))
    assert moved == {"schema": 1, "event": "moved", "path": Path("/b"), "before": Path("/a"), "chunks": 3}
