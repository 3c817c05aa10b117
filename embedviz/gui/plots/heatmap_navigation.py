"""Moving about in a table on screen, by pointer, wheel, fingers and keys; heatmap.py draws it."""

from typing import ClassVar

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QNativeGestureEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QGestureEvent, QPinchGesture, QWidget

from embedviz.gui.plots.heatmap_view import GridView
from embedviz.gui.plots.pointing import CELL_STEPS, Cell, CellPlot
from embedviz.gui.theme import Theme

READABLE_CELL, LARGEST_CELL, LARGEST_FITTED = 16, 64, 160  # designed pixels
WHEEL_ZOOM = 1.2  # a notch, or a press of + or -


class GridPlot(CellPlot):
    """A table (R, C) that is looked at whole or in part, and pointed at cell by cell.

    The wheel and pinching zoom about the pointer, dragging moves, a double click shows all. With the focus:
    the arrows move a cell cursor, + and - zoom, 0 shows all.
    """

    row_clicked = Signal(int)
    cell_clicked = Signal(int, int)  # the same, with the column
    view_changed = Signal()  # zoomed, moved, resized, or of another table

    own_keys: ClassVar[frozenset[Qt.Key]] = frozenset(
        {*CELL_STEPS, Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus, Qt.Key.Key_0}
    )

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(theme, name, parent)
        self._zoom = 1.0
        self._centre: tuple[float, float] | None = None
        self._view: GridView | None = None
        self._pressed: QPointF | None = None
        self._dragging = False
        self.grabGesture(Qt.GestureType.PinchGesture)

    def table_shape(self) -> tuple[int, int]:
        """Return rows and columns; (0, 0) if there is nothing to move about in."""
        raise NotImplementedError

    def table_area(self) -> QRectF:
        """Return the part of the widget that cells may fill."""
        raise NotImplementedError

    @property
    def view(self) -> GridView:
        """Which cells are on screen, and where."""
        if self._view is None:
            self._view = self._view_at(self._zoom, self._centre)
        return self._view

    @property
    def cursor_cell(self) -> Cell | None:
        """The row and column under the pointer or the cell cursor."""
        return self._at

    def place_at(self, x: float, y: float) -> Cell | None:
        """Return the row and column at a point; None beside the cells."""
        return None if self._is_bare() else self.view.cell_at(x, y)

    def cell_rect(self, row: int, column: int) -> QRectF:
        """Return where a cell is in the widget; it may be outside what is on screen."""
        return self.view.cells_rect(row, column, 1, 1)

    def row_rect(self, row: int) -> QRectF:
        """Return where that part of a row is that is on screen sideways."""
        whole = self.view.cells_rect(row, 0, 1, self.view.columns)
        return QRectF(self.view.rect.left(), whole.top(), self.view.width, whole.height())

    def reset_view(self) -> None:
        """Show all of the table."""
        self._look(1.0, None)

    def center_on(self, row: int, column: int | None = None) -> None:
        """Bring a row, or a cell, to the middle, enlarged if its label could not be read."""
        view = self.view
        readable = self._theme.px(READABLE_CELL)
        small = view.cell_height if column is None else min(view.cell_height, view.cell_width)
        zoom = max(self._zoom, view.zoom_for(readable)) if small < readable else self._zoom
        self._look(zoom, (row + 0.5, view.centre[1] if column is None else column + 0.5))

    def zoom_about(self, point: QPointF, factor: float) -> bool:
        """Enlarge `factor` times while the cell at `point` stays there; False if it goes no further."""
        view = self.view
        most = max(self._zoom, view.zoom_for(self._theme.px(LARGEST_CELL)))
        zoom = min(max(1.0, self._zoom * factor), most)
        if zoom == self._zoom:
            return False
        row, column = view.position(point.x(), point.y())
        after = self._view_at(zoom, None)
        down, right = point.y() - view.area.top(), point.x() - view.area.left()
        self._look(
            zoom,
            (
                row + (after.height / 2 - down) / after.cell_height,
                column + (after.width / 2 - right) / after.cell_width,
            ),
        )
        return True

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the table to the new size."""
        super().resizeEvent(event)
        self._look(self._zoom, self._centre)

    def event(self, event: QEvent) -> bool:
        """Zoom when two fingers part, on a touch screen or a touch pad."""
        kind = event.type()
        if kind == QEvent.Type.Gesture and isinstance(event, QGestureEvent):
            pinch = event.gesture(Qt.GestureType.PinchGesture)
            if isinstance(pinch, QPinchGesture):
                middle = self.mapFromGlobal(pinch.centerPoint())
                self.zoom_about(middle, pinch.scaleFactor())
                event.accept(pinch)
                return True
        elif (
            kind == QEvent.Type.NativeGesture
            and isinstance(event, QNativeGestureEvent)
            and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture
        ):
            self.zoom_about(event.position(), 1 + event.value())
            return True
        return super().event(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the pointer."""
        here, turned = event.position(), event.angleDelta().y()
        zoomed = bool(turned) and not self._is_bare() and self.zoom_about(here, WHEEL_ZOOM ** (turned / 120))
        event.setAccepted(zoomed)
        if zoomed:
            self._point_to(here)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a click, or a drag."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed, self._dragging = event.position(), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag, or point at a cell."""
        here = event.position()
        if self._pressed is not None:
            moved = here - self._pressed
            if not self._dragging and moved.manhattanLength() >= QApplication.startDragDistance():
                self._dragging = True
                self.setCursor(Qt.CursorShape.ClosedHandCursor)
            if self._dragging:
                self._pressed = here
                row, column = self.view.centre
                self._look(
                    self._zoom,
                    (row - moved.y() / self.view.cell_height, column - moved.x() / self.view.cell_width),
                )
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a drag, or say which row was clicked."""
        if event.button() != Qt.MouseButton.LeftButton or self._pressed is None:
            return
        dragged = self._dragging
        self._pressed, self._dragging = None, False
        if dragged:
            self.unsetCursor()
            self.update()
            return
        cell = self._place_under(event.position())
        if cell is not None:
            self.row_clicked.emit(cell[0])
            self.cell_clicked.emit(*cell)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show all of the table."""
        event.accept()
        self.reset_view()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the cell cursor, zoom, or show all."""
        super().keyPressEvent(event)
        if self._is_bare() or not self.is_own_key(event):
            return
        event.accept()
        key = Qt.Key(event.key())
        if key in CELL_STEPS:
            self._move_cursor(*CELL_STEPS[key])
        elif key == Qt.Key.Key_0:
            self.reset_view()
        else:
            where = self.view.rect.center() if self._at is None else self.cell_rect(*self._at).center()
            self.zoom_about(where, 1 / WHEEL_ZOOM if key == Qt.Key.Key_Minus else WHEEL_ZOOM)

    def _is_bare(self) -> bool:
        return bool(self._empty) or 0 in self.table_shape()

    def _view_at(self, zoom: float, centre: tuple[float, float] | None) -> GridView:
        rows, columns = self.table_shape()
        largest = self._theme.px(LARGEST_FITTED)
        return GridView(rows, columns, self.table_area(), zoom=zoom, centre=centre, largest=largest)

    def _look(self, zoom: float, centre: tuple[float, float] | None) -> None:
        """Show the table `zoom` times enlarged around `centre`, or as near to it as its edges allow."""
        self._zoom, self._view = zoom, None
        self._centre = None if centre is None else self._view_at(zoom, centre).centre
        self.update()
        self.view_changed.emit()

    def _forget_view(self) -> None:
        """Compute the view anew, with all of the table in it."""
        self._zoom, self._centre, self._view = 1.0, None, None
        self._point(None)

    def _move_cursor(self, down: int, right: int) -> None:
        rows, columns = self.table_shape()
        if self._at is None:
            row, column = self._first_cursor()
        else:
            row = min(rows - 1, max(0, self._at[0] + down))
            column = min(columns - 1, max(0, self._at[1] + right))
        view = self.view
        if not view.rect.contains(self.cell_rect(row, column).center()):
            self._look(self._zoom, (row + 0.5, column + 0.5))
        self._point((row, column))

    def _first_cursor(self) -> tuple[int, int]:
        """Return where the cell cursor starts: in the middle of what is on screen."""
        row, column = self.view.centre
        rows, columns = self.table_shape()
        return min(rows - 1, int(row)), min(columns - 1, int(column))
