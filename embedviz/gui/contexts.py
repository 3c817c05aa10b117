"""What a model reads of the own line: which rows of its tables, and what becomes of them before anything else."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedviz.config import RunConfig
from embedviz.engine.snapshots import Snapshot
from embedviz.gui.state import AppState, Phase


def looked_up_ids(state: AppState) -> list[int | None]:
    """Return the ids whose rows are looked up, in order; None stands before the beginning of the line.

    A bigram table looks up each token of the context. A model that reads a block of fixed length fills up
    what is missing: before an item of a list stands the boundary, in running text nothing (a row of zeros).
    One that reads up to so many tokens gets an item with one boundary before it, if there is room.
    None at all where the selected token has no id.
    """
    ids: list[int | None] = list(state.context_ids.tolist())
    reads = state.config.reads
    if not ids or reads == "token" or state.document is None:
        return ids
    boundary: int | None = state.document.dataset.boundary_id
    if boundary in ids:
        ids = ids[len(ids) - ids[::-1].index(boundary) :]
    room = state.run.config.block_size - len(ids)
    if reads == "window":
        room = 0 if boundary is None else min(1, room)
    before: list[int | None] = [boundary] * room
    return before + ids


@dataclass(frozen=True, eq=False)
class Sums:
    """What the positions' table does to the rows of a context: tokens + positions = sums, all (T, C)."""

    tokens: NDArray[np.float32]  # scaled, if the model does that
    positions: NDArray[np.float32]
    sums: NDArray[np.float32]


def adds_positions(config: RunConfig) -> bool:
    """Tell whether such a model adds the rows of a table of positions."""
    return config.has("position") and config.position == "learned"


def row_scale(config: RunConfig) -> float:
    """Return what a row of the token table is multiplied with before anything is added: sqrt(n_embd), or 1."""
    return math.sqrt(config.n_embd) if config.has("scale_embeddings") and config.scale_embeddings else 1.0


def sums_of(snapshot: Snapshot | None, config: RunConfig, ids: list[int | None], first: int = 0) -> Sums | None:
    """Return the sums of `ids` (T,) at the positions from `first` on; None where there is no such table yet."""
    if snapshot is None or "position" not in snapshot.tables or not ids:
        return None
    positions = snapshot.tables["position"][first : first + len(ids)]  # (T, C)
    if len(positions) < len(ids):
        return None  # a step of another run is walked through
    tokens = rows_of(snapshot.tables["token"], ids) * np.float32(row_scale(config))  # (T, C)
    return Sums(tokens, positions, tokens + positions)


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
    if state.run.phase is Phase.LOST:
        return "The trainer has ended: Space starts another one."
    return f"The trainer is warming up: {what_comes}."


def in_a_row(labels: Sequence[str]) -> str:
    """Return the labels of consecutive tokens as they are read: letters together, longer ones apart."""
    return ("" if all(len(label) == 1 for label in labels) else " ").join(labels)
