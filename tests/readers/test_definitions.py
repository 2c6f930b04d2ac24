"""Functions and classes in code: by Python's own parser, and by grammars where the extra is installed."""

from __future__ import annotations

import importlib.util
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.adapters.readers.lines import read_lines
from ragcli.adapters.readers.parsed import Parsed
from ragcli.adapters.readers.parsing import parse
from tests.readers.test_lines import assert_parsed_sound

HAS_GRAMMARS = importlib.util.find_spec("tree_sitter") is not None
with_grammars = pytest.mark.skipif(not HAS_GRAMMARS, reason="no grammars here: pip install 'ragcli[code]'")


def scopes(parsed: Parsed) -> list[tuple[str, tuple[int, int] | None]]:
    return [(" > ".join(block.heading), block.locator.lines) for block in parsed.blocks]


# ---- Python -----------------------------------------------------------------------------------

MODULE = '''"""Doc."""
import os


class Pump:
    """Moves water."""

    rate = 1

    # Starts it.
    @property
    def start(self):
        def inner():
            return """
def not_this():
    pass
"""
        return inner

    last = 2


if __name__:
    x = 1
'''


def test_methods_stand_below_their_class_and_keep_their_comments() -> None:
    parsed = read_lines(MODULE.encode(), "python")
    assert_parsed_sound(parsed)
    assert scopes(parsed) == [("", (1, 2)), ("Pump", (5, 8)), ("Pump > start", (10, 18)), ("Pump", (20, 20)), ("", (23, 24))]


@pytest.mark.parametrize("line", ["print 'old'", "x = '\\d'\nprint 'old'", "(" * 500])
def test_code_that_does_not_parse_is_read_by_its_lines(line: str) -> None:
    source = f"class Pump:\n    def start(self):\n        return 1\n\n{line}\n"
    assert scopes(read_lines(source.encode(), "python"))[0] == ("Pump", (1, 3))


def test_code_that_python_warns_about_is_read_quietly() -> None:
    assert scopes(read_lines(b"def f():\n    return '\\d' is 'x'\n", "python")) == [("f", (1, 2))]


@pytest.mark.parametrize("source", ["(" * 50_000, "-" * 200_000 + "1", "[[[[" * 20_000, "class A:\n" * 300])
def test_hostile_code_is_survived(source: str) -> None:
    parse(source.encode(), "a.py")


PIECES = [
    "def f():",
    "class A:",
    "    def g(self):",
    "        return 1",
    "    x = 1",
    "@cache",
    "# why",
    "",
    "}",
    "x = (",
    ")",
    '"""',
]


@given(st.lists(st.sampled_from(PIECES)))
def test_any_lines_give_sound_blocks(lines: list[str]) -> None:
    parsed = read_lines("\n".join(lines).encode(), "python")
    if parsed.blocks:
        assert_parsed_sound(parsed)


# ---- other languages --------------------------------------------------------------------------

EXAMPLES = {
    "a.c": ("static int *start(void)\n{\n  return 0;\n}\n", ["start"]),
    "a.cpp": (
        "namespace water {\nclass Pump {\n  void stop() {\n    r = 0;\n  }\n};\nint* Pump::start(int n) {\n  return 0;\n}\n}\n",
        ["water", "water > Pump", "water > Pump > stop", "water > Pump::start"],
    ),
    "a.cs": (
        "namespace A {\n  class Pump {\n    void Start() {\n      return;\n    }\n  }\n}\n",
        ["A", "A > Pump", "A > Pump > Start"],
    ),
    "a.go": ("package main\n\nfunc (p *Pump) Start(n int) error {\n\treturn nil\n}\n", ["", "Pump.Start"]),
    "a.java": ("class Pump {\n  @Override\n  public String toString() {\n    return x;\n  }\n}\n", ["Pump", "Pump > toString"]),
    "a.js": ("(function () {\n  class Pump {\n    start() {\n      return 1;\n    }\n  }\n})();\n", ["", "Pump", "Pump > start"]),
    "a.kt": ("class Pump(val x: Int) {\n  fun start() {\n    println(x)\n  }\n}\n", ["Pump", "Pump > start"]),
    "a.lua": ("function M.stop()\n  return 1\nend\n", ["M.stop"]),
    "a.php": ("<?php\nclass Pump {\n  function start() {\n    return 1;\n  }\n}\n", ["", "Pump", "Pump > start"]),
    "a.rb": (
        "module Water\n  class Pump\n    def start(n)\n      n\n    end\n  end\nend\n",
        ["Water", "Water > Pump", "Water > Pump > start"],
    ),
    "a.rs": ("/// Doc.\nimpl Pump {\n  fn start(&self) {\n    1\n  }\n}\n", ["impl Pump", "impl Pump > start"]),
    "a.scala": ("object Main {\n  def run(): Int = {\n    1\n  }\n}\n", ["Main", "Main > run"]),
    "a.sh": ("set -e\nstart() {\n  echo 1\n}\n", ["", "start"]),
    "a.swift": ("struct S {\n  func go() {\n    1\n  }\n}\n", ["S", "S > go"]),
    "a.ts": ("export const stop = async (n: number) => {\n  return n;\n};\n", ["stop"]),
    "a.tsx": ("export function View() {\n  return <p>hi</p>;\n}\n", ["View"]),
}


@with_grammars
@pytest.mark.parametrize("name", EXAMPLES)
def test_functions_and_classes_of_other_languages_are_headings(name: str) -> None:
    source, expected = EXAMPLES[name]
    parsed = parse(source.encode(), name)
    assert_parsed_sound(parsed)
    assert [heading for heading, _ in scopes(parsed)] == expected
    assert parsed.text == source


@with_grammars
def test_comments_belong_to_what_is_below_and_brackets_to_what_is_above() -> None:
    source = b"#include <x>\n\n/* Starts\n * it. */\nint start(void)\n{\n  return 0;\n}\n"
    assert scopes(parse(source, "a.c")) == [("", (1, 1)), ("start", (3, 8))]


@with_grammars
@pytest.mark.parametrize("name", ["a.c", "a.js", "a.rb"])
@given(text=st.text(alphabet="{}()\n =;aclsdefnuioéb/*\"'", max_size=300))
def test_any_code_gives_sound_blocks(name: str, text: str) -> None:
    parsed = parse(text.encode() + b"x", name)
    assert parsed.text == text + "x"
    assert_parsed_sound(parsed)


def test_without_grammars_code_is_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ragcli.adapters.readers.grammars", None)
    assert scopes(parse(EXAMPLES["a.c"][0].encode(), "a.c")) == [("", (1, 4))]


def test_a_language_without_a_grammar_is_one_block() -> None:
    assert scopes(parse(b"procedure start;\nbegin\nend;\n", "a.pas")) == [("", (1, 3))]
