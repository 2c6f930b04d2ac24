"""tree-sitter: functions and classes of other languages than Python. Comes with the extra ``code``.

Each grammar is a package of its own that brings its parser with it; one that is not installed leaves its language unread.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module

from tree_sitter import Language, Node, Parser

from ragcli.adapters.readers.definitions import Definition

LANGUAGES = {
    "bash": "sh bash zsh",
    "c": "c",
    "c_sharp": "cs",
    "cpp": "h cc cpp cxx hpp hh hxx cu",
    "go": "go",
    "java": "java",
    "javascript": "js mjs cjs jsx",
    "kotlin": "kt kts",
    "lua": "lua",
    "php": "php",
    "ruby": "rb",
    "rust": "rs",
    "scala": "scala",
    "swift": "swift",
    "typescript": "ts mts cts",
    "tsx": "tsx",
}
LANGUAGE_OF = {ending: language for language, endings in LANGUAGES.items() for ending in endings.split()}
_ENTRIES = {
    "php": ("php", "language_php"),
    "typescript": ("typescript", "language_typescript"),
    "tsx": ("typescript", "language_tsx"),
}
"""Languages whose package has another name or offers more than one."""
LONGEST_PARSED = 1 << 20
DEEPEST = 200
"""Of nodes in nodes: nothing that a person wrote is deeper before it comes to a definition."""
_HOLDERS = (
    "abstract_class_declaration annotation_type_declaration class class_declaration class_definition class_specifier "
    "enum_declaration enum_definition enum_item enum_specifier impl_item interface_declaration internal_module mod_item module "
    "namespace_declaration namespace_definition object_declaration object_definition protocol_declaration record_declaration "
    "struct_declaration struct_item struct_specifier trait_declaration trait_definition trait_item type_spec union_specifier"
)
_FUNCTIONS = (
    "constructor_declaration destructor_declaration function_declaration function_definition function_item "
    "generator_function_declaration method method_declaration method_definition secondary_constructor singleton_method"
)
HOLDERS, FUNCTIONS = frozenset(_HOLDERS.split()), frozenset(_FUNCTIONS.split())
"""Kinds of definitions that hold others, and that do not."""
_CLOSURES = frozenset(["arrow_function", "function_expression", "generator_function"])
_LONGEST_NAME = 100


def find_definitions(source: bytes, ending: str) -> Iterator[Definition]:
    """Functions and classes in the order in which they begin; none for a language without a grammar."""
    parser = _parser(LANGUAGE_OF.get(ending, ""))
    if parser and len(source) <= LONGEST_PARSED:
        yield from _walk(parser.parse(source).root_node)


@cache
def _parser(language: str) -> Parser | None:
    package, entry = _ENTRIES.get(language, (language, "language"))
    try:
        grammar = import_module(f"tree_sitter_{package}") if language else None
    except ImportError:
        grammar = None
    return Parser(Language(getattr(grammar, entry)())) if grammar else None


def _walk(root: Node) -> Iterator[Definition]:
    """Depth first; what is on one line, or in the body of a function, holds no definition that matters."""
    waiting = [(root, 1, 0)]
    while waiting:
        node, level, depth = waiting.pop()
        name = _name(node)
        if name:
            yield Definition(node.start_point.row, node.end_point.row, level, name)
        if depth < DEEPEST and not (name and node.type not in HOLDERS):
            inner = [child for child in node.children if child.end_point.row > child.start_point.row]
            waiting += [(child, level + bool(name), depth + 1) for child in reversed(inner)]


def _name(node: Node) -> str:
    """What the definition is called; empty for anything else."""
    if not node.is_named:
        return ""
    if node.type == "variable_declarator":
        value = node.child_by_field_name("value")
        return _text(node.child_by_field_name("name")) if value and value.type in _CLOSURES else ""
    if node.type == "impl_item":
        return f"impl {_text(node.child_by_field_name('type'))}"
    if node.type not in HOLDERS and node.type not in FUNCTIONS:
        return ""
    name = node.child_by_field_name("name") or _declared(node)
    if name is None:
        return "constructor" if node.type == "secondary_constructor" else ""
    receiver = node.child_by_field_name("receiver")
    return f"{_text(receiver).strip('()').split()[-1].lstrip('*')}.{_text(name)}" if receiver else _text(name)


def _declared(node: Node) -> Node | None:
    """The name inside the declarators of C and its kin: ``start`` in ``int *start(void)``."""
    inner = node.child_by_field_name("declarator")
    while inner is not None and (deeper := inner.child_by_field_name("declarator")) is not None:
        inner = deeper
    return inner


def _text(node: Node | None) -> str:
    text = node.text if node is not None else None
    return " ".join(text.decode("utf-8", "replace").split())[:_LONGEST_NAME] if text else ""
