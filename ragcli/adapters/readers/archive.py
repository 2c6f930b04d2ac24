"""What a container must pass before any library opens it: no bomb, no lock, no document type declaration."""

from __future__ import annotations

import io
import zipfile
import zlib

from ragcli.adapters.readers.members import MAX_ENTRIES, MAX_RATIO, MAX_UNPACKED, RATIO_FROM
from ragcli.adapters.readers.parsed import UnreadableError

PROLOGUE = 4096
"""A document type declaration stands before the first element."""
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LOCKED_STREAM = "EncryptedPackage".encode("utf-16-le")
_OOXML = frozenset(["docx", "docm", "dotx", "pptx", "pptm", "ppsx", "xlsx", "xlsm", "xltx"])
_ODF = frozenset(["odt", "ott", "odp", "otp", "ods", "ots"])
ZIPPED = _OOXML | _ODF | {"epub"}


def check_container(data: bytes, ending: str) -> None:
    """Nothing happens if the container is fit to be read.

    Raises UnreadableError: ``encrypted``, ``malformed``, ``too_much_output``.
    """
    if data.startswith(OLE_MAGIC):
        if _LOCKED_STREAM in data:
            raise UnreadableError("encrypted")
        return
    if ending not in ZIPPED:
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as container:
            _check_entries(container)
            _check_locks(container, ending)
            _check_declarations(container, ending)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError, OSError, RuntimeError) as error:
        raise UnreadableError("malformed", "a damaged container") from error


def _check_entries(container: zipfile.ZipFile) -> None:
    entries = container.infolist()
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if len(entries) > MAX_ENTRIES:
        raise UnreadableError("too_much_output", f"more than {MAX_ENTRIES} entries")
    if unpacked > MAX_UNPACKED:
        raise UnreadableError("too_much_output", f"unpacks to more than {MAX_UNPACKED >> 20} MiB")
    if unpacked > RATIO_FROM and unpacked > MAX_RATIO * packed:
        raise UnreadableError("too_much_output", f"packed more than {MAX_RATIO} times")
    if any(entry.flag_bits & 1 for entry in entries):
        raise UnreadableError("encrypted")


def _check_locks(container: zipfile.ZipFile, ending: str) -> None:
    names = {"epub": "META-INF/encryption.xml"}.get(ending, "META-INF/manifest.xml" if ending in _ODF else "")
    if names not in container.namelist():
        return
    with container.open(names) as part:
        content = part.read(RATIO_FROM)
    if ending in _ODF and b"encryption-data" in content:
        raise UnreadableError("encrypted")
    # Fonts are often scrambled; only a locked chapter makes the book unreadable.
    if ending == "epub" and b"html" in content.lower():
        raise UnreadableError("encrypted")


def _check_declarations(container: zipfile.ZipFile, ending: str) -> None:
    """No part declares entities; an Office part declares no document type at all, as its standard says."""
    forbidden = (b"<!DOCTYPE", b"<!ENTITY") if ending in _OOXML else (b"<!ENTITY",)
    for entry in container.infolist():
        if entry.filename.endswith((".xml", ".rels", ".xhtml", ".opf", ".ncx")):
            with container.open(entry) as part:
                prologue = part.read(PROLOGUE).replace(b"\0", b"")
            if any(mark in prologue for mark in forbidden):
                raise UnreadableError("malformed", "a document type declaration where none may be")
