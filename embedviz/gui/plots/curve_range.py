"""How much of a loss curve to show, and in how many points.

The range is steady while the curve grows, and not flattened for ever by a bad start.
"""

import math

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
_ENDS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0)
MOST = 1e9  # what is higher is beyond any axis, and would break the arithmetic of one
SETTLED_AFTER = 20  # points: before that, nothing is cut off


def nice_end(last: float, present: float) -> float:
    """Return where the step axis ends: a round number with room after `last`, not less than `present`."""
    wished = max(20.0, last * 1.05)
    power = 10.0 ** math.floor(math.log10(wished))
    return max(present, next(end * power for end in _ENDS if end * power >= wished))


def drawable(values: Points) -> Points:
    """Return `values` with NaN, which leaves a gap, for those that are too large to be drawn."""
    return np.where(np.abs(values) <= MOST, values, np.nan)


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


def thin(
    train: tuple[Points, Points, Points, Points], first: float, last: float, most: int
) -> tuple[Points, Points, Points, Points]:
    """Return `train` (steps, mean, low, high) between two steps in about `most` points and one beyond each.

    Blocks of points are taken together: the mean of the means, the lowest low, the highest high; none is left
    out. They are counted from the curve's first point, so that they hold still while it grows; the first and
    the last point are kept as they are. NaN is passed over, and stays only where there is nothing else.
    """
    steps = train[0]
    start = max(0, int(np.searchsorted(steps, first, side="left")) - 1)
    stop = min(len(steps), int(np.searchsorted(steps, last, side="right")) + 1)
    size = -(-(stop - start) // max(1, most))
    if size <= 1:
        steps, mean, low, high = (part[start:stop] for part in train)
        return steps, mean, low, high
    start = start // size * size
    stop = min(len(steps), -(-stop // size) * size)
    steps, mean, low, high = (_blocks(part[start:stop], size) for part in train)
    lowest = np.fmin.reduce(np.fmin(mean, low), axis=1)
    highest = np.fmax.reduce(np.fmax(mean, high), axis=1)
    ends = [np.array([part[start], part[stop - 1]]) for part in train]
    inner = _mean(steps), _mean(mean), lowest, highest
    steps, mean, low, high = (
        np.concatenate([end[:1], part, end[1:]]) for end, part in zip(ends, inner, strict=True)
    )
    return steps, mean, low, high


def _blocks(values: Points, size: int) -> Points:
    """Return (n,) as (ceil(n / size), size), the last filled up with NaN."""
    padded = np.full(-(-len(values) // size) * size, np.nan)
    padded[: len(values)] = values
    return padded.reshape(-1, size)


def _mean(blocks: Points) -> Points:
    """Return the mean of each block's finite numbers; NaN where there is none."""
    finite = np.isfinite(blocks)
    counts = finite.sum(axis=1)
    sums = np.where(finite, blocks, 0.0).sum(axis=1)
    mean: Points = np.divide(sums, counts, out=np.full(len(blocks), np.nan), where=counts > 0)
    return mean
