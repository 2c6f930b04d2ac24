"""What an installation is made of: every library is declared once, every one of them is pinned, and the scripts hold together."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import ragcli

REPOSITORY = Path(__file__).parent.parent
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
SCRIPTS = (
    *("scripts/demo", "scripts/test", "scripts/faults", "scripts/lock", "scripts/sbom", "scripts/audit", "scripts/promises"),
    ".ci/run",
)

IMPORTED_AS = {
    "charset-normalizer": "charset_normalizer",
    "huggingface-hub": "huggingface_hub",
    "mlx-lm": "mlx_lm",
    "prompt-toolkit": "prompt_toolkit",
    "semantic-text-splitter": "semantic_text_splitter",
    "sentence-transformers": "sentence_transformers",
    "tree-sitter": "tree_sitter",
}
NEEDED_BUT_NOT_IMPORTED = {
    "accelerate": "transformers asks for it when it reads a GGUF file",
    "gguf": "transformers asks for it when it reads a GGUF file",
}
COMES_WITH = {"mlx": "mlx-lm", "mcp_types": "mcp", "PIL": "ocrmac"}
IMPORTED_IF_THERE = {"tree-sitter", "mcp", "starlette", "uvicorn", "anyio", "rapidocr", "ocrmac"}
"""Of extras; the grammars of the extra ``code`` are imported by the name of their language."""


def requirements() -> list[Requirement]:
    """All of pyproject.toml, the extras too."""
    optional = PROJECT["optional-dependencies"]
    return [Requirement(text) for texts in (PROJECT["dependencies"], *optional.values()) for text in texts]


@cache
def pins() -> dict[str, Version]:
    lines = (REPOSITORY / "constraints.txt").read_text("utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {name: Version(version) for name, version in pairs}


def imported_libraries() -> set[str]:
    """The top-level names of everything that ragcli imports and that is neither its own nor Python's."""
    found: set[str] = set()
    for path in (REPOSITORY / "ragcli").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"ragcli"}


def needed_here(name: str, extras: frozenset[str], seen: set[tuple[str, frozenset[str]]]) -> Iterator[str]:
    """The distribution and all that it needs on this machine, as installed."""
    if (name, extras) in seen:
        return
    seen.add((name, extras))
    yield name
    for text in importlib.metadata.requires(name) or ():
        requirement = Requirement(text)
        environments = [{"extra": extra} for extra in ("", *extras)]
        if requirement.marker is None or any(requirement.marker.evaluate(environment) for environment in environments):
            yield from needed_here(canonicalize_name(requirement.name), frozenset(requirement.extras), seen)


def test_every_library_that_is_imported_is_declared_and_every_declared_one_is_needed() -> None:
    declared = {Requirement(text).name for text in PROJECT["dependencies"]} | IMPORTED_IF_THERE
    imported = {IMPORTED_AS.get(name, name) for name in declared - set(NEEDED_BUT_NOT_IMPORTED)}
    assert imported_libraries() - set(COMES_WITH) == imported
    assert set(COMES_WITH.values()) <= declared


def test_every_pin_is_one_public_release_in_order() -> None:
    assert list(pins()) == sorted(pins())
    for name, version in pins().items():
        assert name == canonicalize_name(name)
        assert version.local is None, f"{name}: a build that only some machines have"


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_every_requirement_is_pinned_to_a_release_it_allows(requirement: Requirement) -> None:
    assert requirement.specifier.contains(pins()[canonicalize_name(requirement.name)])


def test_everything_that_is_installed_for_the_tests_is_pinned() -> None:
    needed = set(needed_here("ragcli", frozenset({"dev", "mlx-cpu", "code", "mcp", "serve", "ocr"}), set())) - {"ragcli"}
    assert needed <= set(pins())


def test_there_is_one_version() -> None:
    changes = (REPOSITORY / "CHANGELOG.md").read_text("utf-8")
    newest = re.search(r"^## \[(\d+\.\d+\.\d+)\]", changes, re.MULTILINE)
    assert newest
    assert {newest[1], PROJECT["version"]} == {ragcli.__version__}


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_can_be_run(script: str) -> None:
    path = REPOSITORY / script
    assert os.access(path, os.X_OK)
    assert "set -euo pipefail" in path.read_text("utf-8")
    subprocess.run(["bash", "-n", path], check=True)


def test_the_demo_refuses_what_it_does_not_know() -> None:
    run = subprocess.run([REPOSITORY / "scripts/demo", "--huge"], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("usage: scripts/demo")


def test_an_old_python_is_refused_in_words(tmp_path: Path) -> None:
    """In a copy of the scripts without an environment, where the only Python that can be found is too old."""
    for name in ("python3", "python3.11", "python3.12", "python3.13", "python3.14"):
        old = tmp_path / "bin" / name
        old.parent.mkdir(exist_ok=True)
        old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.6 && exit\nexit 1\n')
        old.chmod(0o755)
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    for name in ("demo", "environment.sh"):
        (scripts / name).write_bytes((REPOSITORY / "scripts" / name).read_bytes())
    environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"}
    run = subprocess.run(["bash", scripts / "demo"], capture_output=True, text=True, check=False, env=environment)
    assert run.returncode == 1
    assert "Python 3.11 or newer is needed, and python3 is Python 3.9.6" in run.stderr
    assert "hint: " in run.stderr
    assert not (tmp_path / ".venv").exists()


def test_nothing_names_the_host_of_a_registry() -> None:
    hosts = re.compile("|".join(map(re.escape, ("pypi" + ".org", "files." + "pythonhosted", "download." + "pytorch"))))
    for name in ("README.md", "constraints.txt", "pyproject.toml", "scripts/environment.sh", *SCRIPTS):
        assert not hosts.search((REPOSITORY / name).read_text("utf-8")), name
