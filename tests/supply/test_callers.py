"""No package of an installation can call without somebody having looked at it: see ``callers.toml``."""

from __future__ import annotations

import pytest

from tests.supply import scanning
from tests.supply.scanning import LOOK_UP, Patterns, Scanned, cut_to_ending, look_at_native, look_at_python, unexplained
from tests.tallying import count

FEWEST_PACKAGES = 60
FEWEST_FILES = 8_000


@pytest.fixture(scope="module")
def scanned() -> Scanned:
    return scanning.scan(scanning.packages(), Patterns(scanning.reviewed()["references"]["hosts"]))


def test_every_way_to_call_was_reviewed(scanned: Scanned) -> None:
    new = unexplained(scanned.marks, scanning.reviewed())
    assert new == {}, "look at what it is for, and write it down: python -m tests.supply.scanning prints it as TOML"
    count("packages scanned for callers", len(scanned.marks))


def test_everything_that_is_installed_was_looked_at(scanned: Scanned) -> None:
    assert len(scanned.marks) >= FEWEST_PACKAGES
    assert scanned.files >= FEWEST_FILES
    assert {"torch", "lancedb", "xberg", "huggingface-hub"} <= set(scanned.marks)
    assert LOOK_UP in scanned.marks["xllamacpp"]["clients"], "native code is looked into"


def test_every_reviewed_package_says_why() -> None:
    listed = scanning.reviewed()
    assert [name for name, entry in listed["packages"].items() if len(entry.get("why", "").split()) < 4] == []
    assert {mark for entry in listed["packages"].values() for mark in entry} <= {"why", *scanning.MARKS}


def marks() -> dict[str, set[str]]:
    return {mark: set() for mark in scanning.MARKS}


def test_a_native_library_that_begins_to_call_is_seen() -> None:
    """As one did between two minor releases: an endpoint and its resolver, compiled in."""
    before, after = marks(), marks()
    look_at_native(b"\0free\0OrtRun\0", before)
    look_at_native(b"\0free\0getaddrinfo\0https://mobile.events.data.microsoft.com/OneCollector/1.0EnableTelemetry", after)
    assert unexplained({"runtime": before}, {"packages": {}}) == {}
    assert unexplained({"runtime": after}, {"packages": {"runtime": {"hosts": ["*.microsoft.org"]}}}) == {
        "runtime": {
            "hosts": ["mobile.events.data.microsoft.com"],
            "clients": [LOOK_UP],
            "telemetry": ["events.data.microsoft", "telemetry"],
        }
    }


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('URL = "https://api.vendor.io/v1"', {"hosts": {"api.vendor.io"}}),
        ('def f():\n    """See https://vendor.io/docs."""\n', {}),
        ("# see https://vendor.io\nx = 1  # and https://vendor.io/too", {}),
        ('url = f"https://t.vendor.io/{key}"  # sends telemetry', {"hosts": {"t.vendor.io"}}),
        ("    import socket", {"clients": {"socket"}}),
        ("from urllib import parse, request", {"clients": {"urllib.request"}}),
        ("from http import client", {"clients": {"http.client"}}),
        ("from urllib.parse import urlsplit\nimport sockets", {}),
        ("import posthog\n", {"clients": {"posthog"}, "telemetry": {"posthog"}}),
        ("def send_Telemetry(): ...", {"telemetry": {"telemetry"}}),
        ("w = scrollbar_width", {}),
    ],
)
def test_what_python_carries(code: str, found: dict[str, set[str]]) -> None:
    seen = marks()
    look_at_python(code.encode(), seen)
    assert {mark: values for mark, values in seen.items() if values} == found


@pytest.mark.parametrize(
    ("run", "host"),
    [
        ("huggingface.cobackground", "huggingface.co"),
        ("login.microsoftonline.comsystem", "login.microsoftonline.com"),
        ("169.254.169.254failed", "169.254.169.254"),
        ("169.254.169.254", "169.254.169.254"),
        ("www.hortcut", ""),
        ("www.interpretation", ""),
        ("api.vendor.io", "api.vendor.io"),
    ],
)
def test_texts_that_stand_end_to_end_are_told_apart(run: str, host: str) -> None:
    assert cut_to_ending(run) == host


def test_patterns_are_those_of_a_shell() -> None:
    known = Patterns(["docs.*", "*.vendor.io", "exact.org"])
    assert "docs.python.test" in known
    assert "a.b.vendor.io" in known
    assert "exact.org" in known
    assert "vendor.io" not in known
    assert "an.exact.org" not in known
    assert "anything" not in Patterns([])
