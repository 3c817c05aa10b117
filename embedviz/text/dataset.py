"""Dataset: the ids a run trains and validates on; both processes get the same one, by construction."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Token ids, split; `boundary_id` is set where the text is a list of items.

    In a list of items a boundary token stands before, between and after the items of each part, so that
    every item is seen with its beginning and its end, and no context crosses from one into the next.
    """

    train_ids: Ids  # (N,), read-only, the smallest unsigned type that holds vocab_size
    val_ids: Ids  # (M,), the same; M = 0 where nothing is held out
    vocab_size: int
    boundary_id: int | None = None
