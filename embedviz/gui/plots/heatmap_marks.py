"""Small marks on cells and rows: what was changed by hand, which rows are frozen, which ones a step moves."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF

from embedviz.gui.plots.heatmap_view import GridView
from embedviz.gui.theme import Theme

CORNER, SMALLEST_CORNER = 7, 4  # designed pixels
HATCHED_WIDTH, LOWEST_HATCHED = 5, 5
TICK_WIDTH, TICK_HEIGHT = 4, 5


class TableMarks(NamedTuple):
    """Cells and rows of a table, by their places in it, that have a mark."""

    changed: frozenset[tuple[int, int]] = frozenset()  # cells: a corner in ink
    frozen: frozenset[int] = frozenset()  # rows: a hatched bar beside their cells
    ticked: tuple[int, ...] = ()  # rows: a tick at the left
    hollow: tuple[int, ...] = ()  # rows: a hollow tick

    def row_in_words(self, row: int) -> str:
        """Return what is marked about a row: ", frozen, with a gradient"."""
        words = (
            ("frozen by hand", row in self.frozen),
            ("with a gradient", row in self.ticked),
            ("moved without a gradient", row in self.hollow),
        )
        return "".join(f", {text}" for text, is_so in words if is_so)


class MarkPainter:
    """Draws the marks of what is on screen."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self._placed: dict[bool, tuple[GridView, Sequence[int], list[int]]] = {}

    def draw(self, painter: QPainter, view: GridView, marks: TableMarks) -> None:
        """Draw all marks of a table that is shown in `view`."""
        shown, columns = view.shown_rows, view.shown_columns
        painter.save()
        for row, column in marks.changed:
            if row in shown and column in columns:
                self.draw_corner(painter, view.cells_rect(row, column, 1, 1).intersected(view.rect))
        for row in marks.frozen:
            if row in shown:
                self.draw_hatched(painter, view.cells_rect(row, view.left_column, 1, 1).intersected(view.rect))
        for hollow, rows in ((False, marks.ticked), (True, marks.hollow)):
            if rows:
                self._draw_ticks(painter, view, rows, hollow=hollow)
        painter.restore()

    def draw_corner(self, painter: QPainter, cell: QRectF) -> None:
        """Draw a triangle in the upper right corner of `cell`, which is seen on every colour."""
        px = self.theme.px
        side = max(px(SMALLEST_CORNER), min(px(CORNER), round(0.6 * min(cell.width(), cell.height()))))
        tip = cell.topRight()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for name, edge in (("card", px(1)), ("ink", 0)):
            corner = tip + QPointF(edge, -edge)
            length = side + 3.5 * edge
            painter.setBrush(self.theme.colour(name))
            painter.drawPolygon(QPolygonF([corner, corner - QPointF(length, 0), corner + QPointF(0, length)]))
        painter.restore()

    def draw_hatched(self, painter: QPainter, row: QRectF) -> None:
        """Draw a hatched bar at the left of `row`: it is frozen."""
        px = self.theme.px
        height = max(row.height(), float(px(LOWEST_HATCHED)))
        bar = QRectF(row.left() - px(HATCHED_WIDTH), row.center().y() - height / 2, px(HATCHED_WIDTH), height)
        bar = bar.toAlignedRect().toRectF()
        ink = self.theme.colour("ink")
        painter.save()
        painter.fillRect(bar.adjusted(-1, 0, 0, 0), self.theme.colour("card"))
        painter.setClipRect(bar)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(ink, max(1.0, px(1) * 1.2)))
        step = px(4)
        start = bar.top() - bar.width()
        for number in range(int((bar.height() + 2 * bar.width()) / step) + 1):
            bottom = start + number * step + bar.width()
            painter.drawLine(QPointF(bar.left(), bottom), QPointF(bar.right(), bottom - bar.width()))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(QPen(ink, px(1)))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        inset = px(1) / 2
        painter.drawRect(bar.adjusted(inset, inset, -inset, -inset))
        painter.restore()

    def _draw_ticks(self, painter: QPainter, view: GridView, rows: Sequence[int], *, hollow: bool) -> None:
        px = self.theme.px
        ink = self.theme.colour("ink")
        height = max(1, min(px(TICK_HEIGHT), round(view.cell_height) - 1))
        painter.setPen(QPen(ink, 1) if hollow else Qt.PenStyle.NoPen)
        painter.setBrush(Qt.BrushStyle.NoBrush if hollow else ink)
        less = 1 if hollow else 0  # a pen of one pixel draws one more
        placed = self._placed.get(hollow)  # a frame later they are where they were
        if placed is None or placed[0] is not view or placed[1] is not rows:
            placed = self._placed[hollow] = view, rows, _middles(view, rows)
        for middle in placed[2]:
            top = middle - height // 2
            painter.drawRect(px(2), top, px(TICK_WIDTH) - less, max(0, height - less))


def _middles(view: GridView, rows: Sequence[int]) -> list[int]:
    """Return the pixels of the middles of those `rows` that are on screen, each once."""
    places = np.asarray(rows)
    shown = view.shown_rows
    places = places[(places >= shown.start) & (places < shown.stop)]
    middles = view.area.top() + (places + 0.5 - view.top_row) * view.cell_height
    return list(np.unique(middles.astype(np.int64)).tolist())
