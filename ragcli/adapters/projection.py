"""Vectors of many dimensions become places on a map (numpy): principal components, the two of the largest variance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ragcli.types import Vector

Groups = Mapping[str, Sequence[Vector]]


def centres(groups: Groups) -> dict[str, np.ndarray]:
    """The mean of each group's vectors. A group without any has none."""
    return {name: np.asarray(vectors, dtype=np.float64).mean(axis=0) for name, vectors in groups.items() if len(vectors)}


def project(vectors: Mapping[str, np.ndarray]) -> dict[str, tuple[float, float]]:
    """A place from 0 to 1 in both directions for each name; the same vectors give the same places.

    Pearson, On Lines and Planes of Closest Fit to Systems of Points in Space, 1901.
    """
    if not vectors:
        return {}
    matrix = np.stack([vectors[name] for name in vectors])
    matrix = matrix - matrix.mean(axis=0)
    _, _, axes = np.linalg.svd(matrix, full_matrices=False)
    flat = np.zeros((len(matrix), 2))
    for number, axis in enumerate(axes[:2]):
        # An axis has no direction of its own: its largest part points up, so that a map made again is not mirrored.
        flat[:, number] = matrix @ axis * (1 if axis[np.abs(axis).argmax()] > 0 else -1)
    low, span = flat.min(axis=0), np.ptp(flat, axis=0)
    scaled = np.where(span > 1e-9, (flat - low) / np.where(span > 1e-9, span, 1), 0.5)
    return {name: (round(float(x), 4), round(float(y), 4)) for name, (x, y) in zip(vectors, scaled, strict=True)}
