"""Dot products of one turned query with one turned key, at every two positions: the same along each diagonal."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from embedviz.analysis.figures import figure
from embedviz.gui.plots import colormaps
from embedviz.gui.plots.attention_cells import MapCells, draw_least
from embedviz.gui.plots.attention_places import LARGEST_CELL
from embedviz.gui.plots.heatmap_axes import AxisPainter
from embedviz.gui.plots.heatmap_view import GridView
from embedviz.gui.plots.name_tag import draw_tag
from embedviz.gui.plots.outline import draw_outline
from embedviz.gui.plots.pointing import CELL_STEPS, Cell, CellPlot
from embedviz.gui.theme import Role, Theme

SQUARE_CELL = 14  # designed pixels, from which the cells of a diagonal are outlined one by one


class DotProducts(CellPlot):
    """T by T products, rows the query's position and columns the key's; blank where the key would be ahead.

    The diagonal of the chosen distance is marked, and the row of the query's position. A click, and the arrow
    keys, choose a cell: both of its positions.
    """

    cell_chosen = Signal(int, int)  # the query's position and the key's

    own_keys: ClassVar[frozenset[Qt.Key]] = frozenset(CELL_STEPS)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Dot products by position", parent)
        self._names = ("query", "key")
        self._products: NDArray[np.float32] = np.zeros((0, 0), np.float32)
        self._row = self._distance = 0
        self._cells, self._axes = MapCells(theme), AxisPainter(theme)
        self.restyle()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def set_products(
        self,
        names: tuple[str, str],
        products: NDArray[np.float32],
        where: tuple[int, int],
        limit: float,
        colormap: str,
    ) -> None:
        """Show `products` (T, T) of the tokens `names`, in colours from -limit to limit.

        `where` are the query's position, whose row is marked if it is there, and the marked distance to the key.
        """
        self._names, self._products, (self._row, self._distance) = names, products, where
        ahead = np.triu(np.ones(products.shape, bool), 1)  # (T, T)
        shown = np.where(ahead, np.float32("nan"), products)
        self._cells.set_data(shown, (-limit, limit), colormap, shown)
        self._axes.set_shape(*products.shape)
        if products.size:
            self._empty = ""
        self._let_go_beyond(products.shape)
        self.touch()

    def sentence(self, row: int, column: int) -> str:
        """Return who stands where, and their product."""
        value = figure(float(self._products[row, column]), signed=True, digits=4)
        query, key = self._names
        return f"query {query} at {row} · key {key} at {column}: {value} (distance {row - column})"

    def _short(self, row: int, column: int) -> str:
        return f"{row}, {column}: {figure(float(self._products[row, column]), signed=True, digits=4)}"

    def describe(self) -> str:
        """Return whose products these are, that of the distance, and of the cell pointed at."""
        count = len(self._products)
        if not count:
            return ""
        query, key = self._names
        words = f"query of {query} at {self._row}, key of {key}, at {count} positions each; "
        if self._distance < count:
            value = figure(float(self._products[self._distance, 0]), signed=True, digits=4)
            words += f"at distance {self._distance} {value}"
        else:
            words += f"distance {self._distance} is beyond them"
        return f"{words}; {self.sentence(*self._at)}" if self._at is not None else words

    # ---- where it is

    @property
    def view(self) -> GridView:
        """Where the cells are."""
        px = self._theme.px
        left, above = self._axes.gutter_width + self._line, self._axes.gutter_height + self._line
        side = min(self.width() - left - px(4), self.height() - above - px(4))
        count = max(1, len(self._products))
        side = max(1.0, min(float(side), count * px(LARGEST_CELL)))
        return GridView(count, count, QRectF(left, above, side, side), largest=px(LARGEST_CELL))

    def cell_rect(self, row: int, column: int) -> QRectF:
        """Return where a cell is."""
        return self.view.cells_rect(row, column, 1, 1)

    def place_at(self, x: float, y: float) -> Cell | None:
        """Return the cell at a point; None where nothing is."""
        cell = self.view.cell_at(x, y) if self._products.size else None
        return cell if cell is not None and cell[1] <= cell[0] else None

    def sizeHint(self) -> QSize:
        """Return a comfortable square."""
        return QSize(self._theme.px(220), self._theme.px(220))

    def minimumSizeHint(self) -> QSize:
        """Return a small square."""
        return QSize(self._theme.px(110), self._theme.px(110))

    def restyle(self) -> None:
        """Take fonts and colours from the theme."""
        self._font = self._theme.font(Role.CAPTION)
        self._line = QFontMetricsF(self._font).height()
        self._axes.restyle()
        self._cells.restyle()

    # ---- from the person

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose the cell."""
        cell = self._place_under(event.position())
        if event.button() == Qt.MouseButton.LeftButton and cell is not None:
            self.cell_chosen.emit(*cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the cursor within what can be looked at, and choose its cell."""
        super().keyPressEvent(event)
        if self._empty or not self._products.size or not self.is_own_key(event):
            return
        event.accept()
        if self._at is None:
            row = min(max(self._row, self._distance), len(self._products) - 1)
            cell = row, max(0, row - self._distance)
        else:
            down, right = CELL_STEPS[Qt.Key(event.key())]
            cell = self._at[0] + down, self._at[1] + right
        if 0 <= cell[1] <= cell[0] < len(self._products):
            self._point(cell)
            self.cell_chosen.emit(*cell)

    # ---- painting

    def draw(self, painter: QPainter, exposed: QRect) -> None:  # noqa: ARG002
        """Paint the cells, their positions, the diagonal of the distance and what is pointed at."""
        count = len(self._products)
        if not count:
            return
        view = self.view
        self._cells.draw(painter, view, self.devicePixelRatioF())
        rows = [self._row] if self._row < count else []
        strong = ([self._at[0], *rows], [self._at[1]]) if self._at is not None else (rows, [])
        self._axes.draw(painter, view, *strong)
        self._draw_titles(painter, view)
        self._draw_diagonal(painter, view)
        if rows:
            whole = view.cells_rect(self._row, 0, 1, self._row + 1)
            draw_least(painter, whole, self._theme.px(2), self._theme)
        if self._at is not None:
            draw_outline(painter, self.cell_rect(*self._at), self._theme.px(2), self._theme, tight=True)
            inside = QRectF(self.rect()).adjusted(1, 1, -1, -1)
            draw_tag(painter, self._short(*self._at), self.cell_rect(*self._at), inside, self._theme)

    def _draw_titles(self, painter: QPainter, view: GridView) -> None:
        query, key = self._names
        painter.setFont(self._font)
        painter.setPen(self._theme.colour("muted"))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip
        painter.drawText(QRectF(view.area.left(), 0, view.width, self._line), flags, f"key of {key} at position")
        painter.save()
        painter.translate(0, view.area.top() + view.height)
        painter.rotate(-90)
        painter.drawText(QRectF(0, 0, view.height, self._line), flags, f"query of {query} at position")
        painter.restore()

    def _draw_diagonal(self, painter: QPainter, view: GridView) -> None:
        """Draw two lines of ink, one at each side of the cells of the distance, as steps where they are large."""
        count, by = len(self._products), self._distance
        painter.setBrush(Qt.BrushStyle.NoBrush)
        cells = [view.cells_rect(column + by, column, 1, 1) for column in range(count - by)]
        if view.cell_width >= self._theme.px(SQUARE_CELL):
            for cell in cells:
                draw_outline(painter, cell, self._theme.px(1), self._theme, tight=True)
        elif cells:
            first, last = cells[0], cells[-1]
            for name, width in (("card", self._theme.px(3)), ("ink", self._theme.px(1))):
                painter.setPen(QPen(self._theme.colour(name), width))
                painter.drawLine(first.topRight(), last.topRight())
                painter.drawLine(first.bottomLeft(), last.bottomLeft())


def product_colours(colour_blind: bool) -> str:
    """Return the colours of signed numbers."""
    return colormaps.DIVERGING_SAFE if colour_blind else colormaps.DIVERGING
