"""Where the maps of attention heads go: small multiples beside and under each other, or one alone."""

from collections.abc import Sequence
from math import ceil, floor

from PySide6.QtCore import QRectF

from embedviz.gui.plots.heatmap_axes import AxisPainter, Placed
from embedviz.gui.plots.heatmap_view import GridView
from embedviz.gui.plots.label_places import place

LARGEST_CELL = 56  # designed pixels


class MapAxes(AxisPainter):
    """The labels of a map. Where not all columns have room for theirs, they stand apart: they spell no word."""

    def _place_columns(self, view: GridView, strong: Sequence[int]) -> list[Placed]:
        if view.cell_width >= self.columns.usual + 1:
            return super()._place_columns(view, strong)
        names, bottom, gap = self.columns, view.area.top() - self._theme.px(5), self._theme.px(6)
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
