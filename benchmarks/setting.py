"""What the benchmarks share: where the models are, and how a figure is printed."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("RAGCLI_HOME", REPOSITORY / ".cache"))
MODELS = HOME / "models"


def median_line(name: str, values: Sequence[float], unit: str) -> str:
    return f"{name:<44} {statistics.median(values):9.2f} {unit}  (min {min(values):.2f}, max {max(values):.2f}, n {len(values)})"
