"""Mail on the standard library, and how a message without an ending is known."""

from __future__ import annotations

import pytest

from ragcli.adapters.readers.parsing import parse
from tests.test_readers_lines import assert_parsed_sound, pieces

PLAIN = b"""From: Ann <ann@example.com>
To: bob@example.com
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= from here
Date: Fri, 26 Nov 2010 19:57:53 +0000
MIME-Version: 1.0
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: quoted-printable

D=C3=BCsseldorf is a long=
 way off.
"""

BOTH = b"""From: ann@example.com
Subject: Two bodies
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=A

--A
Content-Type: multipart/alternative; boundary=B

--B
Content-Type: text/plain

The plain one.
--B
Content-Type: text/html

<p>The <b>HTML</b> one.</p>
--B--
--A
Content-Type: application/pdf; name="plan.pdf"
Content-Disposition: attachment; filename="plan.pdf"

JVBERi0=
--A--
"""


def test_a_message_shows_its_fields_and_its_decoded_text() -> None:
    parsed = parse(PLAIN, "hello.eml")
    assert_parsed_sound(parsed)
    assert parsed.title == "Grüße from here"
    assert "From: Ann <ann@example.com>" in parsed.text
    assert "Düsseldorf is a long way off." in parsed.text
    assert parsed.blocks[0].heading == ("Grüße from here",)


def test_the_plain_body_is_preferred_and_attachments_are_named() -> None:
    text = parse(BOTH, "two.eml").text
    assert "The plain one." in text
    assert "HTML" not in text
    assert "Attachments: plan.pdf" in text
    assert "JVBERi0" not in text


def test_an_html_body_is_read_as_words() -> None:
    body = b"<style>p{}</style><p>Only <i>this</i> body.</p><script>evil()</script>"
    text = parse(b"From: a@b.c\nSubject: x\nContent-Type: text/html\n\n" + body, "x.eml").text
    assert text.endswith("Only this body.")
    assert "evil" not in text


def test_a_mailbox_is_read_message_by_message() -> None:
    data = b"From ann Fri\n" + PLAIN + b"\nFrom bob Sat\n" + BOTH + b"\n>From quoted\n"
    parsed = parse(data, "inbox.mbox")
    assert_parsed_sound(parsed)
    assert [block.locator.describe() for block in parsed.blocks] == ["message 1", "message 2"]
    assert [block.heading for block in parsed.blocks] == [("Grüße from here",), ("Two bodies",)]


def test_a_line_that_only_begins_with_from_ends_no_message() -> None:
    data = b"From ann Fri\nSubject: one\n\nDear all,\nFrom here on it rains.\n"
    assert len(parse(data, "a.mbox").blocks) == 1


@pytest.mark.parametrize("name", ["message", "1234.unknown"])
def test_mail_is_known_by_its_first_lines(name: str) -> None:
    assert parse(PLAIN, name).title == "Grüße from here"


def test_a_text_with_colons_is_no_mail() -> None:
    data = b"Milk: two\nBread: one\nEggs: ten\n\nBuy it.\n"
    assert pieces(parse(data, "list")) == ["Milk: two\nBread: one\nEggs: ten\n\nBuy it."]


def test_apple_mail_puts_a_length_above_the_message() -> None:
    assert parse(b"311\n" + PLAIN, "1.emlx").title == "Grüße from here"


@pytest.mark.parametrize(
    "data",
    [
        b"Subject: =?x-unknown?q?=FF?=\nContent-Type: text/plain; charset=no-such\n\n\xff\xfe\x00",
        b"Content-Type: multipart/mixed; boundary=A\n\n--A\n--A\n--A",
        b'From: "\nTo: <<<>>>,,;\nDate: never\nSubject: \x00\n\nbody',
        b"Content-Type: multipart/mixed\n\nno boundary",
        b"Content-Transfer-Encoding: base64\nContent-Type: text/plain\n\n!!!not base64!!!",
    ],
)
def test_broken_messages_are_read_as_far_as_they_go(data: bytes) -> None:
    parsed = parse(data, "broken.eml")
    parsed.text.encode("utf-8")
    if parsed.blocks:
        assert_parsed_sound(parsed)
