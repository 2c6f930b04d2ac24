"""Mail on the standard library, and how a message without an ending is known."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from ragcli.adapters.readers import mail, members
from ragcli.adapters.readers.parsing import parse
from tests.readers.test_lines import assert_parsed_sound, pieces
from tests.readers.test_structure import make_xlsx, zipped

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
        b'From: "\nTo: <<<>>>,,;\nDate: never\nSubject: \x01\n\nbody',
        b"Content-Type: multipart/mixed\n\nno boundary",
        b"Content-Transfer-Encoding: base64\nContent-Type: text/plain\n\n!!!not base64!!!",
    ],
)
def test_broken_messages_are_read_as_far_as_they_go(data: bytes) -> None:
    parsed = parse(data, "broken.eml")
    parsed.text.encode("utf-8")
    if parsed.blocks:
        assert_parsed_sound(parsed)


# ---- attachments ------------------------------------------------------------------------------


def message(subject: str, attachments: dict[str, bytes], text: str = "See what is attached.") -> EmailMessage:
    made = EmailMessage()
    made["From"], made["Subject"], made["Message-ID"] = "ann@example.com", subject, "<1@example.com>"
    made.set_content(text)
    for name, data in attachments.items():
        made.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return made


def places(data: bytes, name: str) -> list[str]:
    parsed = parse(data, name)
    assert_parsed_sound(parsed)
    return [block.locator.describe() for block in parsed.blocks]


PRICES = make_xlsx({"Prices": {"A1": "item", "B1": "price", "A2": "pear", "B2": "2"}})


def test_attachments_are_read_by_the_lane_of_their_names() -> None:
    attached = {"prices.xlsx": PRICES, "notes.md": b"# Plan\n\nBuy pears.", "more.zip": zipped({"a/b.txt": "words"})}
    data = bytes(message("Prices for May", attached))
    assert places(data, "may.eml") == [
        "whole file",
        "attachment prices.xlsx, Prices!A1:B2",
        "attachment notes.md, lines 1-3",
        "attachment more.zip/a/b.txt, line 1",
    ]
    blocks = parse(data, "may.eml").blocks
    assert blocks[2].heading == ("Prices for May", "notes.md", "Plan")
    assert "Attachments: prices.xlsx, notes.md, more.zip" in parse(data, "may.eml").text


def test_attachments_in_a_mailbox_say_whose_they_are() -> None:
    data = b"".join(b"From x\n" + bytes(message(f"No. {n}", {"prices.xlsx": PRICES})) + b"\n\n" for n in (1, 2))
    assert places(data, "inbox.mbox") == [
        "message 1",
        "message 1, attachment prices.xlsx, Prices!A1:B2",
        "message 2",
        "message 2, attachment prices.xlsx, Prices!A1:B2",
    ]
    assert places(zipped({"old/inbox.mbox": data}), "x.zip")[1] == (
        "old/inbox.mbox, message 1, attachment prices.xlsx, Prices!A1:B2"
    )


def test_a_message_that_is_attached_is_read_once() -> None:
    outer = message("Fwd", {})
    outer.add_attachment(message("Inner", {"notes.txt": b"Deep words."}, "The inner text."))
    data = bytes(outer)
    assert places(data, "fwd.eml") == [
        "whole file",
        "attachment message.eml",
        "attachment message.eml, attachment notes.txt, line 1",
    ]
    assert parse(data, "fwd.eml").text.count("The inner text.") == 1
    assert parse(data, "fwd.eml").blocks[1].heading == ("Fwd", "message.eml", "Inner")


def test_attachments_that_are_secret_broken_or_pictures_are_only_named() -> None:
    attached = {"id_rsa": b"KEY", "photo.png": b"\x89PNG", "plan.pdf": b"%PDF-1.4 broken", "x.docx": b"PK broken"}
    data = bytes(message("Odd", attached))
    assert places(data, "odd.eml") == ["whole file"]
    assert "Attachments: id_rsa, photo.png, plan.pdf, x.docx" in parse(data, "odd.eml").text


def test_a_signature_is_no_attachment_to_read() -> None:
    signed = message("Signed", {})
    signed.add_attachment(b"-----BEGIN PGP", maintype="application", subtype="pgp-signature", filename="signature.asc")
    assert places(bytes(signed), "signed.eml") == ["whole file"]


def test_attachments_beyond_the_limits_are_only_named(monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytes(message("Many", {"a.txt": b"first words", "b.txt": b"second words", "c.txt": b"third"}))
    for module, name, limit in ((mail, "MAX_ATTACHED", 16), (members, "MAX_ENTRIES", 1)):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, limit)
            assert places(data, "many.eml")[1] == "attachment a.txt, line 1"
            assert "attachment b.txt, line 1" not in places(data, "many.eml")
            assert "b.txt" in parse(data, "many.eml").text


def test_text_below_a_picture_belongs_to_the_message() -> None:
    made = message("Trip", {"photo.png": b"\x89PNG"}, "Above.")
    made.attach(text := EmailMessage())
    text.set_content("Below.")
    assert parse(bytes(made), "trip.eml").text.endswith("Above.\n\nBelow.\n\nAttachments: photo.png")


# ---- Maildir ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["cur/1714000000.M1P2.mail.example.pl:2,S", "new/1714000001.2_1.host.py", "cur/1714000002.a.host"]
)
def test_the_messages_of_a_maildir_are_mail_whatever_their_names_end_in(name: str) -> None:
    data = bytes(message("Tea", {"notes.txt": b"green"}, "The samovar."))
    assert places(data, f"/home/ann/Mail/{name}") == ["whole file", "attachment notes.txt, line 1"]


def test_other_files_in_folders_of_such_names_are_what_they_say() -> None:
    assert parse(b"x = 1\n", "/work/new/20240101123.draft.py").kind == "code"
