"""Who could call: what the code of every installed package carries that leads off the machine.

Three marks, chosen because they stay the same from release to release unless something new can call:
the hosts in URLs (of Python without its comments and docstrings, and of native libraries), the network clients that are
imported (or, in native code, that names are looked up), and the words of telemetry. ``callers.toml`` holds what was
reviewed; ``python -m tests.supply.scanning`` prints what is not in it, ready to be pasted once somebody has looked.
"""

from __future__ import annotations

import fnmatch
import importlib.metadata
import mmap
import os
import re
import tomllib
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).parents[2]
REVIEWED = Path(__file__).with_name("callers.toml")
EXTRAS = ("code", "mlx-cpu", "ocr")
MARKS = ("hosts", "clients", "telemetry")
NATIVE = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"MZ")
"""How libraries of Linux, macOS and Windows begin."""
CODE = frozenset({"", ".py", ".so", ".dylib", ".dll", ".node", ".exe"})
NOT_RUN = frozenset({"tests", "test", "_tests", "testing", "benchmarks", "examples"})

HOST = re.compile(rb"://([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
SCHEMES = (b"http", b"https", b"ws", b"wss", b"grpc")
HOST_ENDINGS = (
    "com org net edu gov mil info internal cloud network space run dev app tech io ai co so sh rs us uk de fr eu cn ru jp nl"
    " ch at be se fi pl cz au ca br es kr in me to cc tv google direct bot cafe systems services builders chat site online"
)
ENDINGS = sorted(HOST_ENDINGS.split(), key=len, reverse=True)
"""Of host names. In native code one text stands right behind another: what follows an ending belongs to the next."""
NOT_CODE = re.compile(rb"^[ \t]*(?:#[^\n]*|[rRbBuUfF]{0,2}(\"\"\"|''').*?\1)|[ \t]#[ \t][^\n\"']*$", re.MULTILINE | re.DOTALL)
"""Comments and docstrings, and what else stands between three quotes at the start of a line."""
CLIENT = re.compile(
    rb"^[ \t]*(?:import|from)[ \t]+(socket|http\.client|http[ \t]+import[^\n]*\bclient|urllib\.request"
    rb"|urllib[ \t]+import[^\n]*\brequest|urllib3|requests|httpx2?|httpcore2?|aiohttp|ftplib|smtplib|xmlrpc|websockets?|grpc"
    rb"|paramiko|pycurl|boto3|botocore|posthog|sentry_sdk|opentelemetry|segment|mixpanel|amplitude|datadog|ddtrace|statsd"
    rb"|snowplow_tracker|wandb|analytics|huggingface_hub)\b",
    re.MULTILINE,
)
TELEMETRY = (
    *(b"telemetry", b"posthog", b"sentry_sdk", b"sentry.io", b"mixpanel", b"amplitude.com", b"segment.io", b"google-analytics"),
    *(b"googletagmanager", b"datadog", b"newrelic", b"bugsnag", b"api.rollbar", b"honeycomb.io", b"applicationinsights"),
    *(b"events.data.microsoft", b"launchdarkly", b"statsig", b"scarf.sh", b"snowplow", b"rudderstack", b"usage_stats"),
)
NATIVE_TELEMETRY = (b"elemetry", b"events.data.microsoft")
LOOK_UP = "native name look-up"

Marks = Mapping[str, set[str]]


@dataclass(slots=True)
class Scanned:
    """How much was looked at, and the marks found by package."""

    files: int = 0
    bytes: int = 0
    marks: dict[str, dict[str, set[str]]] = field(default_factory=dict)


def packages() -> list[str]:
    """All that an installation of ragcli brings and is installed on this machine: its extras too, but no tools of its makers."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    texts = [*project["dependencies"], *(text for extra in EXTRAS for text in project["optional-dependencies"][extra])]
    seen: dict[tuple[str, frozenset[str]], None] = {}
    _follow(texts, frozenset(), seen)
    return sorted({name for name, _ in seen})


def _follow(texts: Iterable[str], extras: frozenset[str], seen: dict[tuple[str, frozenset[str]], None]) -> None:
    for requirement in map(Requirement, texts):
        key = canonicalize_name(requirement.name), frozenset(requirement.extras)
        marker = requirement.marker
        if key in seen or (marker and not any(marker.evaluate({"extra": extra}) for extra in ("", *extras))):
            continue
        try:
            needed = importlib.metadata.requires(key[0]) or ()
        except importlib.metadata.PackageNotFoundError:
            continue
        seen[key] = None
        _follow(needed, key[1], seen)


def scan(names: Iterable[str], readable: Container[str] = ()) -> Scanned:
    """The marks of every package but for ``readable`` hosts, whose addresses are there for people.

    Hosts count only where something could call them: beside a client, or in native code.
    """
    scanned = Scanned()
    for name in names:
        marks: dict[str, set[str]] = {mark: set() for mark in MARKS}
        native = False
        for path in _code_of(name):
            with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:  # noqa: PTH123
                scanned.files += 1
                scanned.bytes += len(content)
                if path.endswith(".py"):
                    look_at_python(bytes(content), marks, readable)
                else:
                    native = True
                    look_at_native(content, marks)
        can_call = native or marks["clients"]
        marks["hosts"] = {host for host in marks["hosts"] if can_call and host not in readable}
        scanned.marks[name] = marks
    return scanned


def _code_of(name: str) -> Iterator[str]:
    """The package's files that can run: Python, and what begins like a native library."""
    installed = importlib.metadata.distribution(name)
    folder = str(installed.locate_file(""))
    for line in (installed.read_text("RECORD") or "").splitlines():
        file = line.rsplit(",", 2)[0].strip('"')
        ending = os.path.splitext(file)[1]  # noqa: PTH122
        if ending not in CODE and ".so." not in file or not NOT_RUN.isdisjoint(file.split("/")):
            continue
        path = f"{folder}/{file}"
        if _begins_with(path, b"" if ending == ".py" else NATIVE):
            yield path


def _begins_with(path: str, marks: bytes | tuple[bytes, ...]) -> bool:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            beginning = file.read(4)
    except OSError:
        return False
    return bool(beginning) and beginning.startswith(marks)


def look_at_python(text: bytes, marks: Mapping[str, set[str]], readable: Container[str] = ()) -> None:
    """The marks of a file of Python are added."""
    lower = text.lower()
    suspicious = [word for word in TELEMETRY if word in lower]
    if suspicious or any(host not in readable for host in _hosts(text)):
        code = NOT_CODE.sub(b"", text)
        marks["hosts"].update(_hosts(code))
        lower = code.lower()
        marks["telemetry"].update(word.decode() for word in suspicious if word in lower)
    marks["clients"].update(_dotted(found[1].decode()) for found in CLIENT.finditer(text))


def _dotted(imported: str) -> str:
    """``urllib import parse, request`` as ``urllib.request``."""
    first, *rest = imported.split()
    return f"{first}.{rest[-1]}" if rest else first


def look_at_native(content: mmap.mmap | bytes, marks: Mapping[str, set[str]]) -> None:
    """The marks of a native library are added."""
    marks["hosts"].update(host for found in _hosts(content) if (host := cut_to_ending(found)))
    if content.find(b"getaddrinfo") >= 0:
        marks["clients"].add(LOOK_UP)
    marks["telemetry"].update(word.decode().replace("elem", "telem") for word in NATIVE_TELEMETRY if content.find(word) >= 0)


def _hosts(content: mmap.mmap | bytes) -> Iterator[str]:
    for found in HOST.finditer(content):
        if content[max(0, found.start() - 5) : found.start()].lower().endswith(SCHEMES):
            yield found[1].lower().decode()


def cut_to_ending(host: str) -> str:
    """The host without what stands behind it; empty if it is none."""
    before, _, last = host.rpartition(".")
    if last.isdigit() or before in ("", "www"):
        return host if re.fullmatch(r"[\d.]+", host) else ""
    if before.replace(".", "").isdigit():
        return re.match(r"[\d.]*\d", host)[0]  # type: ignore[index]
    ending = next((ending for ending in ENDINGS if last.startswith(ending)), "")
    return f"{before}.{ending}" if ending else ""


def reviewed() -> dict[str, Any]:
    return tomllib.loads(REVIEWED.read_text("utf-8"))


class Patterns:
    """Hosts that fit one of the patterns of a shell: ``docs.*``, ``*.example.org``."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._fits = re.compile("|".join(map(fnmatch.translate, patterns)) or r"(?!)").match
        self._known: dict[str, bool] = {}

    def __contains__(self, host: object) -> bool:
        name = str(host)
        if name not in self._known:
            self._known[name] = self._fits(name) is not None
        return self._known[name]


def unexplained(marks: Mapping[str, Marks], list_of: Mapping[str, Any]) -> dict[str, dict[str, list[str]]]:
    """By package and mark what was found and stands nowhere in the reviewed list."""
    new: dict[str, dict[str, list[str]]] = {}
    for package, found in marks.items():
        known = list_of["packages"].get(package, {})
        for mark, values in found.items():
            allowed = Patterns(known.get(mark, ()))
            left = sorted(value for value in values if value not in allowed)
            if left:
                new.setdefault(package, {})[mark] = left
    return new


if __name__ == "__main__":
    listed = reviewed()
    for package, marks in unexplained(scan(packages(), Patterns(listed["references"]["hosts"])).marks, listed).items():
        print(f"[packages.{package}]")  # noqa: T201
        for mark, values in marks.items():
            print(f"{mark} = {values}".replace("'", '"'))  # noqa: T201
        print()  # noqa: T201
