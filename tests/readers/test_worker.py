"""The worker: what it survives, how it is limited, and that a bad file never costs a good one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.adapters.readers import frames, parsing
from ragcli.adapters.readers.parsed import Parsed, UnreadableError
from ragcli.adapters.readers.worker import WorkerReader
from ragcli.errors import SourceError
from ragcli.types import Block, Document, FileStamp, Locator, Unreadable
from tests.readers import read_one
from tests.readers.test_pages import make_pdf
from tests.readers.test_structure import docx_parts, make_docx, paragraph, zipped

MakeReader = Callable[..., WorkerReader]


@pytest.fixture
def make_reader() -> Iterator[MakeReader]:
    made: list[WorkerReader] = []

    def make(**settings: object) -> WorkerReader:
        made.append(WorkerReader(**settings))  # type: ignore[arg-type]  # settings are the test's own
        return made[-1]

    yield make
    for reader in made:
        reader.close()


def stamp(path: Path) -> FileStamp:
    return FileStamp(path, 0, 0, 0)


def outcomes(reader: WorkerReader, *paths: Path) -> list[str]:
    """For each path ``ok`` or the reason."""
    results = reader.read([stamp(path) for path in paths])
    return ["ok" if isinstance(result, Document) else result.reason for _, result in results]


def write(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# ---- the real worker --------------------------------------------------------------------------


def test_every_lane_works_behind_the_wall(make_reader: MakeReader, tmp_path: Path) -> None:
    files = {"a.md": "# Words", "a.pdf": make_pdf([(72, 700, "Words")]), "a.docx": make_docx("Words"), "a.html": "<p>Words</p>"}
    paths = [write(tmp_path / name, content) for name, content in files.items()]
    results = [result for _, result in make_reader().read(map(stamp, paths))]
    assert [isinstance(result, Document) and "Words" in result.text for result in results] == [True] * 4


def test_what_is_no_readable_file_is_refused_and_never_blocks(make_reader: MakeReader, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "folder.txt").mkdir()
    (tmp_path / "link.txt").symlink_to(write(tmp_path / "target.txt", "x"))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket.txt"))
    write(tmp_path / "large.txt", "x" * 101)
    names = ["pipe.txt", "folder.txt", "link.txt", "socket.txt", "large.txt", "gone.txt", "target.txt/x.txt", "target.txt"]
    reasons = ["not_regular"] * 4 + ["too_large", "vanished", "vanished", "ok"]
    assert outcomes(make_reader(max_file_bytes=100), *(tmp_path / name for name in names)) == reasons


def test_names_say_what_is_never_opened(make_reader: MakeReader, tmp_path: Path) -> None:
    reader = make_reader(command=["/nonexistent"])
    assert outcomes(reader, tmp_path / "a.png", tmp_path / "b.mp4", tmp_path / "c.7z") == ["binary", "binary", "unsupported"]


def test_names_of_any_bytes_are_read(make_reader: MakeReader, tmp_path: Path) -> None:
    names = [os.fsdecode(b"caf\xe9.txt"), "line\nbreak.txt", "x" * 250 + ".txt"]
    assert outcomes(make_reader(), *(write(tmp_path / name, "words") for name in names)) == ["ok"] * 3


def test_a_file_that_takes_too_long_is_given_up_and_the_next_is_read(make_reader: MakeReader, tmp_path: Path) -> None:
    slow = write(tmp_path / "slow.xml", "<!--" * 400_000)
    good = write(tmp_path / "good.txt", "words")
    assert outcomes(make_reader(seconds=0.3), good, slow, good) == ["ok", "too_slow", "ok"]


def test_a_file_that_computes_too_long_is_given_up_whatever_the_clock_says(make_reader: MakeReader, tmp_path: Path) -> None:
    slow = write(tmp_path / "slow.xml", "<!--" * 400_000)
    good = write(tmp_path / "good.txt", "words")
    assert outcomes(make_reader(seconds=250, cpu_seconds=0.5), good, slow, good) == ["ok", "too_slow", "ok"]


def test_a_file_that_takes_too_much_memory_is_given_up_and_the_next_is_read(make_reader: MakeReader, tmp_path: Path) -> None:
    large = write(tmp_path / "large.txt", "words " * 10_000_000)
    good = write(tmp_path / "good.txt", "words")
    assert outcomes(make_reader(memory_mb=80), good, large, good) == ["ok", "too_much_memory", "ok"]


def test_a_library_that_runs_out_of_memory_dies_alone(make_reader: MakeReader, tmp_path: Path) -> None:
    many = zipped(docx_parts("".join(paragraph(f"word {number}") for number in range(200_000))))
    good = write(tmp_path / "good.docx", make_docx("words"))
    result = outcomes(make_reader(memory_mb=60), good, write(tmp_path / "many.docx", many), good)
    assert result == ["ok", "too_much_memory", "ok"]


def test_a_bomb_is_refused(make_reader: MakeReader, tmp_path: Path) -> None:
    bomb = zipped({**docx_parts(paragraph("x")), "word/media/bomb.bin": bytes(64 << 20)})
    assert outcomes(make_reader(), write(tmp_path / "bomb.docx", bomb)) == ["too_much_output"]


def test_a_container_whose_sizes_lie_does_no_harm(make_reader: MakeReader, tmp_path: Path) -> None:
    body = "".join(paragraph("word " * 50) for _ in range(200_000))
    data = zipped(docx_parts(body))
    real = len(docx_parts(body)["word/document.xml"]).to_bytes(4, "little")
    lying = data.replace(real, (1000).to_bytes(4, "little"))
    assert lying != data
    assert outcomes(make_reader(memory_mb=200), write(tmp_path / "lying.docx", lying)) == ["malformed"]


DEEP = {
    "deep.ipynb": b'{"cells":' + b"[" * 1_000_000,
    "deep.html": b"<div>" * 200_000 + b"x",
    "deep.xml": b"<a>" * 300_000,
    "deep.md": b"> " * 300_000 + b"[" * 300_000,
    "deep.json": b"[" * 1_000_000,
    "long.csv": b"x," * 2_000_000,
    "deep.rtf": b"{\\rtf1 " + b"{" * 500_000,
    "deep.eml": b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\nContent-Type: multipart/mixed; boundary=a\n\n" * 20_000,
    "laughs.xml": b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b'<!ENTITY b "&a;&a;&a;&a;">' * 1000 + b"]><x>&b;</x>",
    "nul.pdf": bytes(100_000),
    "random.docx": bytes(range(256)) * 100,
}


def test_hostile_files_cost_no_good_one(make_reader: MakeReader, tmp_path: Path) -> None:
    paths = []
    for number, (name, content) in enumerate(DEEP.items()):
        paths += [write(tmp_path / name, content), write(tmp_path / f"good{number}.txt", f"marker {number}")]
    results = [result for _, result in make_reader(seconds=2).read(map(stamp, paths))]
    good = [result.text for result in results[1::2] if isinstance(result, Document)]
    assert good == [f"marker {number}" for number in range(len(DEEP))]


def test_a_file_that_changes_while_it_is_read_is_never_mixed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "a" * 100_000)
    code = f"import itertools, pathlib\nfor c in itertools.cycle('ab'): pathlib.Path({str(path)!r}).write_text(c * 100_000)"
    with subprocess.Popen([sys.executable, "-c", code]) as writer:
        try:
            for _ in range(300):
                try:
                    data, _ = parsing.read_whole(bytes(path), 1 << 20)
                except UnreadableError as refusal:
                    assert refusal.reason == "changing"
                else:
                    assert len(set(data)) <= 1
        finally:
            writer.kill()


def test_a_file_that_grows_while_it_is_read_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path, reading = write(tmp_path / "a.log", "words "), os.read

    def read_and_grow(file: int, size: int) -> bytes:
        with path.open("ab") as log:
            log.write(b"more ")
        return reading(file, size)

    monkeypatch.setattr(os, "read", read_and_grow)
    with pytest.raises(UnreadableError) as refusal:
        parsing.read_whole(bytes(path), 1 << 20)
    assert refusal.value.reason == "changing"


def test_bytes_are_no_mail(make_reader: MakeReader, tmp_path: Path) -> None:
    header = b"From: a@example.org\r\nSubject: words\r\n\r\n"
    paths = [write(tmp_path / "zeros.eml", bytes(500)), write(tmp_path / "mail.eml", header + b"words\0and more")]
    assert outcomes(make_reader(), *paths) == ["malformed", "ok"]


def test_a_file_without_permission_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(UnreadableError) as refusal:
        parsing.read_whole(b"/any", 100)
    assert refusal.value.reason == "permission"


def test_the_worker_is_sealed_limited_and_gone_after_close(make_reader: MakeReader, tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("reads /proc")
    reader = make_reader(memory_mb=512)
    assert outcomes(reader, write(tmp_path / "a.txt", "x")) == ["ok"]
    assert reader._worker
    process = Path(f"/proc/{reader._worker._process.pid}")
    status, limits = (process / "status").read_text(), (process / "limits").read_text()
    assert "Seccomp:\t2" in status
    soft = {line[:25].strip(): line[25:].split()[0] for line in limits.splitlines()}
    assert soft["Max data size"] == str(512 << 20)
    assert soft["Max core file size"] == "0"
    assert int(soft["Max open files"]) == parsing.OPEN_FILES
    assert int(soft["Max file size"]) == parsing.MAX_WRITTEN
    reader.close()
    assert not process.exists()


def test_closing_the_reading_stops_the_worker(make_reader: MakeReader, tmp_path: Path) -> None:
    reader = make_reader()
    path = write(tmp_path / "a.txt", "x")
    reading = reader.read(stamp(path) for _ in range(10_000))
    next(reading)
    reading.close()
    assert reader._worker is None


def test_the_worker_ends_when_its_owner_dies(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "x")
    code = f"""
import os, signal
from pathlib import Path
from ragcli.adapters.readers.worker import WorkerReader
from tests.readers import read_one
reader = WorkerReader()
read_one(reader, Path({str(path)!r}))
print(reader._worker._process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    worker = Path(f"/proc/{done.stdout.strip()}")
    deadline = time.monotonic() + 10
    while worker.exists() and "\nState:\tZ" not in (worker / "status").read_text():
        assert time.monotonic() < deadline


def test_modules_in_the_folder_of_the_user_are_not_run(
    make_reader: MakeReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json.py", "resource.py", "sitecustomize.py"):
        write(tmp_path / name, "raise SystemExit('run')")
    monkeypatch.chdir(tmp_path)
    assert outcomes(make_reader(), write(tmp_path / "a.txt", "x")) == ["ok"]


# ---- workers that misbehave -------------------------------------------------------------------

STAND_IN = """
import os, signal, struct, sys, time
from ragcli.adapters.readers.frames import ALIVE, encode_alive, encode_answer, encode_hello
from ragcli.adapters.readers.parsed import Parsed
from ragcli.types import Block, Locator
def send(data):
    sys.stdout.buffer.write(data); sys.stdout.buffer.flush()
send(encode_hello())
while prefix := sys.stdin.buffer.read(4):
    name = os.path.basename(sys.stdin.buffer.read(struct.unpack(">I", prefix)[0])).decode()
    exec(globals().get("BEHAVIOUR", {}).get(name, ""))
    send(encode_answer(Parsed(name, "prose", (Block(0, len(name), Locator()),)), "0" * 64))
"""


@pytest.fixture
def stand_in(make_reader: MakeReader, tmp_path: Path) -> Callable[..., list[str]]:
    """Reads files with a worker that does as told for some names and answers well for others."""

    def read(behaviour: dict[str, str], *names: str, seconds: float = 0) -> list[str]:
        script = write(tmp_path / "stand_in.py", f"BEHAVIOUR = {behaviour!r}\n{STAND_IN}")
        reader = make_reader(command=[sys.executable, str(script)], seconds=seconds)
        return outcomes(reader, *(tmp_path / name for name in names))

    return read


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "crashed"),
        ("os.kill(os.getpid(), signal.SIGABRT)", "crashed"),
        ("os._exit(0)", "crashed"),
        ("os.kill(os.getpid(), signal.SIGALRM)", "too_slow"),
        ("os.kill(os.getpid(), signal.SIGPROF)", "too_slow"),
        ("os.kill(os.getpid(), signal.SIGUSR1)", "too_much_memory"),
        ("os.write(2, b'memory allocation of 99 bytes failed'); os.abort()", "too_much_memory"),
        ("send(struct.pack('>II', 10, 1 << 31)); time.sleep(60)", "too_much_output"),
        ("send(b'garbage that is no frame' * 100)", "too_much_output"),
        ("send(struct.pack('>II', 2, 0) + b'[]')", "crashed"),
        ("send(struct.pack('>II', 7, 0) + b'{\"a\":1}')", "crashed"),
        ("send(struct.pack('>II', len(ALIVE), 5) + ALIVE + b'words')", "crashed"),
        ("send(struct.pack('>II', 13, 0) + b'{\"alive\":true}'[:13])", "crashed"),
    ],
)
def test_a_worker_that_dies_or_lies_costs_one_file(behaviour: str, reason: str, stand_in: Callable[..., list[str]]) -> None:
    assert stand_in({"bad.txt": behaviour}, "a.txt", "bad.txt", "b.txt", "c.txt") == ["ok", reason, "ok", "ok"]


def test_a_worker_that_hangs_is_killed(stand_in: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragcli.adapters.readers.worker.GRACE_SECONDS", 1.0)
    assert stand_in({"bad.txt": "time.sleep(600)"}, "a.txt", "bad.txt", "b.txt") == ["ok", "too_slow", "ok"]


def test_a_worker_that_says_it_is_alive_is_given_its_time_anew(
    stand_in: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ragcli.adapters.readers.worker.GRACE_SECONDS", 2.0)
    long = "for _ in range(5): time.sleep(0.5); send(encode_alive())"
    assert stand_in({"long.txt": long}, "a.txt", "long.txt", "b.txt") == ["ok", "ok", "ok"]


@pytest.mark.parametrize(("bound", "value"), [("MAX_STEPS", 10), ("MAX_RECOGNIZED_PAGES", 1)])
def test_no_worker_is_alive_for_ever(
    stand_in: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch, bound: str, value: int
) -> None:
    monkeypatch.setattr("ragcli.adapters.readers.worker.GRACE_SECONDS", 1.0)
    monkeypatch.setattr(f"ragcli.adapters.readers.worker.{bound}", value)
    alive = "while True: send(encode_alive()); time.sleep(0.005)"
    assert stand_in({"bad.txt": alive}, "a.txt", "bad.txt", "b.txt") == ["ok", "too_slow", "ok"]


def test_a_file_is_blamed_only_if_a_fresh_worker_dies_of_it_too(stand_in: Callable[..., list[str]], tmp_path: Path) -> None:
    once = f"p = {str(tmp_path / 'died')!r}\nif not os.path.exists(p): open(p, 'w').close(); os._exit(1)"
    assert stand_in({"unlucky.txt": once}, "a.txt", "unlucky.txt", "b.txt") == ["ok", "ok", "ok"]


def test_a_worker_that_does_not_start_is_an_error_with_a_hint(make_reader: MakeReader, tmp_path: Path) -> None:
    reader = make_reader(command=[sys.executable, "-c", "raise SystemExit(3)"])
    with pytest.raises(SourceError) as failure:
        read_one(reader, tmp_path / "a.txt")
    assert failure.value.slug == "reader-failed"


# ---- frames -----------------------------------------------------------------------------------

GOOD = Parsed(
    "one two",
    "prose",
    (Block(0, 3, Locator(lines=(1, 1)), ("A", "B")), Block(4, 7, Locator(page=2, label="x", member="a/b.pdf"))),
    "Title",
)


def split(frame: bytes) -> tuple[bytes, bytes]:
    header, text = frames.frame_length(frame[:8])
    return frame[8 : 8 + header], frame[8 + header : 8 + header + text]


def test_a_document_survives_the_journey() -> None:
    document = frames.decode_answer(Path("/a/b.txt"), *split(frames.encode_answer(GOOD, "0" * 64)))
    assert document == Document(Path("/a/b.txt"), "Title", "one two", "0" * 64, "prose", GOOD.blocks)


def test_a_refusal_survives_the_journey() -> None:
    frame = frames.encode_answer(UnreadableError("encrypted", "says who"), "")
    assert frames.decode_answer(Path("/a"), *split(frame)) == Unreadable(Path("/a"), "encrypted", "says who")


@pytest.mark.parametrize(
    "wrong",
    [
        '"kind":"prose"|"kind":"evil"',
        "[0,3,|[-1,3,",
        "[0,3,|[3,0,",
        "[4,7,|[2,7,",
        "[4,7,|[4,8,",
        "[0,3,1,1,|[0,3,1,null,",
        "[0,3,1,1,|[0,true,1,1,",
        '"title":"Title"|"title":5',
        '"digest":"0|"digest":"g',
        '["A","B"]|[1]',
        '["A","B"]|7',
        '"blocks":[[|"blocks":[7,[',
        '{"title"|{"reason":"made up","detail":"","title"',
    ],
)
def test_a_frame_that_is_not_as_it_must_be_is_not_believed(wrong: str) -> None:
    before, after = wrong.split("|")
    header, text = split(frames.encode_answer(GOOD, "0" * 64))
    changed = header.decode().replace(before, after, 1)
    assert changed != header.decode()
    with pytest.raises(ValueError, match=r"."):
        frames.decode_answer(Path("/a"), changed.encode(), text)


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_any_bytes_are_refused_or_sound(header: bytes, text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        frames.decode_answer(Path("/a"), header, text)
