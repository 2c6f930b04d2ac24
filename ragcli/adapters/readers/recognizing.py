"""rapidocr: text in pictures, on Linux. Comes with the extra ``ocr``, and its models inside its own package.

It can fetch models and pictures from the network, but not in the sealed process, and it is not asked to: the models are named
by their files, and pictures are given as pixels. One thread and one line at a time: with six lines at once and two threads a page
took 250 MB more and no less time of a processor.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import rapidocr
from rapidocr.utils.process_img import get_rotate_crop_image

from ragcli.adapters.readers.pacing import LINES_IN_STEP, MAX_LINES, Pace
from ragcli.adapters.readers.parsed import UnreadableError
from ragcli.adapters.readers.scanned import Line, Picture

MODELS = Path(rapidocr.__file__).with_name("models")
SETTINGS: dict[str, Any] = {
    "Global.log_level": "critical",
    "Det.model_path": str(MODELS / "PP-OCRv6_det_small.onnx"),
    "Rec.model_path": str(MODELS / "PP-OCRv6_rec_small.onnx"),
    "Det.limit_type": "max",
    "Det.limit_side_len": 1600,  # pixels in which lines are looked for: memory grows with their square
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
}
LEAST_SCORE = 0.5
SMALLEST_SIDE = 32
"""Of a picture, in pixels: the models see no less."""
THINNEST, LONGEST = 4, 80
"""Height in pixels and length in heights of what may be a line: others are rules, and a long one takes memory like a page."""


def find_lines(picture: Picture, pace: Pace) -> list[Line]:
    """The lines in the picture, in no order. Raises UnreadableError ``malformed`` about this picture, and MemoryError."""
    if min(picture.width, picture.height) < SMALLEST_SIDE:
        return []
    pixels = np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.stride)[:, : picture.width]
    with _translated():
        boxes = _engine()(pixels, use_det=True, use_cls=False, use_rec=False).boxes
        return list(_recognized(pixels, [] if boxes is None else boxes[:MAX_LINES], pace))


def _recognized(pixels: np.ndarray, boxes: Sequence[np.ndarray], pace: Pace) -> Iterator[Line]:
    for number, box in enumerate(boxes):
        if number % LINES_IN_STEP == 0:
            pace.begin_step()
        if not _can_be_line(box):
            continue
        found = _engine()(get_rotate_crop_image(pixels, box.astype(np.float32)), use_det=False, use_cls=False, use_rec=True)
        text, score = (found.txts[0], found.scores[0]) if found.txts else ("", 0)
        if text.strip() and score >= LEAST_SCORE:
            (left, top), (right, bottom) = box.min(axis=0), box.max(axis=0)
            yield Line(float(left), float(top), float(right), float(bottom), text)


def _can_be_line(box: np.ndarray) -> bool:
    """Its four corners, clockwise from the upper left, are as far from one another as those of a line are."""
    short, long = sorted((float(np.linalg.norm(box[0] - box[1])), float(np.linalg.norm(box[1] - box[2]))))
    return short >= THINNEST and long <= LONGEST * short


@cache
def _engine() -> Any:
    """What it hands back is of another kind for each thing that it is asked."""
    return rapidocr.RapidOCR(params=SETTINGS)


@contextmanager
def _translated() -> Iterator[None]:
    """The library raises anything; that there was no memory stands in its words alone."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        if "alloc" in str(error).lower() or "insufficient memory" in str(error).lower():
            raise MemoryError from error
        raise UnreadableError("malformed", "a page cannot be recognised") from error
