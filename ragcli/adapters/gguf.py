"""What a GGUF file holds besides its quantized weights: the tokenizer and chat template; and the weights in full.

Owns transformers (whose loader uses gguf) and runs in the sealed child of ``conversion.py`` only. Knows nothing of engines.
"""

from __future__ import annotations

import json
import logging
import mmap
import shutil
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
from transformers.utils import logging as transformers_logging

from ragcli.errors import ModelError

KEPT = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
DIGITS = {"type": "Digits", "individual_digits": True}
"""llama.cpp splits numbers before the byte-level rule for these kinds of tokenizer; the loader leaves it out."""
SPLITTING_DIGITS = frozenset({"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone"})

PRE_TOKENIZER = struct.pack("<Q", 18) + b"tokenizer.ggml.pre"
TEXT = 8
"""The code of a text among the value types of GGUF."""
METADATA_LIMIT = 64 << 20
"""Metadata stand first; even vocabularies of 250,000 tokens end before this."""


@contextmanager
def _translated() -> Iterator[None]:
    """Nothing is printed, and any failure of the libraries is ModelError ``conversion-failed``."""
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Exception as error:
        first = (str(error).splitlines() or [""])[0]
        message = f"{type(error).__name__}: {first}"
        raise ModelError("conversion-failed", message, hint="try another GGUF file of the model") from error
    finally:
        logging.disable(logging.NOTSET)


@contextmanager
def _alone(source: Path, beside: Path) -> Iterator[Path]:
    """A folder with nothing but a link to the file: the loader lets whatever lies beside it win over its metadata."""
    with TemporaryDirectory(dir=beside) as scratch:
        (Path(scratch) / source.name).symlink_to(source.absolute())
        yield Path(scratch)


def make_tokenizer(source: Path, target: Path) -> None:
    """``target`` holds the tokenizer of the GGUF file ``source``: tokenizer.json, its config, and the chat template.

    Raises ModelError ``conversion-failed``.
    """
    with _translated(), _alone(source, target) as scratch:
        tokenizer: Any = AutoTokenizer.from_pretrained(str(scratch), gguf_file=source.name, local_files_only=True)
        tokenizer.save_pretrained(scratch)
        _mend_tokenizer(scratch / "tokenizer.json", _pre_tokenizer_kind(source))
        for name in KEPT:
            if (scratch / name).is_file():
                (scratch / name).replace(target / name)


def dequantize(source: Path, target: Path) -> None:
    """``target`` is a new model folder with the weights of the GGUF file ``source`` in float32, and its tokenizer,
    which is made beside the file if it is not there.

    Takes memory and space of four bytes for each parameter. Raises ModelError ``conversion-failed``.
    """
    target.mkdir(mode=0o700)
    with _translated(), _alone(source, target) as scratch:
        model: Any = AutoModelForCausalLM.from_pretrained(
            str(scratch),
            gguf_file=source.name,
            quantization_config=GgufConfig(dequantize=True),
            dtype="float32",
            local_files_only=True,
        )
        model.save_pretrained(target)
    if not (source.parent / KEPT[0]).is_file():
        make_tokenizer(source, source.parent)
    for name in KEPT:
        if (source.parent / name).is_file():
            shutil.copyfile(source.parent / name, target / name)


def _pre_tokenizer_kind(source: Path) -> str:
    """The value of ``tokenizer.ggml.pre``, found without parsing the vocabulary (which takes ten seconds)."""
    with source.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
        place = content.find(PRE_TOKENIZER, 0, METADATA_LIMIT)
        if place < 0:
            return ""
        start = place + len(PRE_TOKENIZER)
        kind, length = struct.unpack_from("<IQ", content, start)
        return content[start + 12 : start + 12 + length].decode(errors="replace") if kind == TEXT else ""


def _mend_tokenizer(path: Path, kind: str) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    if kind in SPLITTING_DIGITS and content["pre_tokenizer"]["type"] == "ByteLevel":
        content["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [DIGITS, content["pre_tokenizer"]]}
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
