"""Mail: single messages and mailboxes, on the standard library. Bodies are decoded, so places are message numbers.

An attachment is a part of its message's source: it is read by the lane of its name, and its place says whose it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage, Message

from ragcli.adapters.readers import table
from ragcli.adapters.readers.members import ExhaustedError, Members, is_left_out, member_name
from ragcli.adapters.readers.parsed import Assembler, Parsed, UnreadableError
from ragcli.types import Locator

FIELDS = ("Subject", "From", "To", "Cc", "Date")
MAX_PARTS = 1000
"""More MIME parts than this are a bomb."""
MAX_ATTACHED = 64 << 20
"""Bytes of attachments that are read of one source; those beyond are only named, so that a mailbox is read in time."""
_SIGNATURES = frozenset(["application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"])
_BETWEEN_MESSAGES = re.compile(rb"^From [^\n]*\n", re.MULTILINE)

HtmlText = Callable[[bytes], str]


def read_mail(data: bytes, html_text: HtmlText, members: Members) -> Parsed:
    """One message: its main fields, its text (the plain part, or else the HTML one) and its attachments."""
    assembler = Assembler()
    subject = _add_message(assembler, _message(data), html_text, members)
    return assembler.parsed("prose", subject)


def read_mbox(data: bytes, html_text: HtmlText, members: Members) -> Parsed:
    """Each message of the mailbox, labelled ``message 1`` and so on, with its attachments behind it."""
    assembler = Assembler()
    for number, raw in enumerate(_split_mailbox(data.replace(b"\r\n", b"\n")), start=1):
        _add_message(assembler, _message(raw), html_text, members, label=f"message {number}")
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


def _add_message(assembler: Assembler, message: EmailMessage, html_text: HtmlText, members: Members, *, label: str = "") -> str:
    """The message and what is attached to it are in the assembler; returns the subject."""
    subject = _field(message, "Subject")
    heading = (subject,) if subject else ()
    body = message.get_body(preferencelist=("plain", "html"))
    parts = [leaf for leaf in _leaves(message) if leaf.part is not body]
    assembler.add(_message_text(message, body, parts, html_text), Locator(label=label), heading)
    for name, part in ((leaf.name, leaf.part) for leaf in parts if leaf.is_readable):
        member = f"{label}, attachment {name}" if label else f"attachment {name}"
        attached = _read_attachment(part, name, members, member=member, heading=(*heading, name))
        if attached:
            assembler.adopt(attached)
    return subject


def _read_attachment(part: Message, name: str, members: Members, *, member: str, heading: tuple[str, ...]) -> Parsed | None:
    """What is in the attachment; None if it cannot be read, or the source has had enough: the message stays readable."""
    try:
        data = _content(part)
        if members.unpacked + len(data) > MAX_ATTACHED:
            return None
        members.count_entry()
        members.count_bytes(len(data))
        return members.read(data, name, member=member, heading=heading)
    except (UnreadableError, ExhaustedError):
        return None


def _content(part: Message) -> bytes:
    """The decoded bytes of an attachment; of an attached message, the message."""
    if part.get_content_type() == "message/rfc822":
        inner = part.get_payload()
        return inner[0].as_bytes() if isinstance(inner, list) and inner and isinstance(inner[0], Message) else b""
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A part without parts; an attached message is one."""

    part: Message
    name: str
    """Of an attachment; empty for a part of the message itself."""
    is_choice: bool
    """One of several forms of the same thing, of which one is enough."""

    @property
    def is_readable(self) -> bool:
        is_signature = self.part.get_content_type() in _SIGNATURES
        return bool(self.name) and not (is_signature or table.never_read(self.name) or is_left_out(self.name))

    @property
    def is_more_text(self) -> bool:
        """A part of the message's own text that stands behind its body, as below a picture."""
        return not (self.name or self.is_choice) and self.part.get_content_type() in ("text/plain", "text/html")


def _leaves(message: Message) -> Iterator[_Leaf]:
    """In order. Raises UnreadableError for too many parts."""
    waiting: list[tuple[Message, bool]] = [(message, False)]
    count = 0
    while waiting:
        part, is_choice = waiting.pop()
        count += 1
        if count > MAX_PARTS:
            raise UnreadableError("too_much_output", f"more than {MAX_PARTS} parts")
        inner = part.get_payload() if part.get_content_maintype() == "multipart" else None
        if isinstance(inner, list):
            is_choice = is_choice or part.get_content_subtype() == "alternative"
            waiting += [(each, is_choice) for each in reversed(inner) if isinstance(each, Message)]
        else:
            yield _Leaf(part, _attached_name(part), is_choice)


def _attached_name(part: Message) -> str:
    """The name that the attachment goes by; empty for a part of the message itself."""
    try:
        name = part.get_filename() or ""
    except (ValueError, IndexError, AttributeError, TypeError):
        name = ""  # the parser of structured fields gives up on some hostile ones
    name = member_name(_clean(str(name))).rpartition("/")[2]
    if part.get_content_type() == "message/rfc822":
        return name if name.lower().endswith(".eml") else f"{name or 'message'}.eml"
    return name


def _message_text(message: EmailMessage, body: Message | None, parts: Sequence[_Leaf], html_text: HtmlText) -> str:
    fields = [f"{name}: {value}" for name in FIELDS if (value := _field(message, name))]
    texts = [body] if body is not None else []
    texts += [leaf.part for leaf in parts if leaf.is_more_text]
    names = [leaf.name for leaf in parts if leaf.name]
    attached = [f"Attachments: {', '.join(names)}"] if names else []
    own = [text for part in texts if (text := _part_text(part, html_text).strip())]
    return "\n\n".join(["\n".join(fields), *own, *attached]).strip()


def _field(message: EmailMessage, name: str) -> str:
    try:
        value = str(message.get(name) or "")
    except (ValueError, IndexError, AttributeError, TypeError):
        return ""  # the parser of structured fields gives up on some hostile ones
    return " ".join(_clean(value).split())


def _part_text(part: Message, html_text: HtmlText) -> str:
    data = _content(part)
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
