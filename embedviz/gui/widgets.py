"""Small pieces that every panel is made of: the card, the segmented switch, a number with its name."""

from collections.abc import Iterable
from typing import TypeVar

from PySide6.QtCore import QEvent, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from embedviz.gui.theme import Role, Theme

DOT = "● "


class LiveLabel(QLabel):
    """A line of plain text that may change with every frame.

    QLabel lays the whole window out anew at each change of text (measured: 3 ms a frame). This one does so
    only when it needs more room than ever before.
    """

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self._words = ""
        self._dot: QColor | None = None
        self._room = 0
        self.setText(text)

    def setText(self, text: str) -> None:
        """Show `text`."""
        if text == self._words:
            return
        self._words = text
        self.setAccessibleName(text)
        if self._needed() > self._room:
            self._room = self._needed()
            self.updateGeometry()
        self.update()

    def text(self) -> str:
        """Return what is shown."""
        return self._words

    @property
    def dot(self) -> QColor | None:
        """The colour of the dot, if there is one."""
        return self._dot

    def set_dot(self, colour: QColor) -> None:
        """Put a dot of this colour before the text."""
        if colour != self._dot:
            self._dot = colour
            self.update()

    def sizeHint(self) -> QSize:
        """Return the room of the widest text so far."""
        return QSize(self._room, self.fontMetrics().height())

    def minimumSizeHint(self) -> QSize:
        """Return the same: nothing is cut off."""
        return self.sizeHint()

    def changeEvent(self, event: QEvent) -> None:
        """Measure anew in another font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._room = self._needed()
            self.updateGeometry()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw dot and text."""
        painter = QPainter(self)
        painter.setFont(self.font())
        place = self.rect()
        flags = int(self.alignment() | Qt.TextFlag.TextSingleLine)
        if self._dot is not None:
            painter.setPen(self._dot)
            painter.drawText(place, flags, DOT)
            place = place.adjusted(self.fontMetrics().horizontalAdvance(DOT), 0, 0, 0)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(place, flags, self._fitted(place.width()))

    def _needed(self) -> int:
        metrics = self.fontMetrics()
        return metrics.horizontalAdvance(self._words) + (metrics.horizontalAdvance(DOT) if self._dot else 0) + 1

    def _fitted(self, _width: int) -> str:
        return self._words


class ElidedLabel(LiveLabel):
    """A live label that gives way: what does not fit ends in an ellipsis, and the whole is in the tooltip."""

    def minimumSizeHint(self) -> QSize:
        """Little: it gives way."""
        return QSize(self.fontMetrics().horizontalAdvance("mmm"), self.fontMetrics().height())

    def event(self, event: QEvent) -> bool:
        """Show all of the text in the tooltip, unless it has another."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.toolTip() or self._words, self)
            return True
        return super().event(event)

    def _fitted(self, width: int) -> str:
        return self.fontMetrics().elidedText(self._words, Qt.TextElideMode.ElideRight, width)


def caption(text: str = "", *, elided: bool = False) -> QLabel:
    """Return a label in the caption size and the muted colour."""
    label = ElidedLabel(text) if elided else QLabel(text)
    label.setProperty("role", "caption")
    return label


class Card(QFrame):
    """A panel: a title, room on the right of it, a line on what is shown, and a body."""

    def __init__(self, title: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.setAccessibleName(title)
        self.theme = theme
        self.title = QLabel(title)
        self.title.setProperty("role", "title")
        self.subtitle = caption(elided=True)
        self.subtitle.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.header = QHBoxLayout()
        self.header.addWidget(self.title, 1)
        self.body = QVBoxLayout(self)
        self.body.addLayout(self.header)
        self.body.addWidget(self.subtitle)
        theme.changed.connect(self._space)
        self._space()

    @Slot()
    def _space(self) -> None:
        px = self.theme.px
        self.header.setSpacing(px(8))
        self.body.setSpacing(px(8))
        self.body.setContentsMargins(px(16), px(12), px(16), px(12))


class Segment(QPushButton):
    """An option of Segments. Reached by Tab alone; the arrow keys are then its own and not the run's."""

    def __init__(self, title: str) -> None:
        super().__init__(title)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def event(self, event: QEvent) -> bool:
        """Claim the arrow keys before the window's shortcuts see them."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right)
            and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        ):
            event.accept()
            return True
        return super().event(event)


class Segments(QFrame):
    """A switch of a few words side by side, of which one is on; arrow keys move it."""

    chosen = Signal(str)

    def __init__(
        self, options: Iterable[tuple[str, str, str]], theme: Theme, parent: QWidget | None = None
    ) -> None:
        """Take (name, title, tooltip) of each option; the first is on."""
        super().__init__(parent)
        self.setProperty("segments", True)
        self._group = QButtonGroup(self, exclusive=True)
        self._buttons: dict[str, QPushButton] = {}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(theme.px(2), theme.px(2), theme.px(2), theme.px(2))
        layout.setSpacing(0)
        for name, title, tip in options:
            button = named(Segment(title), f"segment_{name}", tip=tip)
            button.setProperty("segment", True)
            button.setAccessibleDescription(tip)
            button.clicked.connect(self._emit)
            self._buttons[name] = button
            self._group.addButton(button)
            layout.addWidget(button)
        next(iter(self._buttons.values())).setChecked(True)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Maximum)

    @property
    def value(self) -> str:
        """The name of the option that is on."""
        return next(name for name, button in self._buttons.items() if button.isChecked())

    def set_value(self, name: str) -> None:
        """Switch, and say so if that changed anything."""
        if not self._buttons[name].isChecked():
            self._buttons[name].setChecked(True)
            self.chosen.emit(name)

    def set_available(self, names: Iterable[str]) -> None:
        """Show the options of these names only; go to the first of them if the one that is on is not there."""
        available = set(names)
        for name, button in self._buttons.items():
            button.setVisible(name in available)
        if self.value not in available:
            self.set_value(next(name for name in self._buttons if name in available))

    @Slot()
    def _emit(self) -> None:
        self.chosen.emit(self.value)


class Choice(QComboBox):
    """A box of few options, always wide enough for the longest of them."""

    def sizeHint(self) -> QSize:
        """Return room for the longest option, the arrow and the style sheet's padding."""
        widest = max(
            (self.fontMetrics().horizontalAdvance(self.itemText(i)) for i in range(self.count())), default=0
        )
        return QSize(widest + round(2.5 * self.fontMetrics().height()), super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """Return the same: an option that is cut off says nothing."""
        return self.sizeHint()


class Figure(QWidget):
    """A number with its name under it."""

    def __init__(self, name: str, theme: Theme, role: Role = Role.BODY, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._role = role
        self._name = name
        self._value = LiveLabel("–")
        self._caption = caption(name)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._value)
        layout.addWidget(self._caption)
        theme.changed.connect(self._restyle)
        self._restyle()

    def set_value(self, text: str, name: str | None = None) -> None:
        """Show `text`; change the name under it too if given."""
        if text != self._value.text():
            self._value.setText(text)
        if name is not None and name != self._name:
            self._name = name
            self._caption.setText(name)
        self.setAccessibleName(f"{self._name}: {text}")

    @property
    def text(self) -> str:
        """What is shown."""
        return self._value.text()

    @Slot()
    def _restyle(self) -> None:
        self._value.setFont(self._theme.font(self._role, bold=True))


AnyWidget = TypeVar("AnyWidget", bound=QWidget)


def named(widget: AnyWidget, name: str = "", *, says: str = "", tip: str = "") -> AnyWidget:
    """Give `widget` an object name, an accessible name and a tooltip; return it."""
    if name:
        widget.setObjectName(name)
    if says:
        widget.setAccessibleName(says)
    if tip:
        widget.setToolTip(tip)
    return widget
