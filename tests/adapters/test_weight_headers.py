"""Every lie that a header can tell is an error, and what real programs write is none."""

from __future__ import annotations

import contextlib
import json
import random
import struct
from pathlib import Path

import pytest

from ragcli.adapters.weight_headers import BadHeaderError, check_header
from tests.conftest import MODELS
from tests.model_files import GGUF, SAFETENSORS, gguf, safetensors, tensor, text
from tests.tallying import count

U32, U64, STRING, ARRAY = 4, 10, 8, 9


def field(name: bytes, kind: int, value: bytes) -> bytes:
    return text(name) + struct.pack("<I", kind) + value


def array(kind: int, number: int, content: bytes = b"") -> bytes:
    return struct.pack("<IQ", kind, number) + content


def entry(**changed: object) -> dict[str, object]:
    return {"a": {"dtype": "F32", "shape": [16], "data_offsets": [0, 64], **changed}}


WORDS = array(STRING, 3, text(b"a") + text(b"") + text("é".encode()))
SOUND = {
    "a.gguf": GGUF,
    "b.gguf": gguf(names=2, fields=field(b"tokenizer.ggml.tokens", ARRAY, WORDS)),
    "c.gguf": gguf(names=2, fields=field(b"scores", ARRAY, array(6, 5, bytes(20)))),
    "d.gguf": gguf(infos=tensor(), data=32),
    "e.gguf": gguf(infos=tensor() + tensor(b"b.weight", (32, 2), 2, 32), data=32 + 36),
    "f.gguf": gguf(version=2),
    "g.gguf": gguf(names=2, fields=field(b"general.alignment", U32, struct.pack("<I", 64)), data=256),
    "a.safetensors": SAFETENSORS,
    "b.safetensors": safetensors(entry()),
    "c.safetensors": safetensors({"__metadata__": {"format": "pt"}, **entry()}),
    "d.safetensors": safetensors({"a": entry()["a"], "b": {"dtype": "BF16", "shape": [], "data_offsets": [64, 66]}}, 66),
    "e.safetensors": safetensors({"a": {"dtype": "F32", "shape": [0, 4], "data_offsets": [0, 0]}}, 0),
}
HUGE = 1 << 63
GGUF_LIES = {
    "nothing": b"",
    "magic only": b"GGUF",
    "another magic": b"GGJT" + GGUF[4:],
    "big-endian": b"FUGG" + GGUF[4:],
    "version 0": gguf(version=0),
    "version 1": gguf(version=1),
    "version 2^24, as if big-endian": gguf(version=3 << 24),
    "tensors beyond counting": gguf(tensors=HUGE),
    "fields beyond counting": gguf(entries=HUGE),
    "more tensors than there are": gguf(tensors=9),
    "more fields than there are": gguf(entries=60_000),
    "no architecture": gguf(names=0),
    "a field twice": gguf(names=3, fields=field(b"a", U32, bytes(4)) * 2),
    "a key longer than keys may be": gguf(names=2, fields=text(b"k" * 70_000) + struct.pack("<I", U32) + bytes(4)),
    "a key longer than the file": gguf(names=2, fields=struct.pack("<Q", 60_000)),
    "a key of 2^64 - 1 bytes": gguf(names=2, fields=struct.pack("<Q", 2**64 - 1) + bytes(40)),
    "a text longer than the file": gguf(names=2, fields=field(b"a", STRING, struct.pack("<Q", HUGE))),
    "an unknown type": gguf(names=2, fields=field(b"a", 13, bytes(8))),
    "a type of 2^32 - 1": gguf(names=2, fields=field(b"a", 2**32 - 1, bytes(8))),
    "an array longer than the file": gguf(names=2, fields=field(b"a", ARRAY, array(U64, HUGE // 4))),
    "an array whose bytes overflow": gguf(names=2, fields=field(b"a", ARRAY, array(U64, HUGE))),
    "an array of texts longer than the file": gguf(names=2, fields=field(b"a", ARRAY, array(STRING, HUGE))),
    "an array with a text longer than the file": gguf(
        names=2, fields=field(b"a", ARRAY, array(STRING, 2, text(b"x") + struct.pack("<Q", HUGE)))
    ),
    "an array of arrays": gguf(names=2, fields=field(b"a", ARRAY, array(ARRAY, 1, array(ARRAY, 1, array(U32, 0))))),
    "an array of an unknown type": gguf(names=2, fields=field(b"a", ARRAY, array(77, 1, bytes(8)))),
    "an alignment of zero": gguf(names=2, fields=field(b"general.alignment", U32, bytes(4))),
    "an alignment of 3": gguf(names=2, fields=field(b"general.alignment", U32, struct.pack("<I", 3))),
    "an alignment of 2^31": gguf(names=2, fields=field(b"general.alignment", U32, struct.pack("<I", 1 << 31))),
    "an alignment that is a text": gguf(names=2, fields=field(b"general.alignment", STRING, text(b"32"))),
    "a tensor outside of the file": gguf(infos=tensor(offset=1 << 40)),
    "a tensor that ends outside": gguf(infos=tensor(shape=(800,))),
    "a place that overflows": gguf(infos=tensor(offset=2**64 - 32)),
    "a tensor that is not aligned": gguf(infos=tensor(offset=1)),
    "a tensor without dimensions": gguf(infos=text(b"a.weight") + struct.pack("<IIQ", 0, 0, 0)),
    "a tensor of many dimensions": gguf(infos=tensor(shape=(1,) * 9)),
    "a tensor of 2^32 - 1 dimensions": gguf(infos=text(b"a.weight") + struct.pack("<I", 2**32 - 1)),
    "a shape whose product overflows": gguf(infos=tensor(shape=(HUGE, HUGE, HUGE, 8))),
    "an empty tensor": gguf(infos=tensor(shape=(0, 8))),
    "a tensor of an unknown type": gguf(infos=tensor(kind=999)),
    "half a block": gguf(infos=tensor(shape=(16,), kind=2)),
    "a tensor twice": gguf(infos=tensor() * 2),
    "a header that is cut": gguf(infos=tensor())[:90],
}
SAFETENSORS_LIES = {
    "nothing": b"",
    "a length only": struct.pack("<Q", 2),
    "a header longer than the file": struct.pack("<Q", 4096) + b"{}",
    "a header of exabytes": struct.pack("<Q", 2**63) + b"{}",
    "a header that is no JSON": safetensors(b"{no"),
    "a header that is no UTF-8": safetensors(b'{"\xff": 1}'),
    "a header that is a list": safetensors([]),
    "a header nested without end": safetensors(b'{"a":' * 100_000),
    "more tensors than any model has": safetensors({str(n): 0 for n in range(70_000)}),
    "no place": safetensors({"a": {"dtype": "F32", "shape": [1]}}),
    "a place outside of the file": safetensors(entry(data_offsets=[0, 4096], shape=[1024])),
    "a place before the file": safetensors(entry(data_offsets=[-64, 0])),
    "a place that ends before it begins": safetensors(entry(data_offsets=[64, 0])),
    "a place of three": safetensors(entry(data_offsets=[0, 32, 64])),
    "a place that is true": safetensors(entry(data_offsets=[0, True])),
    "a place that is a fraction": safetensors(entry(data_offsets=[0, 63.5])),
    "a shape that is more than its bytes": safetensors(entry(shape=[1 << 40])),
    "a shape below zero": safetensors(entry(shape=[-1, -16])),
    "a shape that overflows": safetensors(entry(shape=[2**63, 2**63])),
    "two tensors in one place": safetensors({"a": entry()["a"], "b": entry()["a"]}),
    "an entry that is a number": safetensors({"a": 7}),
}


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_header_passes(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(SOUND[name])
    check_header(tmp_path / name)


@pytest.mark.parametrize("lie", GGUF_LIES)
def test_a_gguf_header_that_lies_is_refused(lie: str, tmp_path: Path) -> None:
    refuse(tmp_path / "a.gguf", GGUF_LIES[lie])


@pytest.mark.parametrize("lie", SAFETENSORS_LIES)
def test_a_safetensors_header_that_lies_is_refused(lie: str, tmp_path: Path) -> None:
    refuse(tmp_path / "a.safetensors", SAFETENSORS_LIES[lie])


def refuse(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(BadHeaderError):
        check_header(file)
    count("lying weight headers refused")


def test_random_damage_is_refused_or_harmless_and_never_another_error(tmp_path: Path) -> None:
    chance, file = random.Random(7), tmp_path / "a.gguf"
    for sound in (SOUND["b.gguf"], SOUND["e.gguf"], SOUND["d.safetensors"]):
        file = tmp_path / ("a.gguf" if sound.startswith(b"GGUF") else "a.safetensors")
        for _ in range(300):
            damaged = bytearray(sound)
            for _ in range(chance.randint(1, 4)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            file.write_bytes(damaged[: chance.randint(1, len(damaged))])
            with contextlib.suppress(BadHeaderError):
                check_header(file)


def test_what_safetensors_writes_passes(tmp_path: Path) -> None:
    import numpy
    from safetensors.numpy import save_file

    save_file({"a": numpy.zeros((3, 4), "float16"), "b": numpy.ones(5, "int64")}, tmp_path / "a.safetensors")
    check_header(tmp_path / "a.safetensors")


@pytest.mark.model
@pytest.mark.parametrize("name", ["all-minilm-l6-v2", "smollm2-135m", "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"])
def test_pulled_models_pass(name: str) -> None:
    files = [file for pattern in ("*.gguf", "*.safetensors", "mlx/*.safetensors") for file in (MODELS / name).glob(pattern)]
    if not files:
        pytest.skip(f"{name} is not in {MODELS}: run scripts/test")
    for file in files:
        check_header(file)


def test_the_message_has_no_word_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(safetensors(json.dumps({"SECRET": {}}).encode()))
    with pytest.raises(BadHeaderError) as caught:
        check_header(tmp_path / "a.safetensors")
    assert "SECRET" not in str(caught.value)
