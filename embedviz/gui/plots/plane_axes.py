"""The axes of a plane: lines at round numbers, those through 0 stronger, and the numbers beside them."""

import math

from PySide6.QtCore import QLineF, QPointF, QRectF
from PySide6.QtGui import QFontMetricsF, QPainter, QPen

from embedviz.gui.plots.plane_range import round_step
from embedviz.gui.theme import Role, Theme


def draw_axes(painter: QPainter, plot: QRectF, middle: tuple[float, float], scale: float, theme: Theme) -> None:
    """Draw both axes of `plot`, in whose middle `middle` is, at `scale` pixels to 1 on each.

    The lines through 0 are there where 0 is in the picture.
    """
    font = theme.font(Role.CAPTION)
    metrics = QFontMetricsF(font)
    painter.setFont(font)
    step = round_step((metrics.horizontalAdvance("−0.000") + theme.px(16)) / scale)
    for is_across, length, centre in ((True, plot.width(), middle[0]), (False, plot.height(), middle[1])):
        half = length / 2 / scale
        for place in range(math.ceil((centre - half) / step), math.floor((centre + half) / step) + 1):
            painter.setPen(QPen(theme.colour("muted" if place == 0 else "line"), 1))
            words = tick_words(place * step, step)
            width = metrics.horizontalAdvance(words)
            away = (place * step - centre) * scale
            if is_across:
                x = round(plot.center().x() + away) + 0.5
                painter.drawLine(QLineF(x, plot.top(), x, plot.bottom()))
                at = QPointF(x - width / 2, plot.bottom() + theme.px(3) + metrics.ascent())
            else:
                y = round(plot.center().y() - away) + 0.5
                painter.drawLine(QLineF(plot.left(), y, plot.right(), y))
                at = QPointF(plot.left() - theme.px(5) - width, y + metrics.ascent() / 2 - theme.px(1))
            painter.setPen(theme.colour("muted"))
            if not is_across or (plot.left() <= at.x() and at.x() + width <= plot.right() + theme.px(10)):
                painter.drawText(at, words)


def tick_words(value: float, step: float) -> str:
    """Return a multiple of `step` with its sign, and as many decimals as all its multiples need."""
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if abs(value) < step / 2:
        return "0"
    return f"{value:+,.{decimals}f}".replace("-", "−")
