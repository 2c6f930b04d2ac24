"""A conversation over several commands: ``ask --new`` begins one, ``ask --continue`` goes on; no other command keeps a word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ragcli.cli.session import Session
from ragcli.errors import UsageError
from ragcli.types import AnswerEvent, AnswerFinished

if TYPE_CHECKING:
    from ragcli.assistant import Assistant


class ContinuedQuestion:
    """One turn: ``understood`` is the question as it stands alone."""

    def __init__(self, session: Session, assistant: Assistant, text: str, *, go_on: bool, anew: bool) -> None:
        """With ``anew`` the conversation before is forgotten. Raises UsageError ``bad-argument`` for both at once."""
        if go_on and anew:
            raise UsageError("bad-argument", "--new and --continue exclude each other", hint="ragcli ask --help")
        self._assistant, self._text, self._is_kept = assistant, text, go_on or anew
        self.understood = text
        if anew:
            assistant.forget_turns()
        turns = assistant.last_turns() if go_on else ()
        if go_on and not turns:
            session.notice("There is no conversation to go on with: this begins one.")
        alone = assistant.stand_alone(text, turns) if turns else None
        if alone and alone.is_follow_up:
            self.understood = alone.text
            session.notice(session.side_paper.line(f"Understood as: {alone.text}"))

    def listen(self, events: Iterable[AnswerEvent], *, keep_answer: bool) -> Iterator[AnswerEvent]:
        """The same events; the turn is kept if it is one of a conversation, without its answer if so wished."""
        for event in events:
            if isinstance(event, AnswerFinished) and self._is_kept:
                self._assistant.remember_turn(self._text, event.answer, keep_answer=keep_answer)
            yield event
