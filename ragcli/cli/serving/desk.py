"""What other programs may ask of an assistant, and the form they get it in: JSON whose every text has been cleaned.

Other programs hand it to models and terminals, so nothing in it may command or hide. It knows no protocol.
Only what is indexed can be read: a path is followed to where it leads, and must then be that of an indexed file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from ragcli.cli.options import scope_of
from ragcli.cli.record_shapes import record_answer_shape
from ragcli.cli.showing import json_shapes
from ragcli.cli.showing.places import choose_sources, touches
from ragcli.errors import SourceError, UsageError
from ragcli.steps.cleaning import clean, clean_line
from ragcli.steps.linking import plain_links
from ragcli.types import Answer, Chunk, Mode, Question, Scope, SearchResult, StoredSource

if TYPE_CHECKING:
    from ragcli.assistant import Assistant

Json = dict[str, Any]
URI = "ragcli://source/"
"""Before the id of a source: a name for it that holds no part of its path."""
MOST_CHARACTERS = 20_000
"""Of a file that are given at once: some 5,000 tokens, which any model can take."""
MOST_LISTED = 200
NOT_INDEXED_HINT = "the tool list shows what can be read"


def cleaned(value: Any) -> Any:
    """The JSON value with each of its texts safe to show, and paths as texts."""
    if isinstance(value, Mapping):
        return {key: cleaned(each) for key, each in value.items()}
    if isinstance(value, Path):
        return clean_line(str(value))
    if isinstance(value, str):
        return clean(value)
    return [cleaned(each) for each in value] if isinstance(value, Sequence) else value


def question_of(assistant: Assistant, text: str, arguments: Mapping[str, Any]) -> Question:
    """The question with the scope that the arguments name. Raises UsageError."""
    found = assistant.config.search
    mode = cast(Mode, arguments.get("mode", found.mode))
    return Question(text, _scope(arguments), min(arguments.get("limit", found.limit), 100), mode)


def _scope(arguments: Mapping[str, Any]) -> Scope:
    return scope_of(arguments.get("collection"), arguments.get("in"), arguments.get("type"), arguments.get("since"))


def uri_of(source_id: str) -> str:
    """The resource that the source of that id is."""
    return URI + quote(source_id.encode(errors="surrogateescape"))


def search_reply(result: SearchResult) -> Json:
    shape = cleaned(json_shapes.search_shape(result))
    for each, hit in zip(shape["hits"], result.hits, strict=True):
        each["uri"] = uri_of(hit.chunk.source_id)
    return shape


def search_text(reply: Json) -> str:
    """The hits as text for a model."""
    hits = [f"[{hit['rank']}] {hit['path']}, {hit['locator']}\n{hit['text']}" for hit in reply["hits"]]
    return "\n\n".join(hits) or "Nothing found."


def answer_reply(answer: Answer) -> Json:
    """The answer without the passages that it was made from: whoever wants them searches."""
    shape = cleaned(record_answer_shape(answer) if answer.record else json_shapes.answer_shape(answer))
    del shape["context"], shape["took_ms"]
    if answer.record is None:  # whoever shows it as Markdown must not lead anybody, or itself, somewhere by it
        shape["answer"] = cleaned(plain_links(answer.text))
    return shape


def answer_text(reply: Json) -> str:
    if reply["outcome"] == "no_evidence":
        closest = f" What comes closest: {_source_text(reply['closest'])}" if reply["closest"] else ""
        return f"Not in the files.{closest}"
    lines = [f"[{each['number']}] {_source_text(each)}" for each in reply["citations"]]
    return "\n".join([reply["answer"], "", *lines] if lines else [reply["answer"], "", "(no source: check it)"])


def _source_text(citation: Json) -> str:
    told = f"“{citation['quote']}”" if citation["supported"] else "(not borne out by this passage)"
    return f"{citation['path']}, {citation['locator']}: {told}"


def list_reply(assistant: Assistant, arguments: Mapping[str, Any]) -> Json:
    """The readable files that the arguments admit, a page of them."""
    start, wanted = arguments.get("start", 0), cast("list[str]", arguments.get("type") or [])
    endings = [ending.lower().lstrip(".") for ending in wanted]
    sources = readable_sources(assistant, collection=arguments.get("collection"), types=endings)
    page = sources[start : start + min(arguments.get("limit", MOST_LISTED), MOST_LISTED)]
    files = [{**cleaned(json_shapes.source_shape(source)), "uri": uri_of(source.id)} for source in page]
    after = start + len(page)
    return {"schema": 1, "files": files, "total": len(sources), "next_start": after if after < len(sources) else None}


def list_text(reply: Json) -> str:
    lines = [each["path"] for each in reply["files"]]
    return "\n".join([f"{reply['total']} files", *lines])


def readable_sources(assistant: Assistant, *, collection: str | None = None, types: Iterable[str] = ()) -> list[StoredSource]:
    """The indexed files below the indexed folders, in path order."""
    folders = [root.path for root in assistant.roots()]
    return (
        choose_sources(assistant.sources().values(), folders=folders, collection=collection, types=tuple(types))
        if folders
        else []
    )


def find_source(assistant: Assistant, name: str) -> StoredSource:
    """The readable source of that path or URI. Raises SourceError ``not-indexed``, whatever is on the disk."""
    real = Path(os.path.realpath(Path(name).expanduser())) if "\0" not in name else None
    for source in readable_sources(assistant):
        if name == uri_of(source.id) or (real == source.path and not name.startswith(URI)):
            return source
    raise SourceError("not-indexed", f"{clean_line(name)} is not indexed", hint=NOT_INDEXED_HINT)


def read_reply(assistant: Assistant, arguments: Mapping[str, Any]) -> Json:
    """The file's passages as they were indexed, from ``start`` on, as many as may be given at once."""
    source = find_source(assistant, arguments["path"])
    lines = _lines(arguments.get("lines"))
    chunks = [chunk for chunk in assistant.chunks_of(source.path) if touches(chunk.locator, lines)]
    start = arguments.get("start", 0)
    end = start + _fitting(chunks[start:])
    passages = [cleaned(json_shapes.chunk_shape(chunk)) for chunk in chunks[start:end]]
    return {
        "schema": 1,
        "path": cleaned(source.path),
        "uri": uri_of(source.id),
        "passages": passages,
        "next_start": end if end < len(chunks) else None,
    }


def _fitting(chunks: Sequence[Chunk]) -> int:
    """How many of them may be given at once; one at least."""
    size = 0
    for count, chunk in enumerate(chunks):
        size += len(chunk.text)
        if size > MOST_CHARACTERS and count:
            return count
    return len(chunks)


def _lines(text: str | None) -> tuple[int, int] | None:
    found = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", text.strip()) if text else None
    if text and found is None:
        raise UsageError("bad-argument", "lines are as 12 or 12-40", hint="leave lines out to read from the beginning")
    return (int(found[1]), int(found[2] or found[1])) if found else None


def read_text(reply: Json) -> str:
    passages = [f"[{each['locator']}]\n{each['text']}" for each in reply["passages"]]
    more = [f"(more: start {reply['next_start']})"] if reply["next_start"] is not None else []
    return "\n\n".join([reply["path"], *passages, *more])
