"""Links in foreign text told as what they are: the words, and the host that a click would lead to.

``[our bank](https://bank.example.evil.io/login?next=…)`` becomes ``our bank (bank.example.evil.io/…)``: nobody is led
somewhere by words, and no terminal is given an address to hide behind them. Markdown links and images, HTML anchors and
addresses in angle brackets are known; a bare address is plain text already. Hosts are shown in ASCII, since two that look
alike are not the same. Knows nothing of terminals and of who may be believed.
"""

from __future__ import annotations

import html
import re
from urllib.parse import urlsplit

_WORDS = r"[^\[\]\n]{0,300}"
_SCHEMES = r"(?:https?|ftp|mailto|file|data|javascript|vbscript)"
_ADDRESS = r"[^\s()<>]{0,2000}(?:\([^\s()<>]{0,200}\)[^\s()<>]{0,500}){0,3}"
_TITLE = r"(?:\s{1,3}(?:\"[^\"\n]{0,200}\"|'[^'\n]{0,200}'))?"
_LINK = (
    rf"!?\[(?P<words>{_WORDS})\]\(\s{{0,3}}<?(?P<address>{_ADDRESS})>?{_TITLE}\s{{0,3}}\)"
    r"|<a\s[^<>]{0,500}?\bhref\s{0,3}=\s{0,3}[\"']?(?P<href>[^\"'\s<>]{1,2000}+)[^<>]{0,100}+>(?P<inner>[^<>\n]{0,300})</a\s{0,3}>"
    rf"|<(?P<auto>{_SCHEMES}:[^\s<>]{{1,2000}})>"
)
_OPEN = (
    r"!$"
    rf"|!?\[{_WORDS}\]?$"
    rf"|!?\[{_WORDS}\]\(\s{{0,3}}<?[^\s()<>]{{0,2000}}(?:\([^\s()<>]{{0,200}}\)?[^\s()<>]{{0,500}}){{0,3}}>?"
    r"(?:\s{1,3}(?:\"[^\"\n]{0,200}\"?|'[^'\n]{0,200}'?)?)?\s{0,3}$"
    r"|<(?:a(?:\s[^<>]{0,2600}(?:>[^<>\n]{0,300}(?:<(?:/(?:a\s{0,3})?)?)?)?)?)?$"
    rf"|<(?:[a-z]{{1,10}}|{_SCHEMES}:[^\s<>]{{0,2000}})$"
)
"""What has begun and may become a link; it is held back until it is one or is not."""
_WHOLE = re.compile(_LINK, re.IGNORECASE)
_WHOLE_OR_OPEN = re.compile(f"{_LINK}|(?P<open>{_OPEN})", re.IGNORECASE)


def plain_links(text: str) -> str:
    """The text with each link as ``words (host/…)``."""
    return _WHOLE.sub(_told, text)


class LinkFilter:
    """Tells the links of a text that comes in pieces: the outputs together equal ``plain_links`` of the inputs together."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        """What can be shown by now."""
        self._held += text
        begun = (found.start() for found in _WHOLE_OR_OPEN.finditer(self._held) if found["open"] is not None)
        ready = self._held[: next(begun, len(self._held))]
        self._held = self._held[len(ready) :]
        return plain_links(ready)

    def flush(self) -> str:
        """What still waited."""
        rest, self._held = self._held, ""
        return plain_links(rest)


def _told(link: re.Match[str]) -> str:
    if link["auto"]:
        return link["auto"]
    words = (link["words"] or link["inner"] or "").strip()
    address = html.unescape(link["address"] or link["href"] or "")
    if words == address:
        return words
    return f"{words} ({destination(address)})".lstrip()


def destination(address: str) -> str:
    """Where an address leads, no longer than its host: ``host/…``, ``mailto:name@host``, ``javascript:…``, ``notes.md``."""
    try:
        # Browsers take a backslash for a slash: what stands behind it is no host.
        parts = urlsplit(address.replace("\\", "/"))
        host = parts.hostname or ""
    except ValueError:
        return "an odd address"
    if host:
        return _in_ascii(host) + ("/…" if parts.path.strip("/") or parts.query or parts.fragment else "")
    if parts.scheme:
        return f"{parts.scheme}:{parts.path}" if parts.scheme == "mailto" else f"{parts.scheme}:…"
    return address


def _in_ascii(host: str) -> str:
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return host.encode("ascii", "backslashreplace").decode()
