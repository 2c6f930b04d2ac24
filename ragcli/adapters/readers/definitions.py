"""Where functions and classes stand in code: Python by its own parser, and from any parser's findings to headings.

Standard library only.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ragcli.adapters.readers.parsed import Heading

LONGEST_PARSED = 1 << 20
"""Characters; a syntax tree takes some hundred times the memory of its source."""
_DEFINITION = re.compile(r"(?:async[ ]+def|def|class)[ ]+(\w+)")
_CLOSING = re.compile(r"[^\w]*(?:end)?[^\w]*")
_ABOVE = ("//", "/*", "*", "# ", "#[", "@", "--")
"""How lines begin that belong to the definition below them: comments, decorators, attributes."""
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class Definition:
    """A function or class on 0-based lines, the last included; level 1 is the outermost."""

    first: int
    last: int
    level: int
    name: str


def definition_headings(lines: Sequence[str], definitions: Iterable[Definition]) -> Iterator[Heading]:
    """A heading where each definition begins, with the comments above it, and one without a name where it ends.

    Definitions come in the order in which they begin. One on a single line is a part of what is around it, and brackets
    that close a definition are a part of what is above them.
    """
    found = [*_marks(lines, definitions), Heading(len(lines), 0, "")]
    for heading, following in pairwise(found):
        if heading.title or any(not _CLOSING.fullmatch(line) for line in lines[heading.line : following.line]):
            yield heading


def _marks(lines: Sequence[str], definitions: Iterable[Definition]) -> Iterator[Heading]:
    open_ones: list[Definition] = []
    reached = 0
    for definition in definitions:
        while open_ones and open_ones[-1].last < definition.first:
            ended = open_ones.pop()
            reached = max(reached, ended.last + 1)
            yield Heading(reached, ended.level, "")
        if definition.first < definition.last and definition.first >= reached:
            reached = _with_comments(lines, definition.first, reached)
            yield Heading(reached, definition.level, definition.name)
            open_ones.append(definition)
    for ended in reversed(open_ones):
        reached = max(reached, ended.last + 1)
        yield Heading(min(reached, len(lines)), ended.level, "")


def _with_comments(lines: Sequence[str], number: int, least: int) -> int:
    while number > least and lines[number - 1].lstrip()[:2].startswith(_ABOVE):
        number -= 1
    return number


def python_headings(lines: Sequence[str]) -> Iterator[Heading]:
    """Functions and classes of a module, methods below their class. Of code that Python cannot parse, the outermost."""
    source = "\n".join(lines)
    if len(source) > LONGEST_PARSED:
        return _outermost(lines)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the code that is read
            module = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _outermost(lines)
    return definition_headings(lines, _python_definitions(module.body, 1))


def _python_definitions(body: Iterable[ast.stmt], level: int) -> Iterator[Definition]:
    for statement in body:
        if isinstance(statement, _SCOPES):
            first = min([statement.lineno, *(decorator.lineno for decorator in statement.decorator_list)])
            yield Definition(first - 1, (statement.end_lineno or first) - 1, level, statement.name)
            if isinstance(statement, ast.ClassDef):
                yield from _python_definitions(statement.body, level + 1)


def _outermost(lines: Sequence[str]) -> Iterator[Heading]:
    """By the lines alone: other statements at the margin end a definition."""
    inside = False
    for number, line in enumerate(lines):
        found = _DEFINITION.match(line)
        if found:
            inside = True
            above = number
            while above and lines[above - 1][:1] in ("@", "#"):
                above -= 1
            yield Heading(above, 1, found[1])
        elif inside and line[:1].strip() and line[0] not in "@#)]}\"'":
            inside = False
            yield Heading(number, 1, "")
