"""Where the commands of the canary run, and why they may not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.canary.trap import Caught, Errand

TRAP = Path(__file__).with_name("trap.py")
Send = Callable[[Sequence[Errand]], dict[str, Caught]]
EMBEDDER, MODEL = "all-minilm-l6-v2", "smollm2-135m"


@pytest.fixture(scope="session")
def send(tmp_path_factory: pytest.TempPathFactory) -> Send:
    """Runs errands in the trap: what was caught of each, by name. ``CI`` is unset: some libraries are silent where it is set."""

    def run(errands: Sequence[Errand]) -> dict[str, Caught]:
        environment = {name: value for name, value in os.environ.items() if name != "CI" and not name.startswith("RAGCLI_")}
        errand_list = json.dumps([asdict(errand) for errand in errands])
        done = subprocess.run([sys.executable, TRAP], input=errand_list, capture_output=True, text=True, env=environment)
        if "of its own" in done.stderr or "/dev/net/tun" in done.stderr:
            pytest.skip(f"NOTHING WAS TESTED: no trap for packets can be laid here: {done.stderr.splitlines()[-1]}")
        assert done.returncode == 0, done.stderr
        return {each["name"]: Caught(**each) for each in json.loads(done.stdout)}

    if not sys.platform.startswith("linux"):
        pytest.skip("NOTHING WAS TESTED: the trap for packets is made of Linux's network namespaces")
    return run


@pytest.fixture(scope="session")
def ready_home(models_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with both small models and an index of a few files."""
    home = tmp_path_factory.mktemp("canary")
    for name in (EMBEDDER, MODEL):
        if not (models_folder / name).is_dir():
            pytest.skip(f"no {name} in {models_folder}: run scripts/test")
        shutil.copytree(models_folder / name, home / "models" / name, copy_function=os.link)
    documents = home / "documents"
    documents.mkdir()
    (documents / "lease.md").write_text("# Lease\n\nThe lease of the boathouse ends on 31 May 2027.\n")
    (documents / "links.html").write_text(
        '<p>See <a href="http://leak.example/a">this</a> <img src="http://leak.example/b.png"></p>'
    )
    (documents / "mail.eml").write_text(
        "From: ann@leak.example\nSubject: Keys\nMessage-ID: <1@leak.example>\n\nThe keys are with Ben.\n"
    )
    return home
