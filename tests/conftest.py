"""Fixtures that every test file may use."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import hypothesis
import pytest

from tests import tallying

hypothesis.settings.register_profile("ragcli", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("ragcli")

# A runner in the background has some signals ignored, and what it starts inherits that: tests of them need them back.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

REPOSITORY = Path(__file__).parent.parent
MODELS = Path(os.environ.get("RAGCLI_TEST_MODELS") or REPOSITORY / ".cache" / "models")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """RAGCLI_HOME of this test; no other RAGCLI_ variable is set."""
    for name in [name for name in os.environ if name.startswith("RAGCLI_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "home"
    monkeypatch.setenv("RAGCLI_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def models_folder() -> Path:
    """The folder of pulled models, laid out as the product's own."""
    if not MODELS.is_dir():
        pytest.skip(f"no models at {MODELS}: run scripts/test, or set RAGCLI_TEST_MODELS")
    return MODELS


def pytest_sessionfinish(session: pytest.Session) -> None:
    tallying.send(session.config)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    tallying.receive(node)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    tallying.tell(terminalreporter)
