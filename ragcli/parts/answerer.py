"""The part of an assistant that finds passages for a question, and answers it from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast

from ragcli import catalog
from ragcli.config import Config
from ragcli.flows.asking import AskOptions, AskPorts, ask_question, check_index, check_question
from ragcli.flows.dividing import ask_part_by_part
from ragcli.flows.searching import fits, search_chunks
from ragcli.flows.translating import ask_across_languages
from ragcli.flows.vetting import vet_events
from ragcli.machine import Machine
from ragcli.steps.conversing import StandAlone
from ragcli.types import Answer, AnswerEvent, AnswerFinished, Mode, Question, SearchResult, Turn

SAMPLED_FILES = 100
"""Whose languages are looked at."""


class Answerer:
    config: Config
    machine: Machine
    stand_alone: Callable[[str, Sequence[Turn]], StandAlone]

    def search(self, question: Question) -> SearchResult:
        """The best hits. A search by words needs no embedder.

        Raises StoreError ``index-missing``, ``index-empty``, ``index-mismatch``; UsageError ``empty-question``; ModelError.
        """
        check_question(question.text)
        self._check_index(question)
        return search_chunks(question, self._ask_ports(), words_weight=self.config.search.words_weight)

    def ask_events(
        self,
        question: Question,
        *,
        piped: str | Iterable[str] | None = None,
        only_piped: bool = False,
        max_tokens: int | None = None,
        strict: bool = False,
    ) -> Iterator[AnswerEvent]:
        """Retrieved, Packed, Deltas, and AnswerFinished last; without close passages only the first and the last. Of a question
        that asks several things all but the last come for each of them.

        ``piped`` is a text to answer from, whole or in blocks, with or without an index; or with nothing else, if
        ``only_piped``. ``strict`` drops what no passage bears out. Raises UsageError, StoreError, ModelError.
        """
        check_question(question.text)
        if not piped:
            self._check_index(question)
        if self.config.answer.model != "auto":
            self.machine.check_model()  # who names a model wants to know that it is not there, whatever is found
        with_store = not piped or (not only_piped and self._has_fitting_index())
        ports = self._ask_ports(with_store=with_store)

        def ask(asked: Question) -> Iterator[AnswerEvent]:
            return ask_question(asked, ports, self._ask_options(max_tokens), piped=piped)

        def ask_and_vet(asked: Question) -> Iterator[AnswerEvent]:
            knows_many = piped or not catalog.knows_only_english(self.config.models.embedder)
            events = ask(asked) if knows_many else ask_across_languages(asked, ask, ports.model, self._sample_texts)
            return vet_events(events, None if question.mode == "words" else ports.embedder, strict=strict)

        if piped:
            yield from ask_and_vet(question)  # what is piped can be read once
        else:
            yield from ask_part_by_part(question, ask_and_vet, lambda part, turns: self.stand_alone(part, turns).text)

    def ask(self, text: str, **options: Any) -> Answer:
        """As ``ask_events`` for a question of that text, all at once."""
        question = Question(text, limit=self.config.search.limit, mode=cast(Mode, self.config.search.mode))
        *_, last = self.ask_events(question, **options)
        assert isinstance(last, AnswerFinished)
        return last.answer

    def _ask_ports(self, *, with_store: bool = True) -> AskPorts:
        machine = self.machine
        return AskPorts(
            machine.store if with_store else None,
            lambda: machine.embedder,
            lambda: machine.model,
            reranker=machine.make_reranker,
            knows_only_english=catalog.knows_only_english(self.config.models.embedder),
        )

    def _ask_options(self, max_tokens: int | None = None) -> AskOptions:
        answer = self.config.answer
        return AskOptions(
            words_weight=self.config.search.words_weight,
            context_tokens=answer.context_tokens,
            max_tokens=max_tokens or answer.max_tokens,
            min_similarity=answer.min_similarity,
            min_confidence=answer.min_confidence,
        )

    def _check_index(self, question: Question) -> None:
        check_index(question, self.machine.store, lambda: self.machine.identity)

    def _has_fitting_index(self) -> bool:
        stored = self.machine.store.identity()
        return stored is not None and fits(stored, self.machine.identity) and self.machine.store.holds_chunks

    def _sample_texts(self) -> Iterator[str]:
        """The beginnings of some indexed files, evenly spread."""
        store = self.machine.store
        held = [source for source in store.sources().values() if source.chunks] if store.identity() else []
        for source in held[:: max(1, len(held) // SAMPLED_FILES)]:
            yield from (chunk.text for chunk in store.chunks_of(source.id)[:2])
