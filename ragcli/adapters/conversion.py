"""The child process that converts a model file: ``python -m ragcli.adapters.conversion STEP SOURCE TARGET``.

A model file is foreign data and its parsers are native code, so this process closes every door before it imports them.
Knows which step needs which library, and nothing of the models folder.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from ragcli.adapters.offline import close_doors
from ragcli.errors import RagError

STEPS = {
    "tokenizer": ("ragcli.adapters.gguf", "make_tokenizer"),
    "dequantize": ("ragcli.adapters.gguf", "dequantize"),
    "mlx": ("ragcli.adapters.mlx_conversion", "convert_to_mlx"),
}


def main(arguments: list[str]) -> int:
    """Runs one step; the last line on stderr says why it failed."""
    step, source, target = arguments
    close_doors()
    module, function = STEPS[step]
    try:
        getattr(importlib.import_module(module), function)(Path(source), Path(target))
    except RagError as error:
        sys.stderr.write(f"\n{error.message}\n")
        return error.status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
