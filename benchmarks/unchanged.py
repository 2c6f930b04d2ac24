"""A run over files of which none has changed: `python benchmarks/unchanged.py [FILES]`, 5,000 by default."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from setting import MODELS, run, tell_unchanged, write_notes

ROUNDS = 5


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    with tempfile.TemporaryDirectory() as scratch:
        home, files = Path(scratch) / "home", Path(scratch) / "files"
        home.mkdir()
        (home / "models").symlink_to(MODELS)
        write_notes(files, count)
        print(f"first index of {count} files: {run(home, 'index', str(files)):.1f} s")
        tell_unchanged(home, files, ROUNDS)


if __name__ == "__main__":
    main()
