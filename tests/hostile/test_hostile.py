"""The promise: one bad file costs one file. The whole corpus through the real walker, readers, splitter and store.

``RAGCLI_FULL_HOSTILE=1`` adds the cases that take minutes and gives each file the time that the program gives it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from ragcli.types import REASONS
from tests.conftest import REPOSITORY
from tests.hostile import corpus
from tests.hostile.cases import GONE, INDEXED, LEFT_OUT, SECRET_MARKER
from tests.hostile.documents import MAKERS
from tests.hostile.filesystem import SECRETS
from tests.hostile.run import CHANGING

FULL = os.environ.get("RAGCLI_FULL_HOSTILE") == "1"
LEAST_CASES = 270 if FULL else 250
LEAST_GOOD = 50
CPU_SECONDS = 20.0 if FULL else 2.0
"""The limit that a busy machine does not shorten; the one on the clock is far away."""
MEMORY_GROWTH_MB = 100
RUN_SECONDS = 1800 if FULL else 900

pytestmark = pytest.mark.timeout(RUN_SECONDS + 300)


@dataclass(frozen=True, slots=True)
class Outcome:
    made: corpus.Corpus
    told: dict[str, Any]
    folder: Path

    def become(self, path: Path) -> str:
        """The reason that the report gives for the file; else whether it is in the index."""
        key = os.fsencode(path).hex()
        return (
            self.told["first"]["skipped"].get(key)
            or self.told["reasons"].get(key)
            or (INDEXED if key in self.told["indexed"] else "")
        )


def write_tokenizer(path: Path) -> None:
    """Words, signs and ideographs are a token each, as in the tokenizers of real embedders."""
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.save(str(path))


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    """The corpus after one run over it, one more, and one with ``retry_failed``, in a process of their own."""
    folder = tmp_path_factory.mktemp("hostile").resolve()
    made = corpus.build(folder, full=FULL)
    (made.tree / "changing").mkdir()
    for name in CHANGING:
        (made.tree / "changing" / name).write_text("a" * 50_000, encoding="ascii")
    (folder / "warm").mkdir()
    for ending, make in MAKERS.items():
        (folder / "warm" / f"warm.{ending}").write_bytes(make("Something to begin with."))
    write_tokenizer(folder / "tokenizer.json")
    places = [folder / name for name in ("warm", "tree", "index", "tokenizer.json")]
    command = [sys.executable, "-m", "tests.hostile.run", *map(str, places), str(CPU_SECONDS)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=RUN_SECONDS)
    assert done.returncode == 0, done.stderr[-2000:]
    yield Outcome(made, json.loads(done.stdout), folder)


def test_every_bad_file_is_harmless_or_named_for_the_right_reason(outcome: Outcome, capsys: pytest.CaptureFixture[str]) -> None:
    become = {path: outcome.become(path) for path in outcome.made.bad}
    wrong = {
        each.name: become[path]
        for path, each in outcome.made.bad.items()
        if not (become[path] in each.may_become or (become[path] == "" and each.may_become & {LEFT_OUT, GONE}))
    }
    assert wrong == {}
    counts = Counter(become.values())
    assert set(counts) <= {*REASONS, INDEXED, ""}
    told = ", ".join(f"{count} {reason or 'left out'}" for reason, count in counts.most_common())
    recoveries, (before, after) = outcome.told["recoveries"], outcome.told["memory_mb"]
    with capsys.disabled():
        sys.stdout.write(f"\nhostile corpus: {len(become)} bad files ({told}); {after - before:.0f} MiB of memory more; ")
        sys.stdout.write(
            f"{len(recoveries)} dead readers, the next answer after {recoveries[len(recoveries) // 2]:.2f} s (median)\n"
        )
    assert len(become) >= LEAST_CASES


def test_every_good_file_between_them_is_found_by_its_word(outcome: Outcome) -> None:
    found = outcome.told["found"]
    missing = [path.name for path, word in outcome.made.good.items() if found[word] != [os.fsencode(path).hex()]]
    assert missing == []
    assert len(outcome.made.good) == LEAST_GOOD


def test_what_must_never_be_read_is_nowhere_in_the_index(outcome: Outcome) -> None:
    assert outcome.told["texts"] == []
    stored = [path.read_bytes() for path in (outcome.folder / "index").rglob("*") if path.is_file()]
    assert any(b"goodmarker00zz" in content for content in stored)  # what is in the index would be seen
    assert not any(SECRET_MARKER.encode() in content for content in stored)
    left_out = outcome.told["first"]["left_out"]
    assert left_out["secret"] + left_out["hidden"] + left_out["vcs"] == len(SECRETS)


def test_names_inside_of_files_lead_nowhere(outcome: Outcome) -> None:
    everything = (name for _, folders, files in os.walk(outcome.folder.parent) for name in (*folders, *files))
    assert [name for name in everything if name.startswith("escaped")] == []
    assert not Path("/escaped-too.txt").exists()


def test_the_asking_process_stays_small(outcome: Outcome) -> None:
    before, after = outcome.told["memory_mb"]
    assert after - before < MEMORY_GROWTH_MB


def test_files_that_do_not_hold_still_are_whole_or_named(outcome: Outcome) -> None:
    changing = {name: outcome.become(outcome.made.tree / "changing" / name) for name in CHANGING}
    assert changing["vanishing.txt"] == "vanished"
    assert changing["swapped.txt"] == "not_regular"
    assert {changing["growing.txt"], changing["rewritten.txt"]} <= {INDEXED, "changing", "empty"}
    assert "ab" not in outcome.told["rewritten"].replace("\n", "")
    assert "ba" not in outcome.told["rewritten"].replace("\n", "")


def test_a_failed_file_is_read_again_only_when_asked_for(outcome: Outcome) -> None:
    assert outcome.told["again"]["asked"] == 0
    assert outcome.told["retried"]["changed"] == outcome.told["failed"] > 90
