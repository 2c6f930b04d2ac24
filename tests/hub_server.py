"""A model hub on the loopback interface: enough of the API to list a repository and fetch its files, whole or in part."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "c0ffee" + "0" * 34
SMALL = 100
"""Larger files are known by SHA-256, as on the hub; smaller ones by git's name of the blob."""


@dataclass
class Hub:
    """What the server offers, and what was asked of it. ``stall_after`` bytes of a file it says no more."""

    repository: str
    files: dict[str, bytes]
    announced: Mapping[str, bytes] = field(default_factory=dict)
    """Contents whose digests are told in place of the real ones."""
    status: int = 200
    error_code: str = ""
    stall_after: int | None = None
    break_after: int | None = None
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    """Method, path, and range."""
    address: str = ""
    finished: threading.Event = field(default_factory=threading.Event)

    def describe(self, path: str) -> dict[str, object]:
        content = self.announced.get(path, self.files[path])
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        about: dict[str, object] = {"rfilename": path, "size": len(content), "blobId": blob}
        if len(content) > SMALL:
            about["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
        return about


def handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            hub.requests.append(("GET", self.path, self.headers.get("Range", "")))
            path = self.path.split("?")[0]
            if hub.status != 200:
                self.reply(hub.status, b"{}", hub.error_code)
            elif path.startswith(f"/api/models/{hub.repository}"):
                siblings = [hub.describe(name) for name in hub.files]
                about = {"id": hub.repository, "sha": COMMIT, "siblings": siblings, "tags": [], "private": False}
                self.reply(200, json.dumps(about).encode())
            else:
                self.send_file(hub.files[path.removeprefix(f"/{hub.repository}/resolve/{COMMIT}/")])

        def reply(self, status: int, body: bytes, error_code: str = "") -> None:
            self.send_response(status)
            self.send_header("X-Error-Code", error_code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def send_file(self, content: bytes) -> None:
            asked = self.headers.get("Range", "")
            start = int(asked.removeprefix("bytes=").split("-")[0]) if asked else 0
            self.send_response(206 if asked else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.end_headers()
            pause = hub.stall_after or hub.break_after
            if pause is not None and len(content) > pause:
                self.wfile.write(content[start : start + pause])
                self.wfile.flush()
                if hub.stall_after:
                    hub.finished.wait()
                hub.break_after = None
                self.close_connection = True
            else:
                self.wfile.write(content[start:])

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


@contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    """The hub answers at ``hub.address`` for as long as the block runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(hub))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    hub.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        hub.finished.set()
        server.shutdown()
        server.server_close()
        thread.join()
