"""The lens over a table of small cells: the neighbourhood of one cell, enlarged, beside the pointer."""

from typing import ClassVar

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from embedviz.gui.theme import Role, Theme

CELL, AWAY, WIDEST_WORDS = 15, 22, 320  # designed pixels: a cell in the lens; from the pointer to it; words


class LensPainter:
    """Draws cells around one, which is marked, and a line of words under them."""

    REACH: ClassVar[int] = 4  # cells on each side of the middle one

    def __init__(self, theme: Theme) -> None:
        self._theme = theme

    def rect(self, within: QRectF, point: QPointF, words: str) -> QRectF:
        """Return where the lens goes: right of and below `point`, or on the other side for want of room."""
        px = self._theme.px
        side = px(CELL) * (2 * self.REACH + 1)
        metrics = QFontMetricsF(self._theme.font(Role.CAPTION))
        width = max(float(side), min(px(WIDEST_WORDS), metrics.horizontalAdvance(words))) + 2 * px(8)
        width = min(width, within.width())
        height = side + metrics.height() + 2 * px(8) + px(6)
        left, top = point.x() + px(AWAY), point.y() + px(AWAY)
        if left + width > within.right():
            left = point.x() - px(AWAY) - width
        if top + height > within.bottom():
            top = point.y() - px(AWAY) - height
        left = max(within.left(), min(left, within.right() - width))
        top = max(within.top(), min(top, within.bottom() - height))
        return QRectF(left, top, width, height)

    def draw(
        self, painter: QPainter, within: QRectF, point: QPointF, cells: list[list[QColor | None]], words: str
    ) -> None:
        """Draw `cells` enlarged near `point`; None stands for what is beyond the table's edges."""
        px = self._theme.px
        rect = self.rect(within, point, words)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.colour("muted"), px(1)))
        painter.setBrush(self._theme.colour("card"))
        painter.drawRoundedRect(rect, px(8), px(8))
        side = px(CELL)
        whole = side * len(cells)
        left, top = round(rect.center().x() - whole / 2), round(rect.top() + px(8))
        frame = QRectF(left, top, whole, whole)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for r, line in enumerate(cells):
            for c, colour in enumerate(line):
                if colour is not None:
                    painter.fillRect(left + c * side, top + r * side, side, side, colour)
        self._mark(painter, QRectF(left + self.REACH * side, top + self.REACH * side, side, side))
        painter.setFont(self._theme.font(Role.CAPTION))
        painter.setPen(self._theme.colour("ink"))
        below = QRectF(rect.left(), frame.bottom(), rect.width(), rect.bottom() - frame.bottom())
        metrics = QFontMetricsF(painter.font())
        words = metrics.elidedText(words, Qt.TextElideMode.ElideMiddle, rect.width() - px(8))
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, words)
        painter.restore()

    def _mark(self, painter: QPainter, cell: QRectF) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for name, width in (("card", self._theme.px(4)), ("ink", self._theme.px(2))):
            painter.setPen(QPen(self._theme.colour(name), width, j=Qt.PenJoinStyle.MiterJoin))
            painter.drawRect(cell)
