"""What is there and is it whole: status, ls, show, check, optimize, doctor, eval."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import InProcess


def test_status(run: InProcess, tmp_path: Path) -> None:
    result = run("status")
    lines = result.stdout.splitlines()
    assert lines[:4] == [
        "files         3",
        "skipped       12: 12 no_text_layer",
        "passages      3",
        "size          1.2 MB",
    ]
    assert "watcher       none is running" in lines
    status = run.json("status")
    assert (status["sources"], status["chunks"], status["skipped"], status["bytes_on_disk"]) == (3, 3, 12, 1_234_567)
    assert (status["reasons"], status["watcher"]) == ({"no_text_layer": 12}, None)
    assert status["last_indexed"] == "2001-09-09T01:46:40+00:00"
    assert status["roots"] == [{"path": "/files", "collection": "main", "include": [], "exclude": []}]
    assert status["folder"] == str(tmp_path / "home" / "index")


def test_ls_is_bare_names_for_scripts(run: InProcess) -> None:
    assert run("ls").stdout.splitlines() == ["/files/caf\\xe9.txt", "/files/evil␛[2J␊name.txt", "/files/lease.md"]


def test_ls_for_xargs_is_the_bytes_of_the_names(run: InProcess) -> None:
    assert run("ls", "-0").stdout_bytes == b"/files/caf\xe9.txt\0/files/evil\x1b[2J\nname.txt\0/files/lease.md\0"


def test_ls_skipped_says_why(run: InProcess) -> None:
    lines = run("ls", "--skipped").stdout.splitlines()
    assert len(lines) == 12
    assert lines[0] == "/files/scan00.pdf: it holds only pictures of text (a scan)"
    assert run.json("ls", "--skipped")["sources"][0]["skipped"] == {"reason": "no_text_layer", "detail": ""}


def test_ls_below_a_folder_or_in_a_collection(run: InProcess) -> None:
    assert run("ls", "/files/lease.md").stdout == "/files/lease.md\n"
    assert run("ls", "/other").stdout == ""
    assert run("ls", "--collection", "other").stdout == ""


def test_ls_by_reason_and_by_type(run: InProcess) -> None:
    assert len(run("ls", "--reason", "no_text_layer").stdout.splitlines()) == 12
    assert run("ls", "--reason", "encrypted,binary").stdout == ""
    assert run("ls", "--type", "md").stdout == "/files/lease.md\n"
    assert len(run("ls", "--skipped", "--type", ".PDF").stdout.splitlines()) == 12
    assert run("ls", "--skipped", "--type", "md").stdout == ""


def test_ls_knows_its_reasons(run: InProcess) -> None:
    result = run("ls", "--reason", "encripted")
    assert result.exit_code == 2
    assert result.stderr.splitlines() == ["error: there is no reason 'encripted'", "hint: did you mean encrypted?"]


def test_show_prints_the_passages(run: InProcess) -> None:
    text = "The lease ends on 31 May 2027. The tenant may cancel it with three months' notice."
    assert run("show", "/files/lease.md").stdout == f"── lines 1-2 · Terms › End ──\n{text}\n"
    assert run.json("show", "/files/lease.md:2")["chunks"][0]["text"] == text


def test_show_of_a_line_where_nothing_stands(run: InProcess) -> None:
    result = run("show", "/files/lease.md:99")
    assert (result.stdout, result.stderr) == ("", "No passage stands there.\n")


def test_show_of_an_unknown_file(run: InProcess) -> None:
    result = run("show", "/files/none.md")
    assert result.exit_code == 6
    assert result.stderr.splitlines()[1] == "hint: ragcli index /files/none.md"


@pytest.mark.parametrize(("arguments", "status"), [((), 0), (("--read-data",), 4)])
def test_check_tells_damage_by_its_status(run: InProcess, arguments: tuple[str, ...], status: int) -> None:
    result = run("check", *arguments)
    assert result.exit_code == status
    assert result.stdout.splitlines()[0] == "ok       manifest: the newest manifest is whole"


def test_check_as_json_has_the_same_status(run: InProcess) -> None:
    result = run("check", "--read-data", "--json")
    assert result.exit_code == 4
    assert [finding["level"] for finding in json.loads(result.stdout)["findings"]] == ["ok", "error"]


def test_optimize_says_its_size_beside(run: InProcess) -> None:
    result = run("optimize")
    assert (result.stdout, result.stderr) == ("", "The index takes 1.2 MB now.\n")


def test_doctor_gives_hints(run: InProcess) -> None:
    result = run("doctor")
    assert result.exit_code == 0  # a warning is no failure
    assert result.stdout.splitlines()[1:] == ["warning  disk: 2 GB are free", "         hint: free some space"]


def test_offline_proof(run: InProcess) -> None:
    findings = run.json("doctor", "--offline-proof")["findings"]
    assert findings == [{"name": "socket", "level": "ok", "message": "refused by the kernel", "hint": ""}]


def test_evaluation_as_a_table(run: InProcess, tmp_path: Path) -> None:
    assert run("eval", str(tmp_path)).stdout.splitlines() == [
        "set             handbook",
        "n               2",
        "retrieval",
        "  recall@1                   0.500",
        "  ndcg@10                    0.750",
        "by_type",
        "  md",
        "    n                            2",
    ]


def test_evaluation_as_json_is_the_report(run: InProcess, tmp_path: Path) -> None:
    report = run.json("eval", str(tmp_path), "--retrieval-only")
    assert report["schema"] == 1
    assert report["retrieval"] == {"recall@1": 0.5, "ndcg@10": 0.75}
