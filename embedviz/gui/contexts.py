"""What a model reads of the own line: for a table the selected tokens, for a block what stands before too."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from embedviz.gui.state import AppState, Phase


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


def why_no_frame(state: AppState, what_comes: str) -> str:
    """Return a sentence that says why there is nothing to show yet, and what to do or to wait for."""
    if state.run.phase is Phase.REFUSED:
        return "This run was not started, for the reason told above: choose other settings or another text."
    return f"The trainer is warming up: {what_comes}."


def in_a_row(labels: Sequence[str]) -> str:
    """Return the labels of consecutive tokens as they are read: letters together, longer ones apart."""
    return ("" if all(len(label) == 1 for label in labels) else " ").join(labels)
