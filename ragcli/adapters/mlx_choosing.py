"""What decides, in place of mlx-lm, which token comes next: a constraint, or a text that is dictated.

Each is called before each choice, with MLX's core, the tokens so far and the logits, an array of one row. It knows no model
and imports no library.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ragcli.ports import Constraint

Choose = Callable[[Any, Any, Any], Any]
"""Gives the logits to choose by."""


class Mask:
    """Puts what a constraint does not allow out of the question."""

    def __init__(self, begin: Callable[[int], Constraint]) -> None:
        """``begin`` makes the constraint, given how many tokens the model tells apart."""
        self._begin = begin
        self._constraint: Constraint | None = None

    def __call__(self, core: Any, said: Any, logits: Any) -> Any:
        if self._constraint is None:
            self._constraint = self._begin(logits.shape[-1])
        else:
            self._constraint.add(said[-1].item())
        return core.where(core.array(self._constraint.allowed()), logits, -math.inf)


class Dictation:
    """Lets nothing come but the given tokens, one after the other, and notes how likely each was by itself."""

    def __init__(self, tokens: Sequence[int]) -> None:
        self._tokens = tokens
        self._noted: list[Any] = []

    def __call__(self, core: Any, _said: Any, logits: Any) -> Any:
        # mlx-lm asks for one token more than it was told to.
        token = self._tokens[min(len(self._noted), len(self._tokens) - 1)]
        row = logits[0].astype(core.float32)
        self._noted.append(row[token] - core.logsumexp(row))
        return core.where(core.arange(logits.shape[-1]) == token, logits, -math.inf)

    def likelihoods(self) -> tuple[float, ...]:
        """Natural logarithms, of the tokens that were said."""
        return tuple(noted.item() for noted in self._noted[: len(self._tokens)])
