"""Orders of a table's rows in which there is something to see."""

import numpy as np
from numpy.typing import NDArray

_EXACT_COLUMNS = 512
_SUBSPACE, _ITERATIONS = 8, 12
_MOST_ROWS = 2048  # that the directions are found from: of a large table evenly spaced ones say as much
_LARGE = 2**20  # numbers: from there on float32 is exact enough, and takes half the time


def by_frequency(counts: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the ids (V,) of token counts (V,), the most frequent first; ties by id."""
    return np.argsort(-counts, kind="stable")


def by_similarity(table: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return an order (V,) of the rows of `table` (V, C) in which similar rows are neighbours.

    Rows are centred and put to length 1, then ordered by their angle in the plane of the first two principal
    directions, cut at the widest gap (Friendly, Corrgrams, The American Statistician 56, 2002).
    """
    exact = np.float64 if table.size < _LARGE else np.float32
    centred = table.astype(exact) - table.mean(axis=0, dtype=np.float64).astype(exact)  # (V, C)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)  # (V, 1)
    unit = np.divide(centred, lengths, out=np.zeros_like(centred), where=lengths > 0)  # (V, C)
    if unit.shape[1] < 2:
        return np.argsort(unit[:, 0], kind="stable")
    some = unit[:: -(-len(unit) // _MOST_ROWS)].astype(np.float64)  # (v, C)
    first, second = (unit @ _principal_directions(some).astype(exact)).T  # (V,), (V,)
    angles = np.arctan2(second, first)  # (V,)
    order = np.argsort(angles, kind="stable")
    gaps = np.diff(angles[order], append=angles[order[0]] + 2 * np.pi)
    return np.roll(order, -(int(np.argmax(gaps)) + 1))


def _principal_directions(unit: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the first two principal directions (C, 2) of rows (V, C).

    Exactly for narrow tables; for wide ones by subspace iteration (Halko, Martinsson, Tropp, SIAM Review 53,
    2011), which takes a tenth of a second where the exact way takes several.
    """
    columns = unit.shape[1]
    if columns <= _EXACT_COLUMNS:
        return np.linalg.eigh(unit.T @ unit)[1][:, -2:][:, ::-1]
    basis = np.random.default_rng(0).standard_normal((columns, _SUBSPACE))  # (C, S)
    for _ in range(_ITERATIONS):
        basis = np.linalg.qr(unit.T @ (unit @ basis))[0]
    return np.asarray(basis @ np.linalg.svd(unit @ basis, full_matrices=False)[2][:2].T)
