"""docs/python.md: every block of code runs as it stands, in order, in a process of its own with a home of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ragcli
from tests.conftest import MODELS, REPOSITORY

PAGE = (REPOSITORY / "docs" / "python.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python( own)?\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
SMALL = {"RAGCLI_ANSWER_MODEL": "smollm2-135m", "RAGCLI_ANSWER_MAX_TOKENS": "24"}
LEASE = "The lease of the mill ends on 31 May 2027. The tenant is Ms Vane. The rent is 900 euros a month."


@pytest.fixture
def place(tmp_path: Path) -> dict[str, str]:
    """A home with a folder of documents, and the environment that leads there."""
    (tmp_path / "Documents").mkdir()
    (tmp_path / "Documents" / "lease.md").write_text(LEASE)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAGCLI_")}
    return {**kept, "HOME": str(tmp_path), "RAGCLI_HOME": str(tmp_path / "data")}


def run(code: str, place: dict[str, str]) -> str:
    done = subprocess.run([sys.executable, "-c", code], env=place, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_own_parts_need_no_models(place: dict[str, str]) -> None:
    (code,) = (code for own, code in BLOCKS if own)
    assert run(code, place).strip() == "The lease of the mill ends on 31 May 2027 [1]."


@pytest.mark.model
def test_every_other_block_runs_with_real_models(place: dict[str, str]) -> None:
    for name in ("all-minilm-l6-v2", "smollm2-135m"):
        if not (MODELS / name).is_dir():
            pytest.skip(f"{name} is not in {MODELS}: run scripts/test")
        shutil.copytree(MODELS / name, Path(place["RAGCLI_HOME"]) / "models" / name)
    printed = run("\n".join(code for own, code in BLOCKS if not own), place | SMALL)
    assert "1 added, 0 unchanged" in printed or "0 added, 1 unchanged" in printed
    assert "lease.md" in printed
    assert "path-missing | there is no /no/such/folder |" in printed
    assert printed.splitlines()[-1] in ("seccomp", "sandbox")


def test_types_are_shipped() -> None:
    assert (Path(ragcli.__file__).parent / "py.typed").is_file()


@pytest.mark.parametrize("name", ragcli.__all__)
def test_every_public_name_is_there_and_says_what_it_is(name: str) -> None:
    value = getattr(ragcli, name)
    assert name == "__version__" or value.__doc__
