"""The proof that nothing can leave: every way out is tried, in this process, and the kernel's own answers are told.

It tries what a careless library or an attacker would. Nothing is sent even where there is no seal: connecting a datagram
socket sends no packet, and names are looked up only once sockets are known to be refused. Knows nothing of the program,
but which of its files are open.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from ragcli.adapters.offline import REFUSED, TEST_ADDRESSES, seal_state, took_ns, try_socket
from ragcli.types import Finding, InstalledModel

FAMILIES = ("AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_VSOCK")
LOOK_UP = "look up a host name"
SEAL, VERDICT = "seal", "verdict"
CHILD = """
import socket
try:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("192.0.2.1", 9))
except OSError as error:
    raise SystemExit(100 + error.errno)
"""


WEIGHTS = (".safetensors", ".gguf")


def prove_offline(data: Path, models: Sequence[InstalledModel] = ()) -> Iterator[Finding]:
    """Tells the seal, the kernel's answer to every way out, the models in memory, and the files below ``data`` that are open.

    The verdict comes last.
    """
    state = seal_state()
    sealed = state.kind != "none"
    took = f", put up in {took_ns[0] / 1e6:.2f} ms" if sealed and took_ns else ""
    yield Finding(SEAL, "ok" if sealed else "error", f"{state.kind} ({state.detail}){took}")
    ways = _ways_out()
    if sealed:
        ways[LOOK_UP] = _try_lookup()
    for way, answer in ways.items():
        yield _way_finding(way, answer)
    for model in models:
        for file, digest in model.files.items():
            if file.endswith(WEIGHTS):
                yield Finding("model in memory", "ok", f"{model.name}/{file} (SHA-256 {digest[:16]}…)")
    for path in open_files(data):
        yield Finding("open file", "ok", f"{path} (SHA-256 {_digest(path)[:16]}…)")
    closed = sum(answer == REFUSED for answer in ways.values())
    if closed == len(ways) and sealed:
        yield Finding(VERDICT, "ok", f"{closed} of {closed} ways out are refused by the kernel")
    elif sealed:
        message = f"LEAK: only {closed} of {len(ways)} ways out are refused by the kernel"
        yield Finding(VERDICT, "error", message, "do not use it for private files, and report this")
    else:
        hint = "run it on Linux or macOS, without RAGCLI_TEST_UNSEALED; privacy.airgap = require refuses to start here"
        yield Finding(VERDICT, "error", f"not proved: only {closed} of {len(ways)} ways out are refused by the kernel", hint)


def _way_finding(way: str, answer: int) -> Finding:
    if answer == REFUSED:
        return Finding(way, "ok", f"refused: {os.strerror(answer)}")
    return Finding(way, "error", "possible" if answer == 0 else f"not refused by the seal: {os.strerror(answer)}")


def _ways_out() -> dict[str, int]:
    """Each way with the error number of the kernel's answer, 0 where it was let through."""
    families = FAMILIES if sys.platform.startswith("linux") else tuple(TEST_ADDRESSES)
    ways = {f"open an {family} socket": try_socket(family) for family in families}
    ways["connect to a program on this machine"] = _try_local_connect(native=False)
    ways["connect from native code"] = _try_local_connect(native=True)
    ways["use the network in a forked child"] = _try_forked_child()
    ways["use the network in another program"] = _try_other_program()
    if sys.platform.startswith("linux"):
        ways["set up io_uring"] = _try_io_uring()
    return ways


def _try_other_program() -> int:
    status = subprocess.run([sys.executable, "-I", "-S", "-c", CHILD], check=False, capture_output=True).returncode
    return status - 100 if status > 100 else status and errno.EIO


def _try_forked_child() -> int:
    """The child does nothing but ask the kernel: other threads may hold locks that are never released in it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # libraries warn of just those locks
        child = os.fork()
    if child == 0:
        os._exit(try_socket())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _try_local_connect(*, native: bool) -> int:
    """Connects, from Python or below it, to a socket that this process itself listens on."""
    with tempfile.TemporaryDirectory(prefix="ragcli-") as folder, socket.socket(socket.AF_UNIX) as listening:
        path = str(Path(folder) / "s")
        listening.bind(path)
        listening.listen(1)
        with socket.socket(socket.AF_UNIX) as speaking:
            return _connect_natively(speaking, path) if native else speaking.connect_ex(path)


def _connect_natively(speaking: socket.socket, path: str) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    family = struct.pack("BB", 0, socket.AF_UNIX) if sys.platform == "darwin" else struct.pack("H", socket.AF_UNIX)
    address = family + os.fsencode(path) + b"\0"
    return ctypes.get_errno() if libc.connect(speaking.fileno(), address, len(address)) else 0


def _try_io_uring() -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    return ctypes.get_errno() if libc.syscall(ctypes.c_long(425), 1, None) else 0


def _try_lookup() -> int:
    """A resolver hides the kernel's answer, so a failed look-up counts as refused: its sockets are."""
    try:
        socket.getaddrinfo("ragcli-offline-proof.invalid", 443)
    except OSError:
        return REFUSED
    return 0


# ---- what is open ----------------------------------------------------------------------------


def open_files(below: Path) -> list[Path]:
    """The files below the folder that this process has open or mapped into its memory, as the kernel tells; Linux and macOS."""
    top = Path(os.path.realpath(below))
    found = {path for path in (*_opened(), *_mapped()) if path.is_relative_to(top)}
    return sorted(path for path in found if path.is_file() and stat.S_ISREG(path.stat().st_mode))


def _opened() -> Iterator[Path]:
    if sys.platform == "darwin":
        import fcntl

        for descriptor in Path("/dev/fd").iterdir():
            try:
                yield Path(os.fsdecode(fcntl.fcntl(int(descriptor.name), fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0")))
            except OSError:
                continue
        return
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            yield descriptor.readlink()
        except OSError:
            continue  # the listing's own


def _mapped() -> Iterator[Path]:
    maps = Path("/proc/self/maps")
    for line in maps.read_text("utf-8", "surrogateescape").splitlines() if maps.exists() else ():
        parts = line.split(maxsplit=5)
        if len(parts) == 6 and parts[5].startswith("/"):
            yield Path(parts[5])


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
