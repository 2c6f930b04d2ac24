"""Each value of a record is found where it stands, however it is written there, or nowhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.steps.citing import LONGEST_QUOTE
from ragcli.steps.grounding import find_value, ground_record, quote_around, readings_of
from tests.fakes.passages import context_of

INVOICE = "Invoice 2027-118\nWeaver & Sons Ltd.\nDate: 31 May 2027\nTotal due: EUR 1,234.50\nThank you. Pay by 14.06.2027."


@pytest.mark.parametrize(
    ("value", "text", "found"),
    [
        ("Weaver & Sons", "by WEAVER &\nSons Ltd.", "WEAVER &\nSons"),
        (1234.5, "Total 1,234.50 EUR", "1,234.50"),
        (1234.5, "Summe 1.234,50 €", "1.234,50"),
        (1234.5, "1 234,50", "1 234,50"),
        (1234, "1'234", "1'234"),
        (1234, "1.234", "1.234"),
        (-5, "it was −5 degrees", "−5"),
        (5, "9-5", "-5"),
        (0.5, "0.5 %", "0.5"),
        ("2027-05-31", "on 31 May 2027", "31 May 2027"),
        ("2027-05-31", "May 31st, 2027", "May 31st, 2027"),
        ("2027-05-31", "am 31. Mai 2027", "31. Mai 2027"),
        ("2027-03-01", "le 1er mars 2027", "1er mars 2027"),
        ("2027-05-31", "31.05.2027", "31.05.2027"),
        ("2027-05-31", "5/31/2027", "5/31/2027"),
        ("2027-05-31", "2027年5月31日", "2027年5月31日"),
        ("東京", "私は東京に住む", "東京"),
        ("C++", "in C++.", "C++"),
    ],
)
def test_a_value_is_found_as_it_is_written(value: object, text: str, found: str) -> None:
    assert found in [text[slice(*span)] for span in find_value(value, text)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("art", "a party"),
        (12, "112 and 12.5 and 1,2345"),
        (True, "true"),
        (None, "null"),
        ("", "anything"),
        ("2027-05-31", "31 May 2026, 30 May 2027, 31 June 2027"),
        ("2027-02-31", "31 February 2027"),
        (3.0, "version 3.1.4"),
    ],
)
def test_what_does_not_stand_there_is_not_found(value: object, text: str) -> None:
    assert list(find_value(value, text)) == []


def test_each_field_has_its_own_citation_with_exact_lines() -> None:
    context = context_of("Nothing of interest here.", INVOICE)
    data = {
        "vendor": "Weaver & Sons Ltd.",
        "total": 1234.5,
        "date": "2027-05-31",
        "customer": "Ms Vane",
        "note": None,
        "paid": True,
    }
    fields = {each.field: each for each in ground_record(data, context)}
    assert list(fields) == ["/vendor", "/total", "/date", "/customer", "/note", "/paid"]
    assert [each.supported for each in fields.values()] == [True, True, True, False, None, False]
    total = fields["/total"].citation
    assert total
    assert (total.number, total.locator.lines, total.quote) == (2, (5, 5), "Total due: EUR 1,234.50")
    assert all(each.citation.quote in INVOICE for each in fields.values() if each.citation)


def test_of_several_places_the_one_that_speaks_of_the_field_is_cited() -> None:
    context = context_of("The deposit is 900.\nThe rent is 900.", "Room 900.")
    rent, deposit = ground_record({"rent": 900, "deposit": 900}, context)
    assert rent.citation
    assert deposit.citation
    assert (rent.citation.quote, deposit.citation.quote) == ("The rent is 900.", "The deposit is 900.")


def test_values_in_lists_are_found_one_by_one() -> None:
    context = context_of("Parties: Anna Bee and Carl Dee.")
    first, second = ground_record(["Carl Dee", "Eve"], context)
    assert (first.field, first.supported, second.field, second.supported) == ("/0", True, "/1", False)


@given(st.integers(-(10**9), 10**9))
def test_a_number_is_found_in_its_own_digits_grouped_or_not(number: int) -> None:
    for text in (str(number), f"{number:,}", f"{number:,}".replace(",", "."), f"{number:,}".replace(",", " ")):
        assert list(find_value(number, f"x {text} y")), text


@given(st.text("0123456789.,' -", min_size=1, max_size=12))
def test_no_numeral_is_unreadable(text: str) -> None:
    for numeral in [text.strip(".,' ")]:
        if numeral.removeprefix("-").isdigit():
            assert abs(float(numeral)) in {abs(number) for number in readings_of(numeral)}


@given(st.text("ab .\n", max_size=900), st.integers(0, 900), st.integers(1, 200))
def test_a_quote_holds_its_value_and_is_not_long(text: str, start: int, length: int) -> None:
    span = (min(start, len(text)), min(start + length, len(text)))
    first, last = quote_around(text, span)
    assert text[slice(*span)].strip() in text[first:last]
    assert last - first <= max(LONGEST_QUOTE, span[1] - span[0])
