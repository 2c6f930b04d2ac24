"""The flow that looks at a finished answer once more: each sentence is borne out by a passage, or marked, or dropped.

What words cannot show is asked of the embedder: whether a passage says it in other words. Numbers, dates and names have to agree
in any case. It knows nothing of how the answer came about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from ragcli.flows.searching import cosines_with
from ragcli.ports import Embedder
from ragcli.steps.citing import Statement, find_citations, statements_in
from ragcli.steps.claims import SUPPORTED_COSINE, agrees, bears_out
from ragcli.steps.sentences import split_sentences, words_of
from ragcli.types import Answer, AnswerEvent, AnswerFinished, Claim, Delta, Passage

LEAD_ENDS = (":", "：")
"""How a line ends that states nothing itself, and leads to what does."""


def vet_events(
    events: Iterable[AnswerEvent], embedder: Callable[[], Embedder] | None, *, strict: bool = False
) -> Iterator[AnswerEvent]:
    """The same events; the answer has its claims. With ``strict`` nothing is told before it is vetted, and what no passage
    bears out is dropped: an answer of which nothing is left has the outcome ``no_evidence``.

    Without ``embedder`` the words alone decide.
    """
    for event in events:
        if isinstance(event, Delta) and strict:
            continue
        if isinstance(event, AnswerFinished) and event.answer.outcome == "answered" and event.answer.record is None:
            vetted = mark_claims(event.answer, embedder)
            event = AnswerFinished(drop_unsupported(vetted) if strict else vetted)
        yield event


def mark_claims(answer: Answer, embedder: Callable[[], Embedder] | None) -> Answer:
    """The answer with a Claim for each of its sentences that states something."""
    passages = answer.context.passages
    claims = []
    for statement in statements_in(answer.text):
        if not words_of(statement.text) or statement.text.endswith(LEAD_ENDS):
            continue
        named = [passage for passage in passages if passage.number in statement.numbers]
        supported = _is_held(statement, named or passages, answer.question.text, embedder)
        claims.append(Claim(statement.text, statement.numbers, supported))
    return replace(answer, claims=tuple(claims))


def _is_held(statement: Statement, passages: Sequence[Passage], question: str, embedder: Callable[[], Embedder] | None) -> bool:
    texts = {passage.number: _text_of(passage) for passage in passages}
    if any(bears_out(statement.text, text, question) for text in texts.values()):
        return True
    able = [passage for passage in passages if agrees(statement.text, texts[passage.number], question)]
    sentences = [passage.text[start:end] for passage in able for start, end in split_sentences(passage.text)]
    if not sentences or embedder is None:
        return False
    # A short answer means something only behind its question.
    asked = statement.text if len(words_of(statement.text)) > 3 else f"{question} {statement.text}"
    return max(cosines_with(asked, sentences, embedder=embedder())) >= SUPPORTED_COSINE


def _text_of(passage: Passage) -> str:
    chunk = passage.hit.chunk
    return "\n".join((passage.text, chunk.title, *chunk.heading, chunk.path.name))


def drop_unsupported(answer: Answer) -> Answer:
    """The answer without the sentences that no passage bears out; its confidence is lowered by their share."""
    unsupported = {claim.text for claim in answer.claims if not claim.supported}
    if not unsupported:
        return answer
    kept = [claim for claim in answer.claims if claim.supported]
    if not kept:
        return replace(answer, text="", outcome="no_evidence", confidence=0.0, citations=())
    lines = [
        " ".join(statement.marked for statement in statements_in(line) if statement.text not in unsupported)
        for line in answer.text.splitlines()
    ]
    left = [line for line, before in zip(lines, answer.text.splitlines(), strict=True) if line or not before]
    while left and (not left[-1] or left[-1].endswith(LEAD_ENDS)):
        left.pop()  # what it led to was dropped
    text = "\n".join(left).strip()
    citations = find_citations(text, answer.context, answer.question.text)
    return replace(
        answer, text=text, citations=citations, confidence=round(answer.confidence * len(kept) / len(answer.claims), 3)
    )
