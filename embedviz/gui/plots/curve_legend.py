"""The line above the loss curve: which line is which, beside the name of the axis."""

from PySide6.QtCore import QPointF
from PySide6.QtGui import QFontMetricsF, QPainter, QPen

from embedviz.gui.theme import Role, Theme

SWATCH, BESIDE, BETWEEN, EDGE = 16, 5, 12, 4  # designed pixels


class Legend:
    """Draws named lines at the right of a title, or below it where there is no room; the title is a widget."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme

    def height(self, width: int, title: int, names: list[tuple[str, bool]]) -> int:
        """Return how high the line is, or both of them, beside a title that is `title` pixels wide."""
        lines = 1 if self._is_one_line(width, title, names) else 2
        return round(lines * self._metrics().height()) + self._theme.px(6)

    def draw(self, painter: QPainter, width: int, title: int, names: list[tuple[str, bool]]) -> None:
        """Draw `names` each with its line, which is dashed where the flag is set."""
        px, metrics = self._theme.px, self._metrics()
        painter.setFont(self._theme.font(Role.CAPTION))
        top = float(px(3))
        x = float(px(EDGE))
        if self._is_one_line(width, title, names):
            x = width - self._width(names) - px(16)
        else:
            top += metrics.height()
        for name, dashed in names:
            pen = QPen(self._theme.colour("model", 0.75 if dashed else 1.0), px(2))
            if dashed:
                pen.setDashPattern([3.0, 2.0])
            painter.setPen(pen)
            middle = round(top + metrics.height() / 2)
            painter.drawLine(QPointF(x, middle), QPointF(x + px(SWATCH), middle))
            painter.setPen(self._theme.colour("muted"))
            x += px(SWATCH) + px(BESIDE)
            painter.drawText(QPointF(x, top + metrics.ascent()), name)
            x += metrics.horizontalAdvance(name) + px(BETWEEN)

    def _is_one_line(self, width: int, title: int, names: list[tuple[str, bool]]) -> bool:
        px = self._theme.px
        return title + px(32) + self._width(names) <= width

    def _width(self, names: list[tuple[str, bool]]) -> float:
        px, metrics = self._theme.px, self._metrics()
        each = (px(SWATCH) + px(BESIDE) + metrics.horizontalAdvance(name) for name, _ in names)
        return sum(each) + (len(names) - 1) * px(BETWEEN)

    def _metrics(self) -> QFontMetricsF:
        return QFontMetricsF(self._theme.font(Role.CAPTION))
