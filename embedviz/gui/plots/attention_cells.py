"""Cells of a map in which half of the places are blank, since nobody looks ahead; its edge, and lines in it."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from embedviz.gui.plots import colormaps
from embedviz.gui.plots.heatmap_cells import CellPainter
from embedviz.gui.plots.heatmap_view import GridView
from embedviz.gui.plots.outline import draw_outline
from embedviz.gui.theme import Theme


class MapCells(CellPainter):
    """Cells of which those that are no number have the card's colour: nothing is there."""

    def restyle(self) -> None:
        """Take colours and fonts from the theme."""
        super().restyle()
        self._missing = colormaps.qrgb(self._theme.colour("card"))
        self._table = colormaps.rgb32(self._colormap, self._missing)


def draw_edge(painter: QPainter, view: GridView, theme: Theme) -> None:
    """Draw a line around the lower triangle of `view`, in steps where they can be seen."""
    points = [view.rect.topLeft()]
    if view.cell_width >= theme.px(3):
        for row in range(view.rows):
            right = view.cells_rect(row, row, 1, 1)
            points += [right.topRight(), right.bottomRight()]
    points += [view.rect.bottomRight(), view.rect.bottomLeft()]
    painter.setPen(QPen(theme.colour("muted"), 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolygon([QPointF(round(point.x()), round(point.y())) for point in points])


def draw_least(painter: QPainter, rect: QRectF, width: int, theme: Theme) -> None:
    """Draw an outline around `rect`, or around the spot where something tiny is."""
    least = theme.px(3)
    across, down = (max(0.0, least - side) / 2 for side in (rect.width(), rect.height()))
    draw_outline(painter, rect.adjusted(-across, -down, across, down), width, theme, tight=True)
