"""A link says where it leads; the words around it stay, however the text is cut."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ragcli.steps.linking import LinkFilter, destination, plain_links
from tests.tallying import count

# fmt: off
TOLD = {
    "[our bank](https://bank.example.evil.io/login?next=/)": "our bank (bank.example.evil.io/…)",
    "[our bank](https://evil.io)": "our bank (evil.io)",
    "[our bank](https://evil.io/)": "our bank (evil.io)",
    "[https://bank.example](https://evil.io/x)": "https://bank.example (evil.io/…)",
    "[https://evil.io/x](https://evil.io/x)": "https://evil.io/x",
    "[x](https://bank.example@evil.io/)": "x (evil.io)",
    "[x](https://bank.example:443@evil.io:8080/)": "x (evil.io)",
    "[x](https://evil.io\\@bank.example/)": "x (evil.io/…)",
    "[x](https://evil.io#@bank.example/)": "x (evil.io/…)",
    "[x](//evil.io/track.gif)": "x (evil.io/…)",
    "[x](HTTPS://EVIL.IO/A)": "x (evil.io/…)",
    "[x](<https://evil.io/a>)": "x (evil.io/…)",
    '[x](https://evil.io/a "title")': "x (evil.io/…)",
    "[x]( https://evil.io/a )": "x (evil.io/…)",
    "[x](https://en.wiki/A_(b))": "x (en.wiki/…)",
    "[x](https://\u0430\u0440\u0440\u04cf\u0435.com/login)": "x (xn--80ak6aa92e.com/…)",
    "[x](https://m\u00fcnchen.de)": "x (xn--mnchen-3ya.de)",
    "[x](https://evil.io&#47;a)": "x (evil.io/…)",
    "[x](javascript:alert(1))": "x (javascript:…)",
    "[x](data:text/html;base64,AAAA)": "x (data:…)",
    "[x](vbscript:x)": "x (vbscript:…)",
    "[x](file:///etc/passwd)": "x (file:…)",
    "[x](mailto:a@evil.io)": "x (mailto:a@evil.io)",
    "[x](ftp://evil.io/a)": "x (evil.io/…)",
    "[x](http://[::1/a)": "x (an odd address)",
    "[x](http://[::1]/a)": "x (::1/…)",
    "[set-up](setup.md#linux)": "set-up (setup.md#linux)",
    "![](https://evil.io/pixel?q=secret)": "(evil.io/…)",
    "![logo](https://evil.io/l.png)": "logo (evil.io/…)",
    "[![logo](https://a.b/c)](https://evil.io)": "[logo (a.b/…)](https://evil.io)",
    '<a href="https://evil.io/a">our bank</a>': "our bank (evil.io/…)",
    "<a href='https://evil.io/a' class=b>our bank</a >": "our bank (evil.io/…)",
    "<a class=x href=https://evil.io/a>our bank</a>": "our bank (evil.io/…)",
    "<A HREF=https://evil.io>x</A>": "x (evil.io)",
    "<https://evil.io/a>": "https://evil.io/a",
    "<javascript:alert(1)>": "javascript:alert(1)",
}
KEPT = [
    "plain", "see https://docs.example/a?b=c.", "the lease ends [1] in May [2].", "a[0](x", "[a] (b)", "if a < b and b > c",
    "[unclosed](https://evil.io/", "<a href=x>unclosed", "!", "Wow!", "[1]", "[ ] todo\n[x] done", "f(x)[1]", "<b>bold</b>",
    "[two\nlines](https://evil.io)",
]
PIECES = st.sampled_from([
    "[", "]", "(", ")", "!", "<", ">", '"', "'", "w", "/x", "<a ", "href=", "</a>", "https://evil.io", "mailto:",
    "<https:", " ", "\n",
])
# fmt: on
TEXTS = st.lists(PIECES | st.characters(), max_size=25).map("".join)


@pytest.mark.parametrize(("text", "shown"), TOLD.items(), ids=map(ascii, TOLD))
def test_a_link_says_where_it_leads(text: str, shown: str) -> None:
    assert plain_links(f"See {text}, please.") == f"See {shown}, please."
    count("links of answers shown as words and host", 1)


@pytest.mark.parametrize("text", KEPT, ids=ascii)
def test_what_is_no_link_stays_as_it_is(text: str) -> None:
    assert plain_links(text) == text


@pytest.mark.parametrize("text", [*TOLD, *KEPT], ids=ascii)
def test_a_link_cut_anywhere_is_told_as_the_whole(text: str) -> None:
    whole = f"a {text} b"
    for cut in range(len(whole) + 1):
        links = LinkFilter()
        assert links.feed(whole[:cut]) + links.feed(whole[cut:]) + links.flush() == plain_links(whole)
    links = LinkFilter()
    assert "".join(map(links.feed, whole)) + links.flush() == plain_links(whole)


@given(TEXTS, st.lists(st.integers(0, 60)))
@example("![w](https://evil.io)", [1, 3])
def test_a_stream_is_told_as_the_whole_wherever_it_is_cut(text: str, cuts: list[int]) -> None:
    links = LinkFilter()
    at = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [links.feed(text[first:last]) for first, last in zip(at, at[1:], strict=False)]
    assert "".join(pieces) + links.flush() == plain_links(text)


def test_what_is_no_beginning_of_a_link_is_shown_at_once() -> None:
    links = LinkFilter()
    assert links.feed("The lease ends") == "The lease ends"
    assert links.feed(" [1]") == " "
    assert links.feed(" in May") == "[1] in May"
    assert links.feed(" if a < b") == " if a < b"


def test_nothing_waits_for_ever() -> None:
    links = LinkFilter()
    assert links.feed("[" + "x" * 400) == "[" + "x" * 400
    assert len(links.feed("[x](" + "y" * 9000)) > 5000


def test_a_destination_is_no_longer_than_its_host() -> None:
    assert destination("https://evil.io/" + "x" * 5000) == "evil.io/…"
