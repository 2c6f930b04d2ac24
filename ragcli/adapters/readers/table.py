"""The one table of formats: which lane reads a name, and what the first bytes of an unknown one say.

It reads nothing itself and imports no lane, so that the process that asks can use it too.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePath

HEAD_BYTES = 8192
"""How much of a file of unknown name is looked at."""
LEAST_WIDE = 16
"""Characters from which bytes can be told to be UTF-16 of any script."""
_NO_TEXT = frozenset(["Cc", "Cn", "Co", "Cs"])

CODE = (
    "c h cc cpp cxx hpp hh hxx m mm cs java kt kts scala groovy gradle go rs swift dart zig nim d v vala js mjs cjs jsx ts "
    "mts cts tsx vue svelte astro css scss sass less php rb erb pl pm lua r jl m4 sh bash zsh fish ps1 psm1 bat cmd awk sed "
    "sql ddl graphql gql proto thrift avsc hs lhs ml mli fs fsi fsx elm clj cljs cljc edn ex exs erl hrl lisp el scm rkt f "
    "f90 f95 for pas pp asm s vhd vhdl sv cu cl glsl hlsl wgsl metal tf tfvars hcl nix bzl bazel cmake mk make dockerfile "
    "makefile jenkinsfile vagrantfile rakefile gemfile justfile procfile json json5 jsonc geojson webmanifest yaml yml toml "
    "ini cfg conf properties editorconfig plist env service desktop patch diff sol move cairo pyx pxd pyi"
)
PROSE = "txt text log out err nfo readme license licence copying authors changelog changes notice todo bib po pot strings man lst"
TABLES = "csv tsv tab psv jsonl ndjson"
OFFICE = "docx docm dotx pptx pptm ppsx xlsx xlsm xltx odt ott odp otp ods ots rtf epub doc dot ppt pps xls xlt msg fb2"
BINARY = (
    "png jpg jpeg gif bmp tif tiff webp heic heif avif ico icns psd ai eps raw cr2 nef dng svgz xcf sketch fig blend stl "
    "obj glb mp3 m4a wav flac ogg oga opus aac aiff wma mid mp4 m4v mov mkv avi webm wmv flv mpg mpeg 3gp exe dll so dylib "
    "a o lib class jar war ear pyc pyo pyd whl egg wasm bin db sqlite sqlite3 mdb accdb pack idx ttf otf woff woff2 eot iso "
    "dmg img vmdk qcow2 pkg deb rpm apk msi app parquet feather arrow orc avro npy npz pkl pickle pt pth onnx safetensors "
    "gguf ggml h5 hdf5 mat rdata rds swp lock-journal torrent"
)
ARCHIVES = "zip tar tgz tbz tbz2 txz gz bz2 xz"
UNSUPPORTED = "zst 7z rar lz lz4 br cab pages numbers keynote one onepkg pst ost"
MARKUP = {
    "markdown": "md markdown mdown mkd mdx qmd rmd",
    "rst": "rst rest",
    "org": "org",
    "asciidoc": "adoc asciidoc asc",
    "tex": "tex latex ltx sty cls",
    "xml": "xml xlf xliff xsd xsl xslt svg rss atom kml gpx tei dtd xhtm resx csproj vcxproj pom opml tmx ttml",
    "html": "html htm xhtml shtml",
    "notebook": "ipynb",
    "subtitles": "srt vtt",
    "mbox": "mbox mbx",
    "mail": "eml emlx",
    "pdf": "pdf",
    "python": "py pyw",
}

FORMATS: dict[str, str] = {
    ending: name
    for name, endings in {
        "plain": PROSE,
        "code": CODE,
        "table": TABLES,
        "office": OFFICE,
        "binary": BINARY,
        "archive": ARCHIVES,
        "unsupported": UNSUPPORTED,
        **MARKUP,
    }.items()
    for ending in endings.split()
}
"""Name ending, lower case and without its dot, to the format that reads it."""

LINE_FORMATS = frozenset(
    ["plain", "code", "python", "table", "markdown", "rst", "org", "asciidoc", "tex", "xml", "notebook", "subtitles"]
)
_HEADER_LINE = re.compile(rb"(?:[A-Za-z][A-Za-z0-9-]{0,60}:[ \t][^\n]*\n(?:[ \t][^\n]*\n)*){3}")
_MAILDIR = re.compile(r"(?:^|/)(?:cur|new)/\d{9,}\.[^/]+$")
_MAIL_FIELD = re.compile(rb"^(?:received|return-path|delivered-to|message-id|mime-version|from):", re.I | re.M)


def ending_of(name: str) -> str:
    """The name's last ending; a name without one (``Makefile``) is its own."""
    return (PurePath(name).suffix[1:] or name).lower()


def format_of(name: str) -> str:
    """The format that the name promises; empty if it promises nothing."""
    return FORMATS.get(ending_of(name), "")


def is_maildir_message(path: str) -> bool:
    """Whether the path may be that of a message in a Maildir: such names end in a host's name, which promises nothing."""
    return _MAILDIR.search(path) is not None


def never_read(name: str) -> str:
    """The reason why a file of this name need not be opened at all; empty if it must be."""
    form = format_of(name)
    return form if form in ("binary", "unsupported") else ""


def sniff(head: bytes) -> str:
    """The format that the first bytes show: of a file whose name promises nothing, or whose name lies."""
    start = head[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"%pdf-" in start:
        return "pdf"
    if start.startswith(b"{\\rtf"):
        return "office"
    if start.startswith((b"<!doctype html", b"<html")):
        return "html"
    if head.startswith(b"From ") and _MAIL_FIELD.search(head):
        return "mbox"
    if _HEADER_LINE.match(head.replace(b"\r\n", b"\n")) and _MAIL_FIELD.search(head):
        return "mail"
    return "binary" if looks_binary(head) else "plain"


def looks_like_office(head: bytes) -> bool:
    """Whether the bytes begin like a container, an old Office file, RTF or a FictionBook."""
    return head.startswith((b"PK", b"\xd0\xcf\x11\xe0", b"{\\rtf", b"<?xml"))


def looks_binary(head: bytes) -> bool:
    """Whether the bytes are no text: they hold NULs and are neither UTF-16 nor UTF-32."""
    if b"\0" not in head or head.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")):
        return False
    return wide_encoding(head) is None


def wide_encoding(head: bytes) -> str | None:
    """``utf-16-le`` or ``utf-16-be`` if the bytes read like text in it without a byte order mark."""
    pairs = len(head) // 2
    if pairs < 2:
        return None
    low, high = head[: pairs * 2 : 2], head[1 : pairs * 2 : 2]
    for name, zeros, letters in (("utf-16-le", high, low), ("utf-16-be", low, high)):
        if zeros.count(0) > 0.7 * pairs and letters.count(0) < 0.02 * pairs:
            return name
    return next((name for name in ("utf-16-le", "utf-16-be") if 0 in head and _reads_as_text(head[: pairs * 2], name)), None)


def _reads_as_text(data: bytes, encoding: str) -> bool:
    """Whether the bytes are words and line ends of any script, and nothing that no text has."""
    text = data.decode(encoding, "ignore")
    return len(text) >= LEAST_WIDE and ("\n" in text or " " in text) and not any(map(is_odd, text))


def is_odd(character: str) -> bool:
    """Whether no text has the character: a control, one that Unicode does not name, or the mark of a broken one."""
    return character == "\ufffd" or (unicodedata.category(character) in _NO_TEXT and character not in "\t\n\v\f\r\x1b\x85")
