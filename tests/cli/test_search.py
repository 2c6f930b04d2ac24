"""ragcli search: passages, best first."""

from __future__ import annotations

import json

from tests.cli.conftest import InProcess, Processes, StartTerminal


def test_place_heading_and_text(run: InProcess) -> None:
    assert run("search", "lease").stdout == (
        "1. /files/lease.md:1-2  Terms › End\n"
        "   The lease ends on 31 May 2027. The tenant may cancel it with three months'\n"
        "   notice.\n"
    )


def test_explain_shows_what_the_score_is_the_sum_of(run: InProcess) -> None:
    lines = run("search", "lease", "--explain").stdout.splitlines()
    assert lines[1] == "   score 1.000 = words 1.00 × 1 (rank 1)"
    assert lines[-1] == "took total 3 ms"
    explained = run.json("search", "lease", "--explain")["hits"][0]
    assert explained["parts"] == [{"name": "words", "raw": 1.0, "weight": 1.0, "rank": 1}]


def test_json_has_exactly_the_promised_keys(run: InProcess) -> None:
    found = run.json("search", "lease", "--mode", "words")
    assert list(found) == ["schema", "query", "mode", "hits", "took_ms"]
    assert (found["schema"], found["query"], found["mode"]) == (1, "lease", "words")
    assert found["hits"] == [
        {
            "rank": 1,
            "path": "/files/lease.md",
            "title": "lease",
            "heading": ["Terms", "End"],
            "lines": [1, 2],
            "page": None,
            "member": None,
            "locator": "lines 1-2",
            "score": 1.0,
            "found_by": {"meaning": 1, "words": 1},
            "text": "The lease ends on 31 May 2027. The tenant may cancel it with three months' notice.",
        }
    ]


def test_a_limit_comes_from_the_flag_before_the_settings(run: InProcess) -> None:
    run("config", "set", "search.limit", "1")
    assert len(run.json("search", "lease marmalade")["hits"]) == 1
    assert len(run.json("search", "lease marmalade", "-k", "2")["hits"]) == 2


def test_a_path_that_is_not_text_is_shown_and_can_be_had_back(run: InProcess) -> None:
    assert "/files/caf\\xe9.txt:1-2" in run("search", "marmalade").stdout
    path = run.json("search", "marmalade")["hits"][0]["path"]
    assert path.encode("utf-8", "surrogateescape") == b"/files/caf\xe9.txt"


def test_a_name_cannot_pass_for_two_lines_nor_command_the_terminal(run: InProcess) -> None:
    result = run("search", "dragon")
    assert result.stdout.splitlines()[0] == "1. /files/evil␛[2J␊name.txt:1-2"
    assert "\x1b" not in result.stdout + run("search", "dragon", "--json").stdout


def test_nothing_found_is_said_beside_an_empty_result(run: InProcess) -> None:
    result = run("search", "zebra")
    assert (result.stdout, result.stderr, result.exit_code) == ("", "Nothing found.\n", 0)


def test_no_index_is_an_error_of_the_store(run: InProcess) -> None:
    result = run("search", "locked", "--json")
    assert result.exit_code == 4
    assert json.loads(result.stdout) == {
        "schema": 1,
        "error": {"slug": "index-missing", "message": "there is no index yet", "hint": "ragcli index FOLDER"},
    }
    assert result.stderr == ""


def test_a_query_of_spaces_is_an_error(run: InProcess) -> None:
    assert run("search", " ").exit_code == 2


def test_a_template_is_a_line_for_each_hit(run: InProcess) -> None:
    lines = run("search", "lease marmalade", "--template", "{rank} {path}:{line} {score:.2f}").stdout.splitlines()
    assert lines == ["1 /files/lease.md:1 1.00", "2 /files/caf\\xe9.txt:1 1.00"]
    assert run("search", "dragon", "--template", "{place}").stdout == "/files/evil␛[2J␊name.txt:1-2\n"


def test_files_are_named_once_each_best_first(run: InProcess) -> None:
    assert run("search", "lease marmalade", "--files").stdout == "/files/lease.md\n/files/caf\\xe9.txt\n"
    assert run("search", "zebra", "--files").stdout == ""


def test_names_for_xargs_are_the_bytes_they_are(run: InProcess, process: Processes) -> None:
    assert run("search", "lease marmalade", "-0").stdout_bytes == b"/files/lease.md\0/files/caf\xe9.txt\0"
    assert process.shell("$R search 'dragon lease' --files -0 | xargs -0 -n1 printf '<%s>'").stdout == (
        b"</files/lease.md></files/evil\x1b[2J\nname.txt>"
    )


def test_on_a_terminal_a_name_commands_nothing_even_so(terminal: StartTerminal) -> None:
    shown = terminal("search", "dragon", "-0")
    assert shown.finish() == 0
    assert "evil␛[2J␊name.txt" in shown.text
