"""What a model said to the steps of a survey, kept as long as the test."""

from __future__ import annotations


class KeptSteps:
    """Fits ``StepMemory``."""

    def __init__(self) -> None:
        self.pace: float | None = None
        self.replies: dict[str, str] = {}

    def recall(self, step: str) -> str | None:
        return self.replies.get(step)

    def keep(self, step: str, reply: str) -> None:
        self.replies[step] = reply
