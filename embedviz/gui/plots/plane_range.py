"""From where to where an axis of the plane goes: close around the data, and holding still while that moves."""

import math

import numpy as np
from numpy.typing import NDArray

ROOM = 0.06  # of what the data span, left free on each side
SHRINK_BELOW, SHRINK_AFTER = 0.7, 30  # of the range, for so many frames
SHRINK_AT_ONCE = 0.35  # of the range: no step of training does that, another run does


def round_step(least: float) -> float:
    """Return the smallest of 1, 2, 5 times a power of ten that is not below `least`, which is above 0."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in (1.0, 2.0, 5.0, 10.0, 20.0) if step * power >= least * (1 - 1e-9))


class StableRange:
    """A range that grows at once, in steps, and shrinks late."""

    def __init__(self) -> None:
        self.low, self.high = -1.0, 1.0
        self._is_new = True
        self._small_frames = 0

    def reset(self) -> None:
        """Forget: the next values decide anew."""
        self._is_new = True

    def update(self, values: NDArray[np.float32], usual: float) -> None:
        """Take the values of a frame, (V,); `usual` is what the range goes by while they are all the same."""
        finite = values[np.isfinite(values)]
        if not len(finite):
            return
        first, last = float(finite.min()), float(finite.max())
        span = (last - first) or 2 * usual
        held = self.high - self.low
        self._small_frames = self._small_frames + 1 if span < SHRINK_BELOW * held else 0
        low, high = _around((first + last) / 2, span)
        if self._is_new or self._small_frames >= SHRINK_AFTER or span < SHRINK_AT_ONCE * held:
            self.low, self.high = low, high
            self._is_new, self._small_frames = False, 0
            return
        if first < self.low:
            self.low = min(self.low, low)
        if last > self.high:
            self.high = max(self.high, high)


def _around(middle: float, span: float) -> tuple[float, float]:
    reach = (0.5 + ROOM) * span
    step = round_step(span / 20)
    return math.floor((middle - reach) / step) * step, math.ceil((middle + reach) / step) * step
