"""Byte pair encoding step by step: the line after m merges, the pair that is merged next, and why that one."""

from html import escape

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QSlider,
    QSpinBox,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from embedviz.gui.plots.chips import ChipView
from embedviz.gui.plots.figures import counted
from embedviz.gui.theme import Role, Theme
from embedviz.gui.widgets import caption, named
from embedviz.text.merges import Merge, MergeHistory

MOST_SHOWN = 2000  # characters of the own line, which is cut anew at every move of the slider
EMPTY_LINE = "Type a line in the Tokens panel: it is merged here, step by step."
NUMBERS = (0, 3)  # columns
Index = QModelIndex | QPersistentModelIndex


class MergesModel(QAbstractTableModel):
    """The merges in their order; those that are done are in ink, the others muted."""

    HEADERS = ("merge", "pair", "becomes", "count")

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._merges: tuple[Merge, ...] = ()
        self._done = 0

    def set_merges(self, merges: tuple[Merge, ...]) -> None:
        """List other merges, none of them done."""
        self.beginResetModel()
        self._merges, self._done = merges, 0
        self.endResetModel()

    def set_done(self, done: int) -> None:
        """Show so many of them as done."""
        first, last = sorted((done, self._done))
        self._done = done
        if first < last:
            self.dataChanged.emit(self.index(first, 0), self.index(last - 1, len(self.HEADERS) - 1))

    def rowCount(self, _parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own default
        """One row a merge."""
        return len(self._merges)

    def columnCount(self, _parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Return 4: number, pair, what it becomes, how often it stood in the text."""
        return len(self.HEADERS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> object:
        """Name the columns."""
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return self.HEADERS[section]
        return None

    def data(self, index: Index, role: int = 0) -> object:
        """Return what a cell shows and how."""
        row, column = index.row(), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            merge = self._merges[row]
            pair = f"{merge.left} + {merge.right}"
            return (f"{row + 1:,}", pair, merge.label, f"{merge.count:,}")[column]
        if role == Qt.ItemDataRole.ForegroundRole:
            return QColor(self._theme.colour("ink" if row < self._done else "muted"))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if column in (1, 2) else Qt.AlignmentFlag.AlignRight
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"<p>{escape(self._merges[row].why)}</p>"
        return None


class MergesView(QFrame):
    """A slider over the merges, the line as it is then, the next merge in words, and the list of all."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self._theme = theme
        self._history: MergeHistory | None = None
        self._text = ""
        self.slider = named(QSlider(Qt.Orientation.Horizontal), "mergeSlider", says="Merges done")
        self.slider.setToolTip("How many merges are done: arrow keys by one, Page Up and Page Down by more")
        self.number = named(QSpinBox(), "mergeNumber", says="Merges done")
        self._of = QLabel()
        self.chips = named(ChipView(theme), "mergedLine")
        self.chips.setAccessibleName("The line after these merges")
        self.counts = caption(elided=True)
        self.next = named(QLabel(), "nextMerge")
        self.second = named(QLabel(), "secondPair")
        self.why = named(QLabel(), "whyMerge")
        for label in (self.next, self.second, self.why):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)  # a token may look like a tag
        self._model = MergesModel(theme, self)
        self.table = named(QTableView(showGrid=False), "mergesTable", says="Merges")
        self._make_table()
        self._compose()
        self.slider.valueChanged.connect(self.number.setValue)
        self.slider.valueChanged.connect(self._show)
        self.number.valueChanged.connect(self.slider.setValue)
        self.table.selectionModel().currentRowChanged.connect(self._choose)
        theme.changed.connect(self._space)
        self._space()

    def set_history(self, history: MergeHistory) -> None:
        """Show other merges, and the line after all of them."""
        if history is self._history:
            return
        self._history = history
        count = len(history.merges)
        self._model.set_merges(history.merges)
        self.slider.blockSignals(True)
        for control in (self.slider, self.number):
            control.setRange(0, count)
        self.slider.setPageStep(max(10, count // 20))
        self._of.setText(f"of {counted(count, 'merge')}")
        self.slider.setValue(count)
        self.slider.blockSignals(False)
        self.number.setValue(count)
        self._show()

    def set_line(self, text: str) -> None:
        """Show another line, or the beginning of it."""
        if text[:MOST_SHOWN] == self._text[:MOST_SHOWN] and len(text) == len(self._text):
            return
        self._text = text
        self._show()

    @property
    def merges_done(self) -> int:
        """How many merges are done on the line that is shown."""
        return self.slider.value()

    # ---- what it is made of

    def _make_table(self) -> None:
        self.table.setModel(self._model)
        self.table.verticalHeader().hide()
        self.table.setFrameShape(QTableView.Shape.NoFrame)
        self.table.setTabKeyNavigation(False)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        header = self.table.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        for column in NUMBERS:
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)

    def _compose(self) -> None:
        self._controls = QHBoxLayout()
        self._controls.addWidget(QLabel("After"))
        self._controls.addWidget(self.number)
        self._controls.addWidget(self._of)
        self._controls.addWidget(self.slider, 1)
        left = QVBoxLayout()
        for label in (self.next, self.second, self.why, self.counts):
            left.addWidget(label)
        left.addWidget(self.chips, 1)
        self._sides = QHBoxLayout()
        self._sides.addLayout(left, 3)
        self._sides.addWidget(self.table, 2)
        self._layout = QVBoxLayout(self)
        self._layout.addLayout(self._controls)
        self._layout.addLayout(self._sides, 1)

    # ---- what it shows

    @Slot()
    def _show(self) -> None:
        if self._history is None:
            return
        done, merges = self.merges_done, self._history.merges
        line = self._history.line_after(self._text[:MOST_SHOWN], done)
        self.chips.set_tokens(line.labels, line.ids, line.captions)
        self.chips.set_empty("" if self._text else EMPTY_LINE)
        self.counts.setText(self._counted(len(line.ids), done))
        if done < len(merges):
            merge = merges[done]
            pair = f"{merge.left} + {merge.right}  →  {merge.label}"
            self.next.setText(f"Next:  {pair},  {counted(merge.count, 'time')} in the text.")
            self.second.setText(_second(merge))
            self.why.setText(merge.why)
        else:
            self.next.setText("After the last merge: this is how the tokenizer cuts the line.")
            self.second.setText("")
            self.why.setText(
                "A larger vocabulary would go on from here, with the most frequent pair that is left."
                if merges
                else "The vocabulary has room for the 256 bytes only: choose a larger one to see merges."
            )
        self._model.set_done(done)
        self._show_row(done - 1)

    def _counted(self, tokens: int, done: int) -> str:
        shown = min(len(self._text), MOST_SHOWN)
        words = f"{counted(tokens, 'token')} for {counted(shown, 'character')} after {counted(done, 'merge')}"
        words += f" (the first {MOST_SHOWN:,} of {len(self._text):,})" if shown < len(self._text) else ""
        remark = self._history.remark if self._history else ""
        return f"{words}. {remark}" if remark else words

    def _show_row(self, row: int) -> None:
        selection = self.table.selectionModel()
        selection.blockSignals(True)  # it follows the slider here, and does not move it
        if row < 0:
            self.table.clearSelection()
            self.table.setCurrentIndex(QModelIndex())
            self.table.scrollToTop()
        else:
            self.table.selectRow(row)
            self.table.scrollTo(self._model.index(row, 0), QTableView.ScrollHint.PositionAtCenter)
        selection.blockSignals(False)
        self.table.viewport().update()

    @Slot(QModelIndex, QModelIndex)
    def _choose(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid():
            self.slider.setValue(current.row() + 1)

    @Slot()
    def _space(self) -> None:
        px = self._theme.px
        self._layout.setContentsMargins(px(16), px(12), px(16), px(12))
        self._layout.setSpacing(px(12))
        self._sides.setSpacing(px(16))
        self._controls.setSpacing(px(8))
        for column in NUMBERS:
            widest = self.table.fontMetrics().horizontalAdvance("merge00")
            self.table.horizontalHeader().resizeSection(column, widest + px(16))
        c, reach, groove = self._theme.colours, px(8), 2 * px(2)
        self.table.setStyleSheet(f"QTableView::item {{ padding: 0 {px(8)}px; }}")
        self.slider.setStyleSheet(
            f"QSlider {{ min-height: {px(24)}px; }}"
            f"QSlider::groove:horizontal {{ height: {groove}px; border-radius: {groove // 2}px;"
            f" background: {c.line}; }}"
            f"QSlider::sub-page:horizontal {{ background: {c.model}; border-radius: {groove // 2}px; }}"
            f"QSlider::handle:horizontal {{ width: {2 * reach}px; margin: -{reach - groove // 2}px 0;"
            f" border-radius: {reach}px; background: {c.model}; }}"
            f"QSlider::handle:horizontal:focus {{ background: {c.ink}; }}"
        )
        self.why.setMinimumHeight(2 * self.why.fontMetrics().lineSpacing())
        self.why.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.next.setFont(self._theme.font(Role.TITLE, bold=True))
        self.table.setMinimumWidth(px(320))
        self.table.verticalHeader().setDefaultSectionSize(max(px(26), self.table.fontMetrics().height() + px(6)))


def _second(merge: Merge) -> str:
    if merge.runner_up is None:
        return "No other pair was left."
    left, right = merge.runner_up
    return f"Second:  {left} + {right},  {counted(merge.runner_up_count, 'time')}."
