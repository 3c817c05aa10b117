"""What is said about a hidden layer: how its tanh outputs lie, and which units have stopped to listen."""

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Numbers = TypeVar("Numbers", NDArray[np.float32], NDArray[np.float64])

SATURATED = 0.97
"""A tanh output farther from 0 than this is called saturated: its slope 1 - h^2 is below 0.06."""

MOSTLY = 0.5
"""A unit that is saturated on more than this share of the examples is called mostly saturated."""


@dataclass(frozen=True, eq=False)
class ActivationSummary:
    """The tanh outputs of one hidden layer on N examples, H units; all arrays are read-only.

    A *saturated* output is one with |h| > 0.97. A unit is *mostly saturated* if more than half of its outputs
    are. A unit is *dead* if all of its outputs are saturated, so that next to no gradient passes it on any of
    the examples (1 - h^2 < 0.06), or if it is constant, so that it tells them nothing. Dead units that are
    saturated are counted among the mostly saturated as well.

    The limit is that of Karpathy's makemore, part 3 ("Activations & Gradients, BatchNorm"), which plots the
    share of |h| > 0.97 for each layer, and looks for units that are beyond 0.99 on all examples.
    """

    edges: NDArray[np.float64]  # (bins + 1,), from -1 to 1
    shares: NDArray[np.float64]  # (bins,), of all N * H outputs
    saturated_share: float  # of all N * H outputs
    saturated_units: int
    dead_units: int
    unit_saturation: NDArray[np.float32]  # (H,), the share of examples on which a unit is saturated
    n_examples: int

    @property
    def headline(self) -> str:
        """All of it in one sentence."""
        units, contexts = len(self.unit_saturation), "context" if self.n_examples == 1 else "contexts"
        return (
            f"{100 * self.saturated_share:.1f} % of activations saturated; {self.saturated_units:,} of {units:,} "
            f"{'unit' if units == 1 else 'units'} mostly so, {self.dead_units:,} dead "
            f"(on {self.n_examples:,} {contexts})"
        )


def summarize(hidden: NDArray[np.floating[Any]], bins: int = 50) -> ActivationSummary:
    """Return what is to be said about `hidden`, the tanh outputs, (N, H).

    What is not a number is in no bin and counts as not saturated. One example alone makes no unit constant.
    Raises ValueError for what is not two-dimensional.
    """
    if hidden.ndim != 2:
        raise ValueError(f"The outputs of a hidden layer are (N, H), not {hidden.shape}.")
    examples, units = hidden.shape
    outputs = max(1, examples * units)
    numbers = hidden[np.isfinite(hidden)]  # (N * H,) at most
    places = np.clip(((numbers.astype(np.float64) + 1) * (bins / 2)).astype(np.int64), 0, bins - 1)
    saturated = np.abs(hidden) > SATURATED  # (N, H)
    unit_saturation = saturated.sum(axis=0, dtype=np.float32) / np.float32(max(1, examples))  # (H,)
    constant = (hidden == hidden[:1]).all(axis=0) if examples > 1 else np.zeros(units, dtype=bool)  # (H,)
    return ActivationSummary(
        _read_only(np.linspace(-1.0, 1.0, bins + 1)),
        _read_only(np.bincount(places, minlength=bins) / outputs),
        float(saturated.sum()) / outputs,
        int((unit_saturation > MOSTLY).sum()),
        int(((unit_saturation == 1) | constant).sum()),
        _read_only(unit_saturation),
        examples,
    )


def _read_only(values: Numbers) -> Numbers:
    values.flags.writeable = False
    return values
