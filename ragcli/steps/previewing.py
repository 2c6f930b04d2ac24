"""What a walk found becomes a preview: what would be read, what not and why, and about how long it would take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from ragcli.types import Preview, Walked

NEVER_READ = ("binary", "unsupported")
TEXT_SHARE: Mapping[str, float] = {"pdf": 0.04, "office": 0.15, "mail": 0.5, "mbox": 0.3, "archive": 0.5, "html": 0.4, "xml": 0.5}
"""How many characters of text a byte of such a file holds, guessed and not measured; a byte of plain text holds one."""
MOST_TEXT = 4_000_000
"""Characters: longer files are mostly data, of which much is repeated and embedded once."""
SECONDS_TO_START = 6.0
"""Loading the libraries and the embedder; a guess, as are the next two, good for telling minutes from hours."""
SECONDS_PER_FILE = 0.004
CHARACTERS_PER_CORE = 16_000.0
"""Characters that one processor core embeds in a second: 384 dimensions, six layers, single precision."""
CORES_THAT_COUNT = 8
"""More of them wait for one another."""


def preview_files(walked: Walked, format_of: Callable[[Path], str], *, characters_per_second: float) -> Preview:
    """The walk's files by what would become of them. ``format_of`` tells a name's format."""
    types: Counter[str] = Counter()
    unreadable = Counter(refused.reason for refused in walked.refused)
    size = 0
    characters = 0.0
    for stamp in walked.stamps:
        form = format_of(stamp.path)
        if form in NEVER_READ:
            unreadable[form] += 1
            continue
        types[stamp.path.suffix.lower().lstrip(".") or stamp.path.name.lower()] += 1
        size += stamp.size
        characters += min(stamp.size * TEXT_SHARE.get(form, 1.0), MOST_TEXT)
    files = types.total()
    seconds = SECONDS_TO_START + files * SECONDS_PER_FILE + characters / characters_per_second if files else 0.0
    return Preview(files, size, dict(types.most_common()), dict(unreadable.most_common()), dict(walked.left_out), seconds)


def guess_speed(cores: int) -> float:
    """Characters that a machine embeds in a second, as far as the number of its cores tells."""
    return CHARACTERS_PER_CORE * max(1, min(cores, CORES_THAT_COUNT))
