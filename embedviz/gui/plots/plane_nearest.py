"""What is nearest on a plane: a token on one side of another, a point of an area."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF


def beside(values: NDArray[np.float32], token: int, way: tuple[float, float]) -> int:
    """Return which of `values` (V, 2) is nearest to `token`, within 45 degrees of `way`; else `token`."""
    offsets = values - values[token]  # (V, 2)
    along = offsets @ np.array(way, dtype=np.float32)
    squares = (offsets**2).sum(axis=1)
    squares[~((along > 0) & (2 * along**2 >= squares))] = np.inf
    nearest = int(np.argmin(squares))
    return nearest if np.isfinite(squares[nearest]) else token


def nearest_in(area: QRectF, point: QPointF) -> QPointF:
    """Return the point of `area` that is nearest to `point`."""
    x = min(max(point.x(), area.left()), area.right())
    return QPointF(x, min(max(point.y(), area.top()), area.bottom()))
