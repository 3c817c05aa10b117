"""The same token at two positions, side by side: one row of the token table, two sums."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from embedviz.analysis.figures import figure
from embedviz.gui.contexts import Sums, row_scale, sums_of
from embedviz.gui.number_box import NumberBox
from embedviz.gui.plots.sum_rows import SumRows
from embedviz.gui.plots.sum_words import SumLine
from embedviz.gui.state import AppState
from embedviz.gui.table_phase import shown_ids, shown_token
from embedviz.gui.theme import Role, Theme
from embedviz.gui.widgets import LiveLabel, caption, named

SENTENCE = "The same row of the token table; what differs is the position's row."
NO_TOKEN = "Select a token of your line: it stands here at two positions."
HIGHEST = 92  # designed pixels, of two lines and their heads


class TwoPositions(QWidget):
    """Shows the selected token at positions p and q, and how far apart the two sums are."""

    pointed = Signal(int, int)  # line and column of `rows`; -1, -1 when no cell is
    changed = Signal()  # other positions

    def __init__(self, state: AppState, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._theme = theme
        self._is_chosen = False  # by the person, who need not choose again
        self._run_id = ""
        self.token = -1
        self.first = named(NumberBox(theme), "firstPosition", says="First position")
        self.second = named(NumberBox(theme), "secondPosition", says="Second position")
        self._of, self._and = QLabel(), QLabel("and")
        self.rows = named(SumRows(theme), "twoSums", says="One token at two positions")
        self.numbers = LiveLabel()
        self._sentence = caption(SENTENCE)
        self._sentence.setWordWrap(True)
        top = QHBoxLayout()
        top.setSpacing(theme.px(6))
        for widget in (self._of, self.first, self._and, self.second):
            top.addWidget(widget)
        top.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.px(4))
        layout.addLayout(top)
        layout.addWidget(self.rows, 4)
        layout.addWidget(self.numbers)
        layout.addWidget(self._sentence)
        layout.addStretch(1)
        for spin in (self.first, self.second):
            spin.valueChanged.connect(self._choose)
        self.rows.hovered.connect(self.pointed)
        theme.changed.connect(self._restyle)
        self._restyle()

    @property
    def places(self) -> tuple[int, int]:
        """The two positions."""
        return self.first.value(), self.second.value()

    def show_sums(self, levels: tuple[float, float], colormap: str) -> None:
        """Show the two sums of the frame that is shown."""
        state, document, snapshot = self._state, self._state.document, self._state.snapshot
        token = shown_token(state)
        self._suggest(token)
        sums = None if token is None else two_sums(state, token, self.places)
        if document is None or snapshot is None or token is None or sums is None:
            self.token = -1
            self.rows.set_empty(NO_TOKEN if token is None else "The table of positions comes with the first step.")
            self._of.setText("at")
            self.numbers.setText("")
            return
        self.token = token
        label = document.tokenizer.labels[token]
        self._of.setText(f"‘{label}’ at")
        lines = [SumLine(label, place) for place in self.places]
        head = "token" if row_scale(state.config) == 1 else f"token × √{state.config.n_embd}"
        self.rows.set_empty("")
        self.rows.set_sums(lines, (sums.tokens, sums.positions, sums.sums), levels, colormap, None, head)
        self.numbers.setText(apart(sums.sums))

    def _suggest(self, token: int | None) -> None:
        """Take two places where the token stands, while the person has chosen none; else 0 and 1."""
        state = self._state
        if state.run.run_id != self._run_id:
            self._run_id, self._is_chosen = state.run.run_id, False
        last = max(0, state.run.config.block_size - 1)
        wanted = self.places
        if not self._is_chosen:
            there = [place for place, other in enumerate(shown_ids(state)) if other == token and other is not None]
            wanted = (there[0], there[-1]) if len(there) > 1 else (0, 1)
        for spin, place in zip((self.first, self.second), wanted, strict=True):
            spin.blockSignals(True)
            spin.setMaximum(last)
            spin.setValue(place)
            spin.blockSignals(False)

    @Slot()
    def _choose(self) -> None:
        self._is_chosen = True
        self.changed.emit()

    @Slot()
    def _restyle(self) -> None:
        self.rows.setMaximumHeight(self._theme.px(HIGHEST))
        self.numbers.setFont(self._theme.font(Role.BODY))


def two_sums(state: AppState, token: int, places: tuple[int, int]) -> Sums | None:
    """Return the sums (2, C) of a token's row at two positions; None where there is no such table yet."""
    both = [sums_of(state.snapshot, state.config, [token], place) for place in places]
    if both[0] is None or both[1] is None:
        return None
    first, second = both
    tokens, positions, sums = (
        np.concatenate([getattr(first, name), getattr(second, name)]) for name in ("tokens", "positions", "sums")
    )
    return Sums(tokens, positions, sums)


def apart(sums: NDArray[np.float32]) -> str:
    """Return distance and cosine of two rows (2, C) in words."""
    first, second = sums.astype(np.float64)
    lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
    cosine = figure(float(first @ second) / lengths, signed=True) if lengths else "none"
    return f"Sums: distance {figure(float(np.linalg.norm(first - second)))}, cosine {cosine}"
