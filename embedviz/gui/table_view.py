"""What the lookup table looks like in each mode: which numbers, which colours, which limits."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedviz import catalog
from embedviz.analysis.levels import StableLimit, nice_limit
from embedviz.config import RunConfig
from embedviz.engine.snapshots import Snapshot
from embedviz.gui.contexts import adds_positions, why_no_frame
from embedviz.gui.state import AppState
from embedviz.text.pairs import PairCounts

MODES = (
    ("weights", "Weights", "The numbers of the table itself"),
    ("plane", "Plane", "Every token as a point: a row of two numbers is a place in the plane"),
    ("softmax", "Softmax", "Each row as probabilities: what the model says follows the row's token"),
    ("counts", "Counts", "How often each token follows each in the training text (logarithmic colours)"),
    ("change", "Change", "What the weights gained or lost since the step shown before"),
    ("gradient", "Gradient", "The gradient of the loss in the last step: training moves against it"),
    ("attention", "Attention", "How much each position takes of each one before it, head by head"),
    ("rotation", "RoPE", "Queries and keys turned by their positions, pair by pair of dimensions"),
)
WITHOUT_TABLE = ("attention", "rotation")  # modes that show something else in its place
TABLES = (
    ("token", "Token", "The table with a row for each token"),
    ("position", "Position", "The table with a row for each position in the context"),
)

MOST_COUNTED = 4096  # tokens: two pictures of their pairs, as numbers and as colours, take 134 MB


def modes_of(config: RunConfig) -> tuple[str, ...]:
    """Return the modes that mean something for the table of `config`, by name.

    Only the rows of a bigram table are logits, which have a softmax and counts to be compared with.
    """
    if config.reads == "token":
        return ("weights", "softmax", "counts", "change", "gradient")
    plane = ("plane",) if config.n_embd == 2 else ()
    attends = "n_head" in catalog.MODELS[config.model].settings
    attention = ("attention", *(("rotation",) if config.position == "rope" else ())) if attends else ()
    return ("weights", *plane, "change", "gradient", *attention)


def tables_of(config: RunConfig) -> tuple[str, ...]:
    """Return the lookup tables of a model of `config`, by name."""
    return ("token", "position") if adds_positions(config) else ("token",)


@dataclass(frozen=True, eq=False)
class TableFrame:
    """One picture of a table: `values` (R, C), R tokens in id order or positions, drawn between `levels`."""

    values: NDArray[np.float32]
    levels: tuple[float, float]
    colormap: str
    title: str
    ticks: tuple[str, str, str] | None = None  # at the top, middle and bottom of the legend, if not the levels
    numbers: NDArray[np.float32] | None = None  # what the colours stand for, if not `values`


class TableModes:
    """Makes the frame of a mode from the state; remembers the limits, which hold still within a run."""

    def __init__(self) -> None:
        self._colour_blind = False
        self._counts: tuple[str, TableFrame] | None = None  # of which document
        self._measured: tuple[Snapshot | None, float] = (None, 0.0)  # the largest weight of which
        self._limits = {("weights", "all"): StableLimit(shrinks=False, first=1.0)}
        for table, _, _ in TABLES:
            self._limits["change", table] = StableLimit(shrinks=True, first=0.1)
            self._limits["gradient", table] = StableLimit(shrinks=True, first=1e-3)

    def reset(self) -> None:
        """Forget the limits: another run, other tables."""
        for limit in self._limits.values():
            limit.reset()

    def settle(self) -> None:
        """Let what fades have the limit that it needs, at once."""
        for limit in self._limits.values():
            limit.settle()

    def frame(self, mode: str, state: AppState, name: str = "token") -> TableFrame | str:
        """Return the picture of the table `name`, or a sentence: why there is none yet, and what to do."""
        document, snapshot = state.document, state.snapshot
        self._colour_blind = state.colour_blind
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
        table = snapshot.tables.get(name)
        if table is None:
            return why_no_frame(state, "the table comes with its first step")
        if mode == "softmax":
            return TableFrame(softmax_rows(table), (0.0, 1.0), "viridis", f"step {snapshot.step:,}")
        if mode in ("weights", "plane"):
            return self._signed(
                ("weights", "all"), self._largest_weight(snapshot), table, f"step {snapshot.step:,}"
            )
        if mode == "change":
            before = None if state.previous is None else state.previous.tables.get(name)
            if state.previous is None or before is None:
                return "Take a step: this shows what the weights gained or lost by it."
            change = table - before
            title = f"step {state.previous.step:,} to {snapshot.step:,}"
            return self._signed((mode, name), largest_of(change), change, title)
        gradient = snapshot.gradients.get(name)
        if gradient is None:
            if name == "token" and state.config.has("freeze_embeddings") and state.config.freeze_embeddings:
                return "The table is frozen: it gets no gradient."
            return "Take a step: this shows the gradient that it followed."
        return self._signed((mode, name), largest_of(gradient), gradient, f"of the step to {snapshot.step:,}")

    def weight_levels(self, snapshot: Snapshot | None) -> tuple[float, float]:
        """Return the levels of the weights of all tables, also while something else is shown."""
        largest = 0.0 if snapshot is None else self._largest_weight(snapshot)
        limit = self._limits["weights", "all"].update(largest)
        return -limit, limit

    def _largest_weight(self, snapshot: Snapshot) -> float:
        if self._measured[0] is not snapshot:
            self._measured = snapshot, max(largest_of(table) for table in snapshot.tables.values())
        return self._measured[1]

    def _signed(
        self, which: tuple[str, str], largest: float, values: NDArray[np.float32], title: str
    ) -> TableFrame:
        limit = self._limits[which].update(largest)
        colormap = "CET-CBD1" if self._colour_blind else "CET-D1"
        return TableFrame(values, (-limit, limit), colormap, title)


def title_of(frame: TableFrame, table: str, config: RunConfig, shown: int) -> str:
    """Return which table a frame is of, its size, how many of its rows are shown, and what is special about it."""
    size, columns = frame.values.shape
    some = "" if shown == size else f", {shown:,} rows shown"
    parts = [f"{table}_embedding_table", f"{size:,} × {columns:,}", f"{frame.title}{some}"]
    if table == "token" and config.has("freeze_embeddings") and config.freeze_embeddings:
        parts.append("frozen")
    if table == "token" and config.has("tie") and config.tie:
        parts.append("also the head")
    return " · ".join(parts)


def largest_of(values: NDArray[np.float32]) -> float:
    """Return the largest size of any of `values`; 0 of none."""
    return max(float(values.max()), -float(values.min())) if values.size else 0.0


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
