"""Mail: single messages and mailboxes, on the standard library. Bodies are decoded, so places are message numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage, Message

from ragcli.adapters.readers.parsed import Assembler, Parsed, UnreadableError
from ragcli.types import Locator

FIELDS = ("Subject", "From", "To", "Cc", "Date")
MAX_PARTS = 1000
"""More MIME parts than this are a bomb."""
_BETWEEN_MESSAGES = re.compile(rb"^From [^\n]*\n", re.MULTILINE)

HtmlText = Callable[[bytes], str]


def read_mail(data: bytes, html_text: HtmlText) -> Parsed:
    """One message: its main fields, its text (the plain part, or else the HTML one) and its attachments' names."""
    assembler = Assembler()
    message = _message(data)
    subject = _field(message, "Subject")
    assembler.add(_message_text(message, html_text), Locator(), (subject,) if subject else ())
    return assembler.parsed("prose", subject)


def read_mbox(data: bytes, html_text: HtmlText) -> Parsed:
    """A block for each message of the mailbox, labelled ``message 1`` and so on."""
    assembler = Assembler()
    for number, raw in enumerate(_split_mailbox(data.replace(b"\r\n", b"\n")), start=1):
        message = _message(raw)
        subject = _field(message, "Subject")
        assembler.add(_message_text(message, html_text), Locator(label=f"message {number}"), (subject,) if subject else ())
    return assembler.parsed("prose")


def _split_mailbox(data: bytes) -> Iterator[bytes]:
    """Messages of an mbox: each begins after a ``From `` line at the start or below a blank line."""
    found = (rule.span() for rule in _BETWEEN_MESSAGES.finditer(data))
    rules = [(start, end) for start, end in found if data[max(0, start - 2) : start] in (b"", b"\n\n")]
    if not rules:
        yield data
    ends = [start for start, _ in rules[1:]] + [len(data)]
    for (_, start), end in zip(rules, ends, strict=False):
        yield data[start:end]


def _message(data: bytes) -> EmailMessage:
    message = message_from_bytes(data, policy=policy.default)
    if not isinstance(message, EmailMessage):
        raise UnreadableError("malformed", "not a mail message")
    return message


def _message_text(message: EmailMessage, html_text: HtmlText) -> str:
    fields = [f"{name}: {value}" for name in FIELDS if (value := _field(message, name))]
    body = message.get_body(preferencelist=("plain", "html"))
    text = _part_text(body, html_text) if body is not None else ""
    names = [name for name in _attachment_names(message) if name]
    attached = [f"Attachments: {', '.join(names)}"] if names else []
    return "\n\n".join(["\n".join(fields), text.strip(), *attached]).strip()


def _field(message: EmailMessage, name: str) -> str:
    try:
        value = str(message.get(name) or "")
    except (ValueError, IndexError, AttributeError, TypeError):
        return ""  # the parser of structured fields gives up on some hostile ones
    return " ".join(_clean(value).split())


def _attachment_names(message: EmailMessage) -> Iterator[str]:
    for count, part in enumerate(message.walk()):
        if count > MAX_PARTS:
            raise UnreadableError("too_much_output", f"more than {MAX_PARTS} parts")
        name = part.get_filename()
        if name:
            yield " ".join(_clean(name).split())


def _part_text(part: Message, html_text: HtmlText) -> str:
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    charset = part.get_content_charset() or "utf-8"
    try:
        text = data.decode(charset, "replace")
    except LookupError:
        text = data.decode("utf-8", "replace")
    text = _clean(text.replace("\r\n", "\n").replace("\r", "\n"))
    return html_text(text.encode("utf-8")) if part.get_content_type() == "text/html" else text


def _clean(text: str) -> str:
    """Undecodable bytes come from the library as lone surrogates, which no store takes."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")
