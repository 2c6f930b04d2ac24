"""The real program in a real process, behind the real wall, on the poisoned assistant."""

from __future__ import annotations

from ragcli.adapters.offline import close_doors
from ragcli.cli.app import run
from tests.hostile_text.poisoned import PoisonedAssistant

if __name__ == "__main__":
    close_doors()
    run(PoisonedAssistant)  # type: ignore[arg-type]
