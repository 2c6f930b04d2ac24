"""ragcli serve with the official client library, on a unix socket and on a port, in a real process behind the real wall."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from ragcli.adapters.listening import wanted_port
from tests.cli.conftest import PATIENCE, Processes

LEASE: list[Any] = [{"role": "user", "content": "when does the lease end?"}]


class Served:
    """A running server, and ways to talk to it."""

    def __init__(self, process: subprocess.Popen[bytes], home: Path, socket: Path | None, port: int = 0) -> None:
        self.process, self.socket, self.port = process, socket, port
        self.token = (home / "serve-token").read_text().strip()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}" if self.port else "http://localhost"

    def transport(self) -> httpx2.HTTPTransport:
        return httpx2.HTTPTransport(uds=str(self.socket)) if self.socket else httpx2.HTTPTransport()

    @contextlib.contextmanager
    def client(self, token: str | None = None) -> Iterator[openai.OpenAI]:
        with httpx2.Client(transport=self.transport(), timeout=PATIENCE) as http:
            yield openai.OpenAI(base_url=f"{self.url}/v1", api_key=token or self.token, http_client=http, max_retries=0)

    def raw(self, method: str = "GET", path: str = "/v1/models", **options: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self.token}"} | options.pop("headers", {})
        with httpx2.Client(transport=self.transport(), timeout=PATIENCE) as http:
            return http.request(method, f"{self.url}{path}", headers=headers, **options)


def started(process: Processes, *arguments: str) -> subprocess.Popen[bytes]:
    running = process.start(["serve", *arguments], stderr=subprocess.PIPE)
    assert running.stderr
    line = running.stderr.readline()
    assert line.startswith(b"Serving at "), line + running.stderr.read()
    return running


def ended(running: subprocess.Popen[bytes]) -> int:
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=PATIENCE)
    return running.returncode


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module", params=["socket", "port"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("h")
    process, path, port = Processes(home), home / "s", free_port()
    by_port = request.param == "port"
    running = started(process, *(["--port", str(port)] if by_port else ["--socket", str(path)]))
    try:
        yield Served(running, home, None if by_port else path, port if by_port else 0)
    finally:
        ended(running)


def test_the_model_is_listed(served: Served) -> None:
    with served.client() as client:
        assert [model.id for model in client.models.list()] == ["ragcli"]


def test_an_answer_with_its_citations(served: Served) -> None:
    with served.client() as client:
        answer = client.chat.completions.create(model="ragcli", messages=LEASE, temperature=0.7, max_tokens=50)
    message = answer.choices[0].message
    assert message.content == "It says: The lease ends on 31 [1]."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (40, 8, 48)
    assert message.annotations
    citation = message.annotations[0].url_citation
    assert message.content[citation.start_index : citation.end_index] == "[1]"
    assert (citation.url, citation.title) == ("file:///files/lease.md#L1", "lease.md, lines 1-2")
    assert answer.model_extra
    assert answer.model_extra["ragcli"]["citations"][0]["quote"] == "The lease ends on 31 May 2027."


def test_a_streamed_answer_is_the_same(served: Served) -> None:
    with served.client() as client:
        whole = client.chat.completions.create(model="ragcli", messages=LEASE)
        chunks = list(
            client.chat.completions.create(model="ragcli", messages=LEASE, stream=True, stream_options={"include_usage": True})
        )
    assert len(chunks) > 4
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == whole.choices[0].message.content
    *_, last, usage = chunks
    assert last.choices[0].finish_reason == "stop"
    assert last.model_extra
    assert last.model_extra["ragcli"]["citations"]
    assert usage.usage
    assert usage.usage.total_tokens == 48
    assert len({chunk.id for chunk in chunks}) == 1


def test_what_is_not_in_the_files_is_said_in_words(served: Served) -> None:
    with served.client() as client:
        for stream in (False, True):
            got = client.chat.completions.create(model="ragcli", messages=[{"role": "user", "content": "zebra"}], stream=stream)
            said = "".join(part.choices[0].delta.content or "" for part in got) if stream else got.choices[0].message.content  # type: ignore[union-attr]
            assert said == "Not in your files."


def test_nothing_in_an_answer_commands_a_terminal(served: Served) -> None:
    with served.client() as client:
        for stream in (False, True):
            got = client.chat.completions.create(
                model="ragcli", messages=[{"role": "user", "content": "evil lease"}], stream=stream
            )
            said = "".join(part.choices[0].delta.content or "" for part in got) if stream else got.choices[0].message.content  # type: ignore[union-attr]
            assert said
            assert "\x1b" not in said
            assert "␛" in said


def test_an_answer_as_data(served: Served) -> None:
    schema = {"type": "object", "properties": {"end": {"type": "string"}}, "required": ["end"], "additionalProperties": False}
    form: Any = {"type": "json_schema", "json_schema": {"name": "lease", "strict": True, "schema": schema}}
    with served.client() as client:
        answer = client.chat.completions.create(model="ragcli", messages=LEASE, response_format=form)
        assert json.loads(answer.choices[0].message.content or "") == {"end": "The"}
        with pytest.raises(openai.BadRequestError, match="schema cannot be used"):
            client.chat.completions.create(
                model="ragcli", messages=LEASE, response_format={**form, "json_schema": {"name": "x", "schema": {"type": "?"}}}
            )


def test_a_follow_up_is_asked_with_what_it_leans_on(served: Served) -> None:
    messages: list[Any] = [
        {"role": "system", "content": "You are a pirate."},
        {"role": "user", "content": "when does the lease end?"},
        {"role": "assistant", "content": "On 31 May 2027 [1]."},
        {"role": "user", "content": [{"type": "text", "text": "and why?"}]},
    ]
    with served.client() as client:
        answer = client.chat.completions.create(model="ragcli", messages=messages)
    assert answer.model_extra
    assert answer.model_extra["ragcli"]["question"] == "and why? when does the lease end?"


def test_whoever_leaves_early_stops_the_work(served: Served) -> None:
    with served.client() as client:
        stream = client.chat.completions.create(model="ragcli", messages=[{"role": "user", "content": "slow lease"}], stream=True)
        for _ in range(3):
            next(stream)
        stream.close()
        assert client.chat.completions.create(model="ragcli", messages=LEASE).choices


@pytest.mark.parametrize("token", ["wrong", "Bearer"])
def test_without_the_token_nothing_is_told(served: Served, token: str) -> None:
    with served.client(token) as client, pytest.raises(openai.AuthenticationError, match="token"):
        client.chat.completions.create(model="ragcli", messages=LEASE)
    with httpx2.Client(transport=served.transport()) as http:
        assert http.get(f"{served.url}/v1/models").status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Host": "localhost.evil.example"}, 403),
        ({"Host": "127.0.0.1:80@evil.example"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost.evil.example"}, 403),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Host": "localhost:1234"}, 200),
    ],
)
def test_pages_and_names_from_elsewhere_are_refused(served: Served, headers: dict[str, str], status: int) -> None:
    assert served.raw(headers=headers).status_code == status


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"model": "gpt-4o", "messages": []}', 404),
        (b'{"messages": []}', 400),
        (b'{"messages": "hello"}', 400),
        (b'{"messages": [{"role": "system", "content": "x"}]}', 400),
        (b'{"messages": [{"role": "user", "content": "  "}]}', 400),
        (b'{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}', 400),
        (b'{"messages": [{"role": "user", "content": "x"}], "n": 2}', 400),
        (b'{"messages": [{"role": "user", "content": "x"}], "tools": [{}]}', 400),
        (b'{"messages": [{"role": "user", "content": "x"}], "max_tokens": "many"}', 400),
        (b'{"messages": [{"role": "user", "content": "x"}], "response_format": {"type": "json_object"}}', 400),
        (b'{"messages": "' + b"x" * (5 * 2**20) + b'"}', 413),
    ],
    ids=lambda value: value[:60].decode() if isinstance(value, bytes) else None,
)
def test_a_bad_request_is_told_in_the_form_of_the_api(served: Served, body: bytes, status: int) -> None:
    reply = served.raw("POST", "/v1/chat/completions", content=body)
    assert reply.status_code == status
    assert reply.json()["error"]["message"]
    assert reply.json()["error"]["type"] == "invalid_request_error"


def test_a_failure_of_ours_keeps_its_hint(process: Processes, tmp_path: Path) -> None:
    running = started(process, "--model", "absent", "--socket", str(tmp_path / "s"))
    try:
        served = Served(running, tmp_path / "home", tmp_path / "s")
        for stream in (False, True):
            body = json.dumps({"messages": LEASE, "stream": stream})
            reply = served.raw("POST", "/v1/chat/completions", content=body)
            assert reply.status_code == 503
            assert reply.json()["error"]["code"] == "model-missing"
            assert "ragcli models pull absent" in reply.json()["error"]["message"]
    finally:
        ended(running)


def test_socket_and_token_are_the_users_alone_and_the_socket_goes(process: Processes, tmp_path: Path) -> None:
    path = tmp_path / "own" / "s"
    running = started(process, "--socket", str(path))
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent, tmp_path / "home" / "serve-token")]
    assert modes == [0o600, 0o700, 0o600]
    second = process(["serve", "--socket", str(path)])
    assert (second.returncode, b"another ragcli serves" in second.stderr) == (2, True)
    token = (tmp_path / "home" / "serve-token").read_text()
    assert ended(running) == 130
    assert not path.exists()
    assert ended(started(process, "--socket", str(path))) == 130
    assert (tmp_path / "home" / "serve-token").read_text() == token


def test_a_server_that_is_asked_to_end_leaves_nothing(process: Processes, tmp_path: Path) -> None:
    running = started(process, "--socket", str(tmp_path / "s"))
    running.terminate()
    _, told = running.communicate(timeout=PATIENCE)
    assert (running.returncode, told) == (0, b"Asked to end.\n")
    assert not (tmp_path / "s").exists()


def test_a_socket_left_by_a_killed_server_is_replaced(process: Processes, tmp_path: Path) -> None:
    path = tmp_path / "s"
    killed = started(process, "--socket", str(path))
    killed.kill()
    killed.communicate()
    assert path.exists()
    assert ended(started(process, "--socket", str(path))) == 130


def test_a_port_that_is_taken_is_told(process: Processes) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = process(["serve", "--port", str(other.getsockname()[1])])
    assert (done.returncode, b"cannot be listened on" in done.stderr) == (2, True)


@pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="asks Linux who listens")
def test_the_wall_stands_while_a_port_is_served(process: Processes) -> None:
    """The kernel's own word: the filter is on, and the one socket is that of the loopback."""
    port = free_port()
    running = started(process, "--port", str(port))
    try:
        status = Path(f"/proc/{running.pid}/status").read_text()
        assert "\nSeccomp:\t2\n" in status
        listening = [line.split() for line in Path(f"/proc/{running.pid}/net/tcp").read_text().splitlines()[1:]]
        own = {str(link.readlink()) for link in Path(f"/proc/{running.pid}/fd").iterdir()}
        addresses = [fields[1] for fields in listening if f"socket:[{fields[9]}]" in own]
        assert addresses == [f"0100007F:{port:04X}"]
    finally:
        ended(running)


@pytest.mark.parametrize(
    ("arguments", "port"),
    [
        (["serve", "--port", "8080"], 8080),
        (["serve", "--port=8080"], 8080),
        (["--quiet", "serve", "--port", "1"], 1),
        (["serve"], None),
        (["serve", "--port"], None),
        (["serve", "--port", "x"], None),
        (["serve", "--port", "99999"], None),
        (["ask", "serve", "--port", "8080"], None),
        (["ask", "--port", "8080"], None),
    ],
)
def test_only_serve_may_have_a_port(arguments: list[str], port: int | None) -> None:
    assert wanted_port(arguments) == port


def test_the_extra_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from ragcli.cli.commands.serving import extra_needed
    from ragcli.errors import UsageError

    def absent() -> None:
        raise ModuleNotFoundError("No module named 'mcp'", name="mcp")

    with pytest.raises(UsageError) as caught, extra_needed("mcp"):
        absent()
    assert caught.value.hint == "pip install 'ragcli[mcp]'"
