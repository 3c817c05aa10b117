"""The pyqtgraph part of the loss curve: axes with plain numbers; lines, dot and words laid over the plot.

Words are placed in pixels each time the plot is painted, so that they never overlap nor leave it.
"""

import math
from dataclasses import dataclass, field

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QMouseEvent, QPainter, QPen

from embedviz.analysis.units import raised
from embedviz.gui.theme import Role, Theme

Points = NDArray[np.float64]
TOO_WIDE = 1e5  # a number with more digits than a narrow axis has room for


class PlainAxis(pg.AxisItem):  # type: ignore[misc]  # pyqtgraph ships no types
    """Prints 1,000 and 0.001 rather than 1e+03 and 1e-03; `log` says that the values are powers of ten."""

    log = False
    is_narrow = False  # there is room for "88,888" and no more
    room = 16.0  # pixels that a number needs, on a logarithmic axis

    def tickSpacing(self, low: float, high: float, size: float) -> list[tuple[float, float]]:
        """Return pyqtgraph's spacing; whole decades where the axis is logarithmic."""
        if self.log:
            return [(float(max(1, math.ceil(self.room * (high - low) / max(1.0, size)))), 0.0)]
        spacing: list[tuple[float, float]] = super().tickSpacing(low, high, size)[:1]
        return spacing

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """Return the numbers at the ticks."""
        if self.log:
            return [power_of_ten(round(value)) for value in values]
        places = max(0, math.ceil(-math.log10(spacing * scale) - 1e-9))
        if self.is_narrow and max(map(abs, values), default=0.0) * scale >= TOO_WIDE:
            return [_short(value * scale) for value in values]
        return [f"{value * scale:,.{places}f}".replace("-", "−") for value in values]


def _short(value: float) -> str:
    """Return 2·10⁵ for 200,000."""
    if not value:
        return "0"
    exponent = math.floor(math.log10(abs(value)) + 1e-9)
    return f"{value / 10.0**exponent:.3g}·{raised(exponent)}".replace("-", "−")


def power_of_ten(exponent: int) -> str:
    """Return 1,000 for 3, 0.001 for -3, and 10⁻⁵ where zeros would have to be counted."""
    if -4 <= exponent <= 0:
        return f"{10.0**exponent:.{-exponent}f}"
    return f"{10**exponent:,}" if 0 < exponent <= 4 else raised(exponent)


@dataclass
class Overlay:
    """What is laid over the plot, in its coordinates; None for what is not there."""

    floor: float | None = None
    floor_text: str = ""
    uniform: float | None = None
    uniform_text: str = ""
    dot: tuple[float, float] | None = None
    dot_text: str = ""
    above_text: str = ""  # of a curve that begins above what is shown
    font: QFont = field(default_factory=QFont)
    colours: dict[str, QColor] = field(default_factory=dict)
    unit: float = 1.0  # a designed pixel


class Canvas(pg.GraphicsView):  # type: ignore[misc]  # pyqtgraph ships no types
    """Two axes, a view box and an Overlay: pyqtgraph's own plot would bring menus and buttons along."""

    double_clicked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.left, self.bottom = PlainAxis("left"), PlainAxis("bottom")
        self.left.is_narrow = True
        self.overlay = Overlay()
        # pyqtgraph keeps the background, which is where the grid is: it would stay where the ticks were before.
        self.setCacheMode(pg.QtWidgets.QGraphicsView.CacheModeFlag.CacheNone)
        self._points: tuple[Points, Points] = (np.zeros(0), np.zeros(0))  # what words keep off
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.view_box = pg.ViewBox(enableMenu=False)
        self.view_box.disableAutoRange()
        self.grid = pg.GraphicsLayout()
        self.setCentralItem(self.grid)
        self.grid.setSpacing(0)
        self.grid.addItem(self.left, 0, 0)
        self.grid.addItem(self.view_box, 0, 1)
        self.grid.addItem(self.bottom, 1, 1)
        for axis in (self.left, self.bottom):
            axis.linkToView(self.view_box)
            axis.enableAutoSIPrefix(False)
            axis.setStyle(tickLength=0, tickAlpha=0, maxTickLevel=0, maxTextLevel=0, hideOverlappingLabels=False)
        self.left.setTickDensity(1.4)
        self._band = pg.PlotCurveItem(fillLevel="enclosed", pen=None, antialias=False)
        self._validation = pg.PlotCurveItem(connect="finite", antialias=True)
        self._train = pg.PlotCurveItem(connect="finite", antialias=True)
        # Of a noisy curve, Qt draws hundreds of separate lines thirty times faster than one wide path.
        self._train.setSegmentedLineMode("on")
        for item in (self._band, self._validation, self._train):
            self.view_box.addItem(item, ignoreBounds=True)

    def restyle(self, theme: Theme) -> None:
        """Take fonts, colours and distances from the theme."""
        over, font = self.overlay, theme.font(Role.CAPTION)
        over.font, over.unit = font, theme.scale
        over.colours = {name: theme.colour(name) for name in ("model", "data", "muted", "line", "card")}
        self.setBackground(theme.colour("card"))
        metrics = QFontMetricsF(font)
        for axis in (self.left, self.bottom):
            axis.setStyle(tickFont=font, tickTextOffset=theme.px(6))
            axis.setTextPen(theme.colour("muted"))
            axis.setPen(QPen(Qt.PenStyle.NoPen))
        self.left.setWidth(round(metrics.horizontalAdvance("88,888")) + theme.px(10))
        self.bottom.setHeight(round(metrics.height()) + theme.px(8))
        self.grid.setContentsMargins(0, theme.px(4), theme.px(20), 0)
        self._restyle_curves(over.colours["model"], theme.px(2))

    def _restyle_curves(self, colour: QColor, width: float) -> None:
        self._train.setPen(pg.mkPen(colour, width=width))
        lighter, faint = QColor(colour), QColor(colour)
        lighter.setAlphaF(0.75)
        faint.setAlphaF(0.18)
        dashes = pg.mkPen(lighter, width=1)  # dashes need one path, and only a hairline is fast as one
        dashes.setDashPattern([5.0, 3.0])
        self._validation.setPen(dashes)
        self._band.setBrush(faint)

    def set_curves(
        self, steps: Points, mean: Points, low: Points, high: Points, validation_steps: Points, validation: Points
    ) -> None:
        """Draw what is to be plotted; NaN leaves a gap. The band is drawn where it has a height."""
        self._train.setData(steps, mean)
        self._validation.setData(validation_steps, validation)
        finite = np.isfinite(low) & np.isfinite(high)
        x, bottom, top = steps[finite], low[finite], high[finite]
        if np.any(top > bottom):
            self._band.setData(np.concatenate([x, x[::-1]]), np.concatenate([top, bottom[::-1]]))
        else:
            self._band.setData([], [])
        self._points = np.concatenate([steps, validation_steps]), np.concatenate([mean, validation])
        self.viewport().update()

    def plotted_points(self) -> tuple[Points, Points]:
        """Return the points of the training curve as they are drawn."""
        x, y = self._train.getData()
        return x, y

    def plot_rect(self) -> QRectF:
        """Return where the plot is, without its axes, in pixels."""
        return QRectF(self.view_box.sceneBoundingRect())

    def place(self, x: float, y: float) -> QPointF:
        """Return where a point of the plot is, in pixels."""
        (left, right), (low, high) = self.view_box.viewRange()
        rect = self.plot_rect()
        return QPointF(
            rect.left() + (x - left) / (right - left) * rect.width(),
            rect.bottom() - (y - low) / (high - low) * rect.height(),
        )

    def words(self) -> list[tuple[str, QRectF, str]]:
        """Return text, place and colour of the words over the plot; none overlaps another."""
        over, rect, unit = self.overlay, self.plot_rect(), self.overlay.unit
        if rect.width() < 1 or rect.height() < 1:
            return []
        metrics = QFontMetricsF(over.font)
        height, gap = metrics.height(), 3 * unit
        placed: list[tuple[str, QRectF, str]] = []

        def put(text: str, colour: str, corners: list[tuple[float, float]]) -> None:
            if not text:
                return
            text = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, rect.width())
            width = metrics.horizontalAdvance(text) + 1
            boxes = [_inside(QRectF(x, y, width, height), rect) for x, y in corners]
            free = [box for box in boxes if not any(box.intersects(other) for _, other, _ in placed)]
            if free:
                placed.append((text, min(free, key=self._covered), colour))

        if over.dot is not None:
            at, half = self.place(*over.dot), metrics.horizontalAdvance(over.dot_text) / 2
            above, below = at.y() - height - 7 * unit, at.y() + 7 * unit
            corners = [(at.x() - half, above), (at.x() + 6 * unit, above), (at.x() - half, below)]
            if rect.contains(at):
                put(over.dot_text, "model", corners)
        for value, text, colour in (
            (over.floor, over.floor_text, "data"),
            (over.uniform, over.uniform_text, "muted"),
        ):
            if value is None:
                continue
            line = self.place(0, value).y()
            if rect.top() <= line <= rect.bottom():
                width = metrics.horizontalAdvance(text) + 1
                middle = rect.center().x() - width / 2
                sides = (rect.right() - width, middle, rect.left() + gap)
                heights = (line + gap / 2, line - height - gap / 2)
                if colour == "muted":
                    heights = heights[::-1]
                fitting = [y for y in heights if rect.top() <= y and y + height <= rect.bottom() + 1]
                put(text, colour, [(x, y) for x in sides for y in fitting or heights])
        put(over.above_text, "model", [(rect.left() + gap, rect.top()), (rect.center().x(), rect.top())])
        return placed

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Say so; pyqtgraph would take it for two clicks."""
        event.accept()
        self.double_clicked.emit()

    def drawBackground(self, painter: QPainter, rect: QRectF) -> None:
        """Draw hairlines at the ticks of the left axis."""
        super().drawBackground(painter, rect)
        plot = self.plot_rect()
        low, high = self.view_box.viewRange()[1]
        painter.setPen(QPen(self.overlay.colours.get("line", QColor("gray")), 1))
        for _, values in self.left.tickValues(low, high, plot.height())[:1]:
            for value in values:
                y = round(self.place(0, value).y()) + 0.5
                painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))

    def drawForeground(self, painter: QPainter, rect: QRectF) -> None:
        """Draw the lines, the dot and the words."""
        super().drawForeground(painter, rect)
        over, plot = self.overlay, self.plot_rect()
        if not over.colours:
            return
        unit = over.unit
        for value, name, dashes in (
            (over.uniform, "muted", [1.0, 3.0]),
            (over.floor, "data", [4.0, 3.0]),
        ):
            if value is None:
                continue
            y = self.place(0, value).y()
            if plot.top() <= y <= plot.bottom():
                pen = QPen(over.colours[name], 1.5 * unit)
                pen.setDashPattern(dashes)
                painter.setPen(pen)
                painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        at = self.place(*over.dot) if over.dot is not None else QPointF(-1, -1)
        if plot.adjusted(-1, -1, 1, 1).contains(at):
            painter.setPen(QPen(over.colours["card"], 1.5 * unit))
            painter.setBrush(over.colours["model"])
            painter.drawEllipse(at, 5 * unit, 5 * unit)
        painter.setFont(over.font)
        for text, box, name in self.words():
            painter.fillRect(box, over.colours["card"])
            painter.setPen(over.colours[name])
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        painter.setPen(over.colours["muted"])
        line = QRectF(0, plot.bottom() + self.bottom.style["tickTextOffset"][1], plot.left() - 8 * unit, 99)
        painter.drawText(line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop, "step")

    def _covered(self, box: QRectF) -> int:
        """Return how many points of the curve are under a box."""
        x, y = self._points
        if not len(x):
            return 0
        (left, right), (low, high) = self.view_box.viewRange()
        rect = self.plot_rect()
        across = rect.left() + (x - left) / (right - left) * rect.width()
        down = rect.bottom() - (y - low) / (high - low) * rect.height()
        hit = (across > box.left()) & (across < box.right()) & (down > box.top()) & (down < box.bottom())
        return int(np.count_nonzero(hit))


def _inside(box: QRectF, rect: QRectF) -> QRectF:
    """Move `box` into `rect`."""
    left = max(rect.left(), min(box.left(), rect.right() - box.width()))
    top = max(rect.top(), min(box.top(), rect.bottom() - box.height()))
    return QRectF(left, top, box.width(), box.height())
