"""Token ids become text as they come. It knows no tokenizer: it is given one way to decode."""

from __future__ import annotations

from collections.abc import Callable, Sequence

UNKNOWN = "\ufffd"
"""What the bytes of an unfinished character decode to."""


class TextStream:
    """Token ids become text as they come; a character of several tokens is held back until it is whole."""

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._ids: list[int] = []
        self._shown = 0
        """How much of the text of the ids was given out."""

    def add(self, id: int) -> str:
        self._ids.append(id)
        text = self._decode(self._ids)
        if text.endswith(UNKNOWN):
            return ""
        new = text[self._shown :]
        # A token's text can depend on the one before it (a leading space), so that one is kept, and no more.
        self._ids = [id]
        self._shown = len(self._decode(self._ids))
        return new

    def rest(self) -> str:
        """What was held back, without the unfinished character."""
        return self._decode(self._ids)[self._shown :].rstrip(UNKNOWN)
