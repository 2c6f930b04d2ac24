"""ask --schema and extract: data on standard output and nothing else, where it stands beside it, and never a silent gap."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import stat
from pathlib import Path

import pytest

from tests.cli.conftest import InProcess, Processes


def test_the_data_alone_is_on_standard_output(run: InProcess) -> None:
    result = run("ask", "--schema", "end: date, made_up: str", "when does the lease end?")
    assert json.loads(result.stdout) == {"end": "The", "made_up": "Nobody"}
    assert result.stdout.count("\n") == 1
    assert result.exit_code == 0
    end, made_up = result.stderr.splitlines()
    assert end.startswith("end      /files/lease.md:1-2  “The lease ends")
    assert made_up == "made_up  stands in none of the passages: check it"


def test_json_has_the_data_and_what_stands_behind_each_field(run: InProcess) -> None:
    answer = run.json("ask", "--schema", "end, made_up", "lease")
    assert answer["data"] == {"end": "The", "made_up": "Nobody"}
    end, made_up = answer["fields"]
    assert (end["field"], end["value"], end["supported"]) == ("/end", "The", True)
    assert end["citation"]["path"] == "/files/lease.md"
    assert (made_up["supported"], made_up["citation"]) == (False, None)
    assert answer["outcome"] == "answered"


def test_events_end_with_the_record(run: InProcess) -> None:
    lines = [json.loads(line) for line in run("ask", "--schema", "end", "lease", "--ndjson").stdout.splitlines()]
    assert [line["event"] for line in lines][0] == "retrieved"
    assert lines[-1]["event"] == "finished"
    assert lines[-1]["data"] == {"end": "The"}


def test_without_evidence_standard_output_is_empty(run: InProcess) -> None:
    result = run("ask", "--schema", "end", "zebra")
    assert (result.exit_code, result.stdout) == (11, "")
    assert result.stderr.startswith("Not in your files.\n")
    told = run("ask", "--schema", "end", "zebra", "--json")
    assert told.exit_code == 11
    assert json.loads(told.stdout)["data"] is None


def test_the_question_can_be_left_out(run: InProcess) -> None:
    assert json.loads(run("ask", "--schema", "end: date").stdout) == {"end": "The"}


def test_a_schema_comes_from_a_file(run: InProcess, tmp_path: Path) -> None:
    file = tmp_path / "lease.json"
    file.write_text('{"type": "object", "properties": {"end": {"type": "string"}}, "required": ["end"]}')
    for given in (str(file), f"@{file}"):
        assert json.loads(run("ask", "--schema", given, "lease").stdout) == {"end": "The"}
    missing = run("ask", "--schema", str(tmp_path / "no.json"), "lease")
    assert (missing.exit_code, missing.stderr.startswith("error: there is no file")) == (6, True)


@pytest.mark.parametrize("command", [["ask"], ["extract"]])
def test_a_bad_schema_is_one_line_and_a_hint(run: InProcess, command: list[str]) -> None:
    result = run(*command, "--schema", "end: dat")
    assert (result.exit_code, result.stdout) == (2, "")
    error, hint = result.stderr.splitlines()
    assert error == "error: the schema cannot be used: there is no type 'dat'"
    assert hint.startswith("hint: types: str,")


def test_each_file_is_a_line_and_coverage_is_told(run: InProcess) -> None:
    result = run("extract", "--schema", "total: str", "/a.md", "/scan.pdf", "/b.md")
    assert result.exit_code == 10
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(line["path"], line["outcome"]) for line in lines] == [
        ("/a.md", "filled"),
        ("/scan.pdf", "skipped"),
        ("/b.md", "filled"),
    ]
    assert lines[0]["data"] == {"total": "=SUM(A1)"}
    assert lines[0]["fields"][0]["citation"]["lines"] == [1, 1]
    assert (lines[1]["data"], lines[1]["reason"]) == (None, "no_text_layer")
    assert result.stderr == "2 of 3 files read, 2 with data, 0 without, 1 skipped (no_text_layer).\n"
    assert run("extract", "--schema", "total: str", "/a.md").exit_code == 0


def test_a_table_has_a_row_for_each_file_and_runs_nothing(run: InProcess) -> None:
    result = run("extract", "--schema", "total: str", "--format", "csv", "/a.md", "/scan.pdf")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["path"] for row in rows] == ["/a.md", "/scan.pdf"]
    assert rows[0]["total"] == "'=SUM(A1)"
    assert rows[0]["places"] == "line 1"
    assert rows[1]["outcome"] == "skipped: no_text_layer"


def test_a_run_goes_on_where_the_last_one_stopped(run: InProcess, tmp_path: Path) -> None:
    file = tmp_path / "out.ndjson"
    arguments = ("extract", "--schema", "total: str", "-o", str(file))
    run(*arguments, "/a.md", "/scan.pdf")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with file.open("a") as torn:
        torn.write('{"schema": 1, "path": "/b.md", "outc')
    result = run(*arguments, "/a.md", "/b.md", "/scan.pdf")
    assert "Going on: 1 record of an earlier run." in result.stderr
    assert "1 done before" in result.stderr
    paths = [json.loads(line)["path"] for line in file.read_text().splitlines()]
    assert paths == ["/a.md", "/b.md", "/scan.pdf"]


def test_records_of_another_schema_are_not_mixed_in_nor_overwritten(run: InProcess, tmp_path: Path) -> None:
    file = tmp_path / "out.ndjson"
    run("extract", "--schema", "total: str", "-o", str(file), "/a.md")
    before = file.read_bytes()
    other = run("extract", "--schema", "sum: str", "-o", str(file), "/a.md")
    assert (other.exit_code, "something else" in other.stderr) == (2, True)
    notes = tmp_path / "notes.txt"
    notes.write_text("my notes\n")
    assert run("extract", "--schema", "total: str", "-o", str(notes), "/a.md").exit_code == 2
    assert (file.read_bytes(), notes.read_text()) == (before, "my notes\n")
    table = tmp_path / "out.csv"
    table.write_text("mine")
    assert run("extract", "--schema", "total: str", "--format", "csv", "-o", str(table), "/a.md").exit_code == 2
    assert table.read_text() == "mine"


def test_a_file_that_cannot_be_written_is_told_and_one_of_nothing_is_not_left(run: InProcess, tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "no" / "such" / "out.ndjson"):
        refused = run("extract", "--schema", "total: str", "-o", str(place), "/a.md")
        assert (refused.exit_code, "cannot be written" in refused.stderr) == (6, True)
    for form in ("csv", "ndjson"):
        run("extract", "--schema", "total: str", "--format", form, "-o", str(tmp_path / "out"))
        assert [*tmp_path.iterdir()] == []


def test_what_was_written_before_an_interrupt_is_kept(process: Processes, tmp_path: Path) -> None:
    file = tmp_path / "out.ndjson"
    started = process.start(["extract", "--schema", "total: str", "-o", str(file), "/a.md", "/slow.md"], stderr=-1)
    while not file.exists() or b"\n" not in file.read_bytes():
        assert started.poll() is None
    os.kill(started.pid, signal.SIGINT)
    _, told = started.communicate(timeout=20)
    assert started.returncode == 130, told
    assert [json.loads(line)["path"] for line in file.read_text().splitlines()] == ["/a.md"]
    assert [each.name for each in tmp_path.glob(".out*")] == []
