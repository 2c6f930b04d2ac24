"""Orders to a model that stand in a text for people: sentences that speak to an assistant, about its answer, or out of place.

Three kinds are told apart. Some are unmistakable: they forge a role, revoke instructions or dictate an answer. Some speak of
"your answer", or in other ways that manuals and letters between people have too; they count unless they share a word with the
question. And some are a request for a text or a fact that has nothing to do with the passage around it, nor with the question.
It is a sieve by plain rules and no proof: what it misses stands between fences all the same, and what it catches wrongly the
model does not read.
No text is changed here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ragcli.steps.sentences import split_sentences, words_of

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern, and the words without one of which it cannot match: looking for them first is ten times as quick."""

    cues: frozenset[str]
    pattern: re.Pattern[str]


def _rule(cues: str, *parts: str) -> Rule:
    return Rule(frozenset(cues.split()), re.compile("".join(parts), re.IGNORECASE))


_MODEL = r"(?:AI|LLM|assistants?|language models?|chat ?bots?|GPT(?:-\d)?|models?|bots?|agents?|summari[sz]ers?)"
_MACHINE = r"(?:AI|LLMs?|AI assistants?|language models?|chat ?bots?|GPT(?:-\d)?)"
_SAYING = r"(?:reply|respond|answer|say|output|print|return|write|repeat|state|speak)"
_REPLY = r"(?:answers?|repl(?:y|ies)|responses?|outputs?|summar(?:y|ies)|completions?)"
_FORM = (
    r"(?:french|german|spanish|italian|chinese|japanese|russian|latin|klingon|emojis?|base ?64|rot ?13|morse|binary|hex"
    r"|leet ?speak|pig latin|upper ?case|lower ?case|all caps|capital letters|rhymes?|verse|reversed?|backwards|a haiku|a poem)"
)
_SAYING_CUES = "reply respond answer say output print return write repeat state speak"
_REPLY_CUES = "answer answers reply replies response responses output outputs summary summaries completion completions"
_MODEL_CUES = (
    "ai llm llms assistant assistants language chat chatbot chatbots gpt bot bots agent agents model models summariser summarizer"
)

UNMISTAKABLE: Sequence[Rule] = (
    _rule(
        "ignore disregard forget override bypass discard",
        r"\b(?:ignore|disregard|forget|override|bypass|discard)\b.{0,40}(?:\b(?:all|any|every|previous|prior|above|earlier|preceding"
        r"|former|your|these|other|system)\b.{0,30}\b(?:instructions?|rules?|prompts?|guidelines|directions|directives)\b"
        r"|\b(?:previous|prior|above|earlier|preceding)\b.{0,20}\b(?:context|passages?|messages?|text|orders)\b"
        r"|\b(?:context|passages?|text)\s+above\b)",
    ),
    _rule("prompt override", r"\b(?:new|secret|hidden)\s+(?:system\s+)?prompt\b|\bsystem[\s-]+override\b"),
    _rule(
        "pretend imagine act",
        r"\b(?:pretend|imagine) (?:to be|that you are|you are)\b|\bact as (?:an?|if|the)\b.{0,40}",
        rf"\b{_MACHINE}\b",
    ),
    _rule(_MODEL_CUES, rf"\bif you are an? {_MACHINE}\b|\b(?:AI|LLM) (?:readers?|summari[sz]ers?)\b"),
    _rule(_REPLY_CUES, rf"\bthe (?:only|sole|one) (?:correct|right|valid|acceptable|permitted) {_REPLY}\b"),
    _rule(
        "whatever matter regardless",
        r"\bwhatever the (?:question|user)\b|\bno matter what (?:you are|is|the user) ask"
        r"|\bregardless of the (?:question|query|user)\b",
    ),
    _rule("cite", r"\bcite (?:this|the following|only this) (?:source|file|document|page)\b|\bcite \S{1,40} instead\b"),
    _rule(
        "reveal print repeat show leak output disclose",
        r"\b(?:reveal|print|repeat|show|leak|output|disclose)\b.{0,30}"
        r"\b(?:the system prompt|your (?:system |hidden )?(?:prompt|instructions))\b",
    ),
    _rule(
        "system assistant developer ai",
        r"(?:^|\n)\W*(?:#{1,6}\s*)?(?:system|assistant|developer|AI)\s?(?:\([^)\n]{0,30}\))?:\s.{0,200}"
        r"\b(?:you|your|must|ignore|say|reply|respond|answer|print|output|begin|append|add|user|told|instructions?)\b",
    ),
)
SIGNS = re.compile(
    r"<\|[^|>\n]{1,40}\|>|<</?SYS>>|\[/?INST\]|</?(?:tool_call|think)>|<(?:start|end)_of_turn>"
    r"|(?:忽略|无视|忘记|不要理会).{0,15}(?:指令|指示|说明|规则|提示)|(?:只|仅)(?:回答|回复|输出)"
    r"|(?:指示|命令).{0,8}(?:無視し|忘れて)|(?:無視して|忘れて).{0,15}(?:回答|答え)|在(?:你的|您的)(?:回答|回复|答案)中",
    re.IGNORECASE,
)
"""Unmistakable too, and without a word that could be looked for: control tokens of any model, and Chinese and Japanese."""
SIGN_CUE = re.compile(r"[<\[忽无忘不只仅指命無在]")
FOREIGN = re.compile(
    r"\b(?:ignorier|vergiss|missacht|überg)\w*\b.{0,40}\b(?:anweisung|instruktion|vorgabe|befehl)\w*"
    r"|\b(?:ignore[zr]?|oublie[zr]?|ne tiens pas compte)\b.{0,40}\b(?:instructions|consignes)\b"
    r"|\b(?:ignora|ignore|olvida|olvide|omite)\b.{0,40}\b(?:instrucciones|indicaciones)\b"
    r"|\b(?:ignora|ignorate|dimentica)\b.{0,40}\bistruzioni\b|\b(?:ignore|esqueça)\b.{0,40}\binstruções\b"
    r"|\bnegeer\b.{0,40}\binstructies\b|\bantworte (?:nur|ausschließlich|immer)\b|\bréponds? (?:seulement|uniquement|toujours)\b"
    r"|\bresponde (?:solo|sólo|únicamente|siempre)\b|\brispondi (?:solo|sempre)\b|\bin deiner antwort\b|\bdans ta réponse\b"
    r"|\ben tu respuesta\b|\bnella tua risposta\b|\bin je antwoord\b",
    re.IGNORECASE,
)
FOREIGN_CUE = re.compile(
    r"ignor|vergiss|missacht|überg|oubli|tiens pas|olvid|omite|dimentic|esque|negeer|antwo|répon|respo|rispo"
)
ADDRESSED: Sequence[Rule] = (
    _rule(
        _REPLY_CUES,
        r"\b(?:in|to|into|with|within|of|from|for|at the (?:end|start|beginning|top) of)\s+(?:all\s+|each of\s+)?"
        rf"your\s+(?:\w+\s+)?{_REPLY}\b"
        r"|\b(?:modify|change|alter|enhance|adjust|adapt|rewrite|extend|improve|limit|keep|make|craft|phrase|encode|convert|provide|write"
        r"|begin|start|end|finish|close|preface|prefix|sign)"
        rf"\s+(?:your|the)\s+(?:\w+\s+)?{_REPLY}\b|\byour (?:next |final )?{_REPLY} (?:must|should|has to|needs to|shall)\b"
        rf"|\b(?:append|prepend|add|include|insert|integrate|put)\b.{{0,120}}"
        rf"\b(?:to|in|into|of)\s+(?:the|this|each|every) {_REPLY}\b",
    ),
    _rule("now instead", r"^\W*from now on\b|\binstead of answering\b"),
    _rule(
        "suggest recommend advise encourage remind invite urge tell inform persuade convince",
        r"\b(?:suggest|recommend|advise|encourage|remind|invite|urge|tell|inform|persuade|convince)\s+(?:that\s+)?"
        r"(?:the\s+|all\s+|every\s+)?(?:users?|readers?)\b",
    ),
    _rule(
        "user", r"^\W*(?:note:\s*)?the user (?:has )?(?:been |already )?(?:agreed|consented|verified|is an? (?:admin|developer))"
    ),
    _rule("you", r"\byou are (?:now|no longer)\b"),
    _rule(
        "instruction instructions directive directives response",
        r"\b(?:new|updated|revised|secret|hidden)\s+(?:instructions?|directives?)\b.{0,20}:"
        r"|\b(?:begin|end|start) (?:of )?instructions?\b"
        r"|(?:^|\n)\s*#{2,6}\s*(?:(?:new|system)\s+)?(?:instructions?|response)\s*:",
    ),
    _rule(
        "mode",
        r"\b(?:developer|maintenance|debug|god|jailbreak|unrestricted|DAN)[\s-]+mode\b.{0,20}"
        r"\b(?:on|enabled|activated|active)\b",
    ),
    _rule(
        _MODEL_CUES,
        r"\b(?:note|notice|message|instructions?|attention|warning|memo|reminder)\s+(?:to|for)\s+(?:the\s+|any\s+|all\s+)?",
        rf"{_MODEL}\b|\b{_MACHINE}\s+(?:readers?|systems?)?\s?(?::|must\b|should\b|shall\b|reading this|processing this)",
    ),
    _rule(
        _SAYING_CUES,
        rf"\b{_SAYING}\b.{{0,20}}\b(?:only|exactly|verbatim|nothing (?:else|but|more)|solely)\b.{{0,60}}"
        r"(?:\bwords?\b|\bphrase|\bsentence|\bwith\b|[\"“'‘:]|nothing else)",
        rf"|\b{_SAYING}\s+\S{{1,40}}\s+(?:and nothing else|instead of (?:the |an? |your )?{_REPLY})",
        rf"|\bwhen(?:ever)? (?:you are )?asked\b.{{0,60}}\b{_SAYING}\b",
        r"|\bdo not (?:answer|reply|respond)\b.{0,40}\b(?:questions?|user)\b",
    ),
    _rule(
        _REPLY_CUES,
        rf"\b(?:begin|start|end|finish|preface|prefix|close)\s+(?:each|every|all|any|this)\s+(?:of\s+)?(?:your\s+)?{_REPLY}\b",
    ),
    _rule("source sources", r"^\W*sources?:\s*\[\d"),
    _rule(
        f"{_SAYING_CUES} translate encode spell rewrite convert reverse",
        rf"\b(?:{_SAYING}|translate|encode|spell|rewrite|convert)\b.{{0,30}}\b(?:in|into|to|as|using|with)\s+(?:only )?{_FORM}\b"
        rf"|\breverse\b.{{0,30}}\b{_REPLY}\b",
    ),
    _rule("replace", r"\breplace (?:all |every |the |each )?(?:letters?|vowels?|words?|numbers?|digits?) (?:with|by)\b"),
)
REQUEST = re.compile(
    r"^\W*(?:please\s+|kindly\s+|now\s+|also\s+)?(?:(?:can|could|would|will) you"
    r"|(?:write|compose|create|generate|provide|give|tell|show|make|draft|design|craft|produce|prepare|share)"
    r"\s+(?:me\s+|us\s+)?(?:an?|the|some|one|two|three|five|ten)\b.{0,60}\b(?:poem|story|song|joke|haiku|essay|headline|summary|recipe"
    r"|functions?|scripts?|code|programs?|list|translation|explanation|example|limerick|review|advert(?:isement)?|slogan|tips?|reasons?"
    r"|facts?|letter|tweet|riddle|paragraphs?|posts?|captions?|messages?|e-?mails?|links?|guides?|dialogues?|analysis|plan|schedule"
    r"|strategy|pitch|offer)\b"
    r"|(?:describe|explain|summari[sz]e|translate|discuss|outline|elaborate|define|calculate|solve|compare|analy[sz]e|classify"
    r"|recommend|promote|advertise|perform|conduct)\b"
    r"|(?:who|what|when|where|why|which|how)\b[^?]{3,160}\?)",
    re.IGNORECASE,
)
ABOUT_ORDERS = re.compile(
    rf"\b(?:prompt injection|injections?|prompts?|jailbreaks?|instruct(?:ed|ions?) (?:to|for|the) (?:the |an? )?{_MODEL}"
    rf"|{_MODEL}s? (?:told|asked|instructed))\b",
    re.IGNORECASE,
)
"""Whoever asks about such orders wants to read them: then none are looked for."""
_PLAIN = words_of(
    "about above all also answer any because before begin between both but can could describe does each end ever example "
    "explain fact finish first for function get give good had him how instruction instructions into just know like make "
    "many may more most much must new now number one only other our out over please process provide reply response say see "
    "should show simple some start such take tell term than then time two use used user very way well what when where which "
    "who why will with word work would write year you your "
)
"""Words that a request and any text may share without being about the same."""
_WORD = re.compile(r"[^\W\d_]+")


def find_orders(text: str, question: str = "") -> tuple[Span, ...]:
    """Where the text gives orders to a model; in order, whole sentences, not overlapping."""
    if ABOUT_ORDERS.search(question):
        return ()
    asked = words_of(question)
    return tuple(span for span in _sentences(text) if _is_order(text, span, asked))


def _sentences(text: str) -> Iterator[Span]:
    """Sentences, joined where one goes on with a small letter behind a quotation that ended with a full stop."""
    waiting: Span | None = None
    for start, end in split_sentences(text):
        if waiting and text[start].islower() and text[waiting[1] - 1] in "\"'”’»" and "\n" not in text[waiting[1] : start]:
            waiting = (waiting[0], end)
            continue
        if waiting:
            yield waiting
        waiting = (start, end)
    if waiting:
        yield waiting


def _is_order(text: str, span: Span, asked: frozenset[str]) -> bool:
    sentence = text[slice(*span)]
    lower = sentence.lower()
    words = frozenset(_WORD.findall(lower))
    if _matches(UNMISTAKABLE, sentence, words) or (SIGN_CUE.search(sentence) and SIGNS.search(sentence)):
        return True
    if FOREIGN_CUE.search(lower) and FOREIGN.search(sentence):
        return True
    if _matches(ADDRESSED, sentence, words):
        return not (words_of(sentence) - _PLAIN) & asked
    return bool(REQUEST.match(sentence)) and _is_out_of_place(text, span, asked)


def _matches(rules: Sequence[Rule], sentence: str, words: frozenset[str]) -> bool:
    return any(rule.pattern.search(sentence) for rule in rules if not words.isdisjoint(rule.cues))


def _is_out_of_place(text: str, span: Span, asked: frozenset[str]) -> bool:
    """Whether the sentence shares next to nothing with the text around it, and nothing with the question."""
    telling = words_of(text[slice(*span)]) - _PLAIN
    around = words_of(text[: span[0]] + " " + text[span[1] :])
    return bool(around) and not telling & asked and len(telling & around) <= 1 < len(telling)
