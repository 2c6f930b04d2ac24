"""Foreign text made safe to print: nothing in it can command a terminal, and nothing in it is hidden.

Whatever comes from a file, a file name, a model, an error or standard input passes here before a person sees it.
Nothing is dropped. A dangerous character gets a visible form, so that the rest of its sequence is harmless text:
ESC becomes ``␛``, the bidirectional override ``‹U+202E›``, a byte of an undecodable file name ``\\xff``.

Every script and emoji stays as it is. A lone invisible character passes (the joiner of an emoji family or of Persian,
a soft hyphen, a variation selector), and so does a selector with a joiner; the rest of a run of them, which is how text
is hidden, is shown. So are tag characters, even in the three flags that are spelled with them. CR LF becomes LF; any
other CR is shown as ``␍``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

# Unicode's Default_Ignorable_Code_Point, parted in two: what writing systems and emoji need, and what only hides.
SELECTORS = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
INVISIBLE = SELECTORS + "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200d\u2060-\u2065\u3164\ufeff\uffa0"
HIDING = "\u206a-\u206f\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
# Marks of direction, separators that are no newline, interlinear marks; then C0 but TAB and LF, DEL, C1, surrogates.
DECEIVING = "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb"
CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff"

SUSPECT = re.compile(f"[{INVISIBLE}{HIDING}{DECEIVING}{CONTROLS}]")
HARMLESS = re.compile(f"[{CONTROLS}\u061c\u200e\u200f\u2028\u2029]")
"""Of what is made visible, that which hides no text: control characters, and marks that right-to-left texts need."""
IS_INVISIBLE = re.compile(f"[{INVISIBLE}]")
IS_SELECTOR = re.compile(f"[{SELECTORS}]")
JOINER = "\u200d"
LINE_ENDS = "\r\x0b\x0c\x85\u2028\u2029"


def clean(text: str) -> str:
    """The text with every dangerous or hidden character made visible; a text without any is returned as it is."""
    cleaner = StreamCleaner()
    return cleaner.feed(text) + cleaner.flush()


def clean_line(text: str) -> str:
    """The same on one line, for names and messages: a newline and a tab are made visible too."""
    return clean(text).replace("\n", "␊").replace("\t", "␉")


def hidden_characters(text: str) -> int:
    """How many of them hide text from a reader or show it in another order: tags, overrides, runs without a width."""
    cleaner = StreamCleaner()
    cleaner.feed(text)
    return cleaner.hidden


def without_hidden(text: str) -> str:
    """The text as a reader sees it: what ``clean`` would make visible is gone, but for line ends in an odd form."""
    cleaner = StreamCleaner(lambda character: "\n" if character in LINE_ENDS else "")
    return cleaner.feed(text) + cleaner.flush()


class StreamCleaner:
    """Cleans a text that comes in pieces: the outputs together equal ``clean`` of the inputs together.

    ``form`` says what stands for a dangerous or hidden character.
    """

    def __init__(self, form: Callable[[str], str] | None = None) -> None:
        self._form = form or visible_form
        self.marks = 0
        """How many characters were made visible so far."""
        self.hidden = 0
        """How many of them hide or reorder text."""
        self._carriage_return = ""
        self._before = "visible"

    def feed(self, text: str) -> str:
        """What can be shown by now; a final CR waits for what follows it."""
        text = self._carriage_return + text
        self._carriage_return = "\r" if text.endswith("\r") else ""
        text = text.removesuffix("\r").replace("\r\n", "\n")
        if not SUSPECT.search(text):
            self._before = "visible" if text else self._before
            return text
        return "".join(map(self._show, text))

    def flush(self) -> str:
        """What still waited. The cleaner is as new, but for its count."""
        rest = "".join(map(self._show, self._carriage_return))
        self._carriage_return, self._before = "", "visible"
        return rest

    def _show(self, character: str) -> str:
        before, self._before = self._before, _class_of(character)
        if not SUSPECT.match(character):
            return character
        if self._before == "selector" and before == "visible":
            return character
        if self._before == "invisible" and (before == "visible" or (before == "selector" and character == JOINER)):
            return character
        if self._before == "selector":
            self._before = "invisible"  # within a run a selector no longer excuses a joiner
        self.marks += 1
        self.hidden += not HARMLESS.match(character)
        return self._form(character)


def _class_of(character: str) -> str:
    if IS_SELECTOR.match(character):
        return "selector"
    return "invisible" if IS_INVISIBLE.match(character) else "visible"


def visible_form(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if 0xDC80 <= code <= 0xDCFF:  # os.fsdecode's stand-in for a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"‹U+{code:04X}›"
