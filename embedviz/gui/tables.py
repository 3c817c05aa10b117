"""The numbers behind the pictures, as tables that the keyboard and a screen reader reach."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Slot
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QTableView, QTabWidget, QVBoxLayout, QWidget

from embedviz.analysis.layers import LayerSummary
from embedviz.engine.snapshots import Snapshot
from embedviz.gui.contexts import why_no_frame
from embedviz.gui.state import AppState
from embedviz.gui.table_view import softmax_rows
from embedviz.gui.theme import Theme

Index = QModelIndex | QPersistentModelIndex
LAYER_NUMBERS = ("mean", "std", "rms", "smallest", "largest", "zeros")
LOSSES = ("training", "validation")
FEW_COLUMNS = 100  # beyond that measuring every cell takes too long


class NumbersModel(QAbstractTableModel):
    """An array (R, C) with names for its rows and columns; it does not change."""

    def __init__(
        self,
        values: NDArray[np.floating],
        rows: Sequence[str],
        columns: Sequence[str],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._values = values
        self._names = {Qt.Orientation.Vertical: rows, Qt.Orientation.Horizontal: columns}

    def rowCount(self, _parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own default
        """R."""
        return int(self._values.shape[0])

    def columnCount(self, _parent: Index = QModelIndex()) -> int:  # noqa: B008
        """C."""
        return int(self._values.shape[1])

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> object:
        """Return a row's or column's name."""
        return self._names[orientation][section] if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: Index, role: int = 0) -> object:
        """Return a number, with six significant digits."""
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{self._values[index.row(), index.column()]:.6g}"
        return None


class NumbersDialog(QDialog):
    """The tables, the next token, layers and losses of the frame that was shown when it was opened.

    The numbers stay; the unit in which the losses are said is the one of now.
    """

    def __init__(self, state: AppState, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("numbersDialog")
        self.setWindowTitle("Numbers as tables")
        self._state = state
        self._losses: NDArray[np.float64] | None = None  # (R, 2): training, validation; nats per token
        self._steps: list[str] = []
        self.tabs = QTabWidget()
        layout = QVBoxLayout(self)
        step = f"As of step {state.snapshot.step:,}; it stays so while training goes on." if state.snapshot else ""
        layout.addWidget(QLabel(step or why_no_frame(state, "the numbers come with its first step")))
        layout.addWidget(self.tabs)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)
        self._fill(state)
        self.tabs.setUsesScrollButtons(True)  # where the screen is narrower than all titles
        self.resize(theme.px(900), theme.px(600))
        self._edges = layout.contentsMargins()
        self._fit(self.screen().availableSize().width())
        state.unit_changed.connect(self._show_losses)

    def _fit(self, most: int) -> None:
        """Be wide enough for all titles of the tabs, if that is not wider than `most`."""
        titles = self.tabs.tabBar().sizeHint().width() + self._edges.left() + self._edges.right()
        self.resize(min(max(self.width(), titles), most), self.height())

    def _fill(self, state: AppState) -> None:
        document, snapshot = state.document, state.snapshot
        if document is None or snapshot is None:
            return
        labels = [f"{label}  {i}" for i, label in enumerate(document.tokenizer.labels)]
        table = snapshot.tables["token"]
        if state.selected_id is not None and len(snapshot.logits):
            row = state.selected_id
            both = np.column_stack([softmax_rows(snapshot.logits[:1])[0], document.pairs.probabilities(row)])
            self._add(f"Next token after ‘{labels[row]}’", both, labels, ("model", "in the text"))
        columns = labels if state.config.reads == "token" else [str(i) for i in range(table.shape[1])]
        self._add("Lookup table", table, labels, columns)
        if "position" in snapshot.tables:
            positions = snapshot.tables["position"]
            self._add("Position table", positions, [f"position {i}" for i in range(len(positions))], columns)
        self._add_attention(snapshot, document.tokenizer.labels)
        if snapshot.layers:
            summaries = [LayerSummary.of(stats) for stats in snapshot.layers.values()]
            numbers = np.array([[getattr(summary, name) for name in LAYER_NUMBERS] for summary in summaries])
            self._add("Layers", numbers, list(snapshot.layers), LAYER_NUMBERS)
        for name, hidden in snapshot.activations.items():
            units = [f"unit {i}" for i in range(hidden.shape[1])]
            contexts = [f"context {i + 1}" for i in range(len(hidden))]
            self._add(f"Activations: {name}", hidden, contexts, units)
        readings = state.record.readings() if state.record else []
        if readings:
            self._losses = np.array([(r.train, np.nan if r.val is None else r.val) for r in readings])
            self._steps = [f"step {reading.step:,}" for reading in readings]
            self._loss_view = self._add("Losses", self._losses, self._steps, LOSSES)
            self._show_losses()

    def _add_attention(self, snapshot: Snapshot, labels: Sequence[str]) -> None:
        """Add what the last token of the context takes of each, head by head, if attention was watched."""
        weights = snapshot.attention.get("weights")  # (H, t, t)
        if weights is None or not weights.size or not len(snapshot.contexts):
            return
        ids = snapshot.contexts[0].tolist()
        before = [""] * (weights.shape[2] - len(ids))  # what the model reads before the line
        words = [*before, *(labels[token] for token in ids)][-weights.shape[2] :]
        heads = [f"head {head + 1}" for head in range(len(weights))]
        last = [f"{word}  {place}" for place, word in enumerate(words)]
        self._add(f"Attention of layer {snapshot.attention_layer + 1}", weights[:, -1, :], heads, last)

    @Slot()
    def _show_losses(self) -> None:
        if self._losses is None:
            return
        unit, view = self._state.unit, self._loss_view
        title, old = f"Losses, {unit.words}", view.model()
        view.setModel(NumbersModel(unit.converted(self._losses), self._steps, LOSSES, view))
        old.deleteLater()  # else each change of the unit would leave a model behind
        view.setAccessibleName(title)
        self.tabs.setTabText(self.tabs.indexOf(view), title)

    def _add(
        self, title: str, values: NDArray[np.floating], rows: Sequence[str], columns: Sequence[str]
    ) -> QTableView:
        view = QTableView()
        view.setAccessibleName(title)
        view.setModel(NumbersModel(values, rows, columns, view))
        if len(columns) <= FEW_COLUMNS:
            view.resizeColumnsToContents()
        self.tabs.addTab(view, title)
        return view
