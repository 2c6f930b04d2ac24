"""The program as a whole: help, version, errors, exit statuses, and what it loads to start."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from ragcli import errors
from ragcli.cli.app import app, asks_for_json
from tests.cli.conftest import InProcess, Processes
from tests.cli.fake_assistant import FakeAssistant


def commands_of(group: Any, *above: str) -> Iterator[list[str]]:
    """The words of the group and of each command in it, as typed."""
    yield [*above]
    for name, command in getattr(group, "commands", {}).items():
        yield from commands_of(command, *above, name)


COMMANDS = list(commands_of(typer.main.get_command(app)))
HEAVY = ["numpy", "pyarrow", "lancedb", "torch", "transformers", "sentence_transformers", "mlx", "mlx_lm", "xllamacpp"]
ALSO_NEEDLESS = ["watchdog", "prompt_toolkit", "rich", "tomlkit", "huggingface_hub", "tokenizers", "asyncio", "http"]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_help_has_an_example_and_fits_80_columns(run: InProcess, command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "Example" in result.stdout
    assert f"ragcli {' '.join(command)}".strip() in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "..." not in result.stdout.partition("Options:")[2]  # no command's summary is cut
    assert run(*command, "-h").stdout == result.stdout


def test_help_groups_the_commands(run: InProcess) -> None:
    shown = run("--help").stdout
    places = [shown.index(title) for title in ("Find:", "Index:", "Models and settings:", "Health:")]
    assert places == sorted(places)


def test_version(run: InProcess) -> None:
    assert run("--version").stdout.startswith("ragcli ")


def test_alone_without_a_terminal_it_helps_and_fails(run: InProcess) -> None:
    result = run()
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Usage: ragcli")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["statsu"], "No such command 'statsu'. Did you mean 'status'?"),
        (["search", "--nope", "x"], "No such option: --nope"),
        (["search"], "Missing argument 'QUERY'"),
        (["search", "x", "-k", "0"], "Invalid value for '-k' / '--limit': Input should be greater than or equal to 1"),
        (["search", "x", "--mode", "magic"], "Invalid value for '--mode': 'magic' is not one of 'hybrid', 'meaning', 'words'"),
        (["--nope"], "No such option: --nope"),
        (["models", "pul"], "No such command 'pul'. Did you mean 'pull'?"),
    ],
)
def test_wrong_usage_is_one_line_and_a_hint(run: InProcess, arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    error, hint = result.stderr.splitlines()
    assert error.startswith(f"error: {message}")
    assert hint.endswith("--help")
    told = json.loads(run(*arguments, "--json").stdout)["error"]
    assert told["slug"] == "bad-argument"
    assert error == f"error: {told['message']}"


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [(["ask", "x", "--json"], True), (["ask", "--ndjson"], True), (["ask", "--", "--json"], False), (["ask", "json"], False)],
)
def test_who_wants_json(arguments: list[str], wanted: bool) -> None:
    assert asks_for_json(arguments) is wanted


@pytest.mark.parametrize("family", errors.FAMILIES)
def test_each_family_of_errors_has_its_status(run: InProcess, family: type[errors.RagError]) -> None:
    slug = sorted(family.slugs)[0]

    class Failing(FakeAssistant):
        def stats(self):  # type: ignore[no-untyped-def]
            raise family(slug, "it\nfailed \x1b[2J", hint="mend it")

    result = CliRunner(env={"RAGCLI_HOME": str(run.home)}).invoke(app, ["status"], obj=Failing)
    assert result.exit_code == family.status
    assert result.stderr == "error: it failed ␛[2J\nhint: mend it\n"
    as_json = CliRunner(env={"RAGCLI_HOME": str(run.home)}).invoke(app, ["status", "--json"], obj=Failing)
    assert as_json.exit_code == family.status
    assert json.loads(as_json.stdout)["error"]["slug"] == slug


def test_the_assistant_is_closed_whatever_happens(run: InProcess) -> None:
    made: list[FakeAssistant] = []

    def make(*given: object) -> FakeAssistant:
        made.append(FakeAssistant(*given))  # type: ignore[arg-type]
        return made[-1]

    for arguments in (["status"], ["search", "locked"], ["ask", "bug lease"]):
        CliRunner(env={"RAGCLI_HOME": str(run.home)}).invoke(app, arguments, obj=make)
    assert [assistant.closed for assistant in made] == [True] * 3


def test_a_bug_shows_a_traceback_without_values(process: Processes) -> None:
    result = process(["ask", "bug lease of a secret"], stdin=subprocess.DEVNULL)
    assert result.returncode == 1
    assert b"Traceback" in result.stderr
    assert b"ZeroDivisionError" in result.stderr
    assert b"secret" not in result.stderr


def loaded_after(code: str, process: Processes) -> set[str]:
    program = f"import sys\n{code}\nprint('\\n'.join(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, **process.place())
    return set(done.stderr.decode().splitlines())


@pytest.mark.parametrize(
    ("arguments", "needless"),
    [
        (["--version"], [*HEAVY, *ALSO_NEEDLESS, "platformdirs"]),
        (["--help"], [*HEAVY, *ALSO_NEEDLESS, "platformdirs"]),
        (["config", "list"], [*HEAVY, *ALSO_NEEDLESS]),
        (["status"], [*HEAVY, *ALSO_NEEDLESS]),
        (["search", "lease"], [*HEAVY, *ALSO_NEEDLESS]),
        (["ask", "lease"], [*HEAVY, *ALSO_NEEDLESS]),
        (["index", "."], [*HEAVY, *ALSO_NEEDLESS]),
    ],
    ids=lambda value: value[0],
)
def test_the_face_loads_only_what_it_needs(process: Processes, arguments: list[str], needless: list[str]) -> None:
    code = f"""
from tests.cli.fake_assistant import FakeAssistant
from ragcli.cli.app import app
sys.stdin = None
try:
    app({arguments!r}, prog_name="ragcli", obj=FakeAssistant)
except SystemExit:
    pass
"""
    assert sorted(loaded_after(code, process) & set(needless)) == []


def test_loading_the_program_loads_no_assistant(process: Processes) -> None:
    assert "ragcli.assistant" not in loaded_after("import ragcli.cli.app", process)
