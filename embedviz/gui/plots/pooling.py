"""Fewer numbers than cells: blocks of a table taken together, so that none is skipped when pixels run out."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Pooling = Literal["mean", "extreme"]
Floats = NDArray[np.floating[Any]]


def pool(values: Floats, rows: int, columns: int, how: Pooling) -> Floats:
    """Return one number for each block of `rows` by `columns` cells; the last blocks may be smaller.

    "mean" is over the block's finite numbers; "extreme" the finite number farthest from 0. A block that has
    no finite number gives NaN. (R, C) to (ceil(R / rows), ceil(C / columns)).
    """
    if rows == 1 and columns == 1:
        return values
    if how == "extreme":
        low, high = np.fmin, np.fmax  # both pass NaN over
        finite = values if np.isfinite(values).all() else np.where(np.isfinite(values), values, np.nan)
        lowest = _fold(_fold(finite, rows, 0, low), columns, 1, low)
        highest = _fold(_fold(finite, rows, 0, high), columns, 1, high)
        return np.where(-lowest > highest, lowest, highest)
    with np.errstate(invalid="ignore", over="ignore"):
        sums = _fold(_fold(values, rows, 0, np.add), columns, 1, np.add)
    sizes = np.outer(_sizes(values.shape[0], rows), _sizes(values.shape[1], columns))
    if np.isfinite(sums).all():
        return sums / sizes.astype(sums.dtype)
    finite = np.isfinite(values)
    sums = _fold(_fold(np.where(finite, values, 0), rows, 0, np.add), columns, 1, np.add)
    counts = _fold(_fold(finite.astype(np.float32), rows, 0, np.add), columns, 1, np.add)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _fold(values: Floats, size: int, axis: int, by: np.ufunc) -> Floats:
    """Reduce blocks of `size` along `axis`; numpy's reduceat does the same, but several times slower."""
    if size == 1:
        return values
    length = values.shape[axis]
    whole = length // size * size
    if axis == 0:
        parts = [by.reduce(values[:whole].reshape(whole // size, size, values.shape[1]), axis=1)]
        rest = values[whole:]
    else:
        parts = [by.reduce(values[:, :whole].reshape(len(values), whole // size, size), axis=2)]
        rest = values[:, whole:]
    if whole < length:
        parts.append(by.reduce(rest, axis=axis, keepdims=True))
    return np.concatenate(parts, axis=axis)


def _sizes(length: int, size: int) -> NDArray[np.int64]:
    return np.minimum(size, length - np.arange(0, length, size))


def note(rows: int, columns: int, how: Pooling) -> str:
    """Return the sentence that owns up to pooling, or "" if every cell is drawn by itself."""
    if rows == 1 and columns == 1:
        return ""
    if columns == 1:
        mark, cells = "line", f"{rows} rows"
    elif rows == 1:
        mark, cells = "line", f"{columns} columns"
    else:
        mark, cells = "dot", f"{rows} rows by {columns} columns"
    if how == "extreme":
        return f"each {mark} shows, of {cells}, the value farthest from 0"
    return f"each {mark} shows the mean of {cells}"
