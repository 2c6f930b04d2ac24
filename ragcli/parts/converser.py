"""The part of an assistant that follows a conversation: what a question leans on is put into it, and turns are kept on wish."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from ragcli.config import Locations
from ragcli.machine import Machine
from ragcli.steps.conversing import REWRITE_TOKENS, StandAlone, accept_rewriting, build_rewriting, rewrite_by_rules, turn_of
from ragcli.types import Answer, Delta, Turn

if TYPE_CHECKING:
    from ragcli.adapters.turns import TurnFile

CONVERSATION = "conversation.json"


class Converser:
    """Nothing of a conversation is on disk unless ``remember_turn`` is called."""

    locations: Locations
    machine: Machine

    def stand_alone(self, text: str, turns: Sequence[Turn]) -> StandAlone:
        """The question as it is asked of the files. Rules rewrite it; the language model does where it is loaded anyway."""
        by_rules = rewrite_by_rules(text, turns)
        model = self.machine.loaded_model
        if model is None or not by_rules.is_follow_up or not by_rules.has_background:
            return by_rules
        events = model.stream(build_rewriting(text, turns), max_tokens=REWRITE_TOKENS)
        said = "".join(event.text for event in events if isinstance(event, Delta))
        accepted = accept_rewriting(said, text, turns)
        return replace(by_rules, text=accepted, by=model.identity.name) if accepted else by_rules

    def last_turns(self) -> tuple[Turn, ...]:
        """The conversation that was kept, oldest turn first; empty if none was, or it is over."""
        return self._turns.read()

    def remember_turn(self, text: str, answer: Answer, *, keep_answer: bool = True) -> None:
        """The question and its answer are kept for ``last_turns`` of a later process; without the answer if so wished."""
        self._turns.add(turn_of(text, answer, keep_answer=keep_answer))

    def forget_turns(self) -> None:
        """Nothing of the conversation is left on disk."""
        self._turns.clear()

    @cached_property
    def _turns(self) -> TurnFile:
        from ragcli.adapters.turns import TurnFile

        return TurnFile(self.locations.data / CONVERSATION)
