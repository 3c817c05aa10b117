"""Positions as rotations (RoPE; Su et al., 2021, section 3.2.2), computed again in numpy, to be shown.

Numbers 2i and 2i + 1 of a query or a key are a point of a plane, which turns by base**(-2i / D) a position. Turned
by m and by n, a query and a key have a dot product that depends on m - n alone.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.floating[Any]]

BASE = 10_000.0


def speeds(head_size: int, base: float = BASE) -> NDArray[np.float64]:
    """Return how far each pair turns from one position to the next, in radians, (D / 2,).

    Raises ValueError for an odd `head_size`, which has no pairs.
    """
    if head_size % 2:
        raise ValueError(f"Pairs are turned, and {head_size} numbers are not in pairs.")
    return np.asarray(base ** (-np.arange(0, head_size, 2) / head_size), dtype=np.float64)


def angles(head_size: int, positions: ArrayLike, base: float = BASE) -> NDArray[np.float64]:
    """Return the angle of each pair at each of `positions` (T,), in radians, (T, D / 2)."""
    return np.multiply.outer(np.asarray(positions, dtype=np.float64), speeds(head_size, base))


def rotate(x: Floats, positions: ArrayLike, base: float = BASE) -> Floats:
    """Return `x` (..., T, D) with each vector turned by its position (T,), in x's own precision."""
    turned = angles(x.shape[-1], positions, base)  # (T, D / 2)
    cos, sin = np.cos(turned).astype(x.dtype), np.sin(turned).astype(x.dtype)
    a, b = x[..., 0::2], x[..., 1::2]  # (..., T, D / 2)
    return np.stack((a * cos - b * sin, a * sin + b * cos), axis=-1).reshape(x.shape)


def dot_products(query: Floats, key: Floats, count: int) -> Floats:
    """Return the dot products (T, T) of `query` (D,) at position m with `key` (D,) at n, T = `count`."""
    places = np.arange(count)
    queries = rotate(np.broadcast_to(query, (count, len(query))), places)  # (T, D)
    keys = rotate(np.broadcast_to(key, (count, len(key))), places)  # (T, D)
    products: Floats = queries @ keys.T
    return products
