"""The flows behind ``search`` and ``ask``, told as events on a small index in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from ragcli.errors import StoreError, UsageError
from ragcli.flows.asking import HELD_PIECES, ask_question, check_index, check_question
from ragcli.flows.searching import fits, search_chunks
from ragcli.steps.judging import LONGEST_GUESS
from ragcli.steps.ranking import OTHER_LANGUAGES
from ragcli.types import (
    STANDARD_INPUT,
    Answer,
    AnswerEvent,
    AnswerFinished,
    Delta,
    Mode,
    Packed,
    Prompt,
    Question,
    Retrieved,
    SearchResult,
    Stop,
    Usage,
)
from tests.fakes.desk import DOCS, OPTIONS, Desk
from tests.fakes.model import ScriptedModel

FILES = {
    "lease.md": "The lease ends on 31 May 2027.",
    "rules.txt": "Dinner is served at 18:45.",
    "cat.txt": "The house cat is called Parsec.",
}
LEASE = Question("When does the lease end?")
EXPLAIN = Question("Explain when the lease ends")
LOG = "\n".join(f"{number:04} info: step {number} went well and nothing else happened" for number in range(120))
LOG += "\nerror: the linker ran out of memory\n"


def desk_with(*replies: str) -> Desk:
    desk = Desk(FILES, replies=replies)
    desk.index("")
    desk.loaded.clear()
    return desk


def ask(
    desk: Desk, question: Question = LEASE, *, piped: str | None = None, **changes: float
) -> tuple[list[AnswerEvent], Answer]:
    """The events before the answer, and the answer."""
    options = replace(OPTIONS, **changes)  # type: ignore[arg-type]
    *events, last = ask_question(question, desk.ask_ports(), options, piped=piped)
    assert isinstance(last, AnswerFinished)
    return events, last.answer


def shown(events: list[AnswerEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, Delta))


def search(desk: Desk, text: str, mode: Mode = "hybrid", limit: int = 8) -> SearchResult:
    return search_chunks(Question(text, mode=mode, limit=limit), desk.ask_ports(), words_weight=0.3)


# ---- searching ----


@pytest.mark.parametrize("mode", ["hybrid", "meaning", "words"])
def test_every_mode_finds_what_shares_words_with_the_question(mode: Mode) -> None:
    result = search(desk_with(), "house cat", mode)
    assert result.hits[0].chunk.path == DOCS / "cat.txt"
    assert (result.hits[0].similarity is None) == (mode == "words")
    assert "total" in result.took_ms


def test_a_search_by_words_loads_no_embedder() -> None:
    desk = desk_with()
    assert search(desk, "Parsec", "words").hits
    assert search(desk, "xylophone", "words").hits == ()
    assert desk.loaded == []


def test_hits_that_only_words_found_are_given_their_cosine(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = desk_with()
    by_meaning = desk.store.search_meaning
    monkeypatch.setattr(desk.store, "search_meaning", lambda vector, limit, scope: by_meaning(vector, limit=1, scope=scope))
    found = {each.chunk.path.name: each for each in search(desk, "Parsec lease ends May").hits}
    assert found["cat.txt"].meaning_rank is None
    assert found["cat.txt"].similarity is not None


def test_the_file_that_a_good_passage_names_is_lifted() -> None:
    files = {
        "band.txt": "The band Volcano was formed by Harald Sorensen.",
        "person.txt": "Harald Sorensen was born in Bergen.",
        "other.txt": "A band plays where the sea was formed by ice.",
    }
    desk = Desk(files)
    desk.index("")
    hits = search(desk, "which town is the founder of the band Volcano from").hits
    person = next(each for each in hits if each.chunk.path.name == "person.txt")
    assert hits[0].chunk.path.name == "band.txt"
    assert person.parts[-1].name == "names"
    assert person.score > sum(part.raw * part.weight for part in person.parts[:-1])


def test_what_is_quoted_in_the_question_weighs_more() -> None:
    found = search(desk_with(), 'what is "called Parsec"').hits[0]
    assert [part.name for part in found.parts] == ["meaning", "words", "marks"]


def test_words_weigh_more_where_the_embedder_does_not_know_the_language_and_words_do() -> None:
    ports = replace(desk_with().ask_ports(), knows_only_english=True)

    def weight(text: str) -> float:
        hits = search_chunks(Question(text), ports, words_weight=0.3).hits
        return max(part.raw * part.weight for hit in hits for part in hit.parts if part.name == "words")

    assert weight("What is the house cat called, Parsec?") == pytest.approx(0.3)
    assert weight("Wie ist der Name, Parsec?") == pytest.approx(0.3 * OTHER_LANGUAGES)
    assert weight("Wie heißt die Katze des Hauses, und ist es Parsec?") == pytest.approx(0.3)


def test_a_fiscal_year_is_searched_for_as_files_write_it() -> None:
    desk = Desk({"report.txt": "In 2023 sales rose.", "other.txt": "In 2019 sales fell."})
    desk.index("")
    result = search(desk, "FY2023", "words")
    assert [hit.chunk.path.name for hit in result.hits] == ["report.txt"]
    assert result.question.text == "FY2023"


def test_without_an_index_there_are_no_hits() -> None:
    assert search_chunks(LEASE, Desk({}).ask_ports(with_store=False), words_weight=0.3).hits == ()


def test_what_cannot_be_asked_is_said_before_anything_is_loaded() -> None:
    desk = desk_with()
    check_question("?")
    with pytest.raises(UsageError):
        check_question(" \n")
    check_index(LEASE, desk.store, lambda: desk.identity)
    other = replace(desk.identity, embedder_digest="b" * 64)
    assert not fits(desk.identity, other)
    with pytest.raises(StoreError, match="other files of hashing"):
        check_index(LEASE, desk.store, lambda: other)
    with pytest.raises(StoreError, match="the settings say another"):
        check_index(LEASE, desk.store, lambda: replace(other, embedder="another"))
    check_index(replace(LEASE, mode="words"), desk.store, lambda: other)
    with pytest.raises(StoreError) as missing:
        check_index(LEASE, Desk({}).store, lambda: desk.identity)
    assert missing.value.slug == "index-missing"
    empty = Desk({"a.txt": ""})
    empty.index("")
    with pytest.raises(StoreError) as nothing:
        check_index(LEASE, empty.store, lambda: empty.identity)
    assert nothing.value.slug == "index-empty"


# ---- asking ----


def test_an_answer_is_told_from_hits_to_citation() -> None:
    desk = desk_with("It ends on 31 May 2027 [1].")
    events, answer = ask(desk, EXPLAIN)
    retrieved, packed, *deltas = events
    assert isinstance(retrieved, Retrieved)
    assert isinstance(packed, Packed)
    assert all(isinstance(event, Delta) and event.text for event in deltas)
    assert len(deltas) > 3
    assert retrieved.hits == answer.hits
    assert packed.context == answer.context
    assert shown(events) == answer.text == "It ends on 31 May 2027 [1]."
    (citation,) = answer.citations
    assert (citation.path, citation.quote, citation.supported) == (DOCS / "lease.md", FILES["lease.md"], True)
    assert (answer.outcome, answer.model) == ("answered", desk.model.identity)
    assert answer.usage.answer_tokens == 7
    assert 0.2 < answer.confidence <= 1
    assert {"search", "load", "first_token", "answer", "total"} <= set(answer.took_ms)


def test_a_short_answer_is_shown_when_it_has_been_judged_and_is_given_its_marker() -> None:
    events, answer = ask(desk_with("31 May 2027"))
    assert [type(event) for event in events] == [Retrieved, Packed, Delta]
    assert shown(events) == answer.text == "31 May 2027 [1]"
    assert answer.citations[0].quote == FILES["lease.md"]


def test_an_answer_that_turns_out_long_is_shown_as_it_comes() -> None:
    said = " ".join(f"word{number}" for number in range(HELD_PIECES["short"] + 9))
    events, answer = ask(desk_with(said))
    first, *rest = (event.text for event in events if isinstance(event, Delta))
    assert len(first.split()) == HELD_PIECES["short"] + 1
    assert len(rest) == 8
    assert answer.text == said


def test_with_nothing_near_the_question_the_model_is_never_loaded() -> None:
    desk = desk_with()
    events, answer = ask(desk, Question("xylophone quartet prices"))
    assert [type(event) for event in events] == [Retrieved]
    assert (answer.outcome, answer.text, answer.confidence, answer.citations) == ("no_evidence", "", 0.0, ())
    assert answer.hits
    assert desk.loaded == ["embedder"]


@pytest.mark.parametrize(
    ("question", "is_asked"),
    [
        ("Wann endet der lease?", True),
        ("lease Ende", True),
        ("Wann endet der Vertrag?", False),
        ("When does the lease end?", False),
    ],
)
def test_a_long_word_of_what_is_not_plainly_english_is_worth_asking_about_however_far_its_passage(
    question: str, is_asked: bool
) -> None:
    """The embedder may not know the language."""
    desk = desk_with(*["The lease ends on 31 May 2027."] * is_asked)
    ask(desk, Question(question), min_similarity=0.99)
    assert bool(desk.model.prompts or desk.model.reworded) is is_asked


def test_by_words_any_hit_is_worth_asking_about_and_none_is_not() -> None:
    desk = desk_with("Parsec [1].")
    assert ask(desk, Question("Parsec", mode="words"))[1].outcome == "answered"
    assert ask(desk, Question("xylophone", mode="words"))[1].outcome == "no_evidence"


@pytest.mark.parametrize("said", ["NOT IN FILES", "Not in files.", " NOT IN FILES [1]", "", "[9]", "\n "])
def test_what_the_files_do_not_say_is_never_shown(said: str) -> None:
    events, answer = ask(desk_with(said))
    assert shown(events) == answer.text == ""
    assert (answer.outcome, answer.confidence, answer.citations) == ("no_evidence", 0.0, ())
    assert answer.context.passages


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("It ends on 31 May 2027 [9].", "It ends on 31 May 2027."),
        ("It ends on 31 May 2027 [1, 42] [17]. Really [23]", "It ends on 31 May 2027 [1]. Really"),
        ("  \nNo", "No"),
        ("Not", "Not"),
        ("Not in files of mine, but on 31 May 2027 [1].", ""),
        ("Nothing ends [", "Nothing ends ["),
    ],
)
def test_what_is_shown_is_the_answer_and_no_marker_is_invented(said: str, answer: str) -> None:
    events, made = ask(desk_with(said), EXPLAIN)
    assert shown(events) == made.text == answer


def test_the_answer_is_as_long_as_allowed_and_the_context_within_its_budget() -> None:
    desk = desk_with("one two three four five six")
    _, answer = ask(desk, max_tokens=3, context_tokens=60)
    assert answer.text == "one two three"
    assert answer.context.tokens <= 60


class CountedModel(ScriptedModel):
    """Knows how many of its streams are open."""

    open_streams = 0

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Iterator[Delta | Stop]:
        said = super().stream(prompt, max_tokens=max_tokens)

        def counted() -> Iterator[Delta | Stop]:
            self.open_streams += 1
            try:
                yield from said
            finally:
                self.open_streams -= 1

        return counted()


def test_closing_early_closes_the_models_stream() -> None:
    desk = desk_with()
    desk.model = model = CountedModel(always="It ends on 31 May 2027 [1]. " * 9)
    events = ask_question(EXPLAIN, desk.ask_ports(), OPTIONS)
    assert next(event for event in events if isinstance(event, Delta)).text
    assert model.open_streams == 1
    events.close()  # type: ignore[attr-defined]
    assert model.open_streams == 0


def test_a_model_that_repeats_itself_is_stopped_and_said_once() -> None:
    desk = desk_with()
    desk.model = model = CountedModel(always="It ends on 31 May 2027 [1]. " * 40)
    events, answer = ask(desk)
    assert answer.text == "It ends on 31 May 2027 [1]."
    assert answer.usage.answer_tokens < 40
    assert model.open_streams == 0


def test_a_model_that_never_says_stop_is_still_answered_from() -> None:
    class Abrupt(ScriptedModel):
        def stream(self, prompt: Prompt, *, max_tokens: int) -> Iterator[Delta | Stop]:
            return (event for event in super().stream(prompt, max_tokens=max_tokens) if isinstance(event, Delta))

    desk = desk_with()
    desk.model = Abrupt("It ends on 31 May 2027 [1].")
    _, answer = ask(desk)
    assert (answer.text, answer.usage) == ("It ends on 31 May 2027 [1].", Usage())


# ---- piped text ----


def test_a_piped_text_is_answered_from_without_an_index() -> None:
    desk = Desk({}, replies=("The linker ran out of memory [1].",))
    events = list(ask_question(Question("What did the linker report?"), desk.ask_ports(with_store=False), OPTIONS, piped=LOG))
    last = events[-1]
    assert isinstance(last, AnswerFinished)
    (citation,) = last.answer.citations
    assert citation.path == STANDARD_INPUT
    assert citation.locator.lines == (121, 121)
    assert citation.quote == "error: the linker ran out of memory"
    assert len(last.answer.hits) == 8


def test_a_short_piped_text_needs_no_embedder_and_can_be_sure() -> None:
    desk = Desk({}, replies=("The linker ran out of memory [1].",))
    piped = "error: the linker ran out of memory\n"
    *_, last = ask_question(Question("What happened?"), desk.ask_ports(with_store=False), OPTIONS, piped=piped)
    assert isinstance(last, AnswerFinished)
    assert desk.loaded == ["model"]
    assert last.answer.confidence > 0.5


def test_beside_an_index_the_piped_text_comes_first_and_leaves_room_for_what_is_near() -> None:
    desk = desk_with("The linker ran out of memory [1], the lease ends on 31 May 2027 [5].")
    question = Question("Which error did the linker report before the lease ends in May?")
    _, answer = ask(desk, question, piped=LOG, context_tokens=400)
    paths = [passage.hit.chunk.path for passage in answer.context.passages]
    assert paths[0] == STANDARD_INPUT
    assert DOCS / "lease.md" in paths
    assert DOCS / "cat.txt" not in paths
    assert answer.context.tokens <= 400


def test_a_blank_piped_text_is_as_none() -> None:
    desk = desk_with("It ends on 31 May 2027 [1].")
    assert ask(desk, piped=" \n\n")[1].citations[0].path == DOCS / "lease.md"


# ---- how sure ----

DOUBT = 0.6
"""A verdict that leaves it open whether the files answer."""


def test_what_the_model_finds_no_answer_to_is_never_answered() -> None:
    desk = desk_with("31 May 2027")
    desk.model.verdict = 0.02
    events, answer = ask(desk)
    assert [type(event) for event in events] == [Retrieved, Packed]
    assert (answer.outcome, answer.text, answer.citations) == ("no_evidence", "", ())
    assert 0 < answer.confidence < OPTIONS.min_confidence
    assert answer.hits, "so that the nearest can be shown"


def test_of_an_answer_that_is_held_back_the_sentence_is_told_which_it_was_taken_from() -> None:
    desk = desk_with("31 May 2027")
    desk.model.verdict = 0.02
    closest = ask(desk)[1].closest
    assert closest is not None
    assert (closest.path, closest.quote) == (DOCS / "lease.md", FILES["lease.md"])


@pytest.mark.parametrize("said", ["NOT IN FILES", "Rumpelstiltskin"])
def test_no_sentence_is_told_where_none_holds_what_was_said(said: str) -> None:
    desk = desk_with(said)
    desk.model.verdict = 0.02
    assert ask(desk)[1].closest is None


def test_the_model_judges_the_sentences_that_it_answered_from_and_not_the_page() -> None:
    desk = desk_with("It ends on 31 May 2027 [1].")
    desk.model.verdict = DOUBT
    ask(desk)
    asked = [prompt.messages[-1].content for prompt in desk.model.judged]
    assert len(asked) == 2, "whether the sentences answer, and what they answer"
    assert all(FILES["lease.md"] in content and FILES["rules.txt"] not in content for content in asked)


def test_a_question_that_the_sentences_do_not_suggest_is_answered_with_less_confidence() -> None:
    sure = []
    for likelihood in (-1.0, -15.0):
        desk = desk_with("It ends on 31 May 2027 [1].")
        desk.model.verdict, desk.model.likelihood = DOUBT, likelihood
        sure.append(ask(desk)[1].confidence)
    assert sure[0] > sure[1]


@pytest.mark.parametrize("verdict", [0.02, 0.95])
def test_a_verdict_that_no_surprise_could_overturn_costs_no_second_question(verdict: float) -> None:
    desk = desk_with("It ends on 31 May 2027 [1].")
    desk.model.verdict = verdict
    _, answer = ask(desk)
    assert desk.model.weighed == []
    assert (answer.outcome == "answered") == (verdict > 0.5)


def test_of_an_endless_question_only_the_beginning_is_weighed() -> None:
    desk = desk_with("It ends on 31 May 2027 [1].")
    desk.model.verdict = DOUBT
    ask(desk, Question(f"{LEASE.text} " + "and when " * 60 + "?"))
    (weighed,) = desk.model.weighed
    assert len(weighed) == LONGEST_GUESS


def test_a_question_in_another_language_than_english_is_not_weighed_and_asked_for_in_a_sentence() -> None:
    desk = desk_with("The lease ends on 31 May 2027.")
    desk.model.verdict = DOUBT
    _, answer = ask(desk, Question("Wann ends der lease?"))
    assert (answer.text, desk.model.weighed, desk.model.reworded) == ("The lease ends on 31 May 2027. [1]", [], [])


def test_an_english_question_to_a_text_in_another_language_is_not_weighed() -> None:
    desk = Desk(
        {"miete.md": "Die Kündigung der Wohnung (lease end) ist nur mit drei Monaten Frist möglich."}, replies=("drei Monaten",)
    )
    desk.index("")
    desk.model.verdict = DOUBT
    _, answer = ask(desk)
    assert (answer.outcome, desk.model.weighed) == ("answered", [])


def test_a_sentence_that_no_file_bears_out_is_said_again_as_shortly_as_possible() -> None:
    desk = desk_with("The lease ends on 7 June 1999.")
    desk.model.sentence = "31 May 2027"
    assert ask(desk, Question("Wann ends der lease?"))[1].text == "31 May 2027 [1]"


def test_a_sentence_that_the_file_bears_out_replaces_another_short_answer() -> None:
    desk = desk_with("18:45")
    desk.model.sentence = "The lease ends on 31 May 2027."
    assert ask(desk)[1].text == "The lease ends on 31 May 2027. [1]"


@pytest.mark.parametrize("question", ["Explain the lease", "Summarise when the lease ends"])
def test_what_no_sentence_can_state_is_tried_whatever_the_verdict(question: str) -> None:
    desk = desk_with("It ends on 31 May 2027 [1].")
    desk.model.verdict = 0.02
    assert ask(desk, Question(question))[1].outcome == "answered"


def test_confidence_grows_with_the_verdict_and_halves_without_support() -> None:
    def confidence(verdict: float, said: str) -> float:
        desk = desk_with(said)
        desk.model.verdict = verdict
        return ask(desk, min_confidence=0.0)[1].confidence

    sure, unsure = confidence(0.95, "It ends on 31 May 2027 [1]."), confidence(0.3, "It ends on 31 May 2027 [1].")
    assert 0 < unsure < sure <= 1
    assert confidence(0.95, "It ends on 7 June 1999 [1].") == pytest.approx(sure / 2, abs=0.001)


# ---- files that disagree ----


def lease_desk(*replies: str, renewal: str = "With the renewal the lease ends on 31 May 2028.", sameness: float = 0.1) -> Desk:
    desk = Desk({**FILES, "renewal.md": renewal}, replies=replies)
    desk.index("")
    desk.model.sameness = sameness
    return desk


def test_what_another_file_says_instead_stands_below_the_answer_and_is_cited() -> None:
    desk = lease_desk("31 May 2027", "31 May 2028")
    events, answer = ask(desk)
    assert answer.text == "31 May 2027 [1]\nBut another file says:\n31 May 2028 [2]"
    assert shown(events) == answer.text
    assert [(citation.path.name, citation.quote) for citation in answer.citations] == [
        ("lease.md", "The lease ends on 31 May 2027."),
        ("renewal.md", "With the renewal the lease ends on 31 May 2028."),
    ]
    assert all(citation.supported for citation in answer.citations)
    assert "dissent" in answer.took_ms


def test_dissent_changes_nothing_about_how_sure_an_answer_is() -> None:
    sure = [ask(lease_desk("31 May 2027", "31 May 2028", sameness=sameness))[1].confidence for sameness in (0.1, 0.9)]
    assert sure[0] == sure[1]


def test_what_was_not_shown_to_the_model_may_disagree_and_becomes_a_passage() -> None:
    desk = lease_desk("31 May 2027", "31 May 2028", renewal="About bicycles. " * 40 + "\n\nThe lease ends on 31 May 2028.")
    answer = ask(desk, context_tokens=30)[1]
    assert [passage.hit.chunk.path.name for passage in answer.context.passages] == ["lease.md", "renewal.md"]
    assert answer.text == "31 May 2027 [1]\nBut another file says:\n31 May 2028 [2]"
    assert answer.citations[1].quote == "The lease ends on 31 May 2028."


def test_the_answer_is_shown_before_other_files_are_heard() -> None:
    desk = lease_desk("31 May 2027", "31 May 2028")
    asked = [len(desk.model.prompts) for event in ask_question(LEASE, desk.ask_ports(), OPTIONS) if isinstance(event, Delta)]
    assert asked == [1, 2]


def test_the_model_hears_only_the_sentences_that_may_disagree() -> None:
    desk = lease_desk("31 May 2027", "31 May 2028")
    ask(desk)
    alone = desk.model.prompts[-1].messages[-1].content
    assert "renewal" in alone and "2027" not in alone and "Parsec" not in alone


@pytest.mark.parametrize("other", ["31 May 2027", "NOT IN FILES", "1 April 1999", "31 May", "Anna", "the renewal"])
def test_what_is_no_other_answer_or_stands_nowhere_is_not_told(other: str) -> None:
    assert ask(lease_desk("31 May 2027", other))[1].text == "31 May 2027 [1]"


def test_two_answers_that_mean_the_same_are_one() -> None:
    desk = lease_desk("31 May 2027", "31 May 2028", sameness=0.9)
    assert ask(desk)[1].text == "31 May 2027 [1]"


def test_a_doubtful_answer_of_another_file_is_not_told() -> None:
    desk = lease_desk("31 May 2027", "31 May 2028")
    verdicts = iter([0.95, 0.05])
    first_tokens = desk.model.first_tokens

    def doubting(prompt: Prompt) -> Mapping[str, float]:
        desk.model.verdict = next(verdicts)
        return first_tokens(prompt)

    desk.model.first_tokens = doubting  # type: ignore[method-assign]
    assert ask(desk)[1].text == "31 May 2027 [1]"
