"""Hands on a table: holding a cell, dragging its value, asking to type another, and the menu of a row."""

from typing import ClassVar

from PySide6.QtCore import QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QHideEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

from embedviz.gui.plots.heatmap_navigation import GridPlot
from embedviz.gui.plots.pointing import Cell
from embedviz.gui.theme import Theme

FINE = 0.1  # with Shift a drag is slower
DRAG_MODIFIERS = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
EDIT_KEYS = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2})


class EditablePlot(GridPlot):
    """A table whose cells can be held and changed: it only tells what is asked for, and changes nothing itself.

    With Ctrl, and on the cell that is held, dragging changes a value instead of moving the table; Esc calls it
    off. (Alt does as Ctrl does, where the desktop does not move windows with it.) With the focus, Return or F2
    asks to type a value into the cell under the cursor; Esc lets it go, and the focus too.
    """

    edit_wanted = Signal(int, int)  # row, column
    let_go_wanted = Signal()  # Esc, while no value is dragged
    value_drag_began = Signal(int, int)
    value_dragged = Signal(float)  # pixels to the right of where it began; with Shift a tenth
    value_drag_ended = Signal(bool)  # False if it was called off
    keys_changed = Signal(bool)  # True: the keyboard's keys come here
    menu_wanted = Signal(int, int, QPoint)  # row, column (-1 beside the cells), where on the screen

    own_keys: ClassVar[frozenset[Qt.Key]] = GridPlot.own_keys | EDIT_KEYS

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(theme, name, parent)
        self._held: Cell | None = None
        self._value_at: QPointF | None = None  # where the pointer was last, while a value is dragged
        self._amount = 0.0
        self._may_drag_held = False  # the button went down on the cell that is held

    @property
    def held(self) -> Cell | None:
        """The cell that stays marked."""
        return self._held

    def hold(self, cell: Cell | None) -> None:
        """Mark a cell, wherever the pointer is."""
        if cell != self._held:
            self._held = cell
            self.touch()

    @property
    def is_value_dragged(self) -> bool:
        """True while a drag changes a value."""
        return self._value_at is not None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """With Ctrl begin to drag a value, else as ever; on the held cell it may become either."""
        cell = self._place_under(event.position())
        is_left = event.button() == Qt.MouseButton.LeftButton
        if is_left and cell is not None and event.modifiers() & DRAG_MODIFIERS:
            self._begin_value_drag(cell, event.position())
        elif not self.is_value_dragged:
            self._may_drag_held = is_left and cell is not None and cell == self._held
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell how far the value was dragged; the cell that is pointed at stays."""
        start = self._pressed if self._may_drag_held else None
        if start is not None and self._held is not None:
            if (event.position() - start).manhattanLength() < QApplication.startDragDistance():
                return
            self._pressed = None  # no click any more
            self._begin_value_drag(self._held, start)
        if self._value_at is None:
            super().mouseMoveEvent(event)
            return
        moved = event.position().x() - self._value_at.x()
        self._value_at = event.position()
        self._amount += moved * (FINE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0)
        self.value_dragged.emit(self._amount)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the drag of a value, else as ever."""
        self._may_drag_held = False
        if self.is_value_dragged and event.button() == Qt.MouseButton.LeftButton:
            self._end_value_drag(True)
        else:
            super().mouseReleaseEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing is dragged that cannot be seen."""
        super().hideEvent(event)
        self._end_value_drag(True)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Ask to type, call a drag off, or let the held cell go, and the keyboard with it."""
        if event.key() == Qt.Key.Key_Escape and not self.is_value_dragged:
            self.clearFocus()  # the window's keys walk the phases again
        if event.key() == Qt.Key.Key_Escape and (self.is_value_dragged or self._held is not None):
            event.accept()
            if self.is_value_dragged:
                self._end_value_drag(False)
            else:
                self.let_go_wanted.emit()
            return
        if not self._is_bare() and event.key() in EDIT_KEYS and self.is_own_key(event):
            event.accept()
            if self._at is None:
                self._move_cursor(0, 0)
            if self._at is not None:
                self.edit_wanted.emit(*self._at)
            return
        super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Tell that keys come here now."""
        super().focusInEvent(event)
        self.keys_changed.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Tell that keys go elsewhere."""
        super().focusOutEvent(event)
        self.keys_changed.emit(False)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the menu of the row under the pointer, its label included, or under the cursor."""
        place: Cell | None = None
        where = event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            place = self._at or self._held or self._first_cursor()
            where = self.mapToGlobal(self.cell_rect(*place).center().toPoint())
        elif not self._is_bare():
            place = self._place_in_row(QPointF(event.pos()))
        if place is None or self._is_bare():
            event.ignore()
            return
        event.accept()
        self.menu_wanted.emit(*place, where)

    def _place_in_row(self, here: QPointF) -> Cell | None:
        """Return the cell at a point; beside the cells, at the labels, the row and no column."""
        cell = self._place_under(here)
        if cell is None and here.x() < self.view.rect.left():
            beside = self._place_under(QPointF(self.view.rect.left() + 0.5, here.y()))
            cell = None if beside is None else (beside[0], -1)
        return cell

    def _begin_value_drag(self, cell: Cell, where: QPointF) -> None:
        self._may_drag_held = False
        self._value_at, self._amount = where, 0.0
        self.setCursor(Qt.CursorShape.SizeHorCursor)
        self.value_drag_began.emit(*cell)

    def _end_value_drag(self, kept: bool) -> None:
        if self.is_value_dragged:
            self._value_at = None
            self.unsetCursor()
            self.value_drag_ended.emit(kept)

    def _first_cursor(self) -> Cell:
        """Begin at the cell that is held."""
        return super()._first_cursor() if self._held is None else self._held
