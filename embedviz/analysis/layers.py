"""What a layer puts out, as a few numbers: how large, how spread, how much of it is 0, and a histogram."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 41  # odd: the middle one is around 0
NEAR_ZERO = 1e-6  # and nearer counts as 0: a unit that is switched off
_REACH = 5.0  # of the histogram in units of the rms: a single outlier does not flatten it
_NUMBERS = ("mean", "std", "rms", "smallest", "largest", "zeros", "reach")
STATS = len(_NUMBERS) + BINS
"""How many numbers a summary is, as it travels from the trainer to the window."""


@dataclass(frozen=True, eq=False)
class LayerSummary:
    """The outputs of one layer, all places together. They are NaN if not all of these are finite."""

    mean: float
    std: float  # around the mean, of all of them: divided by their number
    rms: float  # root of the mean square
    smallest: float
    largest: float
    zeros: float  # share that is within NEAR_ZERO of 0
    reach: float  # the histogram goes from -reach to reach; 0 where all are 0
    shares: NDArray[np.float32]  # (BINS,) of all; the two at the ends have what is beyond, too

    @classmethod
    def of(cls, stats: NDArray[np.float32]) -> LayerSummary:
        """Read what `summarize_layer` has made, (STATS,)."""
        if stats.shape != (STATS,):
            raise ValueError(f"a summary is ({STATS},), not {stats.shape}")
        mean, std, rms, smallest, largest, zeros, reach = stats[: len(_NUMBERS)].tolist()
        return cls(mean, std, rms, smallest, largest, zeros, reach, stats[len(_NUMBERS) :])

    @property
    def is_finite(self) -> bool:
        """Tell whether all outputs are numbers."""
        return math.isfinite(self.rms)


def summarize_layer(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the summary (STATS,) of `values`, of any shape: computed in float64, all 0 of nothing."""
    stats = np.zeros(STATS, np.float32)
    numbers = values.reshape(-1).astype(np.float64)  # (N,)
    if not len(numbers):
        return stats
    sizes = np.abs(numbers)  # (N,)
    if not math.isfinite(float(sizes.max())):  # NaN wins a maximum
        stats[: len(_NUMBERS)] = np.nan
        return stats
    rms = _root_mean_square(numbers, float(sizes.max()))
    mean = float(numbers.mean())
    reach = min(float(sizes.max()), _REACH * rms)
    std = _root_mean_square(numbers - mean, float(np.abs(numbers - mean).max()))
    zeros = float(np.mean(sizes <= NEAR_ZERO))
    stats[: len(_NUMBERS)] = mean, std, rms, numbers.min(), numbers.max(), zeros, reach
    stats[len(_NUMBERS) :] = _histogram(numbers, reach)
    return stats


def _root_mean_square(numbers: NDArray[np.float64], largest: float) -> float:
    """Return the rms of numbers that are up to `largest`; squares neither overflow nor vanish."""
    if largest == 0:
        return 0.0
    return largest * math.sqrt(float(np.mean(np.square(numbers / largest))))


def _histogram(numbers: NDArray[np.float64], reach: float) -> NDArray[np.float64]:
    """Return the share of `numbers` in each of BINS equal parts from -reach to reach, (BINS,)."""
    if reach == 0:
        shares = np.zeros(BINS)
        shares[BINS // 2] = 1.0
        return shares
    places = np.floor((numbers / reach + 1) * (BINS / 2)).clip(0, BINS - 1).astype(np.intp)  # (N,)
    return np.bincount(places, minlength=BINS) / len(numbers)
