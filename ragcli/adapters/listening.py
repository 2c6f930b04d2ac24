"""The one loopback port that `ragcli serve --port` may listen on: opened before the wall goes up, which then holds as ever.

Behind the wall no socket can be made. One that listens already can take up connections, which only programs of this
machine can begin; it can begin none itself.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence

LOOPBACK = "127.0.0.1"
_opened: dict[int, socket.socket | OSError] = {}


def open_port_if_wanted(arguments: Sequence[str]) -> None:
    """For ``serve --port N`` the port is open, or why it is not will be told by ``take_port``. Call it before the wall is up."""
    port = wanted_port(arguments)
    if port is not None:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((LOOPBACK, port))
            listener.listen()
            _opened[port] = listener
        except OSError as error:
            listener.close()
            _opened[port] = error


def wanted_port(arguments: Sequence[str]) -> int | None:
    """The number behind ``--port`` of the command ``serve``; None for anything else."""
    words = [argument for argument in arguments if not argument.startswith("-")]
    if words[:1] != ["serve"]:
        return None
    after = dict(zip(arguments, [*arguments[1:], ""], strict=True)).get("--port")
    joined = next((argument.partition("=")[2] for argument in arguments if argument.startswith("--port=")), after) or ""
    return int(joined) if joined.isdecimal() and 0 <= int(joined) <= 65535 else None


def take_port(port: int) -> socket.socket:
    """The socket that listens there. Raises OSError where it could not be opened, or was not."""
    found = _opened.pop(port, None) or OSError(os.strerror(1))
    if isinstance(found, OSError):
        raise found
    return found
