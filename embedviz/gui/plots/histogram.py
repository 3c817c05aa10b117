"""The outputs of a hidden layer: how they are spread between -1 and 1, and which units are saturated."""

import math
from typing import ClassVar

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QImage, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from embedviz.analysis.activations import SATURATED, ActivationSummary
from embedviz.analysis.figures import figure
from embedviz.analysis.levels import StableLimit
from embedviz.gui.plots import colormaps
from embedviz.gui.plots.cell_picture import cell_picture
from embedviz.gui.plots.heatmap_view import GridView
from embedviz.gui.plots.name_tag import draw_tag
from embedviz.gui.plots.outline import draw_outline
from embedviz.gui.plots.plane_range import round_step
from embedviz.gui.plots.pointing import PointingPlot
from embedviz.gui.theme import Role, Theme

MAP_HEIGHT = 18  # designed pixels
LEFT_LABEL, BELOW_LABEL = "share", "tanh output"
MAP_LABEL = "each unit: how often it is saturated"
X_TICKS = (-1.0, -0.5, 0.0, 0.5, 1.0)
Key = Qt.Key
Place = tuple[str, int]  # ("bar", bin) or ("unit", unit)


class ActivationHistogram(PointingPlot[Place]):
    """Bars over [-1, 1] with the saturated ends shaded; under them a cell for each hidden unit.

    Left and Right move a cursor over the bars or the units, Down and Up go from one to the other.
    """

    hovered_unit = Signal(int)  # -1 when none is

    own_keys: ClassVar[frozenset[Qt.Key]] = frozenset(
        {Key.Key_Left, Key.Key_Right, Key.Key_Up, Key.Key_Down, Key.Key_Home, Key.Key_End}
    )

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Hidden layer", parent)
        self._summary: ActivationSummary | None = None
        self._step = 0
        self._limit = StableLimit(shrinks=True)
        self._top = 1.0
        self.restyle()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def set_data(self, summary: ActivationSummary, step: int) -> None:
        """Show `summary`, which was computed from the weights at `step`."""
        self._summary, self._step = summary, step
        self._top = min(1.0, self._limit.update(float(summary.shares.max(initial=0.0))))
        self._empty = ""
        if self._at is not None and self._at[1] >= self._count(self._at[0]):
            self._point(None)
        self.touch()

    def reset(self) -> None:
        """Let the next data decide anew how high the axis is: another run."""
        self._limit.reset()

    def describe(self) -> str:
        """Return the headline, and what is under the pointer."""
        if self._summary is None:
            return ""
        words = f"step {self._step:,}: {self._summary.headline}"
        return f"{words}; at {self._in_words(self._at)}" if self._at is not None else words

    # ---- where it is

    def plot_rect(self) -> QRectF:
        """Return where the bars stand."""
        px = self._theme.px
        line = self._small.height()
        left = px(6) + line + px(2) + self._small.horizontalAdvance("00.0 %") + px(8)
        top = self._headline_height + px(2) + line
        bottom = self.map_rect().top() - line - px(6) - (2 * line + px(6))
        return QRectF(
            round(left), round(top), max(1, round(self.width() - px(12) - left)), max(1, round(bottom - top))
        )

    def ticks(self) -> list[float]:
        """Return the shares that have a mark on the axis: 0, 10 %, 20 %, as many as have room."""
        most = max(1, min(5, int(self.plot_rect().height() // (1.5 * self._small.height()))))
        step = round_step(self._top / most)
        return [step * place for place in range(int(self._top / step + 1e-6) + 1)]

    def bar_rect(self, index: int) -> QRectF:
        """Return where a bar is."""
        return self._bar(index, self.plot_rect())

    def zone_rects(self) -> tuple[QRectF, QRectF]:
        """Return the places where an output is saturated, left and right."""
        plot = self.plot_rect()
        low, high = _x(-SATURATED, plot), _x(SATURATED, plot)
        return (
            QRectF(plot.left(), plot.top(), low - plot.left(), plot.height()),
            QRectF(high, plot.top(), plot.right() - high, plot.height()),
        )

    def map_rect(self) -> QRectF:
        """Return where the cells of the units are."""
        px = self._theme.px
        left = px(12)
        return QRectF(
            left, self.height() - px(8) - px(MAP_HEIGHT), max(1, self.width() - 2 * left), px(MAP_HEIGHT)
        )

    def unit_rect(self, unit: int) -> QRectF:
        """Return where a unit's cell is."""
        whole = self.map_rect()
        width = whole.width() / max(1, self._count("unit"))
        return QRectF(whole.left() + unit * width, whole.top(), width, whole.height())

    def place_at(self, x: float, y: float) -> Place | None:
        """Return the bar or unit at a point; a bar is also pointed at above its top."""
        for kind, area in (("bar", self.plot_rect()), ("unit", self.map_rect())):
            count = self._count(kind)
            if count and area.contains(x, y):
                return kind, min(count - 1, int((x - area.left()) / area.width() * count))
        return None

    # ---- Qt

    def sizeHint(self) -> QSize:
        """Return room for a plot that is wider than high."""
        return QSize(self._theme.px(420), self._theme.px(280))

    def minimumSizeHint(self) -> QSize:
        """Return room for the labels and a low plot."""
        return QSize(self._theme.px(240), self._theme.px(200))

    def restyle(self) -> None:
        """Measure the labels in the new fonts."""
        self._font, self._small_font = self._theme.font(Role.BODY), self._theme.font(Role.CAPTION)
        self._words, self._small = QFontMetricsF(self._font), QFontMetricsF(self._small_font)

    def draw(self, painter: QPainter, exposed: QRect) -> None:  # noqa: ARG002
        """Paint headline, zones, bars, axes and the units' cells."""
        if self._summary is None:
            return
        self._draw_headline(painter, self._summary)
        for zone in self.zone_rects():
            painter.fillRect(zone, self._theme.colour("warning", 0.25))
        plot = self.plot_rect()
        for index in range(len(self._summary.shares)):
            bar = self._bar(index, plot)
            name = "ink" if self._at == ("bar", index) else "model"
            painter.fillRect(bar.adjusted(0.5, 0, -0.5, 0), self._theme.colour(name))
        self._draw_axes(painter)
        self._draw_units(painter, self._summary)
        if self._at is not None:
            kind, index = self._at
            beside = self.unit_rect(index)
            if kind == "bar":
                beside = self.bar_rect(index)
            draw_tag(painter, self._in_words(self._at), beside, QRectF(self.rect()), self._theme)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the cursor."""
        super().keyPressEvent(event)
        if self._summary is None or not self.is_own_key(event):
            return
        event.accept()
        kind, index = self._at or ("bar", -1)
        match event.key():
            case Key.Key_Down | Key.Key_Up:
                other = "unit" if event.key() == Key.Key_Down else "bar"
                if other != kind:
                    index = round((max(index, 0) + 0.5) / self._count(kind) * self._count(other) - 0.5)
                    kind = other
            case Key.Key_Home:
                index = 0
            case Key.Key_End:
                index = self._count(kind) - 1
            case _:
                index += -1 if event.key() == Key.Key_Left else 1
        self._point((kind, min(self._count(kind) - 1, max(0, index))))

    @property
    def _headline_height(self) -> float:
        lines = 1
        if self._summary is not None:
            wide = self._words.horizontalAdvance(self._summary.headline)
            lines = min(3, math.ceil(wide / max(1, self.width() - 2 * self._theme.px(12)) * 1.05))
        return lines * self._words.height() + self._theme.px(4)

    def _count(self, kind: str) -> int:
        if self._summary is None:
            return 0
        return len(self._summary.shares if kind == "bar" else self._summary.unit_saturation)

    def _bar(self, index: int, plot: QRectF) -> QRectF:
        assert self._summary is not None
        edges, share = self._summary.edges, float(self._summary.shares[index])
        left, right = _x(float(edges[index]), plot), _x(float(edges[index + 1]), plot)
        high = plot.height() * min(1.0, share / self._top)
        return QRectF(left, plot.bottom() - high, right - left, high)

    def _in_words(self, place: Place) -> str:
        assert self._summary is not None
        kind, index = place
        if kind == "unit":
            return f"unit {index}: saturated on {100 * self._summary.unit_saturation[index]:.0f} % of contexts"
        low, high = (figure(float(edge), signed=True, digits=2) for edge in self._summary.edges[index : index + 2])
        return f"{low} to {high}: {_percent(float(self._summary.shares[index]))} of activations"

    def _tell(self, place: Place | None) -> None:
        self.hovered_unit.emit(place[1] if place is not None and place[0] == "unit" else -1)

    def _draw_headline(self, painter: QPainter, summary: ActivationSummary) -> None:
        painter.setFont(self._font)
        painter.setPen(self._theme.colour("ink"))
        margin = self._theme.px(12)
        line = QRectF(margin, 0, self.width() - 2 * margin, self._headline_height)
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextWordWrap, summary.headline)

    def _draw_axes(self, painter: QPainter) -> None:
        px, plot, line = self._theme.px, self.plot_rect(), self._small.height()
        painter.setFont(self._small_font)
        painter.setPen(QPen(self._theme.colour("muted"), 1))
        painter.drawLine(QLineF(plot.left(), plot.bottom() + 0.5, plot.right(), plot.bottom() + 0.5))
        centre = Qt.AlignmentFlag.AlignCenter
        for value in X_TICKS:
            x = _x(value, plot)
            painter.drawLine(QLineF(round(x) + 0.5, plot.bottom(), round(x) + 0.5, plot.bottom() + px(4)))
            words = figure(value, signed=True, digits=2)
            width = self._small.horizontalAdvance(words)
            left = min(x - width / 2, self.width() - width - px(2))
            painter.drawText(QPointF(left, plot.bottom() + px(4) + self._small.ascent()), words)
        for share in self.ticks():
            y = plot.bottom() - share / self._top * plot.height()
            painter.drawLine(QLineF(plot.left() - px(4), round(y) + 0.5, plot.left(), round(y) + 0.5))
            room = QRectF(0, y - line / 2, plot.left() - px(6), line)
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(room, right, _percent(share))
        below = QRectF(plot.left(), plot.bottom() + px(2) + line, plot.width(), line)
        painter.drawText(below, centre, BELOW_LABEL)
        self._draw_left_label(painter, plot)
        painter.setPen(self._theme.colour("warning"))
        above = QRectF(plot.left(), plot.top() - line, plot.width(), line)
        words = f"saturated: beyond ±{SATURATED:g}"
        painter.drawText(above, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)

    def _draw_left_label(self, painter: QPainter, plot: QRectF) -> None:
        painter.save()
        painter.translate(self._theme.px(6) + self._small.height() / 2, plot.center().y())
        painter.rotate(-90)
        room = max(plot.height() + 2 * self._small.height(), 1.0)
        words = self._small.elidedText(LEFT_LABEL, Qt.TextElideMode.ElideRight, room)
        line = self._small.height()
        painter.drawText(QRectF(-room / 2, -line / 2, room, line), Qt.AlignmentFlag.AlignCenter, words)
        painter.restore()

    def _draw_units(self, painter: QPainter, summary: ActivationSummary) -> None:
        """Draw a cell a unit; of units that share a pixel the most saturated is seen."""
        area = self.map_rect()
        table = colormaps.rgb32(colormaps.SEQUENTIAL, colormaps.qrgb(self._theme.colour("line")))
        view = GridView(1, self._count("unit"), area, largest=math.inf)
        cells = summary.unit_saturation[None]
        cell_picture(cells, (0.0, 1.0), table, view, self.devicePixelRatioF(), "extreme").draw(painter)
        self._draw_scale(painter, area)
        if self._at is not None and self._at[0] == "unit":
            draw_outline(painter, self.unit_rect(self._at[1]), self._theme.px(1), self._theme, tight=True)

    def _draw_scale(self, painter: QPainter, area: QRectF) -> None:
        """Draw above the units what they are, and which colours stand for how much."""
        px, line = self._theme.px, self._small.height()
        above = QRectF(area.left(), area.top() - line - px(2), area.width(), line)
        painter.setFont(self._small_font)
        painter.setPen(self._theme.colour("muted"))
        right = above.right()
        for words in ("100 %", "", "0 %"):  # from the right
            width = self._small.horizontalAdvance(words) if words else float(px(40))
            place = QRectF(right - width, above.top(), width, line)
            if words:
                painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, words)
            else:
                pixels = colormaps.rgb32(colormaps.SEQUENTIAL, 0)[np.arange(colormaps.TOP + 1)]
                bar = QImage(pixels.data, len(pixels), 1, 4 * len(pixels), QImage.Format.Format_RGB32)
                painter.drawImage(place.adjusted(0, line / 2 - px(4), 0, px(4) - line / 2), bar)
            right = place.left() - px(4)
        label = self._small.elidedText(MAP_LABEL, Qt.TextElideMode.ElideRight, right - px(8) - area.left())
        painter.drawText(above, Qt.AlignmentFlag.AlignVCenter, label)


def _percent(share: float) -> str:
    return f"{figure(100 * share, digits=2).removesuffix('.0')} %"


def _x(value: float, plot: QRectF) -> float:
    return plot.left() + (value + 1) / 2 * plot.width()
