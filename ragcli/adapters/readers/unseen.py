"""Text that a document holds and shows nobody is taken out of it before it is read: it is written for machines alone.

Of HTML: what its style makes transparent, tiny, white on white or puts off the page (``display: none``, ``hidden``, comments
and scripts are left out by the reader itself). Of Word files: hidden runs, tiny ones, and white ones on white paper.
White counts only where nothing in the document has a dark ground. Invisible text of PDF files stays: that is how scans
carry their words. Standard library only; whatever is odd in a part, nothing is taken from it.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable

_WHITE = r"(?:white|\#f{3}\b|\#f[a-f]f[a-f]f[a-f]\b|rgba?\(\s*25[0-5]\s*,\s*25[0-5]\s*,\s*25[0-5]\b)"
_WHITE_INK = rf"(?<![\w-])color\s*:\s*{_WHITE}"
_UNSEEN = (
    r"(?<![\w-])opacity\s*:\s*0*\.?0+\s*(?:[;}\"'!]|$)|font-size\s*:\s*(?:0*\.\d+|[01](?:\.\d+)?)\s*(?:px|pt)\b|text-indent\s*:\s*-\s*\d{3,}"
    r"|(?<![\w-])(?:left|top|right|margin-left)\s*:\s*-\s*\d{4,}px|color\s*:\s*(?:transparent|rgba\([^)]{1,40},\s*0*\.?0+\s*\))"
    r"|clip\s*:\s*rect\(\s*0(?:px)?[\s,]+0(?:px)?[\s,]+0"
)
DARK_GROUND = re.compile(
    rf"(?:background(?:-color|-image)?\s*:|bgcolor\s*=)(?!\s*[\"']?\s*(?:{_WHITE}|none|transparent|inherit))", re.I
)
STYLED_TAG = re.compile(r"<[a-z][a-z0-9]{0,20}\b[^<>]{0,2000}?\b(?:style|color)\s*=[^<>]{0,4000}>", re.IGNORECASE)
UNSEEN_STYLE = re.compile(_UNSEEN, re.IGNORECASE)
UNSEEN_ON_WHITE = re.compile(rf"{_UNSEEN}|{_WHITE_INK}|\bcolor\s*=\s*[\"']?{_WHITE}", re.IGNORECASE)

WORD_PARTS = re.compile(r"word/(?:document|header\d*|footer\d*|footnotes|endnotes)\.xml")
_RUN = re.compile(rb"<w:r(?:\s[^<>]{0,300})?>(?:(?!</w:r>).){0,20000}?</w:r>", re.DOTALL)
_TEXT = re.compile(rb"<w:t(?:\s[^<>]{0,100})?>[^<]*</w:t>")
_HIDDEN = rb'<w:(?:spec)?[vV]anish(?:\s*/>|\s[^<>]*w:val="(?:1|true|on)")|<w:sz w:val="[1-4]"\s*/>'
HIDDEN_RUN = re.compile(_HIDDEN)
HIDDEN_ON_WHITE = re.compile(_HIDDEN + rb'|<w:color w:val="(?:[fF][a-fA-F]){3}"')
SHADED = re.compile(rb'w:fill="(?!auto|[fF]{6})|<w:background\b|<w:highlight\b')
MAX_PART = 64 << 20


def without_unseen_html(source: str) -> str:
    """The page with what nobody sees marked ``hidden``, which its reader leaves out."""
    unseen = UNSEEN_STYLE if DARK_GROUND.search(source) else UNSEEN_ON_WHITE
    if not unseen.search(source):
        return source
    return STYLED_TAG.sub(lambda tag: _hide(tag[0]) if unseen.search(tag[0]) else tag[0], source)


def _hide(tag: str) -> str:
    end = "/>" if tag.endswith("/>") else ">"
    return f"{tag.removesuffix(end)} hidden{end}"


def without_unseen_runs(data: bytes) -> bytes:
    """The Word file without runs that nobody sees; the same bytes if it has none."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as container:
            names = [name for name in container.namelist() if WORD_PARTS.fullmatch(name)]
            parts = {name: container.read(name) for name in names if container.getinfo(name).file_size <= MAX_PART}
            hidden = HIDDEN_RUN if any(map(SHADED.search, parts.values())) else HIDDEN_ON_WHITE
            changed = {name: _RUN.sub(_blanker(hidden), part) for name, part in parts.items() if hidden.search(part)}
            if all(changed[name] == parts[name] for name in changed):
                return data
            return _packed_again(container, changed)
    except (zipfile.BadZipFile, OSError, RuntimeError, ValueError, EOFError, NotImplementedError):
        return data  # its reader says what is wrong with it


def _blanker(hidden: re.Pattern[bytes]) -> Callable[[re.Match[bytes]], bytes]:
    return lambda run: _TEXT.sub(b"<w:t></w:t>", run[0]) if hidden.search(run[0]) else run[0]


def _packed_again(container: zipfile.ZipFile, changed: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as copy:
        for entry in container.infolist():
            copy.writestr(entry, changed.get(entry.filename) or container.read(entry))
    return packed.getvalue()
