"""The wall: what makes it impossible, not only unwanted, that anything leaves the machine.

Two layers, in this order: environment switches that the libraries obey, and a filter in the kernel that they cannot
get round; ``proof`` shows a person that it holds. It knows nothing of what the program does behind the wall.
On Linux the filter is seccomp-bpf, on macOS a sandbox profile; elsewhere there is no seal and ``seal_state`` says so.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import socket
import struct
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ragcli.errors import ConfigError, UsageError
from ragcli.types import SealState

NO_TELEMETRY = {
    "DISABLE_SAFETENSORS_CONVERSION": "1",
    "DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "HF_HUB_DISABLE_XET": "1",
    "LANCE_LOG": "error",
    "LANCEDB_LOG": "error",
    "ORT_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
NO_NETWORK = {
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
}
GOOD_NEIGHBOURS = {"OMP_WAIT_POLICY": "passive"}
"""Threads that wait for one another sleep: spinning ones held the cores that others needed, 15 times slower beside
one busy program. Read when OpenMP is loaded, by whichever library comes first."""
FOREIGN_CODE = ("MLXLM_USE_MODELSCOPE", "MLX_LM_TRUST_REMOTE_CODE", "TRUST_REMOTE_CODE")
WAYS_OUT = ("HF_ENDPOINT", "HF_TOKEN")

# Two letters at least before the colon, so that a drive letter passes; one slash is what pathlib leaves of two.
REMOTE = re.compile(r"[a-z][a-z0-9+.-]+:/|[\\/]{2}", re.IGNORECASE)


def wants_network(arguments: Sequence[str]) -> bool:
    """True for ``models pull …`` and nothing else."""
    words = [argument for argument in arguments if not argument.startswith("-")]
    return words[:2] == ["models", "pull"]


def close_doors() -> SealState:
    """No library will try the network, no file is readable by others, and the kernel refuses network sockets.

    Call it before any third-party import: libraries freeze these switches when they are imported.
    ``RAGCLI_TEST_UNSEALED=1`` lifts the seal alone, so that tests can show that no library even tries.
    """
    _keep_private()
    os.environ.update(NO_NETWORK)
    for name in [*os.environ]:
        if name in WAYS_OUT or name.lower().endswith("_proxy"):
            del os.environ[name]
    return seal_state() if os.environ.get("RAGCLI_TEST_UNSEALED") == "1" else seal()


def open_doors_for_download() -> None:
    """The network can be reached with the user's own proxies, endpoint and token; telemetry stays off."""
    _keep_private()
    for name in NO_NETWORK:
        os.environ.pop(name, None)


def _keep_private() -> None:
    os.umask(0o077)
    os.environ.update(NO_TELEMETRY | GOOD_NEIGHBOURS)
    for name in FOREIGN_CODE:
        os.environ.pop(name, None)
    if sys.platform != "win32":
        import resource  # absent on Windows

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def refuse_remote(text: str) -> None:
    """Returns only if ``text`` is not the address of another machine. Raises UsageError ``remote-path``."""
    if REMOTE.match(text.strip()):
        raise UsageError("remote-path", f"{text!r} is not on this machine", hint="give the path of a local file or folder")


def require_seal() -> None:
    """Returns only in a sealed process. Raises ConfigError ``airgap-unavailable``."""
    state = seal_state()
    if state.kind == "none":
        message = f"privacy.airgap is 'require', but the kernel does not refuse the network here: {state.detail}"
        raise ConfigError("airgap-unavailable", message, hint="ragcli config set privacy.airgap auto")


# ---- the seal --------------------------------------------------------------------------------

REFUSED = errno.EPERM if sys.platform == "darwin" else errno.EACCES
"""What the seal answers; no unsealed Linux gives EACCES for the same calls, so it tells ours from other refusals."""


took_ns: list[int] = []
"""How long each seal of this process took, in nanoseconds."""


def seal() -> SealState:
    """From here on the kernel refuses network sockets to every thread and child; nothing can lift it. Idempotent."""
    began = time.perf_counter_ns()
    if sys.platform.startswith("linux"):
        failure = _seal_linux()
    elif sys.platform == "darwin":
        failure = _seal_macos(ctypes.CDLL("/usr/lib/libSystem.B.dylib", use_errno=True))
    else:
        failure = f"there is no seal for {sys.platform}"
    took_ns.append(time.perf_counter_ns() - began)
    return SealState("none", failure) if failure else seal_state()


def seal_state() -> SealState:
    """What the kernel says and does now: its own status lines, and whether a socket is refused. Sends nothing."""
    if sys.platform.startswith("linux"):
        return _state_from_status(Path("/proc/self/status").read_text(encoding="ascii", errors="replace"), try_socket())
    if sys.platform == "darwin":
        library = ctypes.CDLL("/usr/lib/libSystem.B.dylib")
        denied = library.sandbox_check(os.getpid(), b"network-outbound", 0) == 1
        return SealState("sandbox", "network-outbound denied") if denied else SealState("none", "no sandbox denies the network")
    return SealState("none", f"there is no seal for {sys.platform}")


def _state_from_status(status: str, refusal: int) -> SealState:
    """A container's own filter shows in the status too, so the refused socket must be seen as well."""
    lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    seen = {name: lines.get(name, "?").strip() for name in ("NoNewPrivs", "Seccomp", "Seccomp_filters")}
    detail = ", ".join(f"{name}: {value}" for name, value in seen.items())
    if refusal == REFUSED and seen["Seccomp"] == "2" and seen["NoNewPrivs"] == "1":
        return SealState("seccomp", detail)
    return SealState("none", detail)


# ---- Linux -----------------------------------------------------------------------------------

# By machine: audit architecture, number of seccomp(2), socket, socketpair, and the calls that are always refused:
# connect, ptrace and process_vm_writev (another process could be made to speak for this one),
# pidfd_getfd (takes a socket from another process), io_uring_setup (opens sockets past the filter).
SYSTEM_CALLS = {
    "x86_64": (0xC000003E, 317, 41, 53, (42, 101, 311, 438, 425)),
    "aarch64": (0xC00000B7, 277, 198, 199, (203, 117, 271, 438, 425)),
}
X32_CALLS = 0x40000000
LOAD, EQUAL, AT_LEAST, AND, RETURN = 0x20, 0x15, 0x35, 0x54, 0x06
NUMBER, ARCHITECTURE, FIRST_ARGUMENT, SECOND_ARGUMENT = 0, 4, 16, 24
ALLOW, DENY = 0x7FFF0000, 0x00050000 | errno.EACCES
SET_NO_NEW_PRIVILEGES, SET_MODE_FILTER, ALL_THREADS = 38, 1, 1

Instruction = tuple[int, int, int, int]
"""Code, how many instructions to skip if true, how many if false, operand."""


def _filter_program(machine: str) -> list[Instruction]:
    """Allows everything but ways to the network.

    Of sockets it leaves local (AF_UNIX) ones that must connect before they can send; and connecting is refused, so
    that no resolver, proxy or agent on the machine becomes a way out. Listening and socket pairs still work.
    """
    architecture, _, socket_call, pair_call, refused = SYSTEM_CALLS[machine]
    deny, allow = (RETURN, 0, 0, DENY), (RETURN, 0, 0, ALLOW)
    program = [(LOAD, 0, 0, ARCHITECTURE), (EQUAL, 1, 0, architecture), deny, (LOAD, 0, 0, NUMBER)]
    if machine == "x86_64":
        program += [(AT_LEAST, 0, 1, X32_CALLS), deny]
    for call in refused:
        program += [(EQUAL, 0, 1, call), deny]
    program += [(EQUAL, 2, 0, socket_call), (EQUAL, 1, 0, pair_call), allow]
    program += [(LOAD, 0, 0, FIRST_ARGUMENT), (EQUAL, 1, 0, socket.AF_UNIX), deny]
    program += [(LOAD, 0, 0, SECOND_ARGUMENT), (AND, 0, 0, 0xF)]  # the low bits are the type, the rest are flags
    return [*program, (EQUAL, 1, 0, socket.SOCK_STREAM), (EQUAL, 0, 1, socket.SOCK_SEQPACKET), allow, deny]


def _seal_linux() -> str:
    """Installs the filter in every thread. Returns why it could not, or nothing."""
    machine = os.uname().machine
    if machine not in SYSTEM_CALLS or sys.maxsize < 2**32:
        return f"there is no seal for {machine} with this Python"
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in _filter_program(machine))
    buffer = ctypes.create_string_buffer(code, len(code))
    program = ctypes.create_string_buffer(struct.pack("HP", len(code) // 8, ctypes.addressof(buffer)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(SET_NO_NEW_PRIVILEGES, *map(ctypes.c_ulong, (1, 0, 0, 0))):
        return f"the kernel refused no-new-privileges: {os.strerror(ctypes.get_errno())}"
    outcome = libc.syscall(ctypes.c_long(SYSTEM_CALLS[machine][1]), SET_MODE_FILTER, ALL_THREADS, program)
    if outcome > 0:
        return f"thread {outcome} could not be sealed"
    return f"the kernel refused the filter: {os.strerror(ctypes.get_errno())}" if outcome else ""


# ---- macOS -----------------------------------------------------------------------------------

# Everything else stays allowed: profiles that deny by default break Metal.
PROFILES = (
    b"(version 1)(allow default)(deny network*)(allow network-bind network-inbound (local unix-socket))",
    b"(version 1)(allow default)(deny network*)",
)


def _seal_macos(library: Any) -> str:
    """Applies the first profile that this system understands. Returns why none could be, or nothing."""
    library.sandbox_init.argtypes = (ctypes.c_char_p, ctypes.c_uint64, ctypes.POINTER(ctypes.c_char_p))
    reason = ctypes.c_char_p()
    for profile in PROFILES:
        if library.sandbox_init(profile, 0, ctypes.byref(reason)) == 0:
            return ""
    return f"the system refused the sandbox profile: {(reason.value or b'no reason given').decode(errors='replace')}"


# ---- looking ---------------------------------------------------------------------------------

TEST_ADDRESSES = {"AF_INET": ("192.0.2.1", 9), "AF_INET6": ("2001:db8::1", 9)}
"""Reserved for documentation (RFC 5737, RFC 3849): they belong to no machine."""


def try_socket(family: str = "AF_INET") -> int:
    """The number of the kernel's answer to a socket of the family, 0 if it is let through. Sends nothing."""
    try:
        kind = socket.SOCK_STREAM if family == "AF_VSOCK" else socket.SOCK_DGRAM
        with socket.socket(getattr(socket, family), kind) as opened:
            if sys.platform == "darwin":  # its sandbox refuses the use of a socket, not the socket
                opened.connect(TEST_ADDRESSES[family])
    except OSError as error:
        return error.errno or errno.EIO
    return 0
