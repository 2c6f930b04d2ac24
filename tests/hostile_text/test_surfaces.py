"""Whatever others wrote, on whatever surface it is shown: no byte of it commands the terminal, and nothing of it is hidden."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from ragcli.cli.app import app
from tests.hostile_text.payloads import OURS, OURS_WITH_A_BAR, PAYLOADS, forbidden_in
from tests.hostile_text.poisoned import MARK, MARKED
from tests.hostile_text.surfaces import SCREENS, SURFACES, Surface, run_surface, texts_in
from tests.tallying import count

LEAST_PAYLOADS = 200
NOT_HERE = {"chat", "setup", "mcp", "serve", "schema", "report", "config path", "config set", "config edit"}
"""The shells have tests of their own, the servers speak JSON to programs; the others print nothing that others wrote."""


def test_there_are_enough_payloads_and_no_two_are_the_same() -> None:
    assert len(set(PAYLOADS.values())) >= LEAST_PAYLOADS
    harmless = [name for name, payload in PAYLOADS.items() if not forbidden_in(payload)]
    assert len(harmless) <= 8, harmless  # what means something to Rich or to a format, and nothing to a terminal
    assert not [name for name, payload in PAYLOADS.items() if OURS.search(payload)]


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("name", SURFACES)
def test_no_forbidden_byte_comes_out(name: str, screen: str, tmp_path: Path) -> None:
    surface = SURFACES[name]
    out, err = run_surface(surface, tmp_path / "home", SCREENS[screen])
    ours = {"a terminal": OURS_WITH_A_BAR if draws_a_bar(surface) else OURS}.get(screen)
    for stream in (out.replace("\r\n", "\n") if "csv" in surface.arguments else out, err):
        assert not forbidden_in(ours.sub("", stream) if ours else stream), name
    shown = texts_in(out) if surface.is_json else out + err
    assert len(set(MARK.findall(shown))) >= surface.shown, shown[:500]
    count("hostile texts shown", len(PAYLOADS) if surface.shown else 0)


def draws_a_bar(surface: Surface) -> bool:
    return surface.arguments[0] in ("index", "forget", "eval", "extract") or surface.arguments[:2] == ("models", "pull")


@pytest.mark.parametrize(
    "name", [name for name, surface in SURFACES.items() if surface.is_json and "unknown" not in name and "purged" not in name]
)
def test_json_gives_the_very_characters_back(name: str, tmp_path: Path) -> None:
    surface = SURFACES[name]
    out, _ = run_surface(surface, tmp_path / "home", None)
    texts = texts_in(out)
    missing = [marked for marked in MARKED if marked not in texts]
    if surface.stdin or surface.shown != len(PAYLOADS) or "fails" in surface.arguments or "config" in surface.arguments:
        # A message is one line, and no process can be given a NUL or half a pair.
        missing = [marked for marked in missing if not set(marked) & set("\0\ud83d") and " ".join(marked.split()) not in texts]
    assert not missing


def commands() -> Iterator[str]:
    waiting = [("", typer.main.get_command(app))]
    while waiting:
        name, command = waiting.pop()
        inner = getattr(command, "commands", None)
        if inner is None:
            yield name.strip()
        else:
            waiting += [(f"{name} {sub}", each) for sub, each in inner.items()]


def test_every_command_is_among_the_surfaces() -> None:
    tried = {" ".join(surface.arguments) for surface in SURFACES.values()}
    assert not [name for name in commands() if name not in NOT_HERE and not any(each.startswith(name) for each in tried)]
