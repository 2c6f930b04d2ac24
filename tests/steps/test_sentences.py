"""Sentences and telling words, in any language."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.steps.sentences import LOOP_TURNS, SHORTEST_LOOP, WORD, find_loop, split_sentences, split_windows, words_of

texts = st.text(max_size=200) | st.text(st.sampled_from("ab .!?\n。」\"'C"), max_size=200)


@given(texts)
def test_sentences_are_spans_in_order_that_leave_out_only_white_space(text: str) -> None:
    position = 0
    for start, end in split_sentences(text):
        assert position <= start < end
        assert not text[position:start].strip()
        assert text[start:end] == text[start:end].strip()
        position = end
    assert not text[position:].strip()


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It ends. It began.", ["It ends.", "It began."]),
        (
            "Dr. Meier pays 3.50 EUR, e.g. in cash. Nobody else does!",
            ["Dr. Meier pays 3.50 EUR, e.g. in cash.", "Nobody else does!"],
        ),
        ("Er zahlt z.B. bar, vgl. Seite 3. Sonst niemand.", ["Er zahlt z.B. bar, vgl. Seite 3.", "Sonst niemand."]),
        ("Er endet am 31. August 2026. Im 19. Jahrhundert nicht.", ["Er endet am 31. August 2026.", "Im 19. Jahrhundert nicht."]),
        ("She was 42. August was hot in 2026. He left.", ["She was 42.", "August was hot in 2026.", "He left."]),
        ("租约于五月结束。可以提前取消。", ["租约于五月结束。", "可以提前取消。"]),
        ("「終わりですか？」はい。", ["「終わりですか？」", "はい。"]),
        ("彼は「はい。行きます。」と言った。次。", ["彼は「はい。行きます。」と言った。", "次。"]),
        ("书中写道：“唵！自在居住于一切中。”后来失传。", ["书中写道：“唵！自在居住于一切中。”", "后来失传。"]),
        ("他说：“好。然后走了。" + "再见。" * 40 + "”", ["他说：“好。", "然后走了。", *["再见。"] * 39, "再见。”"]),
        ("- one\n- two", ["- one", "- two"]),
        ("1. Open it.\n2. Close it. Go.", ["1. Open it.", "2. Close it.", "Go."]),
        ("## 8.1. Water\nIt is cold.", ["## 8.1. Water", "It is cold."]),
        ("It ran at 55 km/h. Then J. Keller stopped.", ["It ran at 55 km/h.", "Then J. Keller stopped."]),
        ("He asked “Why?” and left.", ["He asked “Why?”", "and left."]),
    ],
)
def test_where_sentences_end(text: str, sentences: list[str]) -> None:
    assert [text[start:end] for start, end in split_sentences(text)] == sentences


def test_a_wrapped_line_goes_on_and_an_empty_line_ends() -> None:
    wrapped = "A line of a letter that was wrapped at some column by an\neditor goes on.\n\nNext"
    assert [wrapped[start:end] for start, end in split_sentences(wrapped)] == [wrapped[:-6], "Next"]


@pytest.mark.parametrize(
    "sentence",
    [
        "The last words of a line may begin a sentence. He wrote\nthe condition himself, and so it is copied here.",
        "The tap stands behind the house and nobody but Ulla and\nSolène may ever turn it off.",
        "Die Heizung wird in jedem Jahr zum ersten Mal geprüft am\n3. Oktober, sagt der Vertrag.",
        "In jedem Jahr wird vor dem ersten Frost im Keller der große\nWassertank geleert.",
    ],
)
def test_a_line_is_wrapped_where_the_next_word_had_no_room(sentence: str) -> None:
    said = [sentence[start:end] for start, end in split_sentences(sentence)]
    assert any("\n" in each for each in said)


@pytest.mark.parametrize(
    "lines",
    [
        ["1. The dome must be closed when gusts reach 55 km/h.", "2. It must be closed when it rains."],
        ["Customer, Address and the Date of the last Order received", "Miller"],
        ["INV-0452,2025-11-10,Elektro Brandl,encoder cable,64.00,paid", "INV-0471,2025-11-20,Gaz Vellanne,cylinders,386.00,open"],
        [
            "The roof over the stairs was mended in the middle of May",
            "Heating costs were far more than in all of the years before that",
        ],
    ],
)
def test_lines_that_leave_room_or_are_no_prose_stand_alone(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert [text[start:end] for start, end in split_sentences(text)] == lines


@given(texts)
def test_words_are_never_empty(text: str) -> None:
    assert all(words_of(text))
    assert words_of(text) == words_of(text.lower())


def test_words_are_what_tells_texts_apart() -> None:
    assert words_of("The leases end on 31.05.2027") == {"lease", "end", "31.05.2027"}
    assert words_of("租约2027年") == set("租约2027年")
    assert words_of("ssss") == {"sss"}
    assert words_of("8,Neptune,1034,v3.8.2") == {"8", "neptune", "1034", "v3.8.2"}
    assert words_of("it is not in the") == frozenset()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (
            "The tank holds 1,000 litres of water." + " It is 1,000 litres." * 4,
            "The tank holds 1,000 litres of water. It is 1,000 litres.",
        ),
        ("水は千リットルです。" * 3, "水は千リットルです。"),
    ],
)
def test_a_text_that_says_the_same_again_and_again_loops_from_its_second_turn_on(text: str, kept: str) -> None:
    loop = find_loop(text)
    assert loop is not None
    assert text[:loop].strip() == kept


@pytest.mark.parametrize(
    "text", ["", "Yes, yes, yes.", "Twice is emphasis. Twice is emphasis.", "-" * 80, "1. one\n2. two\n3. three\n"]
)
def test_emphasis_rulers_and_lists_are_no_loop(text: str) -> None:
    assert find_loop(text) is None


@given(st.text(max_size=60), st.text(min_size=SHORTEST_LOOP, max_size=60), st.integers(LOOP_TURNS, 6))
def test_a_loop_is_found_whatever_stands_before_it(before: str, turn: str, turns: int) -> None:
    loop = find_loop(before + turn * turns)
    if WORD.search(turn):
        assert loop is not None
        assert loop <= len(before) + len(turn) + 1, "the mark that ends a sentence may be the next turn's first"


PRICES = "| Room | Price |\n| --- | --- |\n| Lyra | 40 |\n| Vega | 45 |\n| Deneb | 50 |\n| Rigel | 60 |"


def windows_of(text: str, longest: int, least: int = 0) -> dict[str, str]:
    """Each sentence, and what stands around it."""
    return {text[slice(*span)]: text[slice(*around)] for span, around in split_windows(text, longest, least)}


def test_a_sentence_has_its_neighbours_around_it() -> None:
    assert windows_of("One. Two. Three. Four.", 100) == {
        "One.": "One. Two.",
        "Two.": "One. Two. Three.",
        "Three.": "Two. Three. Four.",
        "Four.": "Three. Four.",
    }


def test_lines_of_a_table_have_more_of_them_around() -> None:
    assert windows_of(PRICES, 200)["| Deneb | 50 |"] == "| Vega | 45 |\n| Deneb | 50 |\n| Rigel | 60 |"
    assert windows_of(PRICES, 200, 200)["| Deneb | 50 |"] == PRICES


def test_a_finished_sentence_needs_no_more_around_it() -> None:
    text = "A tank, if they agree\n\nA fan\n\nIt costs 900 euros. Promise no date. The rest is open. Nobody knows."
    assert (
        windows_of(text, 200, 200)["It costs 900 euros."]
        == "A tank, if they agree\n\nA fan\n\nIt costs 900 euros. Promise no date."
    )


@given(texts, st.integers(1, 120), st.integers(0, 120))
def test_what_stands_around_a_sentence_is_no_longer_than_wished(text: str, longest: int, least: int) -> None:
    for (start, end), (first, last) in split_windows(text, longest, least):
        assert first <= start <= last <= len(text)
        assert last - first <= longest
        assert last >= min(end, first + longest)
