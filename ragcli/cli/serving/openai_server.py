"""Answers over HTTP as programs for OpenAI's chat completions expect them. Owns starlette and uvicorn.

Only for this machine and this user: a unix socket or a loopback port, a secret token, and nothing for pages of a browser.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ragcli.assistant import Assistant
from ragcli.cli.serving import completions, desk
from ragcli.cli.serving.assistant_thread import AssistantThread
from ragcli.cli.serving.completions import Asked, BadRequestError
from ragcli.errors import RagError, UsageError
from ragcli.types import Answer, AnswerFinished

LARGEST_BODY = 4 * 2**20
LOCAL_NAMES = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?", re.IGNORECASE)
LOCAL_ORIGIN = re.compile(rf"https?://{LOCAL_NAMES.pattern}", re.IGNORECASE)


class Guard:
    """Lets through only requests of this machine's own programs that know the token.

    A page in a browser can make requests to this machine too, under a name of its own that leads here: Host or Origin tell.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = [(name.lower(), value) for name, value in scope["headers"]]
        refusal = self._refusal(headers)
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, headers: list[tuple[bytes, bytes]]) -> Response | None:
        def values(name: bytes) -> list[str]:
            return [value.decode("latin-1") for each, value in headers if each == name]

        hosts, origins, lengths = values(b"host"), values(b"origin"), values(b"content-length")
        if len(hosts) != 1 or not LOCAL_NAMES.fullmatch(hosts[0]):
            return failure(403, "this server is for this machine alone", "forbidden_host")
        if any(not LOCAL_ORIGIN.fullmatch(origin) for origin in origins):
            return failure(403, "this server is not for web pages", "forbidden_origin")
        sent = [value for name, value in headers if name == b"authorization"]
        if len(sent) != 1 or not hmac.compare_digest(sent[0], self._expected):
            return failure(401, "the token is missing or wrong: ragcli serve says where it is", "invalid_api_key")
        if any(not length.isdecimal() or int(length) > LARGEST_BODY for length in lengths):
            return failure(413, "the request is too long", "too_large")
        return None


def failure(status: int, message: str, code: str) -> JSONResponse:
    """An error in the form that clients for the OpenAI API raise."""
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return JSONResponse({"error": {"message": message, "type": kind, "param": None, "code": code}}, status)


@dataclass(frozen=True, slots=True)
class Service:
    """The routes over one assistant."""

    thread: AssistantThread

    def app(self, token: str) -> ASGIApp:
        routes = [
            Route("/v1/models", self.models),
            Route("/v1/chat/completions", self.chat, methods=["POST"]),
        ]
        return Guard(Starlette(routes=routes), token)

    async def models(self, _request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [completions.MODEL]})

    async def chat(self, request: Request) -> Response:
        try:
            asked = completions.read_request(await read_body(request))
            begin = await self.thread.call(lambda assistant: completions.begin(assistant, asked))
            if asked.stream:
                return await self._streamed(asked, begin)
            answer = await self._whole(begin)
        except BadRequestError as error:
            return failure(error.status, str(error), error.code)
        except RagError as error:
            return _failed(error)
        return JSONResponse(completions.whole(answer, identifier(), int(time.time())))

    async def _whole(self, begin: Callable[[Assistant], Any]) -> Answer:
        async with aclosing(self.thread.stream(begin)) as events:
            async for event in events:
                if isinstance(event, AnswerFinished):
                    return event.answer
        raise RuntimeError("the answer never finished")

    async def _streamed(self, asked: Asked, begin: Callable[[Assistant], Any]) -> Response:
        """Errors that come before the first event are told by their status; later ones end the stream."""
        events = self.thread.stream(begin)
        first = await anext(events)

        async def lines() -> AsyncIterator[str]:
            async with aclosing(events):
                pieces = completions.Pieces(asked, identifier(), int(time.time()))
                yield _line(pieces.first())
                try:
                    for shape in pieces.of(first):
                        yield _line(shape)
                    async for event in events:
                        for shape in pieces.of(event):
                            yield _line(shape)
                except RagError as error:
                    yield _line(json.loads(bytes(_failed(error).body)))
                yield "data: [DONE]\n\n"

        return StreamingResponse(lines(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def read_body(request: Request) -> Mapping[str, Any]:
    """The request's JSON object. Raises BadRequestError."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_BODY:
            raise BadRequestError("the request is too long", "too_large", 413)
    try:
        read = json.loads(bytes(body))
    except ValueError as error:
        raise BadRequestError("the body is not JSON") from error
    if not isinstance(read, dict):
        raise BadRequestError("the body is no JSON object")
    return read


def _failed(error: RagError) -> JSONResponse:
    status = 400 if isinstance(error, UsageError) else 503
    return failure(status, desk.cleaned(f"{error.message}; {error.hint}"), error.slug)


def _line(shape: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(shape)}\n\n"


def identifier() -> str:
    return f"chatcmpl-{secrets.token_hex(12)}"


class _Server(uvicorn.Server):
    """Says when it can be used and asked to end. Keeps the signal that ended it, where uvicorn would send it again: for our
    own handler that is a second one."""

    ended_by: int | None = None

    def __init__(self, settings: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(settings)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        with super().capture_signals():
            yield
            self.ended_by = next(iter(self._captured_signals), None)
            self._captured_signals.clear()


def serve(assistant: Assistant, listener: socket.socket, token: str, announce: Callable[[], None]) -> None:
    """Requests are answered until the process is asked to end; ``announce`` is called when that begins.

    Raises KeyboardInterrupt if it ended by Ctrl-C.
    """
    if anyio.run(_serve, assistant, listener, token, announce) == signal.SIGINT:
        raise KeyboardInterrupt


async def _serve(assistant: Assistant, listener: socket.socket, token: str, announce: Callable[[], None]) -> int | None:
    async with AssistantThread(assistant) as thread:
        settings = uvicorn.Config(
            Service(thread).app(token),
            http="h11",
            ws="none",
            lifespan="off",
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=2,
        )
        server = _Server(settings, announce)
        await server.serve(sockets=[listener])
    return server.ended_by
