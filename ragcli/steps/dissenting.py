"""Files that disagree: which passages may say otherwise than an answer, whether what they say differs, and how that is told.

What is near a question is mostly about something else: shown only what was found beside an answer, a small model read another
one there 51 times of 114. So only two kinds of sentence are heard. One says nearly all of what was asked: the passages of 12 of
377 development questions had one, and what two of them said was told: both did disagree. The other says nearly the same as the
cited sentence, as the old version of a rule and the new one do: of 399 questions 8 had one, 5 of them another version.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ragcli.steps.claims import agrees, bears_out, numbers_in
from ragcli.steps.languages import guess_language, telling_words
from ragcli.steps.prompting import describe_source
from ragcli.steps.sentences import plain_words, split_windows, weigh_words, words_of
from ragcli.types import Citation, Context, Message, Passage, Prompt

LEAST_ASKED = 0.9
"""Of the question's words, rarer ones counting for more: what a sentence, its file's name and headings must have."""
LEAST_REPEATED = 0.7
"""Of the cited sentence's words but the answer's: what another version of it must have."""
FEWEST_REPEATED = 3
_OF_TODAY = """
    now today current currently present presently jetzt heute derzeit aktuell aktuelle aktuellen aktueller heutige heutigen
    actuel actuelle actuellement maintenant ahora hoy actual actuales actualmente ora adesso oggi attuale attuali attualmente
    agora hoje atual atuais atualmente nu vandaag huidig huidige
"""
OF_TODAY = words_of(_OF_TODAY)
"""A rule in force does not say so of itself."""
LONGEST_HEARD = 600
"""Characters of a sentence and its neighbours."""
LONGER = 2
"""How many times as long as the answer what another file says may be, and a name more: else it is no answer of its kind."""
LONGEST_NAME = 20
PRONOUNS = frozenset(["he", "him", "his", "her", "she", "it", "they", "them", "their", "you", "we", "i"])
"""That a small model gives for a name."""
SAME_TASK = "Do both answers mean the same? Say yes or no."
LEAD = "But another file says:"
LEADS: Mapping[str, str] = {
    "de": "In einer anderen Datei steht dagegen:",
    "fr": "Mais un autre fichier dit :",
    "es": "Pero otro archivo dice:",
    "it": "Ma un altro file dice:",
    "pt": "Mas outro arquivo diz:",
    "nl": "Maar een ander bestand zegt:",
    "no": "Men en annen fil sier:",
    "da": "Men en anden fil siger:",
    "sv": "Men en annan fil säger:",
    "pl": "Inny plik mówi jednak:",
    "tr": "Ama başka bir dosya şöyle diyor:",
    "vi": "Nhưng một tệp khác nói:",
    "zh": "但另一个文件说：",
    "ja": "しかし別のファイルには次のようにあります：",
    "ko": "그러나 다른 파일에는 이렇게 나옵니다:",
}


def widen_context(context: Context) -> Context:
    """Whatever was found may disagree: the passages uncut, and behind them what was left out."""
    hits = [*(passage.hit for passage in context.passages), *context.left_out]
    return replace(
        context, passages=tuple(Passage(number, hit, hit.chunk.text) for number, hit in enumerate(hits, 1)), left_out=()
    )


def add_passage(context: Context, passage: Passage) -> tuple[Context, int]:
    """The context with a passage of the widened one, uncut in its place or behind the others, and its number there."""
    shown = list(context.passages)
    if passage.number <= len(shown):
        shown[passage.number - 1] = passage
        return replace(context, passages=tuple(shown)), passage.number
    shown.append(replace(passage, number=len(shown) + 1))
    left_out = tuple(hit for hit in context.left_out if hit.chunk.id != passage.hit.chunk.id)
    return replace(context, passages=tuple(shown), left_out=left_out), len(shown)


def find_dissenters(question: str, answer: str, cited: Sequence[Citation], passages: Sequence[Passage]) -> tuple[Passage, ...]:
    """The sentences that say nearly all of what was asked, or nearly what a cited one says, each with its neighbours, of files
    that do not say the answer.

    Of a passage it is the first that says most. None if no word of the question tells.
    """
    numbers = {citation.number for citation in cited}
    agreeing = {
        passage.hit.chunk.source_id for passage in passages if passage.number in numbers or _holds(answer, passage, question)
    }
    windows = [(passage, *window) for passage in passages for window in split_windows(passage.text, LONGEST_HEARD)]
    told = [_words_at(passage, sentence) for passage, sentence, _ in windows]
    weights = _weigh_asked(question, told)
    enough = LEAST_ASKED * sum(weights.values())
    best: dict[int, tuple[float, Passage]] = {}
    for (passage, sentence, (start, end)), words in zip(windows, told, strict=True):
        said = sum(weight for word, weight in weights.items() if word in words)
        is_other = weights and passage.hit.chunk.source_id not in agreeing
        if not is_other or said <= best.get(passage.number, (0.0, passage))[0]:
            continue
        if said >= enough or _is_version(passage.text[slice(*sentence)], cited, answer, question):
            best[passage.number] = (said, replace(passage, text=passage.text[start:end], start=passage.start + start))
    return tuple(around for _, around in best.values())


def _is_version(sentence: str, cited: Sequence[Citation], answer: str, question: str) -> bool:
    """Whether the sentence has nearly all words of a cited one but the answer's, and all of those that the question has too."""
    words, said, asked = words_of(sentence), words_of(answer), words_of(question)
    for citation in cited:
        quoted = words_of(citation.quote)
        others = {word for word in quoted - said if word.isalpha()}
        is_near = len(others & words) >= LEAST_REPEATED * len(others) and len(others) >= FEWEST_REPEATED
        if is_near and quoted & asked <= words:
            return True
    return False


def _holds(answer: str, passage: Passage, question: str) -> bool:
    return plain_words(answer) in plain_words(passage.text) or bears_out(answer, passage.text, question)


def _words_at(passage: Passage, span: tuple[int, int]) -> frozenset[str]:
    return words_of(f"{describe_source(passage.hit)}\n{passage.text[slice(*span)]}")


def _weigh_asked(question: str, sentences: Sequence[frozenset[str]]) -> Mapping[str, float]:
    """What each word of the question counts for but those that any question has."""
    asked = telling_words(question) - OF_TODAY
    return {word: weight for word, weight in weigh_words(question, sentences).items() if word in asked}


def may_differ(one: str, other: str, question: str) -> bool:
    """Whether two answers to the question can be two: each has a number that the other has not, or none has any and they
    share no word but the question's. What only one of them counts is another kind of answer, and so is what is far longer.
    """
    if len(other) > LONGER * len(one) + LONGEST_NAME:
        return False
    ours, theirs = numbers_in(one), numbers_in(other)
    if ours or theirs:
        is_same_amount = re.search(r"\d", one) and agrees(one, other) and agrees(other, one)  # 1,250 and 1250.00
        return bool(ours - theirs) and bool(theirs - ours) and not is_same_amount
    asked = words_of(question) | PRONOUNS
    mine, others = words_of(one) - asked, words_of(other) - asked
    return bool(mine) and bool(others) and not mine & others


def is_about(question: str, other: str, quote: str) -> bool:
    """Whether the sentence that ``other`` was taken from has a word of the question, or no word but the answer's."""
    around = words_of(quote) - words_of(other)
    return not around or not around.isdisjoint(telling_words(question))


def build_comparison(question: str, one: str, other: str) -> Prompt:
    """Asks for one word: yes or no."""
    user = f"Question: {question}\nOne answer: {one}\nAnother answer: {other}\n{SAME_TASK}"
    return Prompt((Message("user", user),))


def tell_dissent(other: str, number: int, question: str) -> str:
    """What stands below the answer, in the question's language."""
    return f"\n{LEADS.get(guess_language(question), LEAD)}\n{other} [{number}]"
