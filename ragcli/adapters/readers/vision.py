"""ocrmac: text in pictures by Apple's Vision, which is a part of macOS. Comes with the extra ``ocr``."""

from __future__ import annotations

from ocrmac import ocrmac  # pyright: ignore[reportMissingImports]  exists for macOS alone
from PIL import Image

from ragcli.adapters.readers.pacing import Pace
from ragcli.adapters.readers.parsed import UnreadableError
from ragcli.adapters.readers.scanned import Line, Picture

LEAST_CONFIDENCE = 0.3
"""Vision says 0.3, 0.5 or 1."""


def find_lines(picture: Picture, pace: Pace) -> list[Line]:
    """The lines in the picture, in no order; it is one step. Raises UnreadableError ``malformed`` about this picture."""
    pace.begin_step()
    size = (picture.width, picture.height)
    try:
        image = Image.frombuffer("L", size, picture.pixels, "raw", ("L", picture.stride, 1))
        found = ocrmac.OCR(image, recognition_level="accurate", confidence_threshold=LEAST_CONFIDENCE).recognize(px=True)
    except Exception as error:  # what a framework of another language raises is not known
        raise UnreadableError("malformed", "a page cannot be recognised") from error
    return [Line(left, top, right, bottom, text) for text, _, (left, top, right, bottom) in found if text.strip()]
