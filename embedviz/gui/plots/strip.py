"""Rows pulled out of a table, one wide band each: what a lookup returns."""

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from embedviz.analysis.figures import counted
from embedviz.gui.plots import colormaps
from embedviz.gui.plots.cell_picture import cell_picture
from embedviz.gui.plots.heatmap_marks import MarkPainter, TableMarks
from embedviz.gui.plots.heatmap_view import GridView
from embedviz.gui.plots.outline import draw_outline
from embedviz.gui.plots.pointing import CELL_STEPS, Cell, CellPlot
from embedviz.gui.theme import Role, Theme

LOWEST_BAND, HIGHEST_BAND = 14, 56  # designed pixels
WIDEST_LABEL = 88


class RowStrip(CellPlot):
    """Bands of coloured cells under each other, a large label and the id before each; arrows point at cells.

    Where not all rows have room, the last ones are shown and a line above says how many there are.
    `hovered` counts the strip's rows.
    """

    cell_clicked = Signal(int, int)
    menu_wanted = Signal(int, int, QPoint)  # row, column (-1 at its label), where on the screen

    own_keys: ClassVar[frozenset[Qt.Key]] = frozenset(CELL_STEPS)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Rows looked up", parent)
        self._labels: tuple[str, ...] = ()
        self._ids: tuple[int | None, ...] = ()
        self._values: NDArray[np.float32] = np.zeros((0, 0), dtype=np.float32)
        self._levels = (0.0, 1.0)
        self._colormap = colormaps.SEQUENTIAL
        self._selected: int | None = None
        self._marks = TableMarks()
        self._mark_painter = MarkPainter(theme)
        self.restyle()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def set_rows(
        self,
        labels: Sequence[str],
        ids: Sequence[int | None],
        values: NDArray[np.float32],
        levels: tuple[float, float],
        colormap: str,
        selected: int | None,
    ) -> None:
        """Show `values`, (T, C), one band a row, kept and not copied; `selected` is a row of the strip.

        An id below 0 is that of an unknown token and is printed as "?", None is that of no token.
        """
        self._labels, self._ids = tuple(labels), tuple(ids)
        self._values, self._levels, self._colormap, self._selected = values, levels, colormap, selected
        if values.size:
            self._empty = ""
        self._let_go_beyond(values.shape)
        self.restyle()
        self.touch()

    def set_marks(self, marks: TableMarks) -> None:
        """Mark cells and rows, by their places in the strip."""
        if marks != self._marks:
            self._marks = marks
            self.touch()

    @property
    def marks(self) -> TableMarks:
        """The cells and rows that are marked."""
        return self._marks

    def describe(self) -> str:
        """Return which rows are shown, and the cell under the pointer."""
        words = f"{counted(len(self._values), 'row')}: {' '.join(self._labels)}"
        if self._selected is not None and self._selected < len(self._labels):
            words += f"; selected row {self._labels[self._selected]}"
        if self._at is not None:
            row, column = self._at
            by_hand = ", changed by hand" if self._at in self._marks.changed else ""
            words += f"; at row {self._labels[row]}, column {column}{by_hand}{self._marks.row_in_words(row)}"
        return words

    # ---- where it is

    def shown_rows(self) -> range:
        """Return the rows that have room."""
        count = len(self._values)
        line = self._band_and_gap(self._theme.px(LOWEST_BAND))
        room = self.height() - 2 * self._margin()
        if count * line <= room:
            return range(count)
        fitting = int((room - self._caption_height) // line)
        return range(max(0, count - max(1, fitting)), count)

    def row_rect(self, row: int) -> QRectF:
        """Return where a row's band is; empty if it is not shown."""
        shown = self.shown_rows()
        if row not in shown:
            return QRectF()
        top = self._margin() + (self._caption_height if len(shown) < len(self._values) else 0)
        room = self.height() - top - self._margin()
        each = room / len(shown)
        band = min(self._theme.px(HIGHEST_BAND), each / self._band_and_gap(1.0))
        each = min(each, self._band_and_gap(band))
        left = self._margin() + self._label_width + self._theme.px(10)
        width = max(1, self.width() - left - self._margin())
        return QRectF(left, round(top + (row - shown.start) * each), width, max(2, round(band)))

    def cell_rect(self, row: int, column: int) -> QRectF:
        """Return where a cell is; empty if its row is not shown."""
        band = self.row_rect(row)
        width = band.width() / max(1, self._values.shape[1])
        return QRectF(band.left() + column * width, band.top(), width, band.height())

    def place_at(self, x: float, y: float) -> Cell | None:
        """Return the row and column at a point, None beside the bands."""
        for row in self.shown_rows():
            band = self.row_rect(row)
            if band.contains(x, y):
                columns = self._values.shape[1]
                return row, min(columns - 1, int((x - band.left()) / band.width() * columns))
        return None

    # ---- Qt

    def sizeHint(self) -> QSize:
        """Return room for three rows."""
        return QSize(self._theme.px(260), self._theme.px(240))

    def minimumSizeHint(self) -> QSize:
        """Return room for one row."""
        return QSize(self._theme.px(140), self._theme.px(48))

    def restyle(self) -> None:
        """Measure the labels."""
        self._glyph_font = self._theme.font(Role.TITLE, mono=True)
        self._id_font = self._theme.font(Role.CAPTION)
        self._glyphs, self._digits = QFontMetricsF(self._glyph_font), QFontMetricsF(self._id_font)
        widest = max((self._glyphs.horizontalAdvance(label) for label in self._labels), default=0.0)
        ids = max((self._digits.horizontalAdvance(str(i)) for i in self._ids), default=0.0)
        self._label_width = min(self._theme.px(WIDEST_LABEL), max(self._theme.px(20), round(max(widest, ids))))
        self._caption_height = round(self._digits.height() + self._theme.px(6))

    def draw(self, painter: QPainter, exposed: QRect) -> None:  # noqa: ARG002
        """Paint the bands that have room."""
        shown = self.shown_rows()
        if len(shown) < len(self._values):
            painter.setFont(self._id_font)
            painter.setPen(self._theme.colour("muted"))
            words = f"the last {len(shown)} of {counted(len(self._values), 'row')}"
            line = QRectF(self._margin(), 0, self.width(), self._caption_height)
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, words)
        table = colormaps.rgb32(self._colormap, colormaps.qrgb(self._theme.colour("line")))
        for row in shown:
            band = self.row_rect(row)
            self._draw_band(painter, band, self._values[row : row + 1], table)
            self._draw_label(painter, band, row)
        if self._selected in shown:
            draw_outline(painter, self.row_rect(self._selected or 0), self._theme.px(2), self._theme)
        self._draw_marks(painter, shown)
        if self._at is not None and self._at[0] in shown:
            draw_outline(painter, self.cell_rect(*self._at), self._theme.px(1), self._theme)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Wait for the release: a click."""
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Say which cell was clicked."""
        cell = self._place_under(event.position())
        if event.button() == Qt.MouseButton.LeftButton and cell is not None:
            self.cell_clicked.emit(*cell)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the menu of the row under the pointer, its label included, or under the cursor."""
        place: Cell | None = None
        where = event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            place = self._at or ((self._selected, 0) if self._selected is not None else None)
            if place is not None:
                where = self.mapToGlobal(self.cell_rect(*place).center().toPoint())
        elif not self._empty:
            place = self._place_in_row(QPointF(event.pos()))
        event.setAccepted(place is not None)
        if place is not None:
            self.menu_wanted.emit(*place, where)

    def _place_in_row(self, here: QPointF) -> Cell | None:
        """Return the cell at a point; at a label, the row and no column."""
        for row in self.shown_rows():
            band = self.row_rect(row)
            if here.x() < band.left() and band.top() <= here.y() <= band.bottom():
                return row, -1
        return self._place_under(here)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the cell cursor."""
        super().keyPressEvent(event)
        if not self._values.size or not self.is_own_key(event):
            return
        event.accept()
        shown, columns = self.shown_rows(), self._values.shape[1]
        if self._at is None:
            start = self._selected if self._selected is not None and self._selected in shown else shown.start
            self._point((start, 0))
            return
        down, right = CELL_STEPS[Qt.Key(event.key())]
        row = min(shown.stop - 1, max(shown.start, self._at[0] + down))
        self._point((row, min(columns - 1, max(0, self._at[1] + right))))

    def _draw_marks(self, painter: QPainter, shown: range) -> None:
        for row in self._marks.frozen:
            if row in shown:
                self._mark_painter.draw_hatched(painter, self.row_rect(row))
        for row, column in self._marks.changed:
            if row in shown:
                self._mark_painter.draw_corner(painter, self.cell_rect(row, column))

    def _draw_band(
        self, painter: QPainter, band: QRectF, values: NDArray[np.float32], table: NDArray[np.uint32]
    ) -> None:
        view = GridView(1, values.shape[1], band, largest=math.inf)
        cell_picture(values, self._levels, table, view, self.devicePixelRatioF(), "mean").draw(painter)

    def _draw_label(self, painter: QPainter, band: QRectF, row: int) -> None:
        label = self._labels[row] if row < len(self._labels) else str(row)
        identity = self._ids[row] if row < len(self._ids) else -1
        number = "" if identity is None else str(identity) if identity >= 0 else "?"
        width = float(self._label_width)
        label = self._glyphs.elidedText(label, Qt.TextElideMode.ElideMiddle, width)
        glyph_height, digit_height = self._glyphs.height(), self._digits.height()
        both = glyph_height + digit_height - self._theme.px(4)
        painter.setFont(self._glyph_font)
        painter.setPen(self._theme.colour("ink"))
        left, middle = float(self._margin()), band.center().y()
        if band.height() + self._theme.px(6) < both:  # no room for two lines: the label says enough
            line = QRectF(left, middle - glyph_height / 2, width, glyph_height)
            painter.drawText(line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, label)
            return
        top = middle - both / 2
        painter.drawText(
            QRectF(left, top, width, glyph_height),
            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
            label,
        )
        painter.setFont(self._id_font)
        painter.setPen(self._theme.colour("muted"))
        below = QRectF(left, top + glyph_height - self._theme.px(4), width, digit_height)
        painter.drawText(below, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, number)

    def _margin(self) -> int:
        return self._theme.px(6)

    @staticmethod
    def _band_and_gap(band: float) -> float:
        return band * 1.4
