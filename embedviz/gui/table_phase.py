"""What the lookup table shows of the phase of a step that is looked at: whose rows, and which rows move."""

from dataclasses import dataclass

import numpy as np

from embedviz.gui.contexts import looked_up_ids
from embedviz.gui.state import AppState

OF_GRADIENTS = ("gradient", "update")


@dataclass(frozen=True)
class Ticks:
    """Rows, by ids or positions, that have a gradient, those that moved without one, and what is said of them."""

    with_gradient: tuple[int, ...] = ()
    without: tuple[int, ...] = ()
    legend: str = ""  # a line or two
    words: str = ""


def is_of_example(state: AppState) -> bool:
    """Tell whether a step is walked through whose example is not the own context: all phases follow that."""
    phase, trace = state.phase, state.trace
    if phase is None or trace is None or trace.is_watched:
        return False
    return "ids" in trace.arrays and trace.arrays["ids"].size > 0 and state.document is not None


def shown_ids(state: AppState) -> list[int | None]:
    """Return the ids whose rows are looked up: of the own context, or of the example of the phase."""
    if not is_of_example(state):
        return looked_up_ids(state)
    assert state.trace is not None
    assert state.document is not None
    size = state.document.vocab_size
    ids = state.trace.arrays["ids"].ravel().tolist()
    return [token if 0 <= token < size else None for token in ids]


def shown_token(state: AppState) -> int | None:
    """Return the id of the row that matters most: the selected token's, or the last of the example's."""
    return shown_ids(state)[-1] if is_of_example(state) else state.selected_id


def ticks_of(state: AppState, table: str = "token") -> Ticks:
    """Return which rows of a table have a tick in the phase that is looked at: of gradient and update alone."""
    phase, trace, document = state.phase, state.trace, state.document
    if phase is None or trace is None or document is None or phase.name not in OF_GRADIENTS:
        return Ticks()
    prefix = "" if table == "token" else f"{table} "
    has = trace.arrays.get(f"{prefix}rows with gradient")  # (V,), or (T,) of positions
    size = document.vocab_size if table == "token" else state.run.config.block_size
    if has is None or has.shape != (size,):
        return Ticks()
    rows = tuple(np.flatnonzero(has).tolist())
    legend = f"▪ gradient: {len(rows):,} of {size:,}"
    words = f"{len(rows):,} of {size:,} rows have a gradient (ticks)"
    without: tuple[int, ...] = ()
    moved = trace.arrays.get(f"{prefix}moved without gradient") if phase.name == "update" else None  # as `has`
    if moved is not None and moved.shape == has.shape:
        without = tuple(np.flatnonzero(moved).tolist())
        legend += f"\n▫ moved without: {len(without):,}" if without else ""
        words += f", {len(without):,} moved without one (hollow)" if without else ", no other moves"
    return Ticks(rows, without, legend, f"{words}.")
