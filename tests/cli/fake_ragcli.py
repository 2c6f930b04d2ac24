"""The real program in a real process, behind the real wall, on the fake assistant: ``python -m tests.cli.fake_ragcli``."""

from __future__ import annotations

from ragcli.adapters.offline import close_doors
from ragcli.cli.app import run
from tests.cli.fake_assistant import FakeAssistant

if __name__ == "__main__":
    close_doors()
    run(FakeAssistant)  # type: ignore[arg-type]
