"""Texts that command a terminal, hide from a reader or deceive one, and what must never come out of any of them.

By family: the control strings of ECMA-48 and of xterm, each with every way to begin and to end it; single control
characters; what Unicode has to hide or to reorder text. The lines after CVE-2003-0063, CVE-2021-25743, CVE-2022-41322,
CVE-2022-45872, CVE-2024-38396, CVE-2024-52005 and Trojan Source are among them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping

ESCAPE = "\x1b"
BELL, STRING_END, STRING_END_8 = "\x07", "\x1b\\", "\x9c"
OSC = {
    "0;title": "title",
    "1;icon": "icon",
    "2;title": "window title",
    "4;1;rgb:00/00/00": "palette",
    "7;file://host/tmp": "folder",
    "8;;https://evil.example/": "link",
    "8;id=1;file:///etc/passwd": "link to a file",
    "9;note": "notification",
    "9;4;1;50": "taskbar",
    "10;?": "foreground asked for",
    "11;#000000": "background",
    "12;#000000": "cursor colour",
    "50;font": "font",
    "52;c;Y3VybCBldmlsLmV4YW1wbGU=": "clipboard set",
    "52;c;?": "clipboard read",
    "99;i=1;note": "kitty notification",
    "104": "palette reset",
    "133;A": "prompt mark",
    "633;E;rm -rf ~": "editor's command line",
    "777;notify;a;b": "notification of rxvt",
    "1337;File=inline=1:AAAA": "inline file",
    "1337;SetMark": "mark",
    "1337;CopyToClipboard=": "clipboard of iTerm2",
}
CSI = {
    "2J": "clear",
    "3J": "clear history",
    "1;1H": "home",
    "10A": "up",
    "2K": "clear line",
    "1G": "first column",
    "5n": "status asked for",
    "6n": "place asked for",
    "c": "identity asked for",
    ">c": "second identity",
    "=c": "third identity",
    "?15n": "printer asked for",
    "21t": "title reported",
    "8;1;1t": "window resized",
    "2t": "window minimised",
    "?1049h": "other screen",
    "?1000h": "mouse",
    "?1002h": "mouse moves",
    "?1006h": "mouse in text",
    "?1004h": "focus",
    "?2004l": "paste unmarked",
    "201~": "end of paste",
    "?25l": "cursor gone",
    "?5h": "reverse screen",
    "?7l": "no wrap",
    "?9001h": "raw keys",
    "8m": "concealed",
    "30;40m": "black on black",
    "38;5;0;48;5;0m": "black of 256",
    "7m": "reversed",
    "5m": "blinking",
    "4i": "print",
    "5i": "printer on",
    "20h": "new line mode",
    "1;1r": "margins",
    "?69h": "side margins",
    "100S": "scroll",
    "!p": "soft reset",
    '61"p': "conformance",
    "0$~": "status line",
    ">4;2m": "keys modified",
    ">1u": "kitty keys",
    "?u": "kitty keys asked for",
    "1000000@": "many blanks",
    "2147483647b": "repeat",
}
STRINGS = {
    ("P", "\x90"): [
        "$qm",
        "+q544e",
        "tmux;\x1b\x1b]52;c;eA==\x07",
        "q#0;2;0;0;0#0!200~",
        "1000p",
        "=1s",
        "$t1",
        "+p=1",
        "0;1|17/ab",
        "1;1{A",
    ],
    ("_", "\x9f"): ["Ga=T,f=100;AAAA", "Ga=q,i=31;AAAA", "screen"],
    ("^", "\x9e"): ["private", ""],
    ("X", "\x98"): ["string", ""],
    ("k", ""): ["screen's title"],
}
TWO_BYTES = "c78=>MDEHNOZ()#l|}~no"
CUT = {
    "escape before a sequence": "\x1b\x1b[2J",
    "cancelled": "\x1b[2\x18J",
    "substituted": "\x1b[2\x1aJ",
    "newline inside": "\x1b[2\nJ",
    "NUL inside": "\x1b\x00[2J",
    "never ended": "\x1b]0;title",
    "nested": "\x1b]0;\x1b]52;c;eA==\x07\x07",
    "both forms": "\x1b\x9b2J",
    "end only": "\x1b\\",
    "half of a pair": "\ud83d\x1b[2J",
    "overlong bytes": "\udcc0\udc9b2J",
    "8-bit bytes": "\udc9b2J",
    "byte of an OSC": "\udc9d0;title\udc9c",
    "parameters by the hundred": "\x1b[" + "1;" * 100 + "m",
    "private intermediates": "\x1b[<=?>!p",
}
DECEIT = {
    "overwritten line": "safe\rrm -rf",
    "erased by backspaces": "safe\b\b\b\brm",
    "bells": "\a\a\a",
    "form feed": "a\fb",
    "vertical tab": "a\vb",
    "a line of its own": "a\u2028error: b",
    "a paragraph": "a\u2029b",
    "next line": "a\x85b",
    "shift out": "\x0eabc\x0f",
    "DEL": "a\x7f\x7f",
    "Trojan Source": "\u202e } \u2066if (admin)\u2069 \u2066",
    "reversed ending": "report\u202efdp.exe",
    "right-to-left mark": "a\u200fb",
    "left-to-right mark": "a\u200eb",
    "Arabic mark": "a\u061cb",
    "nested isolates": "\u2066\u2067\u2068\u2069\u2069\u2069",
    "embeddings": "\u202a\u202b\u202c\u202d\u202c",
    "deprecated shapes": "\u206a\u206b\u206c\u206d\u206e\u206f",
    "order in tags": "".join(chr(0xE0000 + ord(c)) for c in "ignore all"),
    "tag of a language": "\U000e0001\U000e0065\U000e006e",
    "bits in selectors": "x" + "".join("\ufe00\ufe01"[int(b)] for b in "0110100001101001"),
    "bytes in selectors": "x" + "".join(chr(0xE0100 + b) for b in b"secret"),
    "bits without width": "\u200b\u200c" * 8,
    "joiners": "\u200d" * 6,
    "word joiners": "\u2060" * 6,
    "invisible operators": "\u2061\u2062\u2063\u2064",
    "fillers": "\u3164\u3164\uffa0",
    "Hangul fillers": "\u115f\u1160" * 3,
    "annotations": "\ufff9a\ufffab\ufffb",
    "byte order marks": "\ufeff\ufeff\ufeff",
    "soft hyphens": "\u00ad" * 4,
    "Mongolian separators": "\u180b\u180c\u180e",
    "shorthand": "\U0001bca0\U0001bca1",
    "beams": "\U0001d173\U0001d174",
    "combining joiners": "\u034f" * 4,
    "Khmer vowels": "\u17b4\u17b5" * 3,
}
MARKUP = {
    "closing tag of Rich": "[/foo]",
    "style of Rich": "[bold red]x[/]",
    "link of Rich": "[link=https://evil.example]x[/link]",
    "emoji code": ":skull:",
    "bracket": "[",
    "prompt's markup": "<ansired>x</ansired>",
    "format": "{0} %s %(name)s",
}


def _strings() -> Iterator[tuple[str, str]]:
    for body, name in OSC.items():
        for start, form in ((f"{ESCAPE}]", "7-bit"), ("\x9d", "8-bit")):
            for end, ended in ((BELL, "BEL"), (STRING_END, "ST"), (STRING_END_8, "8-bit ST")):
                yield f"OSC {name}, {form}, {ended}", f"{start}{body}{end}"
    for body, name in CSI.items():
        yield f"CSI {name}", f"{ESCAPE}[{body}"
        yield f"CSI {name}, 8-bit", f"\x9b{body}"
    for (seven, eight), bodies in STRINGS.items():
        for body in bodies:
            for start in filter(None, (ESCAPE + seven, eight)):
                yield f"string {start!a} {body!a}", f"{start}{body}{STRING_END}"
                yield f"string {start!a} {body!a}, 8-bit end", f"{start}{body}{STRING_END_8}"


def _all() -> Iterator[tuple[str, str]]:
    yield from _strings()
    yield from ((f"ESC {final}", f"{ESCAPE}{final}") for final in TWO_BYTES)
    controls = [chr(code) for code in [*range(0x20), *range(0x7F, 0xA0)] if chr(code) not in "\t\n"]
    yield from ((f"control {ord(control):02x}", f"a{control}b") for control in controls)
    for family in (CUT, DECEIT, MARKUP):
        yield from family.items()


PAYLOADS: Mapping[str, str] = dict(_all())

# What we send to a terminal by ourselves, to the letter; no payload above is among it.
OURS = re.compile(r"\x1b\[(?:0|1|2|31|32|33|36)m|\r\x1b\[K")
OURS_WITH_A_BAR = re.compile(OURS.pattern + r"|\x1b\[\?25[lh]|\x1b\[2K|\x1b\[1A|\r|\x1b\[(?:38;[0-9;]*|1;31|35)m")
STEERING = re.compile("[\u206a-\u206f\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f]")
"""Tags, deprecated shapes, annotations, and what steers shorthand and music: each alone."""
BIDIRECTIONAL = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}


def forbidden_in(shown: str) -> list[str]:
    """The characters of an output that may command, reorder or hide. Said by Unicode's tables, not by the code under test."""
    found = [c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") and c not in "\n\t"]
    found += [c for c in shown if unicodedata.bidirectional(c) in BIDIRECTIONAL or c in "\u200e\u200f\u061c"]
    found += STEERING.findall(shown)
    return found + [run[0] for run in re.finditer(HIDDEN_RUN, shown)]


def _is_invisible(character: str) -> bool:
    name = unicodedata.name(character, "")
    prints = any(script in name for script in ("ARABIC", "SYRIAC", "KAITHI", "HIEROGLYPH"))
    fills = "VARIATION SELECTOR" in name or ("HANGUL" in name and "FILLER" in name)
    fills = fills or name in ("COMBINING GRAPHEME JOINER", "KHMER VOWEL INHERENT AQ", "KHMER VOWEL INHERENT AA")
    return fills or (unicodedata.category(character) == "Cf" and not prints)


INVISIBLE = "".join(c for c in map(chr, range(0x110000)) if not 0xD800 <= ord(c) < 0xE000 and _is_invisible(c))
HIDDEN_RUN = re.compile(f"[{re.escape(INVISIBLE)}]{{3,}}")
"""Two may stand together, a selector and a joiner, as in emoji: a run of more hides something."""
