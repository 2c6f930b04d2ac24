"""A question in another language than the files is asked once more, translated; and the doctor says what the embedder misses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ragcli.flows.translating import MULTILINGUAL, ask_across_languages, check_languages, language_to_ask_in, translate
from ragcli.types import Answer, AnswerEvent, AnswerFinished, Packed, Question, Retrieved
from tests.fakes.model import ScriptedModel
from tests.fakes.passages import context_of, hit

ENGLISH = (hit("The lease of the house ends in May and it is not renewed."),)
GERMAN = Question("Wann endet der Mietvertrag für das Haus?")
TRANSLATED = "When does the lease of the house end?"


class Asked:
    """Answers what is asked in English, and nothing else."""

    def __init__(self, knows: str = TRANSLATED) -> None:
        self.knows, self.asked = knows, []

    def __call__(self, question: Question) -> Iterator[AnswerEvent]:
        self.asked.append(question.text)
        yield Retrieved(ENGLISH)
        if question.text != self.knows:
            yield AnswerFinished(Answer(question, "", "no_evidence", 0.1, hits=ENGLISH))
            return
        yield Packed(context_of("The lease ends in May."))
        yield AnswerFinished(Answer(question, "May", "answered", 0.9))


def finish(question: Question, asked: Asked, model: ScriptedModel) -> Answer:
    *_, last = ask_across_languages(question, asked, lambda: model, list)
    assert isinstance(last, AnswerFinished)
    return last.answer


def test_what_finds_nothing_is_translated_and_asked_again() -> None:
    asked = Asked()
    answer = finish(GERMAN, asked, ScriptedModel(f'"{TRANSLATED}"'))
    assert asked.asked == [GERMAN.text, TRANSLATED]
    assert (answer.text, answer.question) == ("May", GERMAN)
    assert "total" in answer.took_ms


def test_the_answer_comes_last_and_once() -> None:
    events = list(ask_across_languages(GERMAN, Asked(), lambda: ScriptedModel(TRANSLATED), list))
    assert [type(event) for event in events] == [Retrieved, Retrieved, Packed, AnswerFinished]


@pytest.mark.parametrize("question", [TRANSLATED, "When is the roof repaired, and who does it?", "INV-2025-0417"])
def test_what_is_answered_or_in_the_same_language_needs_no_translation(question: str) -> None:
    asked = Asked()
    finish(Question(question), asked, ScriptedModel())  # which would fail if it were asked
    assert asked.asked == [question]


@pytest.mark.parametrize("said", ["", GERMAN.text, "Das kann ich nicht sagen und ich will es nicht.", "blah " * 200])
def test_what_is_no_translation_is_not_asked(said: str) -> None:
    asked = Asked()
    assert finish(GERMAN, asked, ScriptedModel(said or " \n")).outcome == "no_evidence"
    assert asked.asked == [GERMAN.text]


def test_the_nearest_passages_say_which_language() -> None:
    french = hit("Le pain de campagne arrive le mardi et le vendredi dans la cuisine.")
    assert language_to_ask_in(GERMAN.text, [french, *ENGLISH, french], list) == "fr"
    assert language_to_ask_in(GERMAN.text, [hit("42; 17; 3")], list) is None


def test_among_files_in_several_languages_english_is_tried() -> None:
    german, french = hit("Der Mietvertrag für das Haus ist nicht hier."), hit("Le pain de la maison est dans la cuisine.")
    texts = [german.chunk.text] * 9 + [ENGLISH[0].chunk.text]
    for near in ([german], [french]):
        assert language_to_ask_in(GERMAN.text, near, lambda: texts) == "en"
    assert language_to_ask_in(GERMAN.text, [german], lambda: texts[:9]) is None
    assert language_to_ask_in(TRANSLATED, ENGLISH, lambda: texts) is None


def test_what_a_model_puts_before_the_translation_is_cut_off() -> None:
    assert translate(GERMAN.text, "en", ScriptedModel(f"English translation: {TRANSLATED}\nIt means…")) == TRANSLATED


def test_the_doctor_recommends_another_embedder_where_much_is_in_other_languages() -> None:
    texts = ["Das ist nicht der Mietvertrag für das Haus.", "This is the lease of the house.", "12; 13"]
    (finding,) = check_languages(texts, "small", knows_only_english=True)
    assert (finding.level, finding.message) == ("warning", "50% of the index is in German, and small knows English")
    assert MULTILINGUAL in finding.hint
    assert next(check_languages(texts, "large", knows_only_english=False)).level == "ok"
    assert next(check_languages(texts[1:], "small", knows_only_english=True)).level == "ok"
    assert list(check_languages(["12; 13"], "small", knows_only_english=True)) == []
