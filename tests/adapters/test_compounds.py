"""German compounds and their parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.adapters.compounds import parts_in, split_compound


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("mietvertrag", "miet vertrag"),
        ("wasserpumpe", "wasser pumpe"),
        ("heizkostenabrechnung", "heiz kosten abrechnung"),
        ("kündigungsfrist", "kündigungs frist"),
        ("krankenhausaufenthalt", "kranken haus aufenthalt"),
        ("wohnungsübergabeprotokoll", "wohnungs übergabe protokoll"),
        ("volkstanz", "volks tanz"),
        ("straßenbahn", "straßen bahn"),
    ],
)
def test_a_compound_is_cut_where_its_parts_meet(word: str, parts: str) -> None:
    assert split_compound(word) == tuple(parts.split())


@pytest.mark.parametrize(
    "word", ["versicherung", "unternehmen", "gesellschaft", "untergang", "universität", "vertrag", "xqzwvkjh"]
)
def test_other_words_stay_whole(word: str) -> None:
    assert split_compound(word) == (word,)


@given(st.text(st.sampled_from("aeinrstkvwsgmöüß"), max_size=60))
def test_the_parts_of_any_word_are_the_word(word: str) -> None:
    assert "".join(split_compound(word)) == word


def test_only_german_nouns_have_parts_and_each_is_told_once() -> None:
    text = "Der Mietvertrag wird mit dem Kaufvertrag in der Straßenbahn unterschrieben, das ist wunderschön."
    assert parts_in(text) == ("miet", "vertrag", "kauf", "straßen", "bahn")
    assert parts_in("The Mietvertrag is what they call the lease, and it was signed.") == ()
    assert parts_in("Het Mietvertrag is een woord uit Duitsland, dat weet iedereen.") == ()
    assert parts_in("Mietvertrag 2024 4711") == ()


def test_a_query_may_leave_capitals_out() -> None:
    assert parts_in("wann endet der mietvertrag?", nouns_only=False) == ("miet", "vertrag")
    assert parts_in("wann endet der mietvertrag?") == ()
