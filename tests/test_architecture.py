"""The shape of the program, held by tests: who may import whom, how long things are, and what a start loads."""

from __future__ import annotations

import ast
import graphlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "ragcli"

WORDS = {"types", "ports", "errors", "config", "layering", "catalog"}
FOLDERS = {"steps", "flows", "adapters", "parts", "cli"}
WHOLE = {"__init__", "__main__", "assistant", "errand_runner", "machine"}

# What each layer may import of ragcli. Within a layer modules may use each other; cycles are refused below.
MAY_IMPORT = {
    "words": WORDS,
    "steps": {"types", "errors", "ports", "steps"},
    "flows": WORDS - {"config"} | {"steps", "flows"},
    "adapters": WORDS | {"adapters"},
    "parts": WORDS | {"steps", "flows", "adapters", "parts", "machine"},
    "whole": WORDS | FOLDERS | WHOLE,
    "cli": WORDS | {"steps", "assistant", "cli", "__init__"},
}
CLI_MAY_USE = {"ragcli.adapters.offline", "ragcli.adapters.settings", "ragcli.adapters.listening", "ragcli.adapters.puller"}
"""What must be known before there is an assistant: that the doors are closed, who may still open one, where the files live."""

ADAPTER_FAMILIES = (
    {
        "store",
        "store_writer",
        "writer_lock",
        "inspection",
        "chunk_table",
        "chunk_arrow",
        "chunk_rows",
        "lance_library",
        "ledger",
        "compounds",
    },
    {"embedder", "quick_embedder"},
    {"models", "hub", "wheels", "conversion", "gguf", "mlx_conversion"},
)
"""Adapters of several files, each with a library of its own; the readers are one more, by folder.

Anyone may use an adapter that stands on the standard library alone: replacing a library never touches two families.
"""

SHARED_LIBRARIES = {
    "mlx": "the arrays of mlx-lm",
    "mlx_lm": "one file runs its models, another makes them",
    "numpy": "the arrays of every engine",
    "pyarrow": "the tables of LanceDB",
    "tokenizers": "counts for chunks and encodes prompts",
    "torch": "the arrays of sentence-transformers and transformers",
    "transformers": "sentence-transformers and the reading of GGUF files stand on it",
}
"""Libraries that others are built on; any other belongs to one file, or to the command line as a whole."""

NETWORK_CLIENTS = {"aiohttp", "ftplib", "http", "httpx", "huggingface_hub", "requests", "smtplib", "urllib.request", "urllib3"}
NETWORK_OWNER = "ragcli.adapters.hub"
IMPURE = {"asyncio", "multiprocessing", "random", "shutil", "socket", "sqlite3", "subprocess", "tempfile", "threading"}
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "base", "core"}

LONGEST_FUNCTION = 45
LONGEST_MODULE = 320
LONG_MODULES = {"ragcli.types"}
"""A glossary is as long as the number of its words."""
MOST_SUPPRESSIONS = 8

HEAVY = {"lancedb", "liteparse", "mlx", "mlx_lm", "numpy", "pyarrow", "sentence_transformers", "torch", "transformers"}
HEAVY |= {"huggingface_hub", "ocrmac", "pypdfium2", "rapidocr", "tokenizers", "watchdog", "xberg", "xllamacpp"}


@dataclass(frozen=True, slots=True)
class Module:
    name: str
    path: Path

    @property
    def tree(self) -> ast.Module:
        return parse(self.path)

    @property
    def layer(self) -> str:
        top = self.name.split(".")[1] if "." in self.name else "__init__"
        named = {"words": WORDS, "whole": WHOLE} | {folder: {folder} for folder in FOLDERS}
        return next((layer for layer, members in named.items() if top in members), "unknown")

    def imports(self) -> Iterator[str]:
        """Full names of what is imported anywhere in the module, inside functions too."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{self.name} imports relative to itself"
                yield from (resolve(node.module or "", alias.name) for alias in node.names)


def resolve(module: str, name: str) -> str:
    """``from module import name``: the submodule if it is one, else the module."""
    return f"{module}.{name}" if f"{module}.{name}" in names() else module


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@cache
def modules() -> tuple[Module, ...]:
    paths = sorted(PACKAGE.rglob("*.py"))
    dotted = (".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in paths)
    return tuple(Module(name.removesuffix(".__init__"), path) for name, path in zip(dotted, paths, strict=True))


@cache
def names() -> frozenset[str]:
    return frozenset(module.name for module in modules())


def own(name: str) -> bool:
    return name.split(".")[0] == "ragcli"


def foreign(module: Module) -> set[str]:
    tops = {name.split(".")[0] for name in module.imports()}
    return {top for top in tops if top != "ragcli" and top not in sys.stdlib_module_names}


each_module = pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)


def test_the_package_was_found() -> None:
    assert {"ragcli.types", "ragcli.config", "ragcli.adapters.offline"} <= {module.name for module in modules()}


@each_module
def test_every_module_has_its_layer_and_a_telling_name(module: Module) -> None:
    assert module.layer != "unknown", f"{module.name} is in no layer: move it to the folder of its ring"
    assert not VAGUE_NAMES & set(re.split(r"[._]", module.name)), f"{module.name} says nothing of what it does"
    assert ast.get_docstring(module.tree) or not module.tree.body, f"{module.name} does not say what it is for"


@each_module
def test_layers_import_only_what_is_below_them(module: Module) -> None:
    used = {name for name in module.imports() if own(name) and name != "ragcli"} - {module.name}
    if module.layer == "cli":
        used -= CLI_MAY_USE
    upward = {name for name in used if name.split(".")[1] not in MAY_IMPORT[module.layer]}
    assert not upward, f"{module.name} ({module.layer}) imports {sorted(upward)}"


def family(name: str) -> frozenset[str]:
    """The adapters that may use each other's libraries."""
    if name.startswith("ragcli.adapters.readers"):
        return frozenset(other for other in names() if other.startswith("ragcli.adapters.readers"))
    members = next((members for members in ADAPTER_FAMILIES if name.split(".")[-1] in members), set())
    return frozenset(f"ragcli.adapters.{member}" for member in members)


@each_module
def test_an_adapter_uses_no_other_adapter_that_holds_a_library(module: Module) -> None:
    if module.layer == "adapters":
        holders = {other.name for other in modules() if other.layer == "adapters" and foreign(other)}
        used = holders & set(module.imports()) - {module.name} - family(module.name)
        assert not used, f"{module.name} imports {sorted(used)}"


def test_no_module_imports_itself_by_a_detour() -> None:
    known = names()
    graph = {module.name: {name for name in module.imports() if name in known and name != "ragcli"} for module in modules()}
    graph.pop("ragcli", None)  # it re-exports lazily what the others define
    list(graphlib.TopologicalSorter(graph).static_order())


@each_module
def test_only_adapters_and_the_command_line_import_libraries(module: Module) -> None:
    assert module.layer in {"adapters", "cli"} or not foreign(module), f"{module.name} imports {sorted(foreign(module))}"


def test_every_library_has_one_owner() -> None:
    owners: dict[str, set[str]] = {}
    for module in modules():
        for library in foreign(module) - set(SHARED_LIBRARIES):
            owners.setdefault(library, set()).add("ragcli.cli" if module.layer == "cli" else module.name)
    shared = {library: sorted(files) for library, files in owners.items() if len(files) > 1}
    assert not shared


@each_module
def test_only_the_hub_adapter_knows_a_network_client(module: Module) -> None:
    clients = {name for name in module.imports() if NETWORK_CLIENTS & {name, name.split(".")[0]}}
    assert not clients or module.name == NETWORK_OWNER, f"{module.name} imports {sorted(clients)}"


@each_module
def test_words_and_steps_touch_nothing(module: Module) -> None:
    if module.layer in ("words", "steps"):
        assert not IMPURE & {name.split(".")[0] for name in module.imports()}


@each_module
def test_typers_own_click_is_left_alone(module: Module) -> None:
    assert "click" not in foreign(module)


@each_module
def test_only_adapters_catch_what_they_do_not_know(module: Module) -> None:
    if module.layer == "adapters":
        return
    for handler in (node for node in ast.walk(module.tree) if isinstance(node, ast.ExceptHandler)):
        caught = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)} if handler.type else {"everything"}
        assert not caught & {"everything", "Exception", "BaseException"}, f"{module.name}:{handler.lineno}"


@each_module
def test_functions_and_modules_stay_short(module: Module) -> None:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{module.name}.{node.name} has {length} lines"
    if module.name not in LONG_MODULES:
        assert len(module.path.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE, module.name


def test_suppressions_are_few_and_each_says_why() -> None:
    found = []
    for module in modules():
        with tokenize.open(module.path) as file:
            comments = [token for token in tokenize.generate_tokens(file.readline) if token.type == tokenize.COMMENT]
        found += [(module.name, token.start[0], token.string) for token in comments if suppresses(token.string)]
    assert not [place for place in found if not gives_reason(place[2])]
    assert len(found) <= MOST_SUPPRESSIONS, found


def suppresses(comment: str) -> bool:
    return re.search(r"noqa|type:\s*ignore|pyright:\s*ignore", comment) is not None


def gives_reason(comment: str) -> bool:
    """At least two words are left besides the directive."""
    rest = re.sub(r"(noqa|type:\s*ignore|pyright:\s*ignore)(:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*|\[[^\]]*\])?", "", comment)
    return len(re.findall(r"[^\W\d_]{2,}", rest)) >= 2


@pytest.mark.parametrize(
    ("comment", "reasoned"),
    [
        ("# noqa: BLE001", False),
        ("# noqa: BLE001, N802", False),
        ("# noqa: BLE001  the library raises anything", True),
        ("# type: ignore[arg-type]", False),
        ("# pyright: ignore[reportX]: no stubs there", True),
    ],
)
def test_a_reason_is_told_from_a_bare_directive(comment: str, reasoned: bool) -> None:
    assert suppresses(comment)
    assert gives_reason(comment) is reasoned


# ---- what a start loads ------------------------------------------------------------------------

LOOK = """
import json, sys
from pathlib import Path
sys.argv = ["ragcli", *json.loads(sys.argv[2])]
try:
    from ragcli.__main__ import main
    main()
except SystemExit:
    pass
finally:
    Path({seen!r}).write_text(json.dumps(sorted(sys.modules)))
"""


@pytest.mark.skipif(not {"ragcli.cli.app", "ragcli.assistant"} <= names(), reason="there is no whole command line yet")
@pytest.mark.parametrize(
    ("command", "forbidden"),
    [
        ("--version", HEAVY | {"rich", "prompt_toolkit"}),
        ("--help", HEAVY | {"prompt_toolkit"}),
        ("config path", HEAVY | {"prompt_toolkit"}),
        ("models list", HEAVY | {"prompt_toolkit"}),
    ],
)
def test_a_command_loads_no_library_that_it_does_not_need(command: str, forbidden: set[str], home: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen.json"
    program = [sys.executable, "-c", LOOK.format(seen=str(seen)), "look", json.dumps(command.split())]
    done = subprocess.run(program, capture_output=True, text=True, check=False, env={**os.environ}, timeout=60)
    assert done.returncode == 0, done.stderr
    loaded = {name.split(".")[0] for name in json.loads(seen.read_text())}
    assert "ragcli" in loaded
    assert not forbidden & loaded


@pytest.mark.skipif(importlib.util.find_spec("ragcli") is None, reason="ragcli is not on the path")
def test_importing_the_package_costs_next_to_nothing() -> None:
    code = "import sys, json, ragcli; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert not (HEAVY | {"rich", "typer", "prompt_toolkit"}) & loaded
