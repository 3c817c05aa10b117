"""Probabilities as bars: blue for what the model says, an orange tick for what the data says, a number."""

from collections.abc import Mapping, Sequence
from heapq import nlargest
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from embedviz.analysis.figures import counted, longest
from embedviz.gui.plots.bar_marks import Mark, draw_bar, draw_mark
from embedviz.gui.plots.base import ScrollingPlot
from embedviz.gui.plots.pointing import PointingPlot
from embedviz.gui.theme import Role, Theme

LOWEST_ROW, HIGHEST_ROW = 26, 34  # designed pixels
WIDEST_LABEL = 120


class BarChart(PointingPlot[int], ScrollingPlot):
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
        self._labels: tuple[str, ...] = ()
        self._ids: tuple[int, ...] = ()
        self._texts: tuple[str, ...] = ()
        self._model: NDArray[np.floating[Any]] = np.zeros(0)
        self._data: NDArray[np.floating[Any]] | None = None
        self._before: NDArray[np.floating[Any]] | None = None
        self._marks: dict[int, Mark] = {}
        self._maximum = 1.0
        self._tooltips: tuple[str, ...] = ()
        self._caption = ""
        self._label_width = self._text_width = 0.0
        self.restyle()
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

    def show_row(self, row: int) -> None:
        """Scroll as little as brings a row into sight."""
        height = self.row_height
        self.scroll_to(row * height, (row + 1) * height + self._top())

    # ---- where it is

    @property
    def row_height(self) -> int:
        """The height of a row: what divides the room, between 26 and 34 designed pixels."""
        lowest, highest = self._theme.px(LOWEST_ROW), self._theme.px(HIGHEST_ROW)
        if not self._labels:
            return highest
        return max(lowest, min(highest, (self.height() - self._top()) // len(self._labels)))

    def row_rect(self, row: int) -> QRectF:
        """Return where a row is; it may be scrolled away."""
        height = self.row_height
        return QRectF(0, self._top() + row * height - self.scroll_bar.value(), self.page_width, height)

    def track_rect(self, row: int) -> QRectF:
        """Return the place of a bar that is `maximum` long."""
        px = self._theme.px
        left = px(6) + self._label_room() + px(10)
        right = self.page_width - px(6) - self._text_width - px(12)
        line = self.row_rect(row)
        high = px(16)
        return QRectF(left, line.center().y() - high / 2, max(1.0, right - left), high)

    def bar_rect(self, row: int) -> QRectF:
        """Return where a row's bar is."""
        track = self.track_rect(row)
        return QRectF(track.left(), track.top(), track.width() * self._share(self._model[row]), track.height())

    def before_x(self, row: int) -> float | None:
        """Return where a row's bar ended before the step; None if that is not shown."""
        if self._before is None:
            return None
        track = self.track_rect(row)
        return track.left() + track.width() * self._share(self._before[row])

    def tick_x(self, row: int) -> float | None:
        """Return where the data's tick is on a row; None without data."""
        if self._data is None or not np.isfinite(self._data[row]):
            return None
        track = self.track_rect(row)
        return track.left() + track.width() * self._share(self._data[row])

    def row_at(self, y: float) -> int | None:
        """Return the row at a height, None if none is there."""
        if y < self._top():
            return None
        row = int((y - self._top() + self.scroll_bar.value()) // self.row_height)
        return row if row < len(self._labels) else None

    def place_at(self, x: float, y: float) -> int | None:  # noqa: ARG002 (a row is as wide as the chart)
        """Return the row at a point, None if none is there."""
        return self.row_at(y)

    def shown_rows(self) -> range:
        """Return the rows of which at least a part is visible."""
        height, top = self.row_height, self.scroll_bar.value()
        stop = -(-(top + self.height() - self._top()) // height)
        return range(top // height, max(0, min(len(self._labels), stop)))

    # ---- Qt

    def sizeHint(self) -> QSize:
        """Return room for 14 rows."""
        return QSize(self._theme.px(340), 14 * self._theme.px(LOWEST_ROW))

    def minimumSizeHint(self) -> QSize:
        """Return room for three rows."""
        return QSize(self._theme.px(180), 3 * self._theme.px(LOWEST_ROW))

    def restyle(self) -> None:
        """Measure labels and numbers in the new fonts."""
        self._glyph_font = self._theme.font(Role.TITLE, mono=True)
        self._text_font = self._theme.font(Role.BODY)
        self._caption_font = self._theme.font(Role.CAPTION)
        self._glyphs, self._figures = QFontMetricsF(self._glyph_font), QFontMetricsF(self._text_font)
        self._label_width = self._text_width = 0.0
        self._measure()
        self._lay_out()

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

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Divide the new height."""
        super().resizeEvent(event)
        self._lay_out()

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
        painter.setFont(self._caption_font)
        for row in self._named_rows():
            if row in shown:
                bar = self.bar_rect(row)
                ends = (bar.right(), self.tick_x(row), self.before_x(row))
                free = max(x for x in ends if x is not None)
                draw_mark(
                    painter, self._theme, self._marks[row], self.row_rect(row), self.track_rect(row), bar, free
                )

    def _named_rows(self) -> list[int]:
        """Return the marked rows that have a frame: those cut off are many, and say so in their number."""
        return [row for row, mark in sorted(self._marks.items()) if mark is not Mark.CUT]

    def _draw_texts(self, painter: QPainter, shown: range) -> None:
        px = self._theme.px
        painter.setPen(self._theme.colour("ink"))
        painter.setFont(self._glyph_font)
        rise = (self._glyphs.ascent() - self._glyphs.descent()) / 2
        for row in shown:
            text = self._labels[row]
            if len(text) > 1:
                text = self._glyphs.elidedText(text, Qt.TextElideMode.ElideMiddle, self._label_room())
            left = px(6) + self._label_room() - self._glyphs.horizontalAdvance(text)
            painter.drawText(QPointF(left, self.row_rect(row).center().y() + rise), text)
        painter.setFont(self._text_font)
        rise = (self._figures.ascent() - self._figures.descent()) / 2
        right = self.page_width - px(6)
        for row in shown:
            text = self._texts[row]
            left = right - self._figures.horizontalAdvance(text)
            painter.drawText(QPointF(left, self.row_rect(row).center().y() + rise), text)

    def _label_room(self) -> float:
        return min(self._label_width, 0.35 * self.page_width)

    def _share(self, value: float) -> float:
        return (
            float(min(1.0, max(0.0, value / self._maximum))) if self._maximum > 0 and np.isfinite(value) else 0.0
        )

    def _in_words(self, row: int) -> str:
        return f"{self._labels[row]} {self._texts[row]}"

    def _top(self) -> int:
        return round(QFontMetricsF(self._caption_font).height() + self._theme.px(4)) if self._caption else 0

    def _measure(self) -> None:
        widest = max(map(self._glyphs.horizontalAdvance, longest(self._labels)), default=0.0)
        self._label_width = max(self._label_width, min(self._theme.px(WIDEST_LABEL), widest), self._theme.px(14))
        figures = max(map(self._figures.horizontalAdvance, nlargest(4, set(self._texts), key=len)), default=0.0)
        self._text_width = max(self._text_width, figures, self._figures.horizontalAdvance("0.000"))

    def _lay_out(self) -> None:
        self.set_content_height(len(self._labels) * self.row_height + self._top(), self.row_height)

    def _tell(self, place: int | None) -> None:
        self.hovered.emit(-1 if place is None else place)
