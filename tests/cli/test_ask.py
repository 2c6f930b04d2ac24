"""ragcli ask: the answer and its sources on standard output, everything else beside it."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import InProcess, Processes


def test_answer_then_sources(run: InProcess) -> None:
    result = run("ask", "when does the lease end?")
    assert result.exit_code == 0
    assert result.stdout == ("It says: The lease ends on 31 [1].\n\n[1] /files/lease.md:1-2  “The lease ends on 31 May 2027.”\n")
    assert result.stderr == ""


def test_words_need_no_quotation_marks(run: InProcess) -> None:
    assert run.json("ask", "the", "lease", "ends", "when?")["question"] == "the lease ends when?"


def test_streamed_or_not_the_text_is_the_same(run: InProcess) -> None:
    assert run("ask", "lease").stdout == run("ask", "lease", "--no-stream").stdout


def test_no_evidence_is_one_line_a_hint_and_a_status(run: InProcess) -> None:
    result = run("ask", "zebra")
    assert result.exit_code == 11
    assert result.stdout == "Not in your files.\n"
    assert result.stderr == "The nearest passages:\n  /files/lease.md:1-2  Terms › End\n"


def test_quiet_leaves_the_result_alone(run: InProcess) -> None:
    result = run("ask", "zebra", "--quiet")
    assert (result.stdout, result.stderr, result.exit_code) == ("Not in your files.\n", "", 11)


def test_json_has_exactly_the_promised_keys(run: InProcess) -> None:
    answer = run.json("ask", "lease")
    assert list(answer) == [
        "schema",
        "question",
        "answer",
        "outcome",
        "confidence",
        "citations",
        "context",
        "model",
        "usage",
        "took_ms",
        "claims",
        "closest",
    ]
    assert answer["schema"] == 1
    assert answer["citations"] == [
        {
            "number": 1,
            "path": "/files/lease.md",
            "lines": [1, 2],
            "page": None,
            "member": None,
            "locator": "lines 1-2",
            "quote": "The lease ends on 31 May 2027.",
            "supported": True,
        }
    ]
    assert answer["context"][0]["rank"] == 1
    assert answer["model"] == {"name": "tiny", "engine": "fake"}
    assert answer["usage"] == {"prompt_tokens": 40, "answer_tokens": 8}


def test_json_without_evidence_tells_the_nearest_and_the_status(run: InProcess) -> None:
    result = run("ask", "zebra", "--json")
    answer = json.loads(result.stdout)
    assert result.exit_code == 11
    assert (answer["outcome"], answer["answer"], answer["model"]) == ("no_evidence", "", None)
    assert answer["context"][0]["path"] == "/files/lease.md"


def test_ndjson_is_the_events_and_the_last_holds_the_answer(run: InProcess) -> None:
    events = [json.loads(line) for line in run("ask", "lease", "--ndjson").stdout.splitlines()]
    assert [event["event"] for event in events][:2] == ["retrieved", "packed"]
    assert "".join(event["text"] for event in events if event["event"] == "delta") == events[-1]["answer"]
    whole = run.json("ask", "lease")
    assert events[-1] == {"event": "finished", **whole}


@pytest.mark.parametrize("words", [[], [""], ["  "], ["-"]])
def test_without_a_question_there_is_an_error(run: InProcess, words: list[str]) -> None:
    result = run("ask", *words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines()[0] == "error: there is no question"


def test_piped_text_without_a_question_is_an_error_with_a_hint(run: InProcess) -> None:
    result = run("ask", "--json", input="some log\n")
    assert result.exit_code == 2
    error = json.loads(result.stdout)["error"]
    assert error["slug"] == "empty-question"
    assert "QUESTION" in error["hint"]


def test_piped_text_is_context(run: InProcess) -> None:
    result = run("ask", "what failed?", input=b"step 3 \xff failed\n")
    assert "[1] stdin:1-2  “step 3 \ufffd failed”" in result.stdout


def test_a_dash_reads_the_question(run: InProcess) -> None:
    assert "lease" in run("ask", "-", input="when does the lease end?\n").stdout


def test_a_missing_model_is_told_with_the_line_that_gets_it(run: InProcess) -> None:
    result = run("ask", "lease", "--model", "absent")
    assert result.exit_code == 5
    assert result.stderr == "error: the model absent is not here\nhint: ragcli models pull absent\n"


def test_what_a_model_says_cannot_command_a_terminal(run: InProcess) -> None:
    result = run("ask", "evil dragon")
    assert "\x1b" not in result.stdout
    assert "\x07" not in result.stdout
    assert "␛]0;title␇" in result.stdout


def test_ctrl_c_stops_with_one_line(process: Processes) -> None:
    started = process.start(["ask", "slow lease"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
    assert started.stdout
    started.stdout.read(5)
    started.send_signal(signal.SIGINT)
    answer, said = started.communicate(timeout=30)
    assert started.returncode == 130
    assert answer.endswith(b"\n")
    assert said == b"Stopped; what was done is kept.\n"


def test_only_what_is_piped_in(run: InProcess) -> None:
    both = run("ask", "when does the lease end?", "--json", input="a note\n")
    assert [hit["path"] for hit in json.loads(both.stdout)["context"]] == ["stdin", "/files/lease.md"]
    alone = run("ask", "when does the lease end?", "--json", "--only-stdin", input="a note\n")
    assert [hit["path"] for hit in json.loads(alone.stdout)["context"]] == ["stdin"]


def test_only_stdin_needs_some(run: InProcess) -> None:
    result = run("ask", "lease", "--only-stdin")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "nothing is piped in" in result.stderr


def test_a_question_in_a_file(run: InProcess, tmp_path: Path) -> None:
    (tmp_path / "question.txt").write_text("when does the lease end?\n")
    assert run.json("ask", f"@{tmp_path / 'question.txt'}")["question"] == "when does the lease end?"
    missing = run("ask", f"@{tmp_path / 'none.txt'}")
    assert (missing.exit_code, "put a space before it" in missing.stderr) == (6, True)
    assert run.json("ask", " @lease")["question"] == "@lease"


def test_a_template_makes_one_line(run: InProcess) -> None:
    assert (
        run("ask", "lease", "--template", "{answer}\\t{sources}").stdout
        == "It says: The lease ends on 31 [1].\t/files/lease.md:1-2\n"
    )
    none = run("ask", "zebra", "--template", "{outcome} {confidence:.1f} {answer}")
    assert (none.stdout, none.stderr, none.exit_code) == ("no_evidence 0.0 Not in your files.\n", "", 11)
    assert run("ask", "evil dragon", "--template", "{answer}").stdout.count("\x1b") == 0


@pytest.mark.parametrize("template", ["{anwser}", "{answer.text}", "{0}", "{answer", "{answer:d}", "{answer[0]}"])
def test_a_template_names_fields_and_nothing_else(run: InProcess, template: str) -> None:
    result = run("ask", "lease", "--template", template)
    assert result.exit_code == 2
    assert "fields are {answer}" in result.stderr
