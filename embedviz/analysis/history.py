"""LossHistory: every loss of a run in bounded memory, fine where it is recent and coarse where it is old."""

import threading
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

CAPACITY = 4096
"""Buckets a level holds."""

_FACTOR = 8  # how much coarser each level is than the one before
_LEVELS = 10  # the coarsest holds 4,096 x 8**9 steps: more than a year of the fastest training

Floats = NDArray[np.float64]


class Series(NamedTuple):
    """A curve to draw: per bucket its place, and the mean, least and greatest of its finite losses."""

    steps: Floats  # (N,): the middle of the steps that the bucket covers so far
    mean: Floats  # (N,): NaN, as are the next two, where no loss was finite
    low: Floats  # (N,)
    high: Floats  # (N,)


@dataclass(frozen=True, eq=False)
class _Buckets:
    index: NDArray[np.int64]  # (N,), ascending: a bucket covers the steps from index * stride on
    count: NDArray[np.int64]  # (N,): of finite losses, as are the next three
    total: Floats  # (N,)
    low: Floats  # (N,)
    high: Floats  # (N,)

    def take(self, where: slice | NDArray[np.int64]) -> "_Buckets":
        """Return the buckets at these places."""
        return _Buckets(self.index[where], self.count[where], self.total[where], self.low[where], self.high[where])

    def coarser(self, factor: int) -> "_Buckets":
        """Merge the buckets that share one of a stride `factor` times as long."""
        if not len(self.index):
            return self
        index = self.index // factor
        first = np.flatnonzero(np.diff(index, prepend=-1))  # where a new bucket begins
        return _Buckets(
            index[first],
            np.add.reduceat(self.count, first),
            np.add.reduceat(self.total, first),
            np.minimum.reduceat(self.low, first),
            np.maximum.reduceat(self.high, first),
        )

    def since(self, index: int) -> "_Buckets":
        """Return the buckets from `index` on."""
        return self.take(slice(int(np.searchsorted(self.index, index)), None))

    def until(self, index: int) -> "_Buckets":
        """Return the buckets up to `index`, inclusive."""
        return self.take(slice(int(np.searchsorted(self.index, index, side="right"))))


class _Level:
    """The newest CAPACITY buckets of one stride, in a ring: bucket i lies in slot i % CAPACITY."""

    def __init__(self, stride: int) -> None:
        self.stride = stride
        self._ring = _Buckets(
            np.full(CAPACITY, -1, dtype=np.int64),
            np.zeros(CAPACITY, dtype=np.int64),
            np.zeros(CAPACITY),
            np.full(CAPACITY, np.inf),
            np.full(CAPACITY, -np.inf),
        )

    def add(self, new: _Buckets) -> None:
        """Take in buckets; one that is held already grows."""
        ring, new = self._ring, new.take(slice(-CAPACITY, None))
        slots = new.index % CAPACITY
        self._clear(slots[ring.index[slots] != new.index])
        ring.index[slots] = new.index
        ring.count[slots] += new.count
        ring.total[slots] += new.total
        ring.low[slots] = np.minimum(ring.low[slots], new.low)
        ring.high[slots] = np.maximum(ring.high[slots], new.high)

    def drop(self, index: int) -> None:
        """Forget the buckets from `index` on."""
        self._clear(np.flatnonzero(self._ring.index >= index))

    def held(self) -> _Buckets:
        """Return a copy of what is held, in order."""
        index = self._ring.index
        # Where steps were left out, slots may still hold what lies more than a ring behind.
        slots = np.flatnonzero(index > max(int(index.max()) - CAPACITY, -1))
        slots = slots[np.argsort(index[slots])]
        return self._ring.take(slots)

    def _clear(self, slots: NDArray[np.int64]) -> None:
        ring = self._ring
        ring.index[slots] = -1
        ring.count[slots] = 0
        ring.total[slots] = 0.0
        ring.low[slots] = np.inf
        ring.high[slots] = -np.inf


class LossHistory:
    """The losses of a run, by step, in levels of strides 1, 8, 64, ...; any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._levels = [_Level(_FACTOR**level) for level in range(_LEVELS)]
        self._begin = self._end = 0  # the first step there ever was, and the one after the last
        self._count = 0
        self._last_step: int | None = None
        self._last: float | None = None

    @property
    def count(self) -> int:
        """How many losses were appended since the last `truncate`."""
        with self._lock:
            return self._count

    @property
    def last(self) -> float | None:
        """The newest loss, finite or not; None if there is none, or if going back left none that is held."""
        with self._lock:
            return self._last

    @property
    def last_step(self) -> int | None:
        """The step of `last`."""
        with self._lock:
            return self._last_step

    def append(self, first_step: int, losses: NDArray[np.floating]) -> None:
        """Take in `losses` (N,), of the steps from `first_step` (0 or more) on.

        Steps may be left out. Raises ValueError for a step that is not after the last: `truncate` first.
        """
        if not len(losses):
            return
        values = losses.astype(np.float64)  # (N,)
        finite = np.isfinite(values)  # (N,)
        index = np.arange(first_step, first_step + len(values))  # (N,)
        new = _Buckets(
            index,
            finite.astype(np.int64),
            np.where(finite, values, 0.0),
            np.where(finite, values, np.inf),
            np.where(finite, values, -np.inf),
        )
        with self._lock:
            if first_step < self._end:
                raise ValueError(f"step {first_step} is not after those before it, which end at {self._end}")
            if self._end == self._begin:
                self._begin = first_step
            for level in self._levels:
                level.add(new)
                new = new.coarser(_FACTOR)
            self._count += len(values)
            self._end = first_step + len(values)
            self._last_step, self._last = self._end - 1, float(values[-1])

    def truncate(self, step: int) -> None:
        """Drop everything from `step` on, and count anew.

        A bucket that `step` cuts is made again from the finer ones. Far back those are gone: then the less
        than one stride of losses before `step` is forgotten there, rather than shown mixed with dropped ones.
        """
        with self._lock:
            finer: _Level | None = None
            for level in self._levels:
                cut = max(step, 0) // level.stride
                level.drop(cut)
                if finer is not None:
                    level.add(finer.held().since(cut * _FACTOR).coarser(_FACTOR))
                finer = level
            self._count = 0
            if step < self._end:
                self._end = max(step, 0)
                self._begin = min(self._begin, self._end)
                newest = self._levels[0].held()
                self._last_step = int(newest.index[-1]) if len(newest.index) else None
                self._last = None if self._last_step is None else float(_curve(newest)[0][-1])

    def series(self, first: int, last: int, points: int) -> Series:
        """Return the losses of steps `first` to `last` (inclusive) in at most `points` buckets.

        They come from the finest level that reaches back to `first`, or to the first loss there is. Buckets
        are merged by powers of two, at places that do not depend on the range: a growing curve does not
        shimmer. Those at the two ends may reach beyond the range.
        """
        with self._lock:
            reach = max(first, self._begin)
            for level in self._levels:
                held = level.held()
                if len(held.index) and held.index[0] * level.stride <= reach:
                    break
            begin, end = self._begin, self._end
        width = level.stride
        buckets = held.since(first // width).until(last // width)
        while len(buckets.index) > max(points, 1):
            held, width = held.coarser(2), width * 2
            buckets = held.since(first // width).until(last // width)
        starts = np.maximum(buckets.index * width, begin)
        ends = np.minimum(buckets.index * width + width, end)
        return Series((starts + ends - 1) / 2, *_curve(buckets))


def _curve(buckets: _Buckets) -> tuple[Floats, Floats, Floats]:
    with np.errstate(invalid="ignore"):  # 0 / 0 is the NaN that is meant
        mean = buckets.total / buckets.count
    seen = buckets.count > 0
    return mean, np.where(seen, buckets.low, np.nan), np.where(seen, buckets.high, np.nan)
