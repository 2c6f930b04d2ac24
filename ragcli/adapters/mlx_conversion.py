"""A folder of full weights becomes one that the MLX engine loads, 4-bit.

Owns ``mlx_lm.convert``. Runs in the sealed child of ``conversion.py`` only: importing mlx-lm lowers a process's limit of
open files for good. Knows nothing of GGUF.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from pathlib import Path

from mlx_lm import convert

from ragcli.errors import ModelError

BITS = 4
GROUP = 64
"""Weights that share one scale: the common choice of published 4-bit conversions."""
DTYPE = "float32"
"""Of scales and norms: half precision is an order of magnitude slower on processors without MLX kernels for it."""
UNWANTED = ("README.md", ".gitattributes")
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
"""Kept byte for byte, so that both engines count and cut the same tokens."""


def convert_to_mlx(source: Path, target: Path) -> None:
    """``target`` is a new MLX folder with the weights of ``source``. Raises ModelError ``conversion-failed``."""
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            convert(str(source), str(target), quantize=True, q_bits=BITS, q_group_size=GROUP, dtype=DTYPE)
    except Exception as error:
        message = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
        raise ModelError("conversion-failed", message, hint="use the model with the llamacpp engine") from error
    for name in UNWANTED:
        (target / name).unlink(missing_ok=True)
    for name in TOKENIZER:
        if (source / name).is_file():
            (target / name).write_bytes((source / name).read_bytes())
