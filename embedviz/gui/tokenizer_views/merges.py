"""Byte pair encoding step by step: the line after m merges, the pair that is merged next, and why that one."""

from html import escape

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QModelIndex, Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QSlider,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from embedviz.analysis.figures import counted
from embedviz.gui.number_box import NumberBox
from embedviz.gui.plots.chips import ChipView
from embedviz.gui.theme import Role, Theme
from embedviz.gui.tokenizer_views.merges_model import (
    BECOMES,
    COUNT,
    HARD_SPACE,
    NUMBER,
    PAIR,
    MergesModel,
    equation,
    quoted,
)
from embedviz.gui.widgets import caption, named
from embedviz.text.merges import Merge, MergeHistory

MOST_SHOWN = 2000  # characters of the own line, which is cut anew at every move of the slider
EMPTY_LINE = "Type a line in the Tokens panel: it is merged here, step by step."
NARROWEST = 344  # designed pixels, of the list


class MergesTable(QTableView):
    """A table that tells of its own size."""

    resized = Signal()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Tell of it."""
        super().resizeEvent(event)
        self.resized.emit()


class MergesView(QFrame):
    """A slider over the merges, the line as it is then, the next merge in words, and the list of all."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self._theme = theme
        self._history: MergeHistory | None = None
        self._text = ""
        self._largest = 0
        self.slider = named(QSlider(Qt.Orientation.Horizontal), "mergeSlider", says="Merges done")
        self.slider.setToolTip("How many merges are done: arrow keys by one, Page Up and Page Down by more")
        self.number = named(NumberBox(theme), "mergeNumber", says="Merges done")
        self._of = QLabel()
        self.chips = named(ChipView(theme), "mergedLine")
        self.chips.setAccessibleName("The line after these merges")
        self.next = named(QLabel(), "nextMerge")
        self.why = named(QLabel(), "whyMerge")
        self.remark = named(caption(), "mergesRemark")
        self.counts = named(caption(), "mergeCounts")
        self.marks = named(caption(), "mergeMarks")
        for label in (self.next, self.why, self.remark, self.counts, self.marks):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)  # a token may look like a tag
        self.next.setTextFormat(Qt.TextFormat.RichText)
        self._sizes: NDArray[np.int64] = np.zeros(0, dtype=np.int64)  # (V,): bytes of the tokens
        self._model = MergesModel(theme, self)
        self.table = named(MergesTable(showGrid=False), "mergesTable", says="Merges")
        self._make_table()
        self._compose()
        self.slider.valueChanged.connect(self.number.setValue)
        self.slider.valueChanged.connect(self._show)
        self.number.valueChanged.connect(self.slider.setValue)
        self.table.selectionModel().currentRowChanged.connect(self._choose)
        self.table.resized.connect(self._fit)
        theme.changed.connect(self._space)
        self._space()

    def set_history(self, history: MergeHistory) -> None:
        """Show other merges, and the line before the first of them: its bytes."""
        if history is self._history:
            return
        self._history = history
        self._sizes = np.array([len(data) for data in history.tokenizer.token_bytes], dtype=np.int64)
        count = len(history.merges)
        self._model.set_merges(history.merges)
        self.slider.blockSignals(True)
        for control in (self.slider, self.number):
            control.setRange(0, count)
        self.slider.setPageStep(max(10, count // 20))
        self._of.setText(f"of {counted(count, 'merge')}")
        self.slider.setValue(0)
        self.slider.blockSignals(False)
        self.number.setValue(0)
        self.remark.setText(history.remark)
        self.remark.setVisible(bool(history.remark))
        self._largest = max((merge.count for merge in history.merges), default=0)
        self._fit_columns()
        self._show()

    def set_line(self, text: str) -> None:
        """Show another line, or the beginning of it."""
        if text[:MOST_SHOWN] == self._text[:MOST_SHOWN] and len(text) == len(self._text):
            return
        self._text = text
        self._show()

    def showEvent(self, event: QShowEvent) -> None:
        """Bring the last merge into sight: before this the list had no height."""
        super().showEvent(event)
        self._show_row(self.merges_done - 1)

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
        self.table.setWordWrap(False)
        self.table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.table.verticalHeader().setSectionResizeMode(
            QHeaderView.ResizeMode.Fixed
        )  # nothing to do for each row
        header = self.table.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(PAIR, QHeaderView.ResizeMode.Stretch)

    def _compose(self) -> None:
        self._controls = QHBoxLayout()
        self._controls.addWidget(QLabel("After"))
        self._controls.addWidget(self.number)
        self._controls.addWidget(self._of)
        self._controls.addWidget(self.slider, 1)
        left = QVBoxLayout()
        for label in (self.next, self.why, self.counts):
            left.addWidget(label)
        left.addWidget(self.marks)
        left.addWidget(self.chips, 1)
        left.addWidget(self.remark)
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
        text = self._text[:MOST_SHOWN]
        line = self._history.line_after(text, done)
        self.chips.set_tokens(line.labels, line.ids, line.captions)
        made = pairs = np.zeros(0, dtype=np.int64)
        if done:
            made = self._joins(self._history.line_after(text, done - 1).ids, line.ids)[1]
        if done < len(merges):
            pairs = self._joins(line.ids, self._history.line_after(text, done + 1).ids)[0]
        self.chips.set_marked(made.tolist(), pairs.tolist())
        last = f"Underlined: {len(made):,} made by the last merge.  " if done else ""
        coming = f"Framed: {counted(len(pairs), 'pair')} merged next." if done < len(merges) else ""
        self.marks.setText((last + coming).strip() if self._text else "")
        self.chips.set_empty("" if self._text else EMPTY_LINE)
        self.counts.setText(self._counted(len(line.ids), done))
        if done < len(merges):
            merge = merges[done]
            self.next.setText(self._headline(merge))
            self.next.setAccessibleName(f"Next: {equation(merge)}, {counted(merge.count, 'time')} in the text")
            self.why.setText(_reason(merge))
        else:
            words = "After the last merge: this is how the tokenizer cuts the line."
            self.next.setText(words)
            self.next.setAccessibleName(words)
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
        return words + (f" (the first {MOST_SHOWN:,} of {len(self._text):,})" if shown < len(self._text) else "")

    def _joins(
        self, before: NDArray[np.int64], after: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return which tokens of `before` are joined to their next one in `after`, and what they became there."""
        ends, later = np.cumsum(self._sizes[before]), np.cumsum(self._sizes[after])  # in bytes
        lefts = np.flatnonzero(~np.isin(ends, later))
        return lefts, np.searchsorted(later, ends[lefts])

    def _headline(self, merge: Merge) -> str:
        """Return the next merge as rich text: each token in quotes, on a ground of its own."""
        ground = self._theme.colours.well
        left, right, label = (
            f'<span style="background-color: {ground};">{HARD_SPACE}{escape(quoted(words))}{HARD_SPACE}</span>'
            for words in (merge.left, merge.right, merge.label)
        )
        times = counted(merge.count, "time").replace(" ", HARD_SPACE)
        return f"Next: {left} + {right} → {label}  {times} in the text"

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
        self.next.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.why.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.next.setFont(self._theme.font(Role.TITLE, bold=True))
        self.table.setMinimumWidth(px(NARROWEST))
        self._fit_columns()
        self.table.verticalHeader().setDefaultSectionSize(max(px(26), self.table.fontMetrics().height() + px(6)))

    @Slot()
    def _fit(self) -> None:
        self._fit_columns()
        self._show_row(self.merges_done - 1)

    def _fit_columns(self) -> None:
        """Give the numbers the room of the longest, to what a pair becomes a third of the rest."""
        metrics, padding = self.table.fontMetrics(), 2 * self._theme.px(8) + self._theme.px(14)
        header, merges = self.table.horizontalHeader(), self._model.rowCount()
        needed = {NUMBER: f"{merges:,}", COUNT: f"{self._largest:,}"}
        room = self.table.viewport().width()
        for column, longest in needed.items():
            words = (longest, MergesModel.HEADERS[column])
            width = max(metrics.horizontalAdvance(each) for each in words) + padding
            header.resizeSection(column, width)
            room -= width
        least = metrics.horizontalAdvance(MergesModel.HEADERS[BECOMES]) + padding
        header.setMinimumSectionSize(min(least, *(header.sectionSize(column) for column in needed)))
        header.resizeSection(BECOMES, max(least, round(0.36 * room)))


def _reason(merge: Merge) -> str:
    """Return why this pair is next, and which is the second: that only if the reason does not name it."""
    if merge.runner_up is None or all(_names(merge.why, part) for part in merge.runner_up):
        return merge.why
    left, right = map(quoted, merge.runner_up)
    return f"Second: {left} + {right}, {counted(merge.runner_up_count, 'time')}. {merge.why}"


def _names(sentence: str, token: str) -> bool:
    return any(f"{opens}{token}{closes}" in sentence for opens, closes in ("''", "‘’"))
