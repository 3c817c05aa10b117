"""A number that is changed by typing, or by dragging it sideways."""

from PySide6.QtCore import QPointF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QFocusEvent, QHideEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget

FINE = 0.1  # with Shift a drag is slower


class ValueField(QLineEdit):
    """Shows a number; a click begins typing, a drag changes it, Return takes what was typed, Esc leaves it.

    While nobody types, `show_number` shows the number of now.
    """

    committed = Signal(str)
    left = Signal()  # typing is over, either way
    drag_began = Signal()
    dragged = Signal(float)  # pixels to the right of where it began; with Shift a tenth
    drag_ended = Signal(bool)  # False if it was called off

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._number = ""
        self._pressed: QPointF | None = None
        self._amount: float | None = None  # of the drag that is going on
        self.setFocusPolicy(
            Qt.FocusPolicy.TabFocus
        )  # a press may begin a drag: a click takes the focus when it ends
        self.setCursor(Qt.CursorShape.SizeHorCursor)
        self.returnPressed.connect(self._commit)

    def show_number(self, text: str) -> None:
        """Show a number, unless somebody is typing another."""
        self._number = text
        if (not self.hasFocus() or not self.isModified()) and text != self.text():
            self.setText(text)
            if self.hasFocus() and self._amount is None:
                self.selectAll()

    def begin_typing(self) -> None:
        """Take the focus, with all of the number selected."""
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        self.selectAll()

    def accept(self) -> None:
        """Take what was typed: typing is over."""
        self.setModified(False)
        self.left.emit()

    def sizeHint(self) -> QSize:
        """Return room for a number of six digits."""
        return QSize(self.fontMetrics().horizontalAdvance("−0.000000") + self.fontMetrics().height(), self._high())

    def minimumSizeHint(self) -> QSize:
        """Return the same."""
        return self.sizeHint()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin what may become a drag, or a click into the text."""
        if self.hasFocus():
            super().mousePressEvent(event)
        elif event.button() == Qt.MouseButton.LeftButton:
            self._pressed = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Change the number."""
        if self._pressed is None:
            super().mouseMoveEvent(event)
            return
        moved = event.position().x() - self._pressed.x()
        if self._amount is None:
            if abs(moved) < QApplication.startDragDistance():
                return
            self._amount = 0.0
            self.setFocus(Qt.FocusReason.MouseFocusReason)  # so that Esc comes here
            self.deselect()
            self.drag_began.emit()
        self._pressed = event.position()
        self._amount += moved * (FINE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0)
        self.dragged.emit(self._amount)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the drag; or, after a click, begin typing."""
        if self._pressed is None:
            super().mouseReleaseEvent(event)
        elif self._amount is not None:
            self._end_drag(True)
        else:
            self._pressed = None
            self.begin_typing()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc takes nothing, of a drag or of what was typed."""
        if event.key() != Qt.Key.Key_Escape:
            super().keyPressEvent(event)
            return
        event.accept()
        if self._amount is not None:
            self._end_drag(False)
        else:
            self._leave()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show that one can type."""
        super().focusInEvent(event)
        if self._amount is None:
            self.setCursor(Qt.CursorShape.IBeamCursor)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Forget what was typed and not taken."""
        super().focusOutEvent(event)
        self.setCursor(Qt.CursorShape.SizeHorCursor)
        self.setText(self._number)

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing is dragged that cannot be seen."""
        super().hideEvent(event)
        if self._amount is not None:
            self._end_drag(True)
        self._pressed = None

    def _end_drag(self, kept: bool) -> None:
        self._pressed = self._amount = None
        self.drag_ended.emit(kept)
        self.left.emit()

    @Slot()
    def _commit(self) -> None:
        if self.isModified() and self.text() != self._number:
            self.committed.emit(self.text())
        else:
            self._leave()

    def _leave(self) -> None:
        self.setText(self._number)
        self.left.emit()

    def _high(self) -> int:
        return round(self.fontMetrics().height() * 1.3)
