"""Questions and files in different languages, with an embedder that knows only one: what finds no answer is translated and asked
once more, and the doctor is told. An embedder that knows many languages needs none of this.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from ragcli.flows.searching import Stopwatch
from ragcli.ports import LanguageModel
from ragcli.steps.languages import NAMES, guess_language, languages_of
from ragcli.types import Answer, AnswerEvent, AnswerFinished, Delta, Finding, Hit, Message, Prompt, Question

TRANSLATION_TOKENS = 64
MULTILINGUAL = "granite-embedding-97m-multilingual-r2"
"""What the doctor recommends, by its name in the catalog."""
FOREIGN_SHARE = 0.1
"""Of the texts that tell their language: with fewer in others than English the embedder is no loss, and with fewer in English it
is no gain to ask in English."""
LONGEST_GROWTH = 3
"""A translation may have so many times the characters of the question: from Chinese into German it has."""

Ask = Callable[[Question], Iterator[AnswerEvent]]


def ask_across_languages(
    question: Question, ask: Ask, model: Callable[[], LanguageModel], sample: Callable[[], Iterable[str]]
) -> Iterator[AnswerEvent]:
    """The events of ``ask``; where they end without an answer and the files speak another language than the question, those of
    asking its translation too. The Answer is always to the question as it was put.

    ``sample`` gives some texts of the index; they and the model are loaded only where a translation may help. Raises ModelError.
    """
    watch = Stopwatch()
    unanswered: Answer | None = None
    for event in ask(question):
        if isinstance(event, AnswerFinished) and event.answer.outcome == "no_evidence":
            unanswered = event.answer
        else:
            yield event
    if unanswered is None:
        return
    target = language_to_ask_in(question.text, unanswered.hits, sample)
    translated = translate(question.text, target, model()) if target else None
    if translated is None:
        yield AnswerFinished(unanswered)
        return
    for event in ask(replace(question, text=translated)):
        if isinstance(event, AnswerFinished):
            event = AnswerFinished(replace(event.answer, question=question, took_ms={**event.answer.took_ms, **watch.total()}))
        yield event


def language_to_ask_in(question: str, hits: Sequence[Hit], sample: Callable[[], Iterable[str]]) -> str | None:
    """English, which the embedder knows, if enough of the sampled texts are in it; else the language that most of the nearest
    passages are in. None if that is the question's, or not known.

    What is nearest to a German question may be Italian or German for that alone: of 22 questions in other languages about
    English files among others 7 found theirs among the first five, and translated into English 19.
    """
    asked = guess_language(question)
    if not asked:
        return None
    if asked != "en" and share_in_english(languages_of(sample())) >= FOREIGN_SHARE:
        return "en"
    found = languages_of(hit.chunk.text for hit in hits).most_common(1)
    return found[0][0] if found and found[0][0] != asked else None


def share_in_english(found: Counter[str]) -> float:
    """Of the texts that tell their language; 0 if none does."""
    return found["en"] / found.total() if found else 0.0


def translate(text: str, language: str, model: LanguageModel) -> str | None:
    """The question in that language, a key of ``NAMES``; None if the model gives no such thing."""
    events = model.stream(build_translation(text, language), max_tokens=TRANSLATION_TOKENS)
    said = "".join(event.text for event in events if isinstance(event, Delta))
    line = next((line.strip(" \"'“”„«»") for line in said.splitlines() if line.strip()), "")
    line = re.sub(r"^[\w ]{0,30}(?:translation|question)\s*:\s*", "", line, flags=re.IGNORECASE)
    is_other = line.casefold() != text.strip().casefold() and guess_language(line) in (language, "")
    return line if line and is_other and len(line) <= LONGEST_GROWTH * len(text) + 40 else None


def build_translation(text: str, language: str) -> Prompt:
    """Short: it is read before a question that found nothing so far."""
    task = f"Translate this question into {NAMES[language]}. Write only the translation, do not answer it.\n\n{text.strip()}"
    return Prompt((Message("system", "You translate."), Message("user", task)))


def check_languages(texts: Iterable[str], embedder: str, *, knows_only_english: bool) -> Iterator[Finding]:
    """Whether the embedder knows what the texts, a sample of the index, are written in; nothing if none of them tells."""
    found = languages_of(texts)
    if not found:
        return
    told = [NAMES[language] for language, _ in found.most_common()]
    share = 1 - share_in_english(found)
    if not knows_only_english or share < FOREIGN_SHARE:
        yield Finding("languages", "ok", ", ".join(told[:4]))
        return
    others = ", ".join([name for name in told if name != "English"][:3])
    message = f"{share:.0%} of the index is in {others}, and {embedder} knows English"
    hint = f"ragcli models pull {MULTILINGUAL}; ragcli models default {MULTILINGUAL}; ragcli index --force"
    yield Finding("languages", "warning", message, hint)
