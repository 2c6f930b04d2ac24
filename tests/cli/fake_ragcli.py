"""The real program in a real process, behind the real wall, on the fake assistant: ``python -m tests.cli.fake_ragcli``."""

from __future__ import annotations

import sys

from ragcli.adapters.listening import open_port_if_wanted
from ragcli.adapters.offline import close_doors
from ragcli.cli.app import run
from tests.cli.fake_assistant import FakeAssistant

if __name__ == "__main__":
    open_port_if_wanted(sys.argv[1:])
    close_doors()
    run(FakeAssistant)  # type: ignore[arg-type]
