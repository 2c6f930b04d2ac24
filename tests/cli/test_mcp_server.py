"""ragcli mcp with the official client, over standard input and output, in a real process behind the real wall."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import jsonschema
import pytest
from anyio.from_thread import start_blocking_portal
from mcp import Client, MCPError, StdioServerParameters

from ragcli.steps.cleaning import SUSPECT
from tests.cli.conftest import FAKE, REPOSITORY, clean_environment

Talk = Callable[[Client], Awaitable[Any]]
PATIENCE = 20


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Talk], Any]]:
    """Has a conversation with a server that is there for all tests; gives what the conversation gives."""
    environment = clean_environment(tmp_path_factory.mktemp("home"))
    server = StdioServerParameters(command=FAKE[0], args=[*FAKE[1:], "mcp"], env=environment, cwd=REPOSITORY)

    async def within_time(client: Client, talk: Talk) -> Any:
        with anyio.fail_after(PATIENCE):
            return await talk(client)

    with start_blocking_portal() as portal, portal.wrap_async_context_manager(Client(server)) as client:
        yield lambda talk: portal.call(within_time, client, talk)


def text_of(result: Any) -> str:
    return "\n".join(part.text for part in result.content)


def test_the_tools_are_there_with_schemas_and_change_nothing(talk: Callable[[Talk], Any]) -> None:
    tools = {tool.name: tool for tool in talk(lambda client: client.list_tools()).tools}
    assert set(tools) == {"search", "ask", "read", "list"}
    for tool in tools.values():
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        assert tool.description
        assert tool.annotations.read_only_hint


def test_a_search_gives_passages_with_their_places(talk: Callable[[Talk], Any]) -> None:
    result = talk(lambda client: client.call_tool("search", {"query": "when does the lease end?", "limit": 3}))
    assert not result.is_error
    assert text_of(result).startswith("[1] /files/lease.md, lines 1-2\nThe lease ends")
    (hit,) = result.structured_content["hits"]
    assert (hit["path"], hit["uri"]) == ("/files/lease.md", "ragcli://source/source%20/files/lease.md")


def test_what_comes_from_files_is_cleaned(talk: Callable[[Talk], Any]) -> None:
    result = talk(lambda client: client.call_tool("search", {"query": "dragon"}))
    assert "dragon" in text_of(result)
    for text in (text_of(result), *strings_in(result.structured_content)):
        assert not SUSPECT.search(text.replace("\n", "")), text


def strings_in(value: Any) -> list[str]:
    if isinstance(value, dict | list):
        return [text for each in (value.values() if isinstance(value, dict) else value) for text in strings_in(each)]
    return [value] if isinstance(value, str) else []


def test_a_path_that_is_no_text_can_be_told_and_read(talk: Callable[[Talk], Any]) -> None:
    async def conversation(client: Client) -> Any:
        found = await client.call_tool("search", {"query": "marmalade"})
        return await client.call_tool("read", {"path": found.structured_content["hits"][0]["uri"]})

    assert "marmalade" in text_of(talk(conversation))


def test_an_answer_comes_with_its_sources_and_progress_is_told(talk: Callable[[Talk], Any]) -> None:
    told: list[str] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        told.append(message or "")

    async def conversation(client: Client) -> Any:
        return await client.call_tool("ask", {"question": "when does the lease end?"}, progress_callback=on_progress)

    result = talk(conversation)
    assert text_of(result).splitlines()[0] == "It says: The lease ends on 31 [1]."
    assert "[1] /files/lease.md, lines 1-2: “The lease ends on 31 May 2027.”" in text_of(result)
    assert result.structured_content["citations"][0]["supported"] is True
    assert told[:2] == ["1 passages found", "reading 1 passages"]


def test_without_evidence_it_says_so(talk: Callable[[Talk], Any]) -> None:
    result = talk(lambda client: client.call_tool("ask", {"question": "zebra"}))
    assert (text_of(result), result.structured_content["outcome"]) == ("Not in the files.", "no_evidence")


def test_what_comes_closest_is_told(talk: Callable[[Talk], Any]) -> None:
    result = talk(lambda client: client.call_tool("ask", {"question": "an improbable lease"}))
    place = "/files/lease.md, line 1: “The lease ends on 31 May 2027.”"
    assert text_of(result) == f"Not in the files. What comes closest: {place}"


def test_an_answer_can_be_data(talk: Callable[[Talk], Any]) -> None:
    result = talk(lambda client: client.call_tool("ask", {"question": "lease", "schema": "end: str, made_up: str"}))
    assert result.structured_content["data"] == {"end": "The", "made_up": "Nobody"}
    assert [field["supported"] for field in result.structured_content["fields"]] == [True, False]


def test_a_schema_names_no_file(talk: Callable[[Talk], Any], tmp_path: Path) -> None:
    """Else whoever may ask could read any file."""
    secret = tmp_path / "secret.json"
    secret.write_text('{"type": "object", "properties": {"hunter2": {"type": "string"}}, "required": []}')
    for name in (f"@{secret}", str(secret)):
        result = talk(lambda client, name=name: client.call_tool("ask", {"question": "lease", "schema": name}))
        assert result.is_error
        assert "hunter2" not in text_of(result)


def test_a_cancelled_request_ends_and_the_next_one_is_answered(talk: Callable[[Talk], Any]) -> None:
    async def conversation(client: Client) -> Any:
        with anyio.move_on_after(1.0) as waited:
            await client.call_tool("ask", {"question": "slow lease"})
        assert waited.cancelled_caught
        return await client.call_tool("search", {"query": "lease"})

    assert "lease" in text_of(talk(conversation))


def test_a_search_is_answered_while_an_answer_is_written(talk: Callable[[Talk], Any]) -> None:
    async def conversation(client: Client) -> Any:
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, "ask", {"question": "slow lease"})
            await anyio.sleep(0.3)
            result = await client.call_tool("search", {"query": "lease"})
            group.cancel_scope.cancel()
        return result

    assert "lease" in text_of(talk(conversation))


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/files/../etc/passwd", "/files/absent.md", "ragcli://source/absent", "/files/lease.md\0", "~"]
)
def test_only_what_is_indexed_can_be_read(talk: Callable[[Talk], Any], path: str) -> None:
    result = talk(lambda client: client.call_tool("read", {"path": path}))
    assert result.is_error
    assert result.structured_content["error"]["slug"] == "not-indexed"


def test_a_link_into_the_indexed_folder_leads_only_to_what_is_indexed(talk: Callable[[Talk], Any], tmp_path: Path) -> None:
    (tmp_path / "out.md").symlink_to("/etc/passwd")
    (tmp_path / "in.md").symlink_to("/files/lease.md")
    refused = talk(lambda client: client.call_tool("read", {"path": str(tmp_path / "out.md")}))
    assert refused.is_error
    followed = talk(lambda client: client.call_tool("read", {"path": str(tmp_path / "in.md")}))
    assert followed.structured_content["path"] == "/files/lease.md"


def test_files_are_listed_a_page_at_a_time(talk: Callable[[Talk], Any]) -> None:
    async def conversation(client: Client) -> list[Any]:
        first = await client.call_tool("list", {"limit": 2})
        rest = await client.call_tool("list", {"limit": 2, "start": first.structured_content["next_start"]})
        return [first.structured_content, rest.structured_content]

    first, rest = talk(conversation)
    assert (len(first["files"]), len(rest["files"]), rest["next_start"], first["total"]) == (2, 1, None, 3)
    names = talk(lambda client: client.call_tool("list", {"type": ["txt"]}))
    assert {Path(file["path"]).suffix for file in names.structured_content["files"]} == {".txt"}


@pytest.mark.parametrize(
    "arguments", [{}, {"query": 3}, {"query": "x", "limit": 0}, {"query": "x", "mode": "other"}, {"query": "x", "nonsense": 1}]
)
def test_bad_arguments_are_told_in_words(talk: Callable[[Talk], Any], arguments: dict[str, Any]) -> None:
    result = talk(lambda client: client.call_tool("search", arguments))
    assert result.is_error
    assert "do not fit" in text_of(result)


def test_an_error_of_ours_comes_with_its_hint(talk: Callable[[Talk], Any]) -> None:
    result = talk(lambda client: client.call_tool("search", {"query": "locked"}))
    assert result.is_error
    assert text_of(result) == "there is no index yet\nhint: ragcli index FOLDER"


def test_sources_are_resources(talk: Callable[[Talk], Any]) -> None:
    async def conversation(client: Client) -> Any:
        listed = await client.list_resources()
        read = await client.read_resource(listed.resources[-1].uri)
        with pytest.raises(MCPError, match="not indexed"):
            await client.read_resource("ragcli://source/absent")
        return listed.resources, read.contents[0].text

    resources, text = talk(conversation)
    assert len(resources) == 3
    assert all(resource.uri.startswith("ragcli://source/") for resource in resources)
    assert "The lease ends" in text
    assert not SUSPECT.search(json.dumps([resource.description for resource in resources], ensure_ascii=False))


def test_an_unknown_tool_is_refused(talk: Callable[[Talk], Any]) -> None:
    async def conversation(client: Client) -> None:
        with pytest.raises(MCPError, match="no tool"):
            await client.call_tool("delete", {})

    talk(conversation)
