"""What the card of one phase of a step shows: plain data, no painting."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedviz.analysis.figures import counted, figure
from embedviz.gui.plots import colormaps

Floats = NDArray[np.float32]
_OF_BLOCK = re.compile(r"block-(\d+)-")


@dataclass(frozen=True, eq=False)
class PhaseCard:
    """One phase: its words, and the array that is drawn between them in a way that `kind` says.

    "ids" is a batch (B, T), with `also` its targets: (B, T), (B, 1) or (B,), -1 where there is none.
    "signed" are cells of colour, "probabilities" bars, "change" bars up and down, or cells if there are several
    rows. "number" is a loss in nats, drawn as a point of the curve y = -ln p. "weights" are shares from 0 to 1, a
    row for each head of attention and a column for each token, which `columns` names.
    """

    name: str
    title: str
    caption: str  # the line of shapes under the title
    kind: str
    picture: NDArray[Any]  # (), (N,) or (R, N); kept and not copied
    lines: tuple[str, ...] = ()  # two or three telling numbers, a line each
    marks: tuple[int, ...] = ()  # columns that are marked; those that there are not are passed over
    also: NDArray[Any] | None = None
    example: tuple[int, int] | None = None  # in a batch: row and column of the cell that is followed
    columns: NDArray[Any] | None = None  # of weights: the id of each column, -1 where nothing stands
    reads: int = 0  # how many cells up to that one the model reads; 0: all in its row
    labels: Callable[[int], str] = str  # of ids
    levels: float = 0.0  # colours or bars end at ± this; 0: at the largest of the picture itself
    parts: int = 1  # in how many parts, with seams between them, one row of cells falls
    colormap: str = colormaps.DIVERGING
    words: str = ""  # for screen readers, where lines are not all that is to say

    def rows(self) -> Floats:
        """Return the picture as numbers, (R, N)."""
        return np.atleast_2d(np.asarray(self.picture, dtype=np.float32))

    def limit(self) -> float:
        """Return what colours and bars end at; 1 if all is zero, so that zero stays in the middle."""
        if self.levels > 0:
            return self.levels
        values = np.abs(self.rows())
        return float(np.max(values, initial=0.0, where=np.isfinite(values))) or 1.0

    def marked(self) -> tuple[int, ...]:
        """Return the marks that are columns of the picture."""
        columns = self.rows().shape[1]
        return tuple(mark for mark in self.marks if 0 <= mark < columns)

    def in_words(self) -> str:
        """Return title, caption and lines, for those who do not see them."""
        said = self.words or "; ".join(self.lines)
        return ": ".join(part for part in (self.title, self.caption, said) if part)

    @property
    def group(self) -> str:
        """The block of the model that the phase is in, "Block 2"; "" outside blocks."""
        found = _OF_BLOCK.match(self.name)
        return f"Block {found[1]}" if found else ""

    def column_label(self, column: int) -> str:
        """Return the label of the token that a column of weights is for."""
        token = int(self.columns[column]) if self.columns is not None and column < len(self.columns) else -1
        return self.labels(token) if token >= 0 else "–"

    def strongest(self) -> tuple[str, ...]:
        """Return a line for each head: which token has most of its weight."""
        if self.kind != "weights" or not self.picture.size:
            return ()
        weights = np.nan_to_num(self.rows(), nan=0.0)  # (H, T)
        return tuple(
            f"Head {head + 1}: most from ‘{self.column_label(column)}’ at {column}, {figure(float(row[column]))}."
            for head, (row, column) in enumerate(zip(weights, weights.argmax(1).tolist(), strict=True))
        )

    def scale_in_words(self) -> str:
        """Return what the strongest colours or highest bars stand for; "" where that says nothing."""
        if not self.picture.size:
            return ""
        if self.kind == "weights":
            return "Colours go from 0 to 1; each row adds up to 1."
        if self.kind == "probabilities":
            return f"The highest bar is {figure(self.top())}."
        if self.kind in ("signed", "change"):
            limit = self.limit()
            what = "Bars" if self.kind == "change" and len(self.rows()) == 1 else "Colours"
            return f"{what} go from {figure(-limit, signed=True)} to {figure(limit, signed=True)}."
        return ""

    def top(self) -> float:
        """Return the largest finite number of the picture; 0 if there is none above that."""
        values = self.rows()
        return float(np.max(values, initial=0.0, where=np.isfinite(values)))


def groups(cards: Sequence[PhaseCard]) -> list[tuple[str, range]]:
    """Return the runs of cards that are in the same block, or in none, in order."""
    runs: list[tuple[str, range]] = []
    for index, card in enumerate(cards):
        if runs and runs[-1][0] == card.group:
            runs[-1] = card.group, range(runs[-1][1].start, index + 1)
        else:
            runs.append((card.group, range(index, index + 1)))
    return runs


def in_short(cards: Sequence[PhaseCard]) -> str:
    """Return the titles of cards, a block as one: "Batch, Look up, Block 1 (6 phases), Norm"."""
    said: list[str] = []
    for name, run in groups(cards):
        if name and len(run) > 1:
            said.append(f"{name} ({counted(len(run), 'phase')})")
        else:
            said.extend(cards[index].title for index in run)
    return ", ".join(said)
