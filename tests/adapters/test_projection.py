"""Vectors become places: near ones near each other, the same each time, none outside the map."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ragcli.adapters.projection import centres, project

groups = st.dictionaries(
    st.text(max_size=3), st.lists(st.lists(st.floats(-1, 1), min_size=8, max_size=8), max_size=3), max_size=9
)


@given(groups)
def test_every_group_with_vectors_has_one_place_on_the_map(vectors: dict[str, list[list[float]]]) -> None:
    places = project(centres(vectors))
    assert set(places) == {name for name, group in vectors.items() if group}
    assert all(0 <= x <= 1 and 0 <= y <= 1 for x, y in places.values())
    assert places == project(centres(vectors))


def test_two_topics_are_two_clouds() -> None:
    chance = np.random.default_rng(0)
    topics = {
        f"{name}{number}": axis + chance.normal(0, 0.05, 16)
        for name, axis in zip("ab", np.eye(16), strict=False)
        for number in range(20)
    }
    places = project(topics)
    left = {name for name, (x, _) in places.items() if x < 0.5}
    assert left in ({name for name in topics if name[0] == "a"}, {name for name in topics if name[0] == "b"})


def test_one_file_is_in_the_middle_and_none_is_no_map() -> None:
    assert project({"only": np.ones(4)}) == {"only": (0.5, 0.5)}
    assert project({}) == {}
