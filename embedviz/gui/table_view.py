"""What the lookup table looks like in each mode: which numbers, which colours, which limits."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedviz.analysis.levels import StableLimit, nice_limit
from embedviz.config import RunConfig
from embedviz.gui.contexts import why_no_frame
from embedviz.gui.state import AppState
from embedviz.text.pairs import PairCounts

MODES = (
    ("weights", "Weights", "The numbers of the table itself"),
    ("plane", "Plane", "Every token as a point: a row of two numbers is a place in the plane"),
    ("softmax", "Softmax", "Each row as probabilities: what the model says follows the row's token"),
    ("counts", "Counts", "How often each token follows each in the training text (logarithmic colours)"),
    ("change", "Change", "What the weights gained or lost since the step shown before"),
    ("gradient", "Gradient", "The gradient of the loss in the last step: training moves against it"),
)

MOST_COUNTED = 4096  # tokens: two pictures of their pairs, as numbers and as colours, take 134 MB


def modes_of(config: RunConfig) -> tuple[str, ...]:
    """Return the modes that mean something for the table of `config`, by name.

    Only the rows of a bigram table are logits, which have a softmax and counts to be compared with.
    """
    if config.model == "bigram":
        return ("weights", "softmax", "counts", "change", "gradient")
    return ("weights", *(("plane",) if config.n_embd == 2 else ()), "change", "gradient")


@dataclass(frozen=True, eq=False)
class TableFrame:
    """One picture of the table: `values` (V, C) in id order, drawn between `levels`."""

    values: NDArray[np.float32]
    levels: tuple[float, float]
    colormap: str
    title: str
    ticks: tuple[str, str, str] | None = None  # at the top, middle and bottom of the legend, if not the levels
    numbers: NDArray[np.float32] | None = None  # what the colours stand for, if not `values`


class TableModes:
    """Makes the frame of a mode from the state; remembers the limits, which hold still within a run."""

    def __init__(self) -> None:
        self.colour_blind = False
        self._counts: tuple[str, TableFrame] | None = None  # of which document
        self._limits = {
            "weights": StableLimit(shrinks=False, first=1.0),
            "change": StableLimit(shrinks=True, first=0.1),
            "gradient": StableLimit(shrinks=True, first=1e-3),
        }

    def reset(self) -> None:
        """Forget the limits: another run, another table."""
        for limit in self._limits.values():
            limit.reset()

    def settle(self) -> None:
        """Let what fades have the limit that it needs, at once."""
        for limit in self._limits.values():
            limit.settle()

    def frame(self, mode: str, state: AppState) -> TableFrame | str:
        """Return the picture, or a sentence that says why there is none yet and what to do."""
        document, snapshot = state.document, state.snapshot
        if document is None:
            return "Open a text to see its lookup table."
        if mode == "counts":
            if document.vocab_size > MOST_COUNTED:
                return f"Counts are drawn for up to {MOST_COUNTED:,} tokens, and here are {document.vocab_size:,}."
            if self._counts is None or self._counts[0] != document.key:
                self._counts = document.key, _counts_frame(document.pairs)
            return self._counts[1]
        if snapshot is None:
            return why_no_frame(state, "the table comes with its first step")
        table = snapshot.tables["token"]
        if mode == "softmax":
            return TableFrame(softmax_rows(table), (0.0, 1.0), "viridis", f"step {snapshot.step:,}")
        if mode in ("weights", "plane"):
            return self._signed(mode, table, f"step {snapshot.step:,}")
        if mode == "change":
            if state.previous is None:
                return "Take a step: this shows what the weights gained or lost by it."
            change = table - state.previous.tables["token"]
            return self._signed(mode, change, f"step {state.previous.step:,} to {snapshot.step:,}")
        gradient = snapshot.gradients.get("token")
        if gradient is None:
            return "Take a step: this shows the gradient that it followed."
        return self._signed(mode, gradient, f"of the step to {snapshot.step:,}")

    def _signed(self, mode: str, values: NDArray[np.float32], title: str) -> TableFrame:
        largest = max(float(values.max()), -float(values.min())) if values.size else 0.0
        limit = self._limits["weights" if mode == "plane" else mode].update(largest)
        colormap = "CET-CBD1" if self.colour_blind else "CET-D1"
        return TableFrame(values, (-limit, limit), colormap, title)


def softmax_rows(table: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return softmax of each row of (V, C)."""
    shifted = np.exp(table - table.max(axis=1, keepdims=True))  # (V, C)
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), dtype=np.float32)


def _counts_frame(pairs: PairCounts) -> TableFrame:
    numbers = np.zeros((pairs.vocab_size, pairs.vocab_size), np.float32)  # (V, V)
    numbers.reshape(-1)[pairs.codes] = pairs.counts
    top = nice_limit(max(float(pairs.counts.max(initial=0)), 1.0))
    level = float(np.log1p(top))
    middle = np.expm1(level / 2)
    ticks = (f"{top:,.0f}", f"{middle:,.0f}", "0")
    return TableFrame(
        np.log1p(numbers),
        (0.0, level),
        "viridis",
        "training part",
        ticks,
        numbers,
    )
