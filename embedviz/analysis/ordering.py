"""Orders of a table's rows in which there is something to see."""

import numpy as np
from numpy.typing import NDArray


def by_frequency(counts: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the ids (V,) of token counts (V,), the most frequent first; ties by id."""
    return np.argsort(-counts, kind="stable")


def by_similarity(table: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return an order (V,) of the rows of `table` (V, C) in which similar rows are neighbours.

    Rows are centred and put to length 1, then ordered by their angle in the plane of the first two principal
    directions, cut at the widest gap (Friendly, Corrgrams, The American Statistician 56, 2002).
    """
    centred = table.astype(np.float64) - table.mean(axis=0, dtype=np.float64)  # (V, C)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)  # (V, 1)
    unit = np.divide(centred, lengths, out=np.zeros_like(centred), where=lengths > 0)  # (V, C)
    # The small Gram matrix has the same principal directions as the large table.
    _, vectors = np.linalg.eigh(unit.T @ unit)  # (C, C), ascending
    if vectors.shape[1] < 2:
        return np.argsort(unit[:, 0], kind="stable")
    first, second = (unit @ vectors[:, -k] for k in (1, 2))  # (V,), (V,)
    angles = np.arctan2(second, first)  # (V,)
    order = np.argsort(angles, kind="stable")
    gaps = np.diff(angles[order], append=angles[order[0]] + 2 * np.pi)
    return np.roll(order, -(int(np.argmax(gaps)) + 1))
