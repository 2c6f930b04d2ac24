"""What an answer names is checked against what the model was shown: no number without a passage, no quote without a place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.steps.citing import (
    LONGEST_QUOTE,
    MARKER,
    MarkerFilter,
    find_citations,
    find_quote,
    may_become_not_found,
    says_not_found,
    settle_markers,
    shift_markers,
)
from ragcli.types import Context, Passage
from tests.fakes.passages import context_of, hit

CONTEXT = context_of(
    "The lease ends on 31 May 2027.\nThe tenant may cancel it in writing to the owner of the house\nwith three months' notice.",
    "Dinner is served at 18:45. Breakfast is served at 7:30.",
    "The house cat is called Parsec.",
)

sentences = st.sampled_from(
    [
        "The lease ends on 31 May 2027",
        "Dinner is at 18:45",
        "The cat is Parsec",
        "Nobody knows 99 things",
        "漢字がある",
        "x [ y",
        "Go on",
    ]
)
markers = st.sampled_from(
    ["", " [1]", "[2]", " [3]", " [9]", "[1, 2]", " [1-3]", " [7; 1]", "[0]", "[1][1]", " [12", "[1234]", "\n[2]"]
)
answers = st.lists(st.tuples(sentences, markers, st.sampled_from([". ", ".\n", " ", "", "? "])), max_size=6).map(
    lambda parts: "".join("".join(part) for part in parts)
)


@st.composite
def cut_streams(draw: st.DrawFn) -> list[str]:
    text = draw(answers)
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=12)) | {0, len(text)})
    return [text[start:end] for start, end in zip(cuts, cuts[1:], strict=False)]


def stream(pieces: list[str], context: Context = CONTEXT) -> str:
    filtered = MarkerFilter(context)
    return "".join([*map(filtered.feed, pieces), filtered.flush()])


@given(cut_streams())
def test_a_stream_shows_what_the_whole_text_would_whatever_its_pieces(pieces: list[str]) -> None:
    assert stream(pieces) == settle_markers("".join(pieces).rstrip(), CONTEXT)


@given(answers)
def test_every_marker_left_names_one_passage_that_exists(text: str) -> None:
    settled = settle_markers(text, CONTEXT)
    assert all(marker in ("1", "2", "3") for marker in MARKER.findall(settled))


@given(answers)
def test_without_passages_no_marker_is_left(text: str) -> None:
    assert not MARKER.search(settle_markers(text, context_of()))


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("It ends on 31 May 2027 [1].", "It ends on 31 May 2027 [1]."),
        ("It ends on 31 May 2027 [1, 9].", "It ends on 31 May 2027 [1]."),
        ("It ends on 31 May 2027 [9].", "It ends on 31 May 2027."),
        ("It ends on 31 May 2027 [1, 3].", "It ends on 31 May 2027 [1][3]."),
        ("It ends on 31 May 2027 [1][3].", "It ends on 31 May 2027 [1][3]."),
        ("It ends on 31 May 2027 [1] [1].", "It ends on 31 May 2027 [1]."),
        ("Nobody knows [1-3].", "Nobody knows [1][2][3]."),
        ("Nobody knows [1] [9] yet.", "Nobody knows [1] yet."),
        ("A list [a] and an index[12] stay [1].", "A list [a] and an index stay [1]."),
    ],
)
def test_a_marker_is_reduced_to_what_exists(said: str, shown: str) -> None:
    assert settle_markers(said, CONTEXT) == shown


def test_a_marker_that_names_the_wrong_passage_is_set_right_if_another_one_says_it() -> None:
    assert settle_markers("Dinner is served at 18:45 [1].", CONTEXT) == "Dinner is served at 18:45 [2]."
    assert settle_markers("Supper comes late [1].", CONTEXT) == "Supper comes late [1]."


@given(answers)
def test_every_citation_names_a_passage_and_quotes_it_at_its_lines(text: str) -> None:
    file = "\n".join(passage.text for passage in CONTEXT.passages).split("\n")
    citations = find_citations(settle_markers(text, CONTEXT), CONTEXT)
    assert len({each.number for each in citations}) == len(citations)
    for each in citations:
        passage = CONTEXT.passages[each.number - 1]
        assert each.quote
        assert each.quote in passage.text
        assert each.locator.lines is not None
        first, last = each.locator.lines
        assert each.quote in "\n".join(file[first - 1 : last])
        assert last - first == each.quote.count("\n")


def test_the_quote_is_the_sentence_that_says_it_with_its_own_lines() -> None:
    cited = {each.number: each for each in find_citations("Cancel it with three months' notice [1]. Dinner: 18:45 [2].", CONTEXT)}
    assert cited[1].quote == "The tenant may cancel it in writing to the owner of the house\nwith three months' notice."
    assert cited[1].locator.lines == (2, 3)
    assert cited[2].quote == "Dinner is served at 18:45."
    assert cited[2].locator.lines == (4, 4)
    assert cited[1].supported
    assert cited[2].supported


def test_a_quote_from_a_passage_that_begins_within_its_chunk_has_its_own_lines_too() -> None:
    page = "The hall is red.\nIt was built long ago.\nThe tank holds 900 litres."
    whole = hit(page, line=7)
    part = Passage(1, whole, "It was built long ago.\nThe tank holds 900 litres.", start=page.index("It was"))
    (only,) = find_citations("It holds 900 litres [1].", Context((part,), (), 0))
    assert only.quote == "The tank holds 900 litres."
    assert only.locator.lines == (9, 9)


def test_a_marker_behind_the_full_stop_belongs_to_the_sentence_before() -> None:
    (only,) = find_citations("The cat is called Parsec. [3]", CONTEXT)
    assert (only.number, only.supported) == (3, True)


def test_a_number_that_the_passage_does_not_hold_is_not_supported() -> None:
    (wrong,) = find_citations("The lease ends on 31 May 2031 [1].", CONTEXT)
    assert not wrong.supported


def test_an_answer_without_markers_is_given_the_passage_that_supports_it() -> None:
    assert [each.number for each in find_citations("The house cat is called Parsec.", CONTEXT)] == [3]
    assert find_citations("Elephants sing beautifully.", CONTEXT) == ()


def test_of_two_passages_with_the_same_words_the_one_that_says_it_word_for_word_is_cited() -> None:
    context = context_of("Released in Japan: 2015, on April 29. It came out.", "It was released on April 29, 2015.")
    (citation,) = find_citations("April 29, 2015", context, "When did it come out, released in Japan?")
    assert citation.number == 2


def test_a_passage_of_a_page_is_cited_by_its_page() -> None:
    text = "The tax is 19 percent."
    context = Context((Passage(1, hit(text, line=None), text),), (), 0)
    (only,) = find_citations("The tax is 19 percent [1].", context)
    assert (only.locator.page, only.locator.lines) == (1, None)


@given(st.text(st.sampled_from("ab .\n"), max_size=2000), st.text(st.sampled_from("ab "), max_size=20))
def test_a_quote_is_a_span_of_the_text_and_no_longer_than_a_glance(text: str, statement: str) -> None:
    span = find_quote(statement, text)
    if span is not None:
        assert 0 <= span[0] < span[1] <= len(text)
        assert span[1] - span[0] <= LONGEST_QUOTE
        assert text[slice(*span)].strip() == text[slice(*span)]


@pytest.mark.parametrize(
    "said",
    [
        "NOT IN FILES",
        "Not in files.",
        ' "NOT IN FILES" ',
        "**NOT IN FILES**",
        "NOT IN FILES [2]",
        "",
        "[1]",
        "The passages do not mention the price.",
        "The provided text doesn't say.",
        "The price is not mentioned in the documents.",
        "There is no information about the price in the passages.",
        "Das steht nicht in den Dateien.",
        "Ce n'est pas dans les fichiers.",
        "Eso no está en los archivos.",
        "文件中没有提到价格。",
        "その価格は記載されていません。",
    ],
)
def test_a_denial_is_told_in_several_languages(said: str) -> None:
    assert says_not_found(said)


@pytest.mark.parametrize(
    "said",
    [
        "No",
        "No, the lease ends in May [1].",
        "Notice is due three months before [1].",
        "The cache is not in the filesystem but in memory [1].",
        "Log files do not contain personal data [1].",
        "Socks are not included in the textile rate [1].",
        "Das Abendessen ist nicht im Preis enthalten [2].",
        "The tax is not mentioned in the document. It is set by law. The rate is 19 percent [1].",
    ],
)
def test_an_answer_that_holds_a_no_is_an_answer(said: str) -> None:
    assert not says_not_found(said)


@given(st.integers(0, 12))
def test_the_agreed_words_are_held_back_from_their_first_letter(length: int) -> None:
    assert may_become_not_found(f' "{"NOT IN FILES"[:length]}')
    assert not may_become_not_found("NOT IN FILES"[:length] + "x" if length < 12 else "It")


@pytest.mark.parametrize("said", ["[", "[1", "[1]", " [1, 2] ", "[1] NOT IN"])
def test_a_marker_alone_is_not_shown_yet(said: str) -> None:
    assert may_become_not_found(said)
    assert not may_become_not_found(f"{said} 45 minutes" if "NOT" not in said else "[1] 45 minutes")


def test_markers_can_name_passages_further_on() -> None:
    assert shift_markers("It is 64 [1], paid in 2025 [2, 3].", 4) == "It is 64 [5], paid in 2025 [6, 7]."
    assert shift_markers("Nothing of [that] 1.", 4) == "Nothing of [that] 1."
