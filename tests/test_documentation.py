"""The documentation says what the program does: what is made from it is up to date, and every command shown can be typed."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main

from ragcli.cli.app import app

REPOSITORY = Path(__file__).parent.parent
DOCS = REPOSITORY / "docs"
PAGES = sorted(DOCS.glob("*.md"))
WRITTEN = [page for page in PAGES if page.name != "reference.md"]
ABOVE = [REPOSITORY / name for name in ("README.md", "CHANGELOG.md", "SECURITY.md")]
FACTS_OF_OTHERS = [DOCS / "comparison.md", REPOSITORY / "CHANGELOG.md"]
"""Pages that lead out of the project: to what others say of themselves, and to the conventions that are followed."""


def test_what_is_made_from_the_program_is_up_to_date() -> None:
    checked = subprocess.run(
        [sys.executable, "scripts/reference", "--check"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.skipif(not shutil.which("man"), reason="man is not installed")
def test_man_understands_its_page() -> None:
    plain = {"PATH": "/usr/bin:/bin", "MANWIDTH": "80", "LC_ALL": "C.UTF-8"}
    command = ["man", "-l", "--warnings", str(DOCS / "ragcli.1")]
    shown = subprocess.run(command, capture_output=True, text=True, check=False, env=plain)
    assert shown.returncode == 0
    assert shown.stderr == ""
    assert "ragcli search" in shown.stdout


def every_command() -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []

    def walk(name: str, command: Any) -> None:
        found.append((name, command))
        for each, below in getattr(command, "commands", {}).items():
            walk(f"{name} {each}", below)

    walk("ragcli", typer.main.get_command(app))
    return found


@pytest.mark.parametrize(("name", "command"), every_command(), ids=lambda value: value if isinstance(value, str) else "")
def test_the_help_of_every_command_has_an_example_and_fits_a_terminal(name: str, command: Any) -> None:
    context = command.make_context(name, [], resilient_parsing=True)
    context.terminal_width = context.max_content_width = 80
    text = command.get_help(context)
    assert re.search(r"\n  Examples?\b.*:\n\s+.*ragcli", text), "it has no example"
    assert not [line for line in text.splitlines() if len(line) > 80]


def shown_commands(page: Path) -> list[str]:
    """Every ragcli command of a page's shell blocks and between its backticks."""
    text = page.read_text("utf-8")
    lines = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)).splitlines()
    consoles = "\n".join(re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    lines += re.findall(r"^\$ (.*)$", consoles, re.MULTILINE)
    typed = [part for line in lines for part in re.split(r" \|\|? | && |; |(?<=[^-])> ", line)]
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]
    return sorted({part.strip().split("  #")[0].split(" < ")[0] for part in typed + spans if part.strip().startswith("ragcli ")})


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_every_command_shown_is_one_with_these_options(page: Path) -> None:
    for line in shown_commands(page):
        command: Any = typer.main.get_command(app)
        _, *words = shlex.split(line)
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        assert not (words and hasattr(command, "commands") and not words[0].startswith("-")), line
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        used = {word.split("=")[0] for word in words if re.fullmatch(r"--?[a-z][\w-]*(=.*)?", word)}
        assert used <= known | {"--help", "-h", "--install-completion"}, line


def links(page: Path) -> list[str]:
    text = re.sub(r"^```.*?^```|`[^`\n]*`", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"\]\(([^)\s]+)\)", text)


def anchors(page: Path) -> set[str]:
    """The names of the page's headings, as those who show Markdown make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", [*PAGES, *ABOVE], ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in links(page):
        if page in FACTS_OF_OTHERS and target.startswith("https://"):
            continue
        file, _, heading = target.partition("#")
        there = page.parent / file if file else page
        assert there.exists(), f"{page.name} leads to {target}"
        assert not heading or heading in anchors(there), f"{page.name} leads to {target}"


def test_a_reader_gets_from_the_index_to_every_page() -> None:
    named = {(DOCS / link.partition("#")[0]).resolve() for link in links(DOCS / "index.md")}
    assert {page.resolve() for page in PAGES if page.name != "index.md"} <= named
    assert "docs/index.md" in links(REPOSITORY / "README.md")


def test_what_is_said_of_others_names_its_source() -> None:
    """Pages of the projects themselves: no registries, no hearsay."""
    sources = [link for link in links(DOCS / "comparison.md") if link.startswith("http")]
    assert len(sources) > 20
    hosts = {link.split("/")[2] for link in sources}
    assert hosts == {"github.com", "ggozad.github.io", "docs.gpt4all.io", "docs.anythingllm.com", "www.recoll.org"}
