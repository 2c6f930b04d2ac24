"""Archives as folders: what is read in them, what is passed over, and how much they may hold."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from ragcli.adapters.readers import members, unpacking
from ragcli.adapters.readers.members import is_left_out, member_name
from ragcli.adapters.readers.parsed import Parsed, UnreadableError
from ragcli.adapters.readers.parsing import parse
from ragcli.steps.chunking import chunk_document, locate_span
from ragcli.types import Document, Locator, Piece
from tests.readers.test_lines import assert_parsed_sound, pieces
from tests.readers.test_structure import make_docx, zipped

MANUAL = "# Fans\n\nRun them\nfor an hour.\n\n\n\n## Cost\n\n312 euros.\n"
Pack = Callable[[Mapping[str, str | bytes]], bytes]


def tarred(parts: Mapping[str, str | bytes], mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as container:  # type: ignore[call-overload]
        for name, content in parts.items():
            data = content.encode() if isinstance(content, str) else content
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            container.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def reason_for(data: bytes, name: str) -> str:
    with pytest.raises(UnreadableError) as refusal:
        parse(data, name)
    return refusal.value.reason


def places(parsed: Parsed) -> list[str]:
    return [block.locator.describe() for block in parsed.blocks]


def as_document(parsed: Parsed) -> Document:
    return Document(Path("x.zip"), "x", parsed.text, "0" * 64, parsed.kind, parsed.blocks)


# ---- what is read -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.zip", zipped),
        ("a.tar", tarred),
        ("a.tar.gz", lambda parts: tarred(parts, "w:gz")),
        ("a.tgz", lambda parts: tarred(parts, "w:gz")),
        ("a.tar.bz2", lambda parts: tarred(parts, "w:bz2")),
        ("a.tar.xz", lambda parts: tarred(parts, "w:xz")),
        ("renamed.gz", lambda parts: tarred(parts, "w:gz")),
    ],
)
def test_an_archive_is_read_as_a_folder(name: str, pack: Pack) -> None:
    parsed = parse(pack({"docs/fans.md": MANUAL, "letter.docx": make_docx("Dear Ann")}), name)
    assert_parsed_sound(parsed)
    assert places(parsed) == ["docs/fans.md, lines 1-4", "docs/fans.md, lines 8-10", "letter.docx"]
    assert parsed.blocks[1].heading == ("docs/fans.md", "Fans", "Cost")
    assert pieces(parsed)[2] == "Dear Ann"


@pytest.mark.parametrize(("ending", "compress"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)])
def test_a_compressed_file_is_read_under_its_own_name(ending: str, compress: Callable[[bytes], bytes]) -> None:
    parsed = parse(compress(MANUAL.encode()), f"fans.md.{ending}")
    assert places(parsed) == ["fans.md, lines 1-4", "fans.md, lines 8-10"]
    assert parsed.kind == "markdown"


def test_an_archive_in_an_archive_is_a_folder_too() -> None:
    inner = tarred({"c.txt": "deep words", "d.txt": "more"}, "w:gz")
    parsed = parse(zipped({"a.txt": "words", "in/b.tgz": inner}), "x.zip")
    assert places(parsed) == ["a.txt, line 1", "in/b.tgz/c.txt, line 1", "in/b.tgz/d.txt, line 1"]
    assert parsed.blocks[1].heading == ("in/b.tgz", "c.txt")


def test_lines_of_a_member_are_those_of_its_own_file() -> None:
    """In every span of a block, and in chunks that join small sections of one member."""
    document = as_document(parse(zipped({"other.txt": "x\n" * 30, "fans.md": MANUAL}), "x.zip"))
    start = document.text.index("312 euros")
    assert locate_span(document, start, start + 9) == Locator(lines=(10, 10), member="fans.md")

    def split(text: str, kind: str) -> list[Piece]:
        return [Piece(0, len(text), 10)]

    chunks = chunk_document(document, source_id="a" * 32, split=split, token_limit=200)
    assert [chunk.locator for chunk in chunks] == [
        Locator(lines=(1, 30), member="other.txt"),
        Locator(lines=(1, 10), member="fans.md"),
    ]
    assert all(document.text[chunk.start : chunk.end] == chunk.text for chunk in chunks)
    assert chunks[1].text.split("\n") == MANUAL.strip().split("\n")


def test_members_of_one_kind_make_a_document_of_that_kind() -> None:
    assert parse(zipped({"a.py": "x = 1", "b.py": "y = 2"}), "x.zip").kind == "code"
    assert parse(zipped({"a.py": "x = 1", "b.md": "y"}), "x.zip").kind == "prose"


# ---- what is passed over ----------------------------------------------------------------------


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_the_rules_of_the_walker_hold_inside(pack: Pack) -> None:
    hidden = {".env": "K=1", "a/.git/config": "x", "b/.hidden/x.txt": "x", "__MACOSX/._a.txt": "x", "~$open.docx": "x"}
    secret = {"keys/id_rsa": "x", "tls/server.pem": "x", ".ssh/config": "x", "CVS/Root": "x", "my passwords.csv": "x"}
    parsed = parse(
        pack({**hidden, **secret, "good.txt": "words", "pic.png": b"\x89PNG\0"}), "x.zip" if pack is zipped else "x.tar"
    )
    assert places(parsed) == ["good.txt, line 1"]


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_names_that_lead_out_lead_nowhere(pack: Pack) -> None:
    names = ["../../evil.txt", "/etc/cron.d/evil.txt", "C:\\evil.txt", "a\nb\x00.txt"]
    parsed = parse(pack(dict.fromkeys(names, "words")), "x.zip" if pack is zipped else "x.tar")
    assert [block.locator.member for block in parsed.blocks][:3] == ["evil.txt", "etc/cron.d/evil.txt", "C:/evil.txt"]


def test_links_and_devices_are_no_files() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as container:
        for number, kind in enumerate((tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE)):
            entry = tarfile.TarInfo(f"odd{number}.txt")
            entry.type, entry.linkname = kind, "/etc/passwd"
            container.addfile(entry)
    assert reason_for(buffer.getvalue(), "x.tar") == "empty"
    link = zipfile.ZipInfo("link.txt")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(buffer := io.BytesIO(), "w") as container:
        container.writestr(link, "/etc/passwd")
    assert reason_for(buffer.getvalue(), "x.zip") == "empty"


def test_a_member_that_cannot_be_read_costs_only_itself() -> None:
    parsed = parse(zipped({"broken.docx": "PK no", "broken.pdf": "%PDF-1.4 no", "good.txt": "words"}), "x.zip")
    assert places(parsed) == ["good.txt, line 1"]


def test_names_in_utf8_are_read_though_they_do_not_say_so() -> None:
    with zipfile.ZipFile(buffer := io.BytesIO(), "w") as container:
        container.writestr("Grosse-Plane-hier.txt", "words")
    data = buffer.getvalue().replace(b"Grosse-Plane-hier", "Große-Pläne-hi".encode() + b"r")
    assert places(parse(data, "x.zip")) == ["Große-Pläne-hir.txt, line 1"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [("./a//b.txt", "a/b.txt"), ("..", ""), ("a\tb\\c", "a b/c"), ("\udcff.txt", "?.txt"), ("x" * 300, "x" * 200)],
)
def test_a_name_is_shown_as_a_path_of_one_line(name: str, shown: str) -> None:
    assert member_name(name) == shown


def test_names_that_look_like_secrets_are_told() -> None:
    assert is_left_out("home/.aws/credentials")
    assert not is_left_out("home/aws/notes.md")


# ---- what is refused --------------------------------------------------------------------------


def locked(data: bytes, name: bytes) -> bytes:
    """The zip with the entry's flag for encryption set, in both places."""
    changed = bytearray(data)
    for signature, flags, start in ((b"PK\x03\x04", 6, 30), (b"PK\x01\x02", 8, 46)):
        position = changed.find(signature)
        while position >= 0:
            if changed[position + start : position + start + len(name)] == name:
                changed[position + flags] |= 1
            position = changed.find(signature, position + 4)
    return bytes(changed)


def test_what_is_locked_is_passed_over_and_told_if_it_is_all() -> None:
    data = locked(zipped({"a.txt": "words", "b.txt": "more"}), b"a.txt")
    assert places(parse(data, "x.zip")) == ["b.txt, line 1"]
    assert reason_for(locked(data, b"b.txt"), "x.zip") == "encrypted"


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({}, "empty"),
        ({".env": "x"}, "empty"),
        ({"a.png": b"\x89"}, "binary"),
        ({"a.txt": "", "b.txt": " "}, "empty"),
        ({"a.7z": "x"}, "unsupported"),
    ],
)
def test_an_archive_without_anything_to_read_says_why(parts: dict[str, str | bytes], reason: str) -> None:
    assert reason_for(zipped(parts), "x.zip") == reason
    assert reason_for(tarred(parts), "x.tar") == reason


@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.gz", "x.tar.xz"])
def test_what_is_no_archive_is_malformed(name: str) -> None:
    assert reason_for(b"no archive at all, but some text", name) == "malformed"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_archives_cut_short_give_what_stands_before_or_are_malformed(share: float) -> None:
    parts = {f"{number}.txt": f"words {number} " * 200 for number in range(20)}
    for name, data in {
        "x.zip": zipped(parts),
        "x.tgz": tarred(parts, "w:gz"),
        "x.tar": tarred(parts),
        "x.txt.gz": gzip.compress(b"a" * 999),
    }.items():
        try:
            assert_parsed_sound(parse(data[: int(len(data) * share)], name))
        except UnreadableError as refusal:
            assert refusal.reason == "malformed"


def nested(depth: int) -> bytes:
    data: str | bytes = "words"
    for level in range(depth):
        data = zipped({f"{level}.zip" if level else "a.txt": data})
    assert isinstance(data, bytes)
    return data


def test_nesting_has_an_end() -> None:
    assert places(parse(nested(3), "x.zip")) == ["2.zip/1.zip/a.txt, line 1"]
    assert reason_for(nested(4), "x.zip") == "too_much_output"


def test_bombs_are_refused_by_what_they_unpack(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (members, unpacking):
        monkeypatch.setattr(module, "RATIO_FROM", 1 << 20)
    bomb = bytes(4 << 20)
    assert reason_for(zipped({"a.txt": "words", "b.txt": bomb}), "x.zip") == "too_much_output"
    assert reason_for(tarred({"a.txt": "words", "b.png": bomb}, "w:gz"), "x.tar.gz") == "too_much_output"
    assert reason_for(gzip.compress(bomb), "a.txt.gz") == "too_much_output"


def test_all_containers_of_a_source_share_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = zipped({"a.txt": "words " * 100})
    data = zipped({"1.zip": inner, "2.zip": inner, "3.zip": inner})
    assert len(parse(data, "x.zip").blocks) == 3
    for name, limit in (("MAX_ENTRIES", 5), ("MAX_UNPACKED", 1500), ("MAX_TEXT_BYTES", 1500)):
        with monkeypatch.context() as patch:
            patch.setattr(members, name, limit)
            assert reason_for(data, "x.zip") == "too_much_output"


def test_a_zip_whose_sizes_lie_is_bounded_by_what_it_unpacks() -> None:
    data = zipped({"a.txt": "b" * 70_000})
    lying = data.replace((70_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != data
    assert reason_for(lying, "x.zip") == "malformed"


def test_large_members_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_MEMBER", 100)
    assert places(parse(tarred({"large.txt": "x" * 101, "small.txt": "words"}), "x.tar")) == ["small.txt, line 1"]


def test_a_place_inside_is_told_apart_from_one_in_the_file() -> None:
    inside = Locator(lines=(3, 4), member="docs/a.md")
    assert inside.describe() == "docs/a.md, lines 3-4"
    assert replace(inside, member="").describe() == "lines 3-4"
