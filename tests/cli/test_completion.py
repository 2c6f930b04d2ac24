"""Tab, as each shell asks for it: commands, options, models, collections, settings; anything else is left to the shell."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ragcli.cli.completing import complete_collection, complete_model, complete_profile, complete_setting
from tests.cli.conftest import REPOSITORY, clean_environment

SHELLS = ("bash", "zsh", "fish")


def completed(home: Path, *words: str) -> list[str]:
    """What bash is told for the last word."""
    asked = {"_RAGCLI_COMPLETE": "complete_bash", "COMP_WORDS": "\n".join(["ragcli", *words]), "COMP_CWORD": str(len(words))}
    done = subprocess.run(
        [sys.executable, "-m", "ragcli"],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(home, asked),
        cwd=REPOSITORY,
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_commands_options_and_names(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "config.toml").write_text("[collection.work]\nroots = ['/work']\n[profile.quick.answer]\nmodel = 'x'\n")
    (home / "models" / "smoky").mkdir(parents=True)
    assert "search" in completed(home, "sea")
    assert "--only-stdin" in completed(home, "ask", "--only")
    assert completed(home, "ask", "--model", "smo") == ["smoky", "smollm2-135m", "smollm3-3b"]
    assert completed(home, "search", "--collection", "") == ["work"]
    assert completed(home, "ask", "--profile", "q") == ["quick"]
    assert completed(home, "config", "get", "search.l") == ["search.limit"]
    assert completed(home, "index", "./ra") == []  # the shell's own names


def test_nothing_breaks_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    home.mkdir()
    (home / "config.toml").write_text("[[[")
    assert complete_collection("") == complete_profile("") == []
    assert "search.limit" in complete_setting("search")
    assert "smollm2-135m" in complete_model("")


def test_it_loads_no_library(tmp_path: Path) -> None:
    asked = {"_RAGCLI_COMPLETE": "complete_bash", "COMP_WORDS": "ragcli\nask\n--collection\n", "COMP_CWORD": "3"}
    look = (
        "import sys, json, atexit, pathlib;"
        f"atexit.register(lambda: pathlib.Path({str(tmp_path / 'seen')!r}).write_text(json.dumps(sorted(sys.modules))));"
        "from ragcli.__main__ import main; sys.argv = ['ragcli']; main()"
    )
    subprocess.run(
        [sys.executable, "-c", look], capture_output=True, check=False, env=clean_environment(tmp_path / "home", asked)
    )
    loaded = {name.split(".")[0] for name in json.loads((tmp_path / "seen").read_text())}
    assert "ragcli" in loaded
    assert not {"lancedb", "numpy", "pyarrow", "rich", "torch", "prompt_toolkit", "sentence_transformers"} & loaded


@pytest.mark.parametrize("shell", SHELLS)
def test_one_command_installs_it_and_the_shell_takes_it(shell: str, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "ragcli"
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{REPOSITORY}" exec "{sys.executable}" -m ragcli "$@"\n')
    command.chmod(0o700)
    environment = clean_environment(
        tmp_path / "home", {"HOME": str(tmp_path), "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}"}
    )
    installed = subprocess.run(
        [program, "-c", "ragcli --install-completion; :"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=tmp_path,
    )
    assert "completion installed in" in installed.stdout, installed.stderr
    asked = {
        "bash": "source ~/.bashrc; COMP_WORDS=(ragcli sea); COMP_CWORD=1; _ragcli_completion ragcli; echo ${COMPREPLY[@]}",
        "zsh": "autoload -Uz compinit; compinit -u 2>/dev/null; source ~/.zshrc; print -r -- ${_comps[ragcli]}",
        "fish": "complete -C 'ragcli sea'",
    }[shell]
    done = subprocess.run([program, "-c", asked], capture_output=True, text=True, check=False, env=environment, cwd=tmp_path)
    assert ("_ragcli" if shell == "zsh" else "search") in done.stdout, done.stderr
