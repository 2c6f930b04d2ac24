"""ragcli ask --all and --summarize: the result says what it stands on, whatever its form."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import InProcess, Processes

PLAN = "Reading 3 passages (9 in all) of 2 files in 3 steps; about 12 s. Ctrl-C stops; the same command goes on.\n"


def test_a_list_then_its_places_then_what_was_read(run: InProcess) -> None:
    result = run("ask", "--all", "which suppliers are there?")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "- Fournil [1]",
        "",
        "[1] /files/bakery.md:3  “Fournil brings bread.”",
        "",
        "Read 3 of 3 passages that match (9 in all; nearer than 0.25, or with the words), 1 of 2 files whole.",
        "Left out: 1 statement of the model that no passage bears out.",
        "Skipped 1 file: 1 no_text_layer.",
        "  /files/scan.pdf: it holds only pictures of text (a scan)",
    ]
    assert result.stderr == PLAN


def test_a_limit_makes_it_partial_which_is_said_and_is_the_status(run: InProcess) -> None:
    result = run("ask", "--all", "-k", "1", "suppliers")
    assert result.exit_code == 10
    assert "Not read: 2 passages." in result.stdout


def test_a_question_for_everything_is_recognised_and_its_limit_told(run: InProcess) -> None:
    result = run("ask", "list all suppliers")
    assert result.stdout.startswith("- Fournil [1]\n")
    assert result.stderr.startswith("This asks for everything that matches: up to 40 passages are read, with --all every one.\n")


def test_json_has_the_answer_the_items_and_the_coverage(run: InProcess) -> None:
    found = run.json("ask", "--all", "suppliers")
    assert found["answer"] == "- Fournil [1]"
    assert (found["kind"], found["items"]) == ("list", [{"text": "Fournil", "citations": [1]}])
    coverage = found["coverage"]
    assert {name: coverage[name] for name in ("chunks", "matching", "read", "failed", "files", "files_read", "complete")} == {
        "chunks": 9,
        "matching": 3,
        "read": 3,
        "failed": 0,
        "files": 2,
        "files_read": 1,
        "complete": False,
    }
    assert coverage["skipped"] == [{"path": "/files/scan.pdf", "reason": "no_text_layer", "detail": ""}]


def test_ndjson_is_the_plan_the_steps_and_the_whole(run: InProcess) -> None:
    events = [json.loads(line) for line in run("ask", "--all", "suppliers", "--ndjson").stdout.splitlines()]
    assert [event["event"] for event in events] == ["planned", "progressed", "progressed", "progressed", "finished"]
    assert events[1]["found"] == ["Fournil"]
    assert events[-1]["items"] == [{"text": "Fournil", "citations": [1]}]


def test_nothing_found_is_no_evidence_and_says_what_was_read(run: InProcess) -> None:
    result = run("ask", "--all", "zebra")
    assert result.exit_code == 11
    assert result.stdout.startswith("Not in your files.\n\nRead 3 of 3 passages")


def test_a_summary_needs_no_question(run: InProcess) -> None:
    result = run("ask", "--summarize", "/files/bakery.md")
    assert result.exit_code == 0
    assert result.stdout.startswith("Bread is brought. [1]\n\n[1] /files/bakery.md:3")
    assert "2 of them known from before" in result.stderr


def test_what_is_not_indexed_cannot_be_summarised(run: InProcess) -> None:
    result = run("ask", "--summarize", "/files/absent.md")
    assert result.exit_code == 6
    assert result.stderr.startswith("error: nothing at /files/absent.md is indexed\n")


@pytest.mark.parametrize("flag", ["--quiet", "--json"])
def test_quiet_and_json_leave_the_result_alone(run: InProcess, flag: str) -> None:
    assert ("Reading" in run("ask", "--all", "suppliers", flag).stderr) == (flag == "--json")


def test_piped_text_is_asked_as_it_always_was(run: InProcess) -> None:
    assert "stdin" in run("ask", "list all failures", input=b"step 3 failed\n").stdout


def test_ctrl_c_ends_a_survey_with_its_status(process: Processes) -> None:
    import signal
    import subprocess

    running = process.start(["ask", "--all", "slow suppliers"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert running.stderr is not None
    assert running.stderr.readline().startswith(b"Reading")
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=20)
    assert running.returncode == 130
    assert b"Stopped" in told
