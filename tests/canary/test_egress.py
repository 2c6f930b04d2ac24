"""No command but ``models pull`` sends a packet: with the seal, and with the seal lifted, so that no library even tries."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.canary.conftest import MODEL, Send
from tests.canary.trap import Errand
from tests.tallying import count

FULL = os.environ.get("RAGCLI_FULL_CANARY") == "1"
AFTER_FIRST_USE = 25.0 if FULL else 3.0
"""Seconds that a session stays alive after its model was first used: one library is known to call after ten."""
FEWEST_COMMANDS = 30
HOSTILE = {
    "HF_HUB_OFFLINE": "0",
    "HF_ENDPOINT": "http://192.0.2.7",
    "HTTPS_PROXY": "http://192.0.2.8:3128",
    "MLXLM_USE_MODELSCOPE": "true",
}
"""An environment that wants the libraries to call."""
NATIVE = """
import ctypes, socket, struct
libc = ctypes.CDLL(None)
file = libc.socket(socket.AF_INET, socket.SOCK_DGRAM, 0)
libc.sendto(file, b"x", 1, 0, struct.pack(">HH4s8x", 0x0200, 9, socket.inet_aton("198.51.100.1")), 16)
"""
LOOK_UP = "import socket\ntry: socket.getaddrinfo('leak.example', 443)\nexcept OSError: pass"
DATAGRAM = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('198.51.100.2', 53))"
SIXTH = "import socket; socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b'x', ('2001:db8::9', 9))"
CONTROLS = {
    "a name is looked up": (LOOK_UP, "leak.example"),
    "native code sends": (NATIVE, "198.51.100.1"),
    "a datagram is sent": (DATAGRAM, "198.51.100.2"),
    "IPv6 is used": (SIXTH, "2001:db8::9"),
    "a child calls": (f"import subprocess, sys; subprocess.run([sys.executable, '-c', {DATAGRAM!r}])", "198.51.100.2"),
    "a late call": (f"import time; time.sleep({12 if FULL else 2}); {DATAGRAM}", "198.51.100.2"),
}


def test_the_trap_catches_whoever_calls(send: Send) -> None:
    caught = send([Errand(name, [sys.executable, "-c", code]) for name, (code, _) in CONTROLS.items()])
    for name, (_, target) in CONTROLS.items():
        assert any(target in packet for packet in caught[name].packets), (name, caught[name])
    count("callers that the trap caught, as it must", len(CONTROLS))


def test_pulling_a_model_calls_and_is_the_only_command_that_does(send: Send, tmp_path: Path) -> None:
    caught = send([ragcli(tmp_path, "models", "pull", "granite-embedding-97m-multilingual-r2", seconds=60)])
    (pull,) = caught.values()
    assert pull.packets, pull.output


def ragcli(home: Path, *arguments: str, **details: object) -> Errand:
    environment = {"RAGCLI_HOME": str(home), "PYTHONUNBUFFERED": "1", **details.pop("env", {})}  # type: ignore[dict-item]
    return Errand(" ".join(arguments) or "ragcli", [sys.executable, "-m", "ragcli", *arguments], env=environment, **details)  # type: ignore[arg-type]


def every_command(home: Path, empty: Path) -> list[Errand]:
    """Every command with real models, and the ways in which it goes wrong."""
    documents = str(home / "documents")
    ask = ("ask", "When does the lease of the boathouse end?", "--model", MODEL, "--max-tokens", "12")
    return [
        ragcli(home, "index", documents),
        ragcli(home, "index"),
        ragcli(home, "search", "lease of the boathouse"),
        ragcli(home, "search", "lease", "--mode", "words", "--json"),
        ragcli(home, *ask),
        ragcli(home, *ask, "--json", env={"RAGCLI_ANSWER__ENGINE": "mlx"}),
        ragcli(home, *ask, "--ndjson", stdin="2026-03-01 ERROR disk full\n" * 20),
        ragcli(home, "ask", "What is the price of tea in space?", "--model", MODEL, "--max-tokens", "4"),
        ragcli(home, "chat", stdin="When does the lease end?\n", hold=AFTER_FIRST_USE + 8, env={"RAGCLI_ANSWER__MODEL": MODEL}),
        ragcli(home, "watch", documents, seconds=20 if FULL else 8),
        ragcli(home, "status"),
        ragcli(home, "ls"),
        ragcli(home, "show", f"{documents}/lease.md:3"),
        ragcli(home, "check", "--read-data"),
        ragcli(home, "check", "--repair"),
        ragcli(home, "optimize"),
        ragcli(home, "models", "list"),
        ragcli(home, "models", "show", MODEL),
        ragcli(home, "models", "import", documents),
        ragcli(home, "models", "default"),
        ragcli(home, "config", "list"),
        ragcli(home, "config", "set", "answer.max_tokens", "64"),
        ragcli(home, "doctor"),
        ragcli(home, "doctor", "--offline-proof"),
        ragcli(home, "forget", f"{documents}/mail.eml"),
        ragcli(empty, "purge", "--yes"),
        ragcli(empty, "ask", "anything at all?"),
        ragcli(empty, "search", "anything"),
        ragcli(empty, "index", documents),
        ragcli(home, "ask", "anything?", "--model", "org/name-on-a-hub"),
        ragcli(home, "index", "https://leak.example/docs"),
        ragcli(home, "index", "s3://leak.example/docs"),
        ragcli(home, "eval", "hf://datasets/leak.example"),
        ragcli(home, "--help"),
        ragcli(home, "--version"),
    ]


only_in_full = pytest.mark.skipif(not FULL, reason="half of the cases: RAGCLI_FULL_CANARY=1 runs all")


@pytest.mark.model
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seal", ["sealed", pytest.param("lifted", marks=only_in_full)])
def test_no_command_sends_a_packet(send: Send, ready_home: Path, tmp_path: Path, seal: str) -> None:
    home = tmp_path / "home"
    shutil.copytree(ready_home, home, copy_function=os.link)
    errands = every_command(home, tmp_path / "empty")
    if seal == "lifted":
        for errand in errands:
            errand.env["RAGCLI_TEST_UNSEALED"] = "1"
    for errand in errands:
        errand.env.update(HOSTILE)

    caught = send(errands)

    assert len(caught) >= FEWEST_COMMANDS
    assert {name: each.packets for name, each in caught.items() if each.packets} == {}
    count("commands that sent no packet", len(caught))
    assert {name: each.output for name, each in caught.items() if each.status in (1, -9)} == {}
    assert "31 May 2027" in caught["search lease of the boathouse"].output, "the commands did their work"
