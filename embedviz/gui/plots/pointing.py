"""A plot with a cursor: one place in it is pointed at, by the pointer or by keys, or none is."""

from typing import Generic, TypeVar

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QMouseEvent
from PySide6.QtWidgets import QWidget

from embedviz.gui.plots.base import Plot
from embedviz.gui.theme import Theme

Place = TypeVar("Place")
Cell = tuple[int, int]
CELL_STEPS = {  # rows down, columns to the right
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
}


class PointingPlot(Plot, Generic[Place]):
    """A plot in which the pointer, and with the focus a subclass's keys, move a cursor from place to place.

    A subclass finds places in `place_at`, emits its signal in `_tell`, and draws and describes what is at `_at`.
    """

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(theme, name, parent)
        self._at: Place | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def place_at(self, x: float, y: float) -> Place | None:
        """Return the place at a point; None if none is there."""
        raise NotImplementedError

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Point at what is under the pointer."""
        self._point_to(event.position())

    def leaveEvent(self, event: QEvent) -> None:
        """Point at nothing."""
        super().leaveEvent(event)
        self._point(None)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Take the cursor away, unless the pointer holds it."""
        super().focusOutEvent(event)
        if not self.underMouse():
            self._point(None)

    def _place_under(self, here: QPointF) -> Place | None:
        """Return what can be pointed at there: nothing where a sentence stands in the plot's place."""
        return None if self._empty else self.place_at(here.x(), here.y())

    def _point_to(self, here: QPointF) -> None:
        self._point(self._place_under(here))

    def _point(self, place: Place | None) -> None:
        """Move the cursor to `place`, and tell of it if it was elsewhere."""
        if place != self._at:
            self._at = place
            self.touch()
            self._tell(place)

    def _tell(self, place: Place | None) -> None:
        """Emit the signal that says what is pointed at now."""
        raise NotImplementedError


class CellPlot(PointingPlot[Cell]):
    """A plot whose places are cells: a row and a column in it, or what a subclass has in their stead."""

    hovered = Signal(int, int)  # row, column; -1, -1 when no cell is

    def _tell(self, place: Cell | None) -> None:
        self.hovered.emit(*(place or (-1, -1)))

    def _let_go_beyond(self, shape: tuple[int, ...]) -> None:
        """Point at nothing if the cell pointed at is not in a table of `shape`, (R, C)."""
        if self._at is not None and (self._at[0] >= shape[0] or self._at[1] >= shape[1]):
            self._point(None)
