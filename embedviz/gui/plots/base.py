"""What all plots share: the theme, a focus ring, words for screen readers, a sentence when empty."""

from typing import ClassVar

from PySide6.QtCore import QEvent, QRect, QRectF, Qt, QTimer, Slot
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QScrollBar, QWidget

from embedviz.gui.theme import Role, Theme

DESCRIBE_EVERY_MS = 400
_KEYBOARD_REASONS = frozenset(
    {Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason}
)


class Plot(QWidget):
    """A view that takes its look from the theme and repaints only when something changed.

    A subclass paints in `draw`, says in `describe` what it shows, and calls `touch` on a change. `own_keys`
    are those it wants for itself while it has the focus, even where the window has a shortcut on them.
    """

    own_keys: ClassVar[frozenset[Qt.Key]] = frozenset()

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._empty = ""
        self._note = ""
        self._ring = False
        self._stale = False
        self._describe_timer = QTimer(self)
        self._describe_timer.setSingleShot(True)
        self._describe_timer.setInterval(DESCRIBE_EVERY_MS)
        self._describe_timer.timeout.connect(self._describe_again)
        self.setAccessibleName(name)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        theme.changed.connect(self._take_theme)

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to draw but the reason why."""
        return bool(self._empty)

    def set_empty(self, sentence: str) -> None:
        """Show `sentence`, which says why nothing is here and what to do, until there is data."""
        if sentence != self._empty:
            self._empty = sentence
            self.touch()

    def set_note(self, note: str) -> None:
        """Add `note` ("step 65") to the description for screen readers."""
        if note != self._note:
            self._note = note
            self._describe()

    def touch(self) -> None:
        """Repaint, and describe anew, soon."""
        self.update()
        self._describe()

    def describe(self) -> str:
        """Return in words what is shown."""
        return ""

    def restyle(self) -> None:
        """Take measures from the theme anew; called at each change of it."""

    def draw(self, painter: QPainter, exposed: QRect) -> None:
        """Paint what is shown; the background is painted already."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the card's colour, then the plot or the sentence in its place, then the focus ring."""
        painter = QPainter(self)
        try:
            painter.fillRect(event.rect(), self._theme.colour("card"))
            if self._empty:
                self._draw_sentence(painter)
            else:
                self.draw(painter, event.rect())
            if self._ring:
                draw_focus_ring(painter, QRectF(self.rect()), self._theme)
        finally:
            painter.end()  # else an error here would take the whole window's picture with it

    def event(self, event: QEvent) -> bool:
        """Claim the keys in `own_keys` before the window's shortcuts see them."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and self.is_own_key(event)
        ):
            event.accept()
            return True
        return super().event(event)

    def is_own_key(self, event: QKeyEvent) -> bool:
        """Return True for a key of `own_keys`, pressed with no modifier that means something."""
        plain = Qt.KeyboardModifier.KeypadModifier
        if event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Minus):  # Shift is needed for + on many keyboards
            plain |= Qt.KeyboardModifier.ShiftModifier
        return event.key() in self.own_keys and not event.modifiers() & ~plain

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the ring if the keyboard brought the focus."""
        super().focusInEvent(event)
        self._show_ring(event.reason() in _KEYBOARD_REASONS)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Take the ring away."""
        super().focusOutEvent(event)
        self._show_ring(False)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Show the ring when a key of its own is used; subclasses act on it."""
        self._show_ring(self._ring or self.is_own_key(event))
        super().keyPressEvent(event)

    def _show_ring(self, on: bool) -> None:
        if on != self._ring:
            self._ring = on
            self.update()

    def _draw_sentence(self, painter: QPainter) -> None:
        margin = self._theme.px(24)
        painter.setFont(self._theme.font(Role.BODY))
        painter.setPen(self._theme.colour("muted"))
        inside = self.rect().adjusted(margin, margin, -margin, -margin)
        painter.drawText(inside, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._empty)

    @Slot()
    def _take_theme(self) -> None:
        self.restyle()
        self.updateGeometry()
        self.update()

    def _describe(self) -> None:
        if self._describe_timer.isActive():
            self._stale = True
            return
        self._stale = False
        words = self._empty or ", ".join(part for part in (self.describe(), self._note) if part)
        self.setAccessibleDescription(words)
        self._describe_timer.start()

    @Slot()
    def _describe_again(self) -> None:
        if self._stale:
            self._describe()


class ScrollingPlot(Plot):
    """A plot that may be taller than its place; room for the scroll bar is always kept: nothing jumps."""

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(theme, name, parent)
        self.scroll_bar = QScrollBar(Qt.Orientation.Vertical, self)
        self.scroll_bar.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.scroll_bar.hide()
        self.scroll_bar.valueChanged.connect(self._scrolled)

    @property
    def page_width(self) -> int:
        """The width left of the scroll bar."""
        return max(1, self.width() - self._theme.px(12))

    def set_content_height(self, height: int, step: int) -> None:
        """Tell the scroll bar how much there is, and how far one turn of the wheel goes."""
        self.scroll_bar.setRange(0, max(0, height - self.height()))
        self.scroll_bar.setPageStep(max(1, self.height()))
        self.scroll_bar.setSingleStep(max(1, step))
        self.scroll_bar.setGeometry(self.width() - self._theme.px(10), 0, self._theme.px(10), self.height())
        self.scroll_bar.setVisible(self.scroll_bar.maximum() > 0)

    def scroll_to(self, top: int, bottom: int) -> None:
        """Scroll as little as makes the part from `top` to `bottom` visible."""
        value = self.scroll_bar.value()
        self.scroll_bar.setValue(min(top, max(value, bottom - self.height())))

    @Slot()
    def _scrolled(self) -> None:
        self.update()


def draw_focus_ring(painter: QPainter, rect: QRectF, theme: Theme) -> None:
    """Draw the ring that shows where the keyboard is, just inside `rect`."""
    width = theme.px(2)
    inset = width / 2
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(theme.colour("model"), width))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(rect.adjusted(inset, inset, -inset, -inset), theme.px(4), theme.px(4))
    painter.restore()
