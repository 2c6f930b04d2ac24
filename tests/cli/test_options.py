"""Texts of options as values."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.cli.options import parse_since, scope_of
from ragcli.errors import UsageError
from ragcli.types import Scope

NOW = datetime(2026, 3, 15, 12, 30).timestamp()


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31", datetime(2026, 1, 31)),
        ("2026-01-31T08:15", datetime(2026, 1, 31, 8, 15)),
        ("today", datetime(2026, 3, 15)),
        ("Yesterday", datetime(2026, 3, 14)),
        (" 7d ", datetime(2026, 3, 8, 12, 30)),
        ("2w", datetime(2026, 3, 1, 12, 30)),
    ],
)
def test_since(text: str, moment: datetime) -> None:
    assert parse_since(text, NOW) == int(moment.timestamp()) * 1_000_000_000


@pytest.mark.parametrize("text", ["", "soon", "31.1.2026", "2026-13-01", "d", "-7d", "9999999999y", "7"])
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_since(text, NOW)
    assert caught.value.slug == "bad-argument"


@given(text=st.text(max_size=12))
def test_any_text_is_a_date_or_an_error_of_ours(text: str) -> None:
    try:
        assert isinstance(parse_since(text, NOW), int)
    except UsageError:
        return


def test_types_may_be_written_in_many_ways() -> None:
    assert scope_of(None, None, [".PDF, md", "txt", ""], None) == Scope(types=("pdf", "md", "txt"))


def test_scope() -> None:
    assert scope_of("work", ["*/a/*"], None, None) == Scope("work", ("*/a/*",))
    assert scope_of(None, None, None, "2026-01-31").since_ns is not None
