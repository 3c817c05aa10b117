"""The unit of losses as a word that can be clicked: the name of an axis, or a word beside figures."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Slot
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from embedviz.analysis.units import LossUnit, next_unit
from embedviz.gui.plots.base import draw_focus_ring
from embedviz.gui.theme import Role, Theme

EDGE, RIM = 4, 2  # designed pixels beside the word, and above and below it


class UnitButton(QAbstractButton):
    """A flat button in the size of a caption, underlined by dots; it says which unit a click brings."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        theme.changed.connect(self._restyle)

    def show_unit(self, unit: LossUnit, text: str = "") -> None:
        """Show `unit`, by name or in a `text` of its own, and offer the next one."""
        text = text or unit.name
        if text != self.text():
            self.setText(text)
            self.setToolTip(f"Click: {next_unit(unit).words}")
            self.setAccessibleName(f"Unit of losses: {text}")
            self.setAccessibleDescription(self.toolTip())
            self.updateGeometry()

    def sizeHint(self) -> QSize:
        """Return the room of the word."""
        metrics = self._metrics()
        width = metrics.horizontalAdvance(self.text()) + 2 * self._theme.px(EDGE)
        return QSize(round(width) + 1, round(metrics.height()) + 2 * self._theme.px(RIM))

    def minimumSizeHint(self) -> QSize:
        """Return the same: nothing is cut off."""
        return self.sizeHint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the word, darker where the pointer is, and the ring that shows where the keyboard is."""
        painter = QPainter(self)
        px, metrics = self._theme.px, self._metrics()
        colour = self._theme.colour("ink" if self.underMouse() or self.hasFocus() else "muted")
        base = QPointF(px(EDGE), (self.height() - metrics.height()) / 2 + metrics.ascent())
        painter.setFont(self._theme.font(Role.CAPTION))
        painter.setPen(colour)
        painter.drawText(base, self.text())
        dots = QPen(colour, px(1))
        dots.setDashPattern([1.0, 2.0])
        painter.setPen(dots)
        y = round(base.y() + metrics.underlinePos()) + 1.5
        painter.drawLine(QPointF(base.x(), y), QPointF(base.x() + metrics.horizontalAdvance(self.text()), y))
        if self.hasFocus():  # which only the keyboard brings
            draw_focus_ring(painter, QRectF(self.rect()), self._theme)

    def _metrics(self) -> QFontMetricsF:
        return QFontMetricsF(self._theme.font(Role.CAPTION))

    @Slot()
    def _restyle(self) -> None:
        self.updateGeometry()
        self.update()
