"""What a reader should know of the passages behind an answer: that they hold more than the eye sees, or speak to machines."""

from __future__ import annotations

from collections.abc import Iterator

from ragcli.cli.showing.paper import Paper, plural
from ragcli.steps.cleaning import hidden_characters, without_hidden
from ragcli.steps.planting import find_orders
from ragcli.types import Answer


def caution_lines(answer: Answer, paper: Paper) -> Iterator[str]:
    """A line for each passage that the model was shown and that hides text from a reader or gives orders to a model."""
    for passage in answer.context.passages:
        text = passage.hit.chunk.text
        hidden, orders = hidden_characters(text), find_orders(without_hidden(text), answer.question.text)
        what = [f"has {plural(hidden, 'hidden character')}"] if hidden else []
        what += ["gives orders to an assistant, which were kept from the model"] if orders else []
        if what:
            where = f"ragcli show {paper.path(passage.hit.chunk.path)}"
            yield paper.odd(f"[{passage.number}] {' and '.join(what)}: {where}")
