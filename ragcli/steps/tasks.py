"""What the model is told to do with what it was shown: it stands last, where a small model looks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from ragcli.steps.languages import guess_language, is_taken_for_english

Task = Literal["short", "sentence", "full"]
"""The shortest answer, the same in a sentence, or more than a fact."""

NOT_FOUND = "NOT IN FILES"
"""What the model is told to say when the passages do not answer. In capitals, because small models copy capitals."""

SHORT_TASK = "Give only the shortest answer, in words copied from the passages."
"""Without leave to say that there is no answer, which is judged afterwards: a small model that may refuse refuses half of what
it could answer. Without asking for a marker: with it, answers get longer and a fifth of them wrong. Citations are found."""
SENTENCE_TASK = "Answer in one short sentence, in words copied from the passages."
SENTENCE_TASKS: Mapping[str, str] = {
    "de": "Antworte mit einem Satz, mit den Worten des Textes.",
    "fr": "Réponds par une phrase, avec les mots du texte.",
    "es": "Responde con una frase, con las palabras del texto.",
    "it": "Rispondi con una frase, con le parole del testo.",
    "pt": "Responda com uma frase, com as palavras do texto.",
    "nl": "Antwoord met één zin, met de woorden van de tekst.",
    "no": "Svar med én setning, med tekstens ord.",
    "da": "Svar med én sætning, med tekstens ord.",
    "sv": "Svara med en mening, med textens ord.",
    "pl": "Odpowiedz jednym zdaniem, słowami tekstu.",
    "tr": "Metindeki kelimelerle tek cümleyle cevap ver.",
    "vi": "Trả lời bằng một câu, dùng từ ngữ trong văn bản.",
    "zh": "请用原文中的一句话完整回答。",
    "ja": "本文の言葉を使って、一文で答えてください。",
    "ko": "본문의 말을 써서 한 문장으로 답하세요.",
}
"""Said in the question's own language, it is kept to more often than in English: of 29 questions in five languages the answer
stood in 16 sentences, else in 14."""
FULL_TASK = (
    "Answer with what the passages say, in a few sentences or as a list, with the number of the passage in brackets, like [1], "
    f"after each. If the passages say nothing about it, say {NOT_FOUND}."
)
_MORE_THAN_A_FACT = re.compile(
    r"^\W*(?:please\s+)?(?:summari[sz]e|list|explain|describe|compare|outline|tell me about"
    r"|give (?:me )?an? (?:overview|summary|list)|how (?:do|can|should) (?:i|we|you)\b|how to\b"
    r"|fasse?\b|liste|erkläre?|beschreibe?|vergleiche?|nenne|wie (?:kann|soll|muss) (?:ich|man)\b"
    r"|résume|énumère|explique|décris|compare|comment (?:puis-je|faire)\b|resume|enumera|explica|describe|cómo (?:puedo|se)\b"
    r"|riassumi|elenca|spiega|descrivi|confronta|liste|descreva|samenvat|vat .* samen|leg uit|beschrijf)"
    r"|总结|概括|列出|解释|说明|比较|要約|列挙|説明して|まとめて|比較|요약|나열|설명해",
    re.IGNORECASE,
)
"""How people ask for it, in the languages that are known here."""


def choose_task(question: str) -> Task:
    """What is asked for first: the shortest answer to an English question, a sentence to any other.

    More than a fact, if no single sentence of a file can state what is wanted: a list, a summary, a way to do it.
    """
    if _MORE_THAN_A_FACT.search(question):
        return "full"
    return "short" if is_taken_for_english(question) else "sentence"


def say_task(task: Task, question: str) -> str:
    """The task in words, those for a sentence in the question's language."""
    if task == "sentence":
        return SENTENCE_TASKS.get(guess_language(question), SENTENCE_TASK)
    return SHORT_TASK if task == "short" else FULL_TASK
