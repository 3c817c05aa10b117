"""The table as a picture: a heatmap, or a plane of points where its rows have two numbers."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QStackedWidget, QWidget

from embedviz.gui.plots.heatmap import Heatmap
from embedviz.gui.row_order import RowOrder
from embedviz.gui.table_view import TableFrame
from embedviz.gui.theme import Theme
from embedviz.gui.widgets import named

if TYPE_CHECKING:
    from embedviz.gui.plots.plane import TokenPlane


class TablePictures(QStackedWidget):
    """Shows frames in an order of rows. Rows of the table are told by their ids, or positions."""

    row_pointed = Signal(int)  # in the plane; -1 for none
    row_chosen = Signal(int)

    def __init__(self, order: RowOrder, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._order = order
        self._theme = theme
        self.heatmap = named(Heatmap(theme), "lookupHeatmap")
        self._plane: TokenPlane | None = None
        self.addWidget(self.heatmap)

    @property
    def plane(self) -> "TokenPlane":
        """The places of rows of two numbers, made when first looked at: the first window does without."""
        if self._plane is None:
            from embedviz.gui.plots.plane import TokenPlane

            self._plane = named(TokenPlane(self._theme), "tokenPlane")
            self.addWidget(self._plane)
            self._plane.hovered.connect(self.row_pointed)
            self._plane.clicked.connect(self.row_chosen)
        return self._plane

    @property
    def note(self) -> str:
        """What a mark of the picture stands for, if not for one cell; points are rows, each by itself."""
        return self.heatmap.pooling_note if self.currentWidget() is self.heatmap else ""

    def set_empty(self, why: str) -> None:
        """Say why there is nothing to see."""
        self.heatmap.set_empty(why)
        self.setCurrentWidget(self.heatmap)

    def show_frame(self, frame: TableFrame) -> None:
        """Show a frame as colours."""
        plain = self._order.is_plain(len(frame.values))
        values = frame.values if plain else frame.values[self._order.ids]
        numbers = frame.numbers if plain or frame.numbers is None else frame.numbers[self._order.ids]
        self.heatmap.set_empty("")
        self.heatmap.set_data(values, frame.levels, frame.colormap, numbers)
        self.setCurrentWidget(self.heatmap)

    def show_points(self, frame: TableFrame, labels: Sequence[str], first: NDArray[np.int64]) -> None:
        """Show rows of two numbers as points, `first` those whose labels matter most."""
        self.plane.set_points(labels, frame.values, frame.levels[1], first)
        self.setCurrentWidget(self.plane)

    def set_outlined(self, rows: Sequence[int], selected: int | None, hovered: int) -> None:
        """Outline rows that are read, `selected` more heavily, and the one that is pointed at; -1 for none."""
        wanted = [*rows, *([hovered] if hovered >= 0 else [])]
        places = (self._order.row(row) for row in dict.fromkeys(wanted))
        self.heatmap.set_outlined([place for place in places if place is not None], self._order.row(selected))
        if self._plane is not None:
            self._plane.set_marked(list(rows), -1 if selected is None else selected, hovered)

    def row_pictures(self, rows: Collection[int | None]) -> list[tuple[QRect, QPixmap] | None]:
        """Return where on screen rows are, in order; None for what is out of sight."""
        return [self.heatmap.row_picture(self._order.row(row)) for row in rows]
