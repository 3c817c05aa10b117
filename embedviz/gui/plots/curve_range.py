"""How much of a loss curve to show: steady while it grows, and not flattened for ever by a bad start."""

import math

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
_ENDS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0)
SETTLED_AFTER = 20  # points: before that, nothing is cut off


def nice_end(last: float, present: float) -> float:
    """Return where the step axis ends: a round number with room after `last`, not less than `present`."""
    wished = max(20.0, last * 1.05)
    power = 10.0 ** math.floor(math.log10(wished))
    return max(present, next(end * power for end in _ENDS if end * power >= wished))


def y_range(values: Points, lines: list[float], settled: float | None) -> tuple[float, float]:
    """Return the lowest and highest loss to show: all `values` and `lines`, unless the start was very bad.

    `settled` is the loss of guessing (ln V), if known. Where the start is more than twice as far up as that,
    or as the curve after its first tenth, and the curve has come down since, the start is cut off.
    """
    finite = values[np.isfinite(values)]
    known = [line for line in lines if math.isfinite(line)]
    if not len(finite):
        return (min(known), max(known)) if len(known) > 1 else (0.0, 1.0)
    low = float(min(finite.min(), *known)) if known else float(finite.min())
    high = float(finite.max())
    if len(finite) >= SETTLED_AFTER:
        later = float(finite[len(finite) // 10 :].max())
        usual = max(later, settled * 1.05) if settled is not None else later + 0.25 * (later - low)
        if high - low > 2 * (usual - low):
            high = usual
    high = max([high, *known])
    if high - low < 1e-9:
        middle = (high + low) / 2
        reach = max(1e-3, abs(middle) * 0.05)
        return middle - reach, middle + reach
    return low, high
