"""Nothing foreign commands a terminal, nothing is hidden, and what was clean stays as it was."""

from __future__ import annotations

import os
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ragcli.steps.cleaning import StreamCleaner, clean, clean_line

# fmt: off
ATTACKS = [
    "\x1b]0;title\x07", "\x1b]2;title\x1b\\", "\x1b]4;1;rgb:0/0/0\x07", "\x1b]7;file://host/\x07",
    "\x1b]8;;http://x/\x1b\\click", "\x1b]9;note\x07", "\x1b]10;?\x07", "\x1b]50;font\x07", "\x1b]52;c;aGk=\x07",
    "\x1b]133;A\x07", "\x1b]633;A\x07", "\x1b]777;x\x07", "\x1b]1337;File=inline=1:AA==\x07", "\x1b[2J\x1b[3J", "\x1b[5n",
    "\x1b[6n", "\x1b[c", "\x1b[?1049h", "\x1b[?1000h", "\x1b[?1006h", "\x1b[8mhidden\x1b[0m", "\x1b[30;40mdark",
    "\x1b[31mred", "\x1bP$qm\x1b\\", "\x1bP+q544e\x1b\\", "\x1bPtmux;\x1b\x1b]52;c;eA==\x07\x1b\\",
    "\x1bPq#0;2;0;0;0\x1b\\", "\x1b_Ga=T;AAAA\x1b\\", "\x1b^private\x1b\\", "\x1bXstring\x1b\\", "\x1bc", "\x1b7\x1b8",
    "\x1b(0", "\x9b31m", "\x9b6n", "\x9d52;c;eA==\x9c", "\x90$qm\x9c", "\x9fG\x9c", "\x9ep\x9c", "\x98s\x9c", "\x85",
    "\x7f\x7f", "\x08\x08\x08", "a\rb", "\x00", "\x07", "\x0b", "\x0c", "\x0e\x0f", "\u202egpj.exe", "\u2066\u2069",
    "\u200f", "\u061c", "\u2028", "\ufff9a\ufffab\ufffb", "\U000e0041\U000e0042", "x\ufe00\ufe01\ufe02",
    "\u200b\u200c\u200d\u2060", "\u3164\u3164", "\u206e", "\udc9b31m", "\ud83d\ude00",
]
CLEAN = [
    "plain text\n\twith a tab", "naïve café", "Жизнь", "日本語", "한국어", "עברית", "العربية", "हिन्दी", "தமிழ்", "ไทย", "မြန်မာ",
    "می\u200cخواهم", "क्\u200dष", "👩\u200d👩\u200d👧", "❤\ufe0f\u200d🔥", "🏳\ufe0f\u200d🌈", "1\ufe0f\u20e3", "👍🏽", "🇩🇪",
    "葛\U000e0100城", "soft\u00adhyphen", "∑∫≠ℝ", "\ue0b0 private use", "‹U+202E›", "␛[31m", "a\\xffb", "combining e\u0301",
]
# fmt: on
CHARACTERS = st.one_of(
    st.characters(),
    st.integers(0xD800, 0xDFFF).map(chr),
    st.sampled_from(
        "\x00\x07\b\t\n\r\x0c\x1b\x7f\x85\x9b\x9d\u00ad\u200b\u200d\u200e\u202e\u2066\u2060\ufe0f\ufeff\U000e0041\U000e0101[;m\\"
    ),
)
TEXTS = st.lists(CHARACTERS, max_size=40).map("".join)


def forbidden_in(text: str) -> list[str]:
    """Said anew and not by the code under test: by Unicode category, and by the names of what steers direction."""
    bidirectional = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
    found = [c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") and c not in "\n\t"]
    found += [c for c in text if unicodedata.bidirectional(c) in bidirectional or c in "\u200e\u200f\u061c"]
    return found + [c for c in text if 0xE0000 <= ord(c) <= 0xE007F]


def invisible(character: str) -> bool:
    name = unicodedata.name(character, "")
    # Format characters that print: signs that span Arabic numbers, Kaithi numbers and hieroglyphs.
    prints = any(script in name for script in ("ARABIC", "SYRIAC", "KAITHI", "HIEROGLYPH"))
    named = "VARIATION SELECTOR" in name or ("HANGUL" in name and "FILLER" in name)
    return named or (unicodedata.category(character) == "Cf" and not prints)


def marks_in(text: str) -> int:
    """How many characters are made visible."""
    cleaner = StreamCleaner()
    cleaner.feed(text)
    cleaner.flush()
    return cleaner.marks


@pytest.mark.parametrize("attack", ATTACKS, ids=ascii)
def test_an_attack_becomes_text_that_a_person_sees(attack: str) -> None:
    shown = clean(f"before {attack} after")
    assert not forbidden_in(shown)
    assert shown.startswith("before ") and shown.endswith(" after")
    assert marks_in(attack) > 0


@pytest.mark.parametrize("text", CLEAN, ids=ascii)
def test_every_script_and_emoji_stays_as_it_is(text: str) -> None:
    assert clean(text) == text
    assert marks_in(text) == 0


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("\x1b[31mred", "␛[31mred"),
        ("\x9b6n", "‹U+009B›6n"),
        ("\x7f", "␡"),
        ("a\r\nb", "a\nb"),
        ("a\rb\r", "a␍b␍"),
        ("a\r\r\nb", "a␍\nb"),
        ("\u202egpj", "‹U+202E›gpj"),
        ("x\u200b\u200b\u200by", "x\u200b‹U+200B›‹U+200B›y"),
        ("x\ufe0f\u200d\ufe0f\u200dy", "x\ufe0f\u200d‹U+FE0F›‹U+200D›y"),
        ("x\ufe00\ufe01\u200dy", "x\ufe00‹U+FE01›‹U+200D›y"),
    ],
)
def test_the_visible_forms(foreign: str, shown: str) -> None:
    assert clean(foreign) == shown


def test_a_name_that_is_no_utf8_shows_its_bytes() -> None:
    assert clean(os.fsdecode(b"caf\xe9.txt")) == "caf\\xe9.txt"
    assert clean("half a pair \ud83d") == "half a pair ‹U+D83D›"
    clean("".join(map(chr, range(0xD800, 0xE000)))).encode()


def test_a_name_on_one_line_cannot_forge_another_line() -> None:
    assert clean_line("a.txt\nok: deleted\t\x1b[2J") == "a.txt␊ok: deleted␉␛[2J"


@given(TEXTS)
@example("\u200d\ufe0f\u200d")
def test_the_output_never_holds_a_forbidden_character(text: str) -> None:
    shown = clean(text)
    assert not forbidden_in(shown)
    shown.encode()


@given(TEXTS)
def test_no_more_than_a_selector_and_a_joiner_stay_invisible_in_a_row(text: str) -> None:
    shown = clean(text)
    runs = "".join("i" if invisible(c) else "v" for c in shown)
    assert "iii" not in runs
    at = runs.find("ii")
    assert at < 0 or shown[at + 1] == "\u200d"


def test_no_character_of_unicode_hides_in_a_run_of_its_own() -> None:
    suspects = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") or invisible(c)]
    assert len(suspects) > 2500  # surrogates, selectors and controls
    for character in suspects:
        shown = clean(character * 3)
        assert not forbidden_in(shown)
        assert sum(map(invisible, shown)) <= 1


@given(TEXTS)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(TEXTS, st.lists(st.integers(0, 40)))
def test_a_stream_is_cleaned_as_the_whole_wherever_it_is_cut(text: str, cuts: list[int]) -> None:
    cleaner = StreamCleaner()
    at = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [cleaner.feed(text[first:last]) for first, last in zip(at, at[1:], strict=False)]
    assert "".join(pieces) + cleaner.flush() == clean(text)
    assert cleaner.marks == marks_in(text)


@pytest.mark.parametrize("attack", ATTACKS, ids=ascii)
def test_an_attack_cut_at_any_offset_is_still_defused(attack: str) -> None:
    for cut in range(len(attack) + 1):
        cleaner = StreamCleaner()
        shown = cleaner.feed(attack[:cut]), cleaner.feed(attack[cut:]), cleaner.flush()
        assert "".join(shown) == clean(attack)
        assert not any(map(forbidden_in, shown))


@pytest.mark.parametrize("text", CLEAN + ATTACKS, ids=ascii)
def test_a_stream_of_single_characters_is_cleaned_as_the_whole(text: str) -> None:
    cleaner = StreamCleaner()
    assert "".join(map(cleaner.feed, text)) + cleaner.flush() == clean(text)


def test_only_a_carriage_return_is_held_back() -> None:
    cleaner = StreamCleaner()
    assert cleaner.feed("\x1b") == "␛"
    assert cleaner.feed("a\r") == "a"
    assert cleaner.feed("\nb\r") == "\nb"
    assert cleaner.flush() == "␍"
    assert cleaner.flush() == ""
