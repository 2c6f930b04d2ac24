"""What the model says to a task, which of its wordings stands, and how probable it is that the passages say so."""

from __future__ import annotations

from collections.abc import Iterator

from ragcli.ports import LanguageModel
from ragcli.steps.citing import SPACED_MARKER, says_not_found
from ragcli.steps.defusing import Defused
from ragcli.steps.judging import (
    LONGEST_GUESS,
    answerability,
    build_guess,
    build_judgement,
    choose_evidence,
    find_surprise,
    read_verdict,
    settled_surprise,
)
from ragcli.steps.languages import is_taken_for_english
from ragcli.steps.prompting import build_prompt
from ragcli.steps.querying import ask_directly
from ragcli.steps.sentences import find_loop
from ragcli.steps.tasks import Task
from ragcli.steps.withholding import withhold
from ragcli.steps.wording import choose_wording, find_own_words
from ragcli.types import Context, Delta, Prompt, Question, Stop, Usage

SENTENCE_TOKENS = 80
"""Of the answer in a sentence: three times what most take."""


def say(question: Question, defused: Defused, model: LanguageModel, max_tokens: int, *, task: Task) -> Iterator[Delta | Stop]:
    """What the model says to the task, without what a file told it to say."""
    prompt = build_prompt(question.text, defused.context, task=task, fence=defused.fence)
    most = min(max_tokens, SENTENCE_TOKENS) if task == "sentence" else max_tokens
    return withhold(_until_it_loops(model, prompt, most), defused, question.text)


def _until_it_loops(model: LanguageModel, prompt: Prompt, max_tokens: int) -> Iterator[Delta | Stop]:
    """What the model says, ended where it begins to say the same again and again, as the smallest ones do."""
    said, pieces = "", 0
    for event in model.stream(prompt, max_tokens=max_tokens):
        yield event
        if isinstance(event, Delta) and event.text:
            said, pieces = said + event.text, pieces + 1
            if find_loop(said) is not None:
                tokens = sum(model.count_tokens(message.content) for message in prompt.messages)
                yield Stop("loop", Usage(tokens, pieces))
                return


def say_whole(task: Task, question: Question, defused: Defused, model: LanguageModel, most: int = SENTENCE_TOKENS) -> str:
    """All that the model says to the task, without markers."""
    events = say(question, defused, model, most, task=task)
    said = "".join(event.text for event in events if isinstance(event, Delta))
    return SPACED_MARKER.sub("", said[: find_loop(said)]).strip()


def settle_wording(said: str, task: Task, question: Question, defused: Defused, model: LanguageModel) -> str:
    """What was said to the task, or the better of it and a second wording. The model has read all but its task already."""
    passages = defused.context.passages
    if task == "sentence":
        if own := find_own_words(SPACED_MARKER.sub("", said), question.text, passages):
            return own
        short = say_whole("short", question, defused, model)
        return find_own_words(short, question.text, passages) or short
    if says_not_found(said):
        return said
    return choose_wording(said, say_whole("sentence", question, defused, model), question.text, passages)


def judge_answer(question: str, answer: str, context: Context, model: LanguageModel, floor: float) -> float:
    """How probable it is that the passages answer, by what the model makes of the sentences that the answer was taken from.

    It is asked to guess the question only where that can decide, and only in English: of other languages small models know too
    little to be surprised by a word.
    """
    if not context.passages:
        return 0.0
    evidence = choose_evidence(question, answer, context)
    verdict = read_verdict(model.first_tokens(build_judgement(question, evidence)))
    surprise = None
    if is_taken_for_english(question) and is_taken_for_english(evidence.text):
        surprise = settled_surprise(verdict, evidence, floor)
        if surprise is None:
            surprise = find_surprise(model.likelihoods(build_guess(answer, evidence), ask_directly(question)[:LONGEST_GUESS]))
    return round(answerability(verdict, surprise, evidence), 3)
