"""The recipes of the documentation work as they are written: each block is run by a shell, with real models."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
RECIPES = (REPOSITORY / "docs" / "recipes.md").read_text("utf-8")
NO_ANSWER = 11
"""The smallest model may say that the text holds no answer; the recipe worked all the same."""

SAID = {
    "What failed in this log?": r"\[1\] stdin:\d+",
    "A commit message from a diff": r"\w",
    "Grep first, then ask": r"stdin:\d+|Not in your files",
    "Names for xargs": r"\d+ .*invoice one\.md\n",
    "Jump from hit to hit in an editor": r"\./contracts/lease\.md:\d+:.*deposit",
    "A question in a file": r"\d\.\d\d \./contracts/lease\.md:\d+",
    "JSON for programs": r"contracts/lease\.md\t\d+\n[1-9]",
    "Every night": r"\(.*\)",
    "Collections and profiles": r"\./contracts/lease\.md\n(.*\n)*profile\.quick\.answer\.model += smollm2-135m ",
    "Settings of a project": r"search\.limit = 3\n3\n",
}


def recipes() -> list[tuple[str, str]]:
    """Each heading with the blocks of shell below it."""
    sections = re.split(r"^## ", RECIPES, flags=re.MULTILINE)[1:]
    found = []
    for section in sections:
        heading, _, text = section.partition("\n")
        found.append((heading, "".join(re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE))))
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, models_folder: Path) -> Path:
    """A folder with files like a person's, indexed; the program is on the PATH of the shells that run there."""
    folder = tmp_path_factory.mktemp("recipes")
    for name in ("all-minilm-l6-v2", "smollm2-135m"):
        if not (models_folder / name).is_dir():
            pytest.skip(f"no {name} in {models_folder}: run scripts/test")
        shutil.copytree(models_folder / name, folder / "home" / "models" / name, copy_function=os.link)
    program = folder / "bin" / "ragcli"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ragcli "$@"\n')
    program.chmod(0o700)
    work = folder / "work"
    (work / "contracts").mkdir(parents=True)
    (work / "contracts" / "lease.md").write_text("# Lease\n\nThe deposit is 2,400 euros. The lease ends on 31 May 2027.\n")
    (work / "invoice one.md").write_text("# Invoice\n\nThe invoice of March is over 120 euros.\n")
    noise = "".join(f"[{number:05}] info: compiling unit {number}\n" for number in range(3000))
    (work / "build.log").write_text(f"{noise}[03000] error: the linker ran out of memory\n{noise}")
    assert shell(work, "git init -q && git add contracts && ragcli index --quiet .").returncode == 0
    return work


def shell(work: Path, script: str) -> subprocess.CompletedProcess[str]:
    """The script in bash, in the folder, with nothing of the machine's own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAGCLI_", "GIT_"))}
    own = {
        "RAGCLI_HOME": str(work.parent / "home"),
        "RAGCLI_ANSWER_MODEL": "smollm2-135m",
        "RAGCLI_ANSWER_MAX_TOKENS": "30",
        "HOME": str(work.parent),
        "PYTHONPATH": str(REPOSITORY),
        "LC_ALL": "C.UTF-8",
        "PATH": f"{work.parent / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }
    command = ["bash", "-euo", "pipefail", "-c", script]
    options = {"capture_output": True, "text": True, "check": False, "stdin": subprocess.DEVNULL, "timeout": 280}
    return subprocess.run(command, cwd=work, env=kept | own, **options)


def test_every_recipe_is_tried() -> None:
    assert [heading for heading, _ in recipes()] == list(SAID)


@pytest.mark.model
@pytest.mark.parametrize(("heading", "script"), recipes(), ids=[heading for heading, _ in recipes()])
def test_a_recipe_works_as_it_is_written(place: Path, heading: str, script: str) -> None:
    if "jq" in script and not shutil.which("jq"):
        pytest.skip("jq is not installed")
    done = shell(place, script)
    assert done.returncode in (0, NO_ANSWER), done.stderr
    assert re.search(SAID[heading], done.stdout), done.stdout
    assert "Traceback" not in done.stderr
