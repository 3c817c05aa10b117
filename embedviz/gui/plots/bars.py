"""Probabilities as bars: blue for what the model says, an orange tick for what the data says, a number."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPen, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from embedviz.analysis.figures import counted
from embedviz.gui.plots.bar_marks import Mark, draw_bar, draw_mark
from embedviz.gui.plots.bar_rows import LOWEST_ROW, BarRows
from embedviz.gui.plots.pointing import PointingPlot
from embedviz.gui.theme import Theme


class BarChart(PointingPlot[int], BarRows):
    """One row a token: label, bar, number. Up and Down choose a row, Return or a click activates it.

    Label and number columns only ever widen, so that a change of values never moves the bars.
    """

    hovered = Signal(int)  # the row under the pointer or the cursor; -1 when none is
    row_activated = Signal(int)

    own_keys: ClassVar[frozenset[Qt.Key]] = frozenset(
        {Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter}
    )

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Probabilities", parent)
        self._tooltips: tuple[str, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def set_data(
        self,
        labels: Sequence[str],
        ids: Sequence[int],
        model: NDArray[np.floating[Any]],
        data: NDArray[np.floating[Any]] | None,
        texts: Sequence[str],
        maximum: float,
        *,
        before: NDArray[np.floating[Any]] | None = None,
        marks: Mapping[int, Mark] | None = None,
    ) -> None:
        """Show `model`, (n,), as bars, `data`, (n,), as ticks, `texts` as numbers; `maximum` fills it.

        `before`, (n,), is where the bars ended before a step: a thin line. `marks` are by row.
        """
        if (before is None) != (self._before is None):
            self._text_width = 0.0  # two numbers in a row need their room only while they are there
        self._before, self._marks = before, dict(marks or {})
        self._labels, self._ids, self._texts = tuple(labels), tuple(ids), tuple(texts)
        self._model, self._data, self._maximum = model, data, maximum
        if self._labels:
            self._empty = ""
        if self._at is not None and self._at >= len(self._labels):
            self._point(None)
        self._measure()
        self._lay_out()
        self.touch()

    def set_tooltips(self, texts: Sequence[str]) -> None:
        """Give each row the text that is shown when the pointer rests on it."""
        self._tooltips = tuple(texts)

    def set_caption(self, text: str) -> None:
        """Name the axis ("probability of the next token") above the bars; "" for no name."""
        if text != self._caption:
            self._caption = text
            self._lay_out()
            self.touch()

    def describe(self) -> str:
        """Return the first rows in words, and the row under the pointer."""
        rows = [self._in_words(row) for row in range(min(3, len(self._labels)))]
        words = f"{counted(len(self._labels), 'bar')}; {', '.join(rows)}"
        if self._at is not None:
            words += f"; at {self._in_words(self._at)}"
        marked = [f"{self._marks[row].value}: {self._in_words(row)}" for row in self._named_rows()]
        return "; ".join([words, *marked])

    # ---- Qt

    def place_at(self, x: float, y: float) -> int | None:  # noqa: ARG002 (a row is as wide as the chart)
        """Return the row at a point, None if none is there."""
        return self.row_at(y)

    def sizeHint(self) -> QSize:
        """Return room for 14 rows."""
        return QSize(self._theme.px(340), 14 * self._theme.px(LOWEST_ROW))

    def minimumSizeHint(self) -> QSize:
        """Return room for three rows."""
        return QSize(self._theme.px(180), 3 * self._theme.px(LOWEST_ROW))

    def draw(self, painter: QPainter, exposed: QRect) -> None:  # noqa: ARG002
        """Paint the rows on screen, kind by kind."""
        px = self._theme.px
        if self._caption:
            metrics = QFontMetricsF(self._caption_font)
            painter.setFont(self._caption_font)
            painter.setPen(self._theme.colour("muted"))
            line = QRectF(px(6), 0, self.page_width - 2 * px(6), self._top())
            words = metrics.elidedText(self._caption, Qt.TextElideMode.ElideRight, line.width())
            left = max(
                line.left(), min(self.track_rect(0).left(), line.right() - metrics.horizontalAdvance(words))
            )
            line.setLeft(left)
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, words)
        painter.setClipRect(QRectF(0, self._top(), self.width(), self.height()))
        shown = self.shown_rows()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if self._at is not None and self._at in shown:
            painter.setBrush(self._theme.colour("well"))
            painter.drawRoundedRect(self.row_rect(self._at).adjusted(0, 1, 0, -1), px(6), px(6))
        self._draw_bars(painter, shown)
        self._draw_lines(painter, shown)
        self._draw_marks(painter, shown)
        self._draw_texts(painter, shown)
        painter.setClipping(False)

    def event(self, event: QEvent) -> bool:
        """Show the row's tool tip."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            row = self.row_at(event.pos().y())
            if row is not None and row < len(self._tooltips) and not self._empty:
                QToolTip.showText(event.globalPos(), self._tooltips[row], self, self.row_rect(row).toRect())
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll."""
        before = self.scroll_bar.value()
        self.scroll_bar.setValue(before - round(event.angleDelta().y() / 120 * 3 * self.row_height))
        event.setAccepted(self.scroll_bar.value() != before)
        self._point_to(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Activate the row that was clicked."""
        row = self._place_under(event.position())
        if event.button() == Qt.MouseButton.LeftButton and row is not None:
            self.row_activated.emit(row)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the cursor, or activate its row."""
        super().keyPressEvent(event)
        if not self._labels or not self.is_own_key(event):
            return
        event.accept()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self._at is not None:
                self.row_activated.emit(self._at)
            return
        step = 1 if event.key() == Qt.Key.Key_Down else -1
        row = 0 if self._at is None else min(len(self._labels) - 1, max(0, self._at + step))
        self.show_row(row)
        self._point(row)

    def _draw_bars(self, painter: QPainter, shown: range) -> None:
        px = self._theme.px
        painter.setBrush(self._theme.colour("model"))
        for row in shown:
            if self._marks.get(row) is not Mark.CUT:
                draw_bar(painter, self.bar_rect(row), px(3))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self._theme.colour("model"), 1))
        for row in shown:
            if self._marks.get(row) is Mark.CUT:
                draw_bar(painter, self.bar_rect(row).adjusted(0.5, 0.5, -0.5, -0.5), px(3))

    def _draw_lines(self, painter: QPainter, shown: range) -> None:
        """Paint the data's ticks and, in ink, where the bars ended before."""
        px = self._theme.px
        for colour, width, place in (("data", 2, self.tick_x), ("ink", 1, self.before_x)):
            painter.setPen(QPen(self._theme.colour(colour), px(width)))
            for row in shown:
                x = place(row)
                if x is not None:
                    line = self.track_rect(row).adjusted(0, -px(2), 0, px(2))
                    painter.drawLine(QPointF(x, line.top()), QPointF(x, line.bottom()))

    def _draw_marks(self, painter: QPainter, shown: range) -> None:
        px = self._theme.px
        painter.setFont(self._caption_font)
        for row in self._named_rows():
            if row in shown:
                bar, frame = self.bar_rect(row), self.row_rect(row)
                frame.setTop(max(frame.top(), self._top() + px(1)))  # of the first row too all of it is seen
                ends = (bar.right(), self.tick_x(row), self.before_x(row))
                free = max(x for x in ends if x is not None)
                draw_mark(painter, self._theme, self._marks[row], frame, self.track_rect(row), bar, free)

    def _named_rows(self) -> list[int]:
        """Return the marked rows that have a frame: those cut off are many, and say so in their number."""
        return [row for row, mark in sorted(self._marks.items()) if mark is not Mark.CUT]

    def _draw_texts(self, painter: QPainter, shown: range) -> None:
        px = self._theme.px
        painter.setPen(self._theme.colour("ink"))
        painter.setFont(self._glyph_font)
        rise = (self._figures.ascent() - self._figures.descent()) / 2  # label and number stand on one line
        for row in shown:
            text = self._labels[row]
            if len(text) > 1:
                text = self._glyphs.elidedText(text, Qt.TextElideMode.ElideMiddle, self._label_room())
            left = px(6) + self._label_room() - self._glyphs.horizontalAdvance(text)
            painter.drawText(QPointF(left, self.row_rect(row).center().y() + rise), text)
        painter.setFont(self._text_font)
        right = self.page_width - px(6)
        for row in shown:
            text = self._texts[row]
            left = right - self._figures.horizontalAdvance(text)
            painter.drawText(QPointF(left, self.row_rect(row).center().y() + rise), text)

    def _in_words(self, row: int) -> str:
        return f"{self._labels[row]} {self._texts[row]}"

    def _tell(self, place: int | None) -> None:
        self.hovered.emit(-1 if place is None else place)
