"""The axes of a plane: lines at round numbers, those through 0 stronger, and the numbers beside them."""

from PySide6.QtCore import QLineF, QPointF, QRectF
from PySide6.QtGui import QFontMetricsF, QPainter, QPen

from embedviz.analysis.levels import nice_limit
from embedviz.gui.plots.figures import figure
from embedviz.gui.theme import Role, Theme


def draw_axes(painter: QPainter, plot: QRectF, scale: float, limit: float, theme: Theme) -> None:
    """Draw both axes of `plot`, with 0 in its middle, at `scale` pixels to 1; steps go by `limit`.

    Where the numbers of such steps would not fit, the steps are longer.
    """
    font = theme.font(Role.CAPTION)
    metrics = QFontMetricsF(font)
    painter.setFont(font)
    step = nice_limit(max(limit / 2.5, metrics.horizontalAdvance("−0.000") / scale))
    for across, half in ((True, plot.width() / 2 / scale), (False, plot.height() / 2 / scale)):
        last = int(half / step)
        for place in range(-last, last + 1):
            painter.setPen(QPen(theme.colour("muted" if place == 0 else "line"), 1))
            words = figure(place * step, signed=True, digits=2)
            width = metrics.horizontalAdvance(words)
            if across:
                x = round(plot.center().x() + place * step * scale) + 0.5
                painter.drawLine(QLineF(x, plot.top(), x, plot.bottom()))
                at = QPointF(x - width / 2, plot.bottom() + theme.px(3) + metrics.ascent())
            else:
                y = round(plot.center().y() - place * step * scale) + 0.5
                painter.drawLine(QLineF(plot.left(), y, plot.right(), y))
                at = QPointF(plot.left() - theme.px(5) - width, y + metrics.ascent() / 2 - theme.px(1))
            painter.setPen(theme.colour("muted"))
            if not across or (plot.left() <= at.x() and at.x() + width <= plot.right() + theme.px(10)):
                painter.drawText(at, words)
