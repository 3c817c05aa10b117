"""Checkpoint: all that a run needs to go on exactly as if it had never stopped. Plain numpy, no torch."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedviz.errors import EmbedvizError


class CheckpointError(EmbedvizError):
    """The checkpoint belongs to another run: its arrays do not fit."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The state of a run after `step` updates: parameters, optimiser, generator, guard, and what is frozen.

    Names are paths, as in "parameters/token_embedding_table.weight" or "optimizer/0/exp_avg". It owns the
    arrays, and makes them read-only.
    """

    step: int
    arrays: dict[str, NDArray[np.generic]]
    scalars: dict[str, float]

    def __post_init__(self) -> None:
        for array in self.arrays.values():
            array.flags.writeable = False

    @property
    def size(self) -> int:
        """How many bytes the arrays take."""
        return sum(array.nbytes for array in self.arrays.values())
