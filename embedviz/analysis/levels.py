"""Limits of a colour scale that hold still: training must look like motion, not like flicker."""

import math

_STEPS = (1.0, 1.5, 2.0, 3.0, 4.5, 7.0, 10.0)
_SHRINK_BELOW = 0.25  # of the limit ...
_SHRINK_AFTER = 30  # ... for so many frames


def nice_limit(value: float, least: float = 1e-12) -> float:
    """Return the smallest of 1, 1.5, 2, 3, 4.5, 7, 10 times a power of ten that is not below `value`."""
    value = max(value, least)
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (*_STEPS, 15.0) if step * power >= value * (1 - 1e-9))


class StableLimit:
    """A limit that grows at once, in steps, and shrinks late (or never), so that colours keep their meaning."""

    def __init__(self, *, shrinks: bool, first: float | None = None) -> None:
        """Take `first`, the limit while there is nothing but zeros; `shrinks` for what fades, like gradients."""
        self._shrinks = shrinks
        self._first = first
        self._limit: float | None = None
        self._low_frames = 0

    def reset(self) -> None:
        """Forget: the next value decides anew."""
        self._limit = None
        self._low_frames = 0

    def settle(self) -> None:
        """Let the next value shrink the limit at once: what moved has stopped, and is looked at."""
        self._low_frames = _SHRINK_AFTER

    def update(self, largest: float) -> float:
        """Take the largest magnitude of a frame; return the limit to draw it with."""
        if not math.isfinite(largest):
            return self._limit or self._first or 1.0
        if largest == 0 and self._limit is None:
            return self._first or 1.0
        if self._limit is None or largest > self._limit:
            self._limit = nice_limit(largest)
            self._low_frames = 0
        elif self._shrinks and 0 < largest < _SHRINK_BELOW * self._limit:
            self._low_frames += 1
            if self._low_frames >= _SHRINK_AFTER:
                self._limit = nice_limit(largest)
                self._low_frames = 0
        else:
            self._low_frames = 0
        return self._limit
