"""ask --new and ask --continue: a conversation over commands, kept only on wish and never with what was piped in."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import InProcess


def kept(run: InProcess) -> Path:
    return run.home / "conversation.json"


def test_a_plain_question_keeps_nothing(run: InProcess) -> None:
    run("ask", "when does the lease end?")
    assert not kept(run).exists()


def test_a_follow_up_is_asked_with_what_it_leans_on_and_that_is_shown(run: InProcess) -> None:
    run("ask", "--new", "when does the lease end?")
    result = run("ask", "--continue", "and who signed it?")
    assert result.stderr == "Understood as: and who signed it? when does the lease end?\n"
    assert run.json("ask", "who signed it?")["question"] == "who signed it?"
    assert kept(run).stat().st_mode & 0o777 == 0o600


def test_without_a_conversation_the_question_begins_one(run: InProcess) -> None:
    result = run("ask", "--continue", "when does the lease end?")
    assert result.exit_code == 0
    assert "There is no conversation to go on with" in result.stderr
    assert "Understood as" in run("ask", "--continue", "and who signed it?").stderr


def test_a_new_conversation_forgets_the_last(run: InProcess) -> None:
    run("ask", "--new", "when does the lease end?")
    run("ask", "--new", "what is the lease?")
    assert "when does" not in kept(run).read_text()


def test_what_is_piped_in_is_not_kept(run: InProcess) -> None:
    run("ask", "--new", "what failed?", input=b"the secret step failed\n")
    assert "secret" not in kept(run).read_text()


def test_both_at_once_are_refused(run: InProcess) -> None:
    assert run("ask", "--new", "--continue", "lease").exit_code == 2
