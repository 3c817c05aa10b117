"""The cell under the pointer, in numbers: row, column, what the table, the model and the text say there."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from embedviz.gui.plots.figures import figure
from embedviz.gui.state import AppState
from embedviz.gui.theme import Role, Theme
from embedviz.gui.widgets import LiveLabel, caption

ROWS = ("logit", "softmax", "in the text")
OF_LOGITS = ("softmax", "in the text")  # what only the cells of a table of logits have


class CellReadout(QWidget):
    """Names one cell (row i, column j) of the table, and keeps its numbers current while training moves them."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Cell under the pointer")
        self._theme = theme
        self._cell: tuple[int, int] | None = None
        self._title = QLabel("Cell under the pointer")
        self._where = caption("Point at a cell of the table.", elided=True)
        self._values = {name: LiveLabel() for name in ROWS}
        self._names = {name: caption(name) for name in ROWS}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(theme.px(2))
        grid.setColumnStretch(1, 1)
        grid.addWidget(self._title, 0, 0, 1, 2)
        grid.addWidget(self._where, 1, 0, 1, 2)
        for row, (name, label) in enumerate(self._values.items(), start=2):
            grid.addWidget(self._names[name], row, 0)
            grid.addWidget(label, row, 1)
        self._also_name, self._also = caption(), QLabel()
        self._also_values: NDArray[np.float32] | None = None
        grid.addWidget(self._also_name, len(ROWS) + 2, 0)
        grid.addWidget(self._also, len(ROWS) + 2, 1)
        self.set_also("", None)
        theme.changed.connect(self._restyle)
        self._restyle()

    @property
    def texts(self) -> tuple[str, ...]:
        """Everything that is shown, from top to bottom."""
        return (self._where.text(), *(label.text() for label in self._values.values()))

    def set_also(self, name: str, values: NDArray[np.float32] | None) -> None:
        """Show one number more, called `name`, that of the cell in `values` (V, C); None for no more."""
        self._also_values = values
        self._also_name.setText(name)
        for label in (self._also_name, self._also):
            label.setVisible(values is not None)

    def point_at(self, state: AppState, row: int, column: int) -> None:
        """Show row and column, both ids; nothing if they are negative."""
        self._cell = (row, column) if row >= 0 and column >= 0 else None
        self.refresh(state)

    def refresh(self, state: AppState) -> None:
        """Take the numbers of the frame that is shown."""
        document, snapshot = state.document, state.snapshot
        size = document.vocab_size if document else 0
        has_logits = state.config.model == "bigram"
        self._names["logit"].setText("logit" if has_logits else "value")
        for name in OF_LOGITS:
            self._names[name].setVisible(has_logits)
            self._values[name].setVisible(has_logits)
        columns = size if has_logits else state.config.n_embd
        if self._cell is None or document is None or self._cell[0] >= size or self._cell[1] >= columns:
            self._where.setText("Point at a cell of the table.")
            for label in (*self._values.values(), self._also):
                label.setText("–")
            return
        row, column = self._cell
        labels = document.tokenizer.labels
        second = f" ‘{labels[column]}’" if has_logits else ""
        step = f", step {snapshot.step:,}" if snapshot else ""
        self._where.setText(f"row {row} ‘{labels[row]}’, column {column}{second}{step}")
        if snapshot is not None:
            numbers = snapshot.tables["token"][row].astype(np.float64)  # (C,)
            weights = np.exp(numbers - numbers.max())  # (C,)
            self._values["logit"].setText(figure(float(numbers[column]), signed=True))
            self._values["softmax"].setText(figure(float(weights[column] / weights.sum())))
        if self._also_values is not None:
            self._also.setText(figure(float(self._also_values[row, column]), signed=True))
        if has_logits:
            times = document.pairs[row, column]
            share = times / max(1, int(document.pairs.row_sums[row]))
            self._values["in the text"].setText(f"{figure(share)} ({times:,} times)")

    @Slot()
    def _restyle(self) -> None:
        self._title.setFont(self._theme.font(Role.BODY, bold=True))
        self._also.setFont(self._theme.font(Role.BODY, bold=True))
        for name, label in self._values.items():
            label.setFont(self._theme.font(Role.BODY, bold=True))
            if name == "in the text":
                label.setStyleSheet(f"color: {self._theme.colours.data};")
            elif name == "softmax":
                label.setStyleSheet(f"color: {self._theme.colours.model};")
