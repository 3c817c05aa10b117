"""Where the maps of attention heads go: small multiples beside and under each other, or one alone."""

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, floor

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from embedviz.gui.plots.heatmap_axes import AxisPainter, Placed
from embedviz.gui.plots.heatmap_view import GridView
from embedviz.gui.plots.label_places import place

LARGEST_CELL = 56  # designed pixels


class MapAxes(AxisPainter):
    """The labels of a map. Where not all have room, they stand apart, with dots between: they spell no word."""

    def draw(
        self, painter: QPainter, view: GridView, strong_rows: Sequence[int], strong_columns: Sequence[int]
    ) -> None:
        """Draw the labels, and a dot between two where some are left out."""
        super().draw(painter, view, strong_rows, strong_columns)
        size = float(self._theme.px(2))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.colour("muted"))
        for point in self.dots(view, strong_rows, strong_columns):
            painter.drawEllipse(point, size / 2, size / 2)

    def dots(self, view: GridView, strong_rows: Sequence[int], strong_columns: Sequence[int]) -> list[QPointF]:
        """Return the places of the dots, each for some labels that are left out."""
        placed = self.placed(view, strong_rows, strong_columns)
        rows = sorted((one for one in placed if _is_of_row(one, view)), key=_index_of)
        columns = sorted((one for one in placed if not _is_of_row(one, view)), key=_index_of)
        least, found = self._theme.px(4), []
        for (rect, _, mark), (after, _, other) in pairwise(rows):
            if other.index > mark.index + 1 and after.top() - rect.bottom() >= least:
                half = self._theme.px(3)
                found.append(QPointF(view.area.left() - 2 * half - half, (rect.bottom() + after.top()) / 2))
        for (rect, _, mark), (after, _, other) in pairwise(columns):
            if other.index > mark.index + 1 and after.left() - rect.right() >= least:
                found.append(QPointF((rect.right() + after.left()) / 2, rect.center().y()))
        return found

    def _place_rows(self, view: GridView, strong: Sequence[int]) -> list[Placed]:
        if view.cell_height >= self._line:
            return super()._place_rows(view, strong)
        names, right, room = self.rows, view.area.left() - self._theme.px(6), self._line + self._theme.px(7)
        marks = place(
            view.shown_rows,
            strong,
            lambda row: view.area.top() + (row + 0.5) * view.cell_height,
            lambda _row, _strong: room,
            view.rect.top() - room / 2,
            view.rect.bottom() + room / 2,
            view.cell_height,
            room,
        )
        placed = []
        for mark in marks:
            width = names.width(mark.index, mark.strong)
            rect = QRectF(right - width, mark.start + (room - self._line) / 2, width, self._line)
            placed.append((rect, names.text(mark.index, mark.strong), mark))
        return placed

    def _place_columns(self, view: GridView, strong: Sequence[int]) -> list[Placed]:
        if view.cell_width >= self.columns.usual + 1:
            return super()._place_columns(view, strong)
        names, bottom, gap = self.columns, view.area.top() - self._theme.px(5), self._theme.px(8)
        marks = place(
            view.shown_columns,
            strong,
            lambda column: view.area.left() + (column + 0.5) * view.cell_width,
            lambda column, bold: names.width(column, bold) + gap,
            view.rect.left() - names.widest / 2 - gap,
            view.rect.right() + gap,
            view.cell_width,
            names.usual + gap,
        )
        placed = []
        for mark in marks:
            width = names.width(mark.index, mark.strong)
            rect = QRectF(mark.start + (mark.length - width) / 2, bottom - self._line, width, self._line)
            placed.append((rect, names.text(mark.index, mark.strong), mark))
        return placed


class ColumnAxis(MapAxes):
    """The labels of the columns alone: for a map beside another that has those of the rows."""

    def _place_rows(self, _view: GridView, _strong: Sequence[int]) -> list[Placed]:
        return []


def _is_of_row(placed: Placed, view: GridView) -> bool:
    return placed[0].bottom() > view.area.top() - 4  # those of columns end above that


def _index_of(placed: Placed) -> int:
    return placed[2].index


def columns_of(heads: int, room: QRectF, left: float, above: float, gap: float) -> tuple[int, float]:
    """Return in how many columns `heads` squares are largest, and their side.

    `left` is kept free at the left of the first column, `above` over each square, `gap` between two.
    """
    best = 1, 0.0
    for columns in range(1, heads + 1):
        rows = ceil(heads / columns)
        across = (room.width() - left - (columns - 1) * gap) / columns
        down = (room.height() - (rows - 1) * gap) / rows - above
        if min(across, down) > best[1]:
            best = columns, min(across, down)
    return best[0], max(1.0, float(floor(best[1])))


def map_views(
    heads: int, count: int, room: QRectF, left: float, above: float, gap: float, largest: float
) -> list[GridView]:
    """Return a view of `count` by `count` cells for each of `heads` maps, in `room`; see `columns_of`.

    Cells are square, and at most `largest` pixels wide.
    """
    columns, side = columns_of(heads, room, left, above, gap)
    side = min(side, count * largest)
    views = []
    for head in range(heads):
        row, column = divmod(head, columns)
        x, y = room.left() + left + column * (side + gap), room.top() + above + row * (side + above + gap)
        views.append(GridView(count, count, QRectF(x, y, side, side), largest=largest))
    return views


def single_view(count: int, room: QRectF, left: float, above: float, largest: float) -> GridView:
    """Return the view of one map that has all of `room`; its cells may be wider than high."""
    high = max(1.0, min(room.height() - above, count * largest))
    area = QRectF(room.left() + left, room.top() + above, max(1.0, room.width() - left), high)
    return GridView(count, count, area, largest=largest)
