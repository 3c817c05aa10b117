"""What a model reads of the own line: for a table the selected tokens, for a block what stands before too."""

import numpy as np
from numpy.typing import NDArray

from embedviz.gui.state import AppState


def looked_up_ids(state: AppState) -> list[int | None]:
    """Return the ids whose rows are looked up, in order; None stands before the beginning of the line.

    A bigram table looks up each token of the context. A model that reads a block of fixed length fills up
    what is missing: before an item of a list stands the boundary, in running text nothing (a row of zeros).
    None at all where the selected token has no id.
    """
    ids: list[int | None] = list(state.context_ids.tolist())
    if not ids or state.config.model == "bigram" or state.document is None:
        return ids
    boundary = state.document.dataset.boundary_id
    if boundary in ids:
        ids = ids[len(ids) - ids[::-1].index(boundary) :]
    return [boundary] * (state.run.config.block_size - len(ids)) + ids


def rows_of(values: NDArray[np.float32], ids: list[int | None]) -> NDArray[np.float32]:
    """Return the rows (T, C) of `values` (V, C) for `ids` (T,), zeros for None."""
    present = np.array([token is not None for token in ids])  # (T,)
    rows = values[[token or 0 for token in ids]]  # (T, C), a copy
    rows[~present] = 0
    return rows
