"""Attention as maps, one for each head: a row for each token, a column for each one that it can look at."""

from collections.abc import Sequence
from math import floor
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from embedviz.analysis.figures import counted, figure
from embedviz.gui.plots import colormaps
from embedviz.gui.plots.attention_cells import MapCells, draw_edge, draw_least
from embedviz.gui.plots.attention_places import LARGEST_CELL, ColumnAxis, MapAxes, map_views, single_view
from embedviz.gui.plots.heatmap_view import GridView
from embedviz.gui.plots.name_tag import draw_tag
from embedviz.gui.plots.pointing import CELL_STEPS, PointingPlot
from embedviz.gui.theme import Role, Theme

LEVELS = (0.0, 1.0)
Look = tuple[int, int, int]  # head, row of who looks, column of who is looked at
Key = Qt.Key


class AttentionMaps(PointingPlot[Look]):
    """H maps of T by T weights in the same colours, from 0 on; blank where a token would look ahead.

    A click tells the row; a double click, or Return, enlarges the map, and once more shows all. Arrows move a
    cursor from cell to cell and over the edge to the next map, Page Up and Page Down from map to map.
    """

    row_clicked = Signal(int)
    hovered = Signal(int, int, int)  # head, row, column; -1 each when no cell is
    enlarged_changed = Signal(int)  # the head that is alone, -1 for all

    own_keys: ClassVar[frozenset[Qt.Key]] = frozenset(
        {*CELL_STEPS, Key.Key_PageUp, Key.Key_PageDown, Key.Key_Return, Key.Key_Enter}
    )

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Attention maps", parent)
        self._labels: tuple[str, ...] = ()
        self._first = 0
        self._weights: NDArray[np.float32] = np.zeros((0, 0, 0), np.float32)  # (H, T, T)
        self._selected: int | None = None
        self._marked: tuple[int, ...] = ()
        self._enlarged = -1
        self._axes, self._beside = MapAxes(theme), ColumnAxis(theme)
        self._cells: list[MapCells] = []
        self._views: dict[int, GridView] | None = None
        self.restyle()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    # ---- what it shows

    def set_maps(
        self,
        labels: Sequence[str],
        first: int,
        weights: NDArray[np.float32],
        selected: int | None,
        levels: tuple[float, float] = LEVELS,
    ) -> None:
        """Show `weights` (H, T, T) of T tokens at the positions from `first` on; `selected` is a row of them.

        What is beyond `levels` has the colour of their end.
        """
        heads, count, _ = weights.shape
        is_another = weights.shape != self._weights.shape
        self._labels, self._first, self._weights, self._selected = tuple(labels), first, weights, selected
        ahead = np.triu(np.ones((count, count), bool), 1)  # (T, T)
        shown = np.where(ahead, np.float32("nan"), weights)  # (H, T, T)
        if is_another:
            self._cells = [MapCells(self._theme) for _ in range(heads)]
            if self._enlarged >= heads:
                self.enlarge(-1)
            if self._at is not None and (self._at[0] >= heads or self._at[1] >= count):
                self._point(None)
        for cells, head in zip(self._cells, shown, strict=True):
            cells.set_data(head, levels, colormaps.SEQUENTIAL, head)
        if heads and count:
            self._empty = ""
        names = [self._axes.set_names(self._labels, self._labels), self._beside.set_names((), self._labels)]
        if is_another or any(names):
            self._views = None
        self.touch()

    def set_marked(self, places: Sequence[int]) -> None:
        """Print the labels of these rows and columns strongly: tokens that are pointed at elsewhere."""
        if tuple(places) != self._marked:
            self._marked = tuple(places)
            self.update()

    @property
    def pointed(self) -> Look | None:
        """Head, row and column of the cell that is pointed at."""
        return self._at

    @property
    def enlarged(self) -> int:
        """The head that is shown alone; -1 if all are."""
        return self._enlarged

    def enlarge(self, head: int) -> None:
        """Show one head alone, or all for -1."""
        if head != self._enlarged and head < len(self._weights):
            self._enlarged = head
            self._views = None
            self.touch()
            self.enlarged_changed.emit(head)

    def named(self, place: int) -> str:
        """Return "‘e’ at 5" for a row or column."""
        return f"‘{self._labels[place]}’ at {self._first + place}"

    def sentence(self, look: Look) -> str:
        """Return who looks at whom in which head, and how much."""
        head, row, column = look
        weight, total = float(self._weights[look]), float(self._weights[head, row].sum(dtype=np.float64))
        adds = "1" if abs(total - 1) < 5e-4 else f"{figure(total)}, the rest is further back"
        return (
            f"head {head + 1}: {self.named(row)} looks at {self.named(column)}: {figure(weight)} "
            f"(its row adds up to {adds})"
        )

    def describe(self) -> str:
        """Return the tokens, the selected row's strongest in each head, and what is pointed at."""
        heads, count, _ = self._weights.shape
        words = f"{counted(heads, 'head')} of {counted(count, 'token')}: {' '.join(self._labels)}"
        if self._enlarged >= 0:
            words += f"; head {self._enlarged + 1} is enlarged"
        if self._selected is not None:
            strongest = self._weights[:, self._selected].argmax(-1).tolist()  # (H,)
            most = ", ".join(f"head {head + 1} at {self.named(place)}" for head, place in enumerate(strongest))
            words += f"; selected {self.named(self._selected)} looks most in {most}"
        return f"{words}; at {self.sentence(self._at)}" if self._at is not None else words

    # ---- where it is

    def view(self, head: int) -> GridView:
        """Return where the map of a head is that is shown."""
        return self._shown_views()[head]

    def cell_rect(self, head: int, row: int, column: int) -> QRectF:
        """Return where a cell is."""
        return self.view(head).cells_rect(row, column, 1, 1)

    def row_at(self, x: float, y: float) -> tuple[int, int] | None:
        """Return head and row at a point, also beside the row's cells; None beside the maps."""
        for head, view in self._shown_views().items():
            labelled = view.rect.adjusted(-self._label_room(head), 0, 0, 0)
            if labelled.contains(x, y):
                return head, min(view.rows - 1, max(0, floor(view.position(x, y)[0])))
        return None

    def place_at(self, x: float, y: float) -> Look | None:
        """Return head, row and column at a point; None where there is no weight."""
        for head, view in self._shown_views().items():
            cell = view.cell_at(x, y)
            if cell is not None:
                return (head, *cell) if cell[1] <= cell[0] else None
        return None

    def height_in(self, room: int) -> int:
        """Return how much of a height of `room` the maps use at the present width."""
        views = self._find_views(room).values()
        return min(room, round(max((view.rect.bottom() for view in views), default=0.0)) + self._theme.px(6))

    def sizeHint(self) -> QSize:
        """Return room for a few maps beside each other."""
        return QSize(self._theme.px(640), self._theme.px(240))

    def minimumSizeHint(self) -> QSize:
        """Return room for small ones."""
        return QSize(self._theme.px(240), self._theme.px(120))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Find the maps' places anew."""
        super().resizeEvent(event)
        self._views = None

    def restyle(self) -> None:
        """Take fonts and colours from the theme."""
        self._font = self._theme.font(Role.CAPTION)
        self._line = QFontMetricsF(self._font).height()
        self._axes.restyle()
        self._beside.restyle()
        for cells in self._cells:
            cells.restyle()
        self._views = None

    # ---- from the person

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Tell which row was clicked."""
        found = None if self._empty else self.row_at(event.position().x(), event.position().y())
        if event.button() == Qt.MouseButton.LeftButton and found is not None:
            self.row_clicked.emit(found[1])

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Enlarge the map, or show all again."""
        found = None if self._empty else self.row_at(event.position().x(), event.position().y())
        if self._enlarged >= 0 or found is not None:
            self.enlarge(-1 if self._enlarged >= 0 or found is None else found[0])
            self._point_to(event.position())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the cursor, or enlarge the map it is in."""
        super().keyPressEvent(event)
        if self._empty or not self._weights.size or not self.is_own_key(event):
            return
        event.accept()
        key = Qt.Key(event.key())
        start = max(self._enlarged, 0), self._selected or 0, 0
        if key in (Key.Key_Return, Key.Key_Enter):
            self.enlarge(-1 if self._enlarged >= 0 else (self._at or start)[0])
        elif self._at is None:
            self._point(start)
        elif key in CELL_STEPS:
            self._point(self._beside_of(self._at, *CELL_STEPS[key]))
        else:
            self._point(self._in_head(self._at, 1 if key == Key.Key_PageDown else -1) or self._at)

    def _beside_of(self, look: Look, down: int, right: int) -> Look:
        head, row, column = look
        row = min(max(row + down, 0), len(self._labels) - 1)
        column = min(column, row) + right
        if 0 <= column <= row:
            return head, row, column
        return self._in_head((head, row, 0 if column > row else row), right) or look

    def _in_head(self, look: Look, by: int) -> Look | None:
        """Return the same cell of another map; None if that is not shown."""
        head = look[0] + by
        return (head, *look[1:]) if head in self._shown_views() else None

    def _tell(self, place: Look | None) -> None:
        self.hovered.emit(*(place or (-1, -1, -1)))

    # ---- painting

    def draw(self, painter: QPainter, exposed: QRect) -> None:  # noqa: ARG002
        """Paint the maps, their labels and what is marked."""
        for head, view in self._shown_views().items():
            self._cells[head].draw(painter, view, self.devicePixelRatioF())
            draw_edge(painter, view, self._theme)
            self._draw_labels(painter, head, view)
            if self._selected is not None:
                whole = view.cells_rect(self._selected, 0, 1, self._selected + 1)
                draw_least(painter, whole, self._theme.px(2), self._theme)
            if self._at is not None:
                rect = view.cells_rect(*self._at[1:], 1, 1)
                draw_least(painter, rect, self._theme.px(2 if head == self._at[0] else 1), self._theme)
        if self._at is not None and self._at[0] in self._shown_views():
            inside = QRectF(self.rect()).adjusted(1, 1, -1, -1)
            draw_tag(painter, self.sentence(self._at), self.cell_rect(*self._at), inside, self._theme)

    def _draw_labels(self, painter: QPainter, head: int, view: GridView) -> None:
        rows = [self._at[1]] if self._at is not None else []
        rows += [] if self._selected is None else [self._selected]
        columns = [self._at[2]] if self._at is not None else []
        axes = self._axes if self._label_room(head) else self._beside
        axes.draw(painter, view, [*rows, *self._marked], [*columns, *self._marked])
        painter.setFont(self._font)
        painter.setPen(self._theme.colour("ink" if self._at is not None and self._at[0] == head else "muted"))
        top = view.area.top() - axes.gutter_height - self._line
        painter.drawText(QRectF(view.area.left(), top, view.width, self._line), 0, f"head {head + 1}")

    def _label_room(self, head: int) -> float:
        """Return the room for labels of rows at a map's left: only the first of each row of maps has them."""
        first = min(view.area.left() for view in self._shown_views().values())
        return self._axes.gutter_width if self.view(head).area.left() == first else 0.0

    def _shown_views(self) -> dict[int, GridView]:
        if self._views is None:
            self._views = self._find_views(self.height())
        return self._views

    def _find_views(self, height: int) -> dict[int, GridView]:
        px = self._theme.px
        heads, count, _ = self._weights.shape
        if not heads or not count:
            return {}
        self._axes.set_room(self.width() // 2)
        room = QRectF(0, 0, self.width(), height).adjusted(px(2), px(2), -px(6), -px(4))
        left, above, largest = self._axes.gutter_width, self._line + self._axes.gutter_height, px(LARGEST_CELL)
        if self._enlarged >= 0:
            return {self._enlarged: single_view(count, room, left, above, largest)}
        return dict(enumerate(map_views(heads, count, room, left, above, px(16), largest)))
