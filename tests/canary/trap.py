"""A network that leads nowhere: the commands run inside it, and every packet they send is caught and named.

``python trap.py`` reads a JSON list of errands on standard input and prints what was caught of each as JSON. It needs root or
a namespace of its own, and Linux. Unlike an empty namespace, in which a library fails at once and hides what it wanted, this
one has an address, a default route and a name server, so that whoever tries to call gets as far as sending.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

NEW_MOUNTS, NEW_NETWORK = 0x00020000, 0x40000000
MOUNT_BIND, MOUNT_PRIVATE = 4096, 0x4000 | (1 << 18)
TUN_SET, TUN_PLAIN = 0x400454CA, 0x0001 | 0x1000
SET_ADDRESS, SET_NETMASK, GET_FLAGS, SET_FLAGS, ADD_ROUTE, GET_INDEX = 0x8916, 0x891C, 0x8913, 0x8914, 0x890B, 0x8933
UP_AND_RUNNING, ROUTE_UP = 0x41, 0x1
OWN_ADDRESS, NAME_SERVER = "192.0.2.1", "192.0.2.53"
"""Of the net that is reserved for documentation (RFC 5737): it belongs to nobody."""
PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6"}
KERNELS_OWN = frozenset({130, 131, 132, 133, 134, 135, 136, 137, 143})
"""ICMPv6 types with which the kernel itself looks for neighbours and routers; no program asked for them."""
LINGER_SECONDS = 0.3


@dataclass
class Errand:
    """A command, and how long it lives: it is told to end by ``signal`` after ``seconds`` if it has not ended by then."""

    name: str
    argv: list[str]
    stdin: str = ""
    env: dict[str, str] = field(default_factory=dict)
    seconds: float = 120.0
    hold: float = 0.0
    """Seconds for which standard input stays open after ``stdin`` was written."""


@dataclass
class Caught:
    name: str
    status: int
    packets: list[str]
    """What was sent, each as ``protocol to address:port (name asked for)``."""
    output: str
    """The last of what the command printed."""


def main() -> int:
    errands = [Errand(**each) for each in json.load(sys.stdin)]
    tunnel = enter_dead_end()
    packets: list[str] = []
    threading.Thread(target=_listen, args=(tunnel, packets), daemon=True).start()
    json.dump([asdict(_run(errand, packets)) for errand in errands], sys.stdout)
    return 0


def enter_dead_end() -> int:
    """This process has a network of its own whose every route ends in the file that is returned."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEW_NETWORK | NEW_MOUNTS):
        raise OSError(ctypes.get_errno(), "no network of its own")
    if libc.mount(b"none", b"/", None, ctypes.c_ulong(MOUNT_PRIVATE), None):
        raise OSError(ctypes.get_errno(), "no mounts of its own")
    with tempfile.NamedTemporaryFile("w", suffix=".conf", delete=False) as resolver:
        resolver.write(f"nameserver {NAME_SERVER}\noptions timeout:1 attempts:1\n")
    if libc.mount(resolver.name.encode(), b"/etc/resolv.conf", None, ctypes.c_ulong(MOUNT_BIND), None):
        raise OSError(ctypes.get_errno(), "no name server of its own")
    tunnel = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tunnel, TUN_SET, struct.pack("16sH22x", b"trap", TUN_PLAIN))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for name in (b"lo", b"trap"):
            if name == b"trap":
                fcntl.ioctl(control, SET_ADDRESS, struct.pack("16s", name) + _address(OWN_ADDRESS))
                fcntl.ioctl(control, SET_NETMASK, struct.pack("16s", name) + _address("255.255.255.0"))
            flags = struct.unpack("16sh", fcntl.ioctl(control, GET_FLAGS, struct.pack("16sh", name, 0)))[1]
            fcntl.ioctl(control, SET_FLAGS, struct.pack("16sh", name, flags | UP_AND_RUNNING))
        device = ctypes.create_string_buffer(b"trap")
        anywhere, name = _address("0.0.0.0"), ctypes.addressof(device)
        route = struct.pack("8x16s16s16sH6xQQh6xPLLH6x", anywhere, anywhere, anywhere, ROUTE_UP, 0, 0, 0, name, 0, 0, 0)
        fcntl.ioctl(control, ADD_ROUTE, route)
        index = struct.unpack("16si", fcntl.ioctl(control, GET_INDEX, struct.pack("16si", b"trap", 0)))[1]
    _add_ipv6(index)
    return tunnel


def _address(text: str) -> bytes:
    return struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(text))


def _add_ipv6(index: int) -> None:
    """An address of the documentation net (RFC 3849) and a default route, where the kernel has IPv6 at all."""
    if not Path("/proc/net/if_inet6").exists():
        return
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as control:
        own = socket.inet_pton(socket.AF_INET6, "2001:db8::1")
        fcntl.ioctl(control, SET_ADDRESS, struct.pack("16sIi", own, 64, index))
        route = struct.pack("16s16s16sIHHIlIi", bytes(16), bytes(16), bytes(16), 0, 0, 0, 1, 0, ROUTE_UP, index)
        fcntl.ioctl(control, ADD_ROUTE, route)


def _run(errand: Errand, packets: list[str]) -> Caught:
    packets.clear()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            errand.argv,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **errand.env},
            start_new_session=True,
        )
        threading.Thread(target=_feed, args=(process, errand), daemon=True).start()
        try:
            process.wait(errand.seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        time.sleep(LINGER_SECONDS)
        output.seek(max(0, output.seek(0, os.SEEK_END) - 2000))
        printed = output.read().decode(errors="replace")
    return Caught(errand.name, process.returncode, sorted(set(packets)), printed)


def _feed(process: subprocess.Popen[bytes], errand: Errand) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(errand.stdin.encode())
        process.stdin.flush()
        time.sleep(errand.hold)
        process.stdin.close()
    except OSError:
        pass  # the command has ended


def _listen(tunnel: int, packets: list[str]) -> None:
    while True:
        select.select([tunnel], [], [])
        packet = os.read(tunnel, 65536)
        told = describe(packet)
        if told:
            packets.append(told)


def describe(packet: bytes) -> str:
    """Whom the packet is for and, of a question to a name server, the name; empty for what the kernel sends by itself."""
    if packet[0] >> 4 == 4:
        protocol, target, body = packet[9], socket.inet_ntoa(packet[16:20]), packet[(packet[0] & 15) * 4 :]
    else:
        protocol, target, body = packet[6], socket.inet_ntop(socket.AF_INET6, packet[24:40]), packet[40:]
        hop_by_hop = protocol == 0
        if hop_by_hop:
            protocol, body = body[0], body[8 + 8 * body[1] :]
        if protocol == 58 and body[:1] and body[0] in KERNELS_OWN:
            return ""
    port = struct.unpack(">H", body[2:4])[0] if protocol in (6, 17) else 0
    asked = f" ({_question(body[8:])})" if protocol == 17 and port == 53 else ""
    return f"{PROTOCOLS.get(protocol, protocol)} to {target}:{port}{asked}"


def _question(message: bytes) -> str:
    """The name that a DNS message asks for."""
    labels, place = [], 12
    while place < len(message) and message[place]:
        length = message[place]
        labels.append(message[place + 1 : place + 1 + length].decode("ascii", "replace"))
        place += 1 + length
    return ".".join(labels)


if __name__ == "__main__":
    sys.exit(main())
