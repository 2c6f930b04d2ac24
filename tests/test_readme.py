"""The README says what the program does: its tables are the program's, and its commands can be typed."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import typer.main

from ragcli import catalog, config, errors, types
from ragcli.adapters.readers.table import FORMATS
from ragcli.cli.app import app
from ragcli.cli.showing.paper import size

REPOSITORY = Path(__file__).parent.parent
README = (REPOSITORY / "README.md").read_text("utf-8")
NOT_READ = {"unsupported", "binary"}
STATUSES = {0, 1, errors.DONE_WITH_SKIPS, errors.NO_EVIDENCE, errors.INTERRUPTED, errors.BROKEN_PIPE}
STATUSES |= {family.status for family in errors.FAMILIES}


def table(first_heading: str) -> list[list[str]]:
    """The cells of the table whose first column is headed so, without code marks."""
    lines = README.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {first_heading} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
    return rows


def commands_in_blocks() -> list[str]:
    """Every ragcli command that a fenced block shows, without what is piped into it or out of it."""
    found = []
    for language, block in re.findall(r"^```(\w+)\n(.*?)^```", README, re.DOTALL | re.MULTILINE):
        for line in block.splitlines() if language in ("sh", "console") else ():
            prompt = "$ " if language == "console" else ""
            if line.startswith(prompt):
                parts = re.split(r" \| (?=\w)", line.removeprefix(prompt).split("  #")[0])
                found += [part.strip() for part in parts if part.startswith("ragcli ")]
    return found


def commands_in_text() -> list[str]:
    """Every command between backticks."""
    prose = re.sub(r"^```.*?^```", "", README, flags=re.DOTALL | re.MULTILINE)
    return sorted({" ".join(line.split()) for line in re.findall(r"`(ragcli [^`]+)`", prose)})


def find_command(line: str) -> tuple[Any, str, list[str]]:
    """The command of a line, its name, and the words that are left for it."""
    command: Any = typer.main.get_command(app)
    name, *words = shlex.split(line)
    while words and words[0] in getattr(command, "commands", {}):
        name = words.pop(0)
        command = command.commands[name]
    return command, name, words


def test_the_models_are_those_of_the_catalog() -> None:
    expected = [
        [entry.name, entry.role, size(entry.download), size(entry.memory), entry.licence, "hub" if entry.hub else "index"]
        for entry in catalog.entries()
    ]
    assert [row[:-1] for row in table("name")] == expected


def test_the_formats_are_those_that_readers_know() -> None:
    """Each row has the endings of one format, all of them."""
    rows = [(place != "not read", frozenset(endings.split())) for _, place, endings in table("format")]
    names = set(FORMATS.values())
    expected = [(name not in NOT_READ, frozenset(ending for ending in FORMATS if FORMATS[ending] == name)) for name in names]
    assert Counter(rows) == Counter(expected)
    read = sum(name not in NOT_READ for name in FORMATS.values())
    assert f" {read} endings" in README


def test_the_errors_are_those_that_are_raised() -> None:
    rows = [(slug, int(status)) for slug, status, _ in table("slug")]
    assert sorted(rows) == sorted((slug, family.status) for family in errors.FAMILIES for slug in family.slugs)


def test_the_exit_statuses_are_all_there() -> None:
    assert [int(status) for status, _ in table("exit status")] == sorted(STATUSES)


def test_the_reasons_for_skipping_are_those_of_the_program() -> None:
    assert dict(table("reason")) == types.REASONS


def test_the_settings_have_the_defaults_of_the_program() -> None:
    defaults = config.Config()
    rows = {key: config.parse_setting(key, default) for key, default, _ in table("setting")}
    assert list(rows) == list(config.known_settings())
    assert rows == {key: config.get_setting(defaults, key) for key in config.known_settings()}


def test_every_module_has_one_place_in_the_map() -> None:
    named = [name for _, cell in table("to change") for name in re.findall(r"`([\w/]+)`", f"`{cell}`")]
    package = REPOSITORY / "ragcli"
    modules = [path.relative_to(package).with_suffix("").as_posix() for path in package.rglob("*.py")]
    assert Counter(named) == Counter(name for name in modules if not name.endswith("__init__"))


@pytest.mark.parametrize("line", commands_in_blocks())
def test_every_command_shown_can_be_typed(line: str) -> None:
    """It is a command, and it has these options."""
    command, name, words = find_command(line)
    context = command.make_context(name, words)
    assert getattr(context.command, "commands", None) is None or not words


@pytest.mark.parametrize("line", commands_in_text())
def test_every_command_named_exists(line: str) -> None:
    command, name, words = find_command(line)
    assert not hasattr(command, "commands"), f"{name} is a group, or no command at all"
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= options


def test_every_command_of_the_program_is_told_of() -> None:
    group: Any = typer.main.get_command(app)
    told = {line.split()[1] for line in commands_in_blocks() + commands_in_text()}
    assert set(group.commands) == told


def test_the_scripts_and_files_it_names_exist() -> None:
    for name in re.findall(r"`((?:scripts|tests)/[\w./]+)", README):
        assert (REPOSITORY / name).exists(), name
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (REPOSITORY / target).exists(), target
    headings = {heading.lower().replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", README, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", README)) <= headings


def test_releases_it_names_are_those_of_the_constraints() -> None:
    pins = (REPOSITORY / "constraints.txt").read_text("utf-8").splitlines()
    named = re.findall(r"\b[\w-]+==[\w.]+\b", README)
    assert named
    assert set(named) <= set(pins)


def test_the_numbers_of_the_sample_corpus_are_right() -> None:
    questions = (REPOSITORY / "sample_corpus" / "questions.jsonl").read_text("utf-8").splitlines()
    assert f"asks the corpus its {len(questions)} questions" in README
