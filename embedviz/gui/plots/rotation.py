"""RoPE as dials: each pair of numbers of a query is an arrow, which turns with the position at its own speed."""

import math
from math import ceil, floor
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from embedviz.analysis.figures import counted, figure
from embedviz.analysis.rope import angles, speeds
from embedviz.gui.plots.attention_places import columns_of
from embedviz.gui.plots.name_tag import draw_tag
from embedviz.gui.plots.pointing import PointingPlot
from embedviz.gui.theme import Role, Theme

LEAST_SIDE, LARGEST_SIDE = 46, 120  # designed pixels of a dial
Key = Qt.Key


class RotationDials(PointingPlot[int]):
    """A circle for each pair: the arrow as it is at position 0, pale, and turned by the position, with its angle.

    Lengths are relative to the longest arrow. Where not all pairs have room, every k-th is shown, which
    `shown_pairs` tells. Left, Right, Home and End move a cursor over them.
    """

    resized = Signal()  # another number of pairs may have room

    own_keys: ClassVar[frozenset[Qt.Key]] = frozenset({Key.Key_Left, Key.Key_Right, Key.Key_Home, Key.Key_End})

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Pairs of dimensions", parent)
        self._vector: NDArray[np.float64] = np.zeros(0)
        self._position = 0
        self._name = ""
        self.restyle()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def set_vector(self, name: str, vector: NDArray[np.floating], position: int) -> None:
        """Show the pairs of `vector` (D,), D even, before any rotation, and turned to `position`."""
        self._name, self._vector, self._position = name, np.asarray(vector, np.float64), position
        if self._at is not None and self._at >= len(vector) // 2:
            self._point(None)
        if len(vector):
            self._empty = ""
        self.touch()

    @property
    def pairs(self) -> NDArray[np.float64]:
        """The arrows at position 0, (D / 2, 2)."""
        return self._vector.reshape(-1, 2)

    @property
    def turned(self) -> NDArray[np.float64]:
        """How far each pair has turned, in radians, (D / 2,)."""
        turned: NDArray[np.float64] = angles(len(self._vector), [self._position])[0]
        return turned

    def arrow(self, pair: int) -> tuple[float, float]:
        """Return the turned arrow of a pair; in a plane whose second axis goes up."""
        a, b = self.pairs[pair].tolist()
        cos, sin = math.cos(self.turned[pair]), math.sin(self.turned[pair])
        return a * cos - b * sin, a * sin + b * cos

    def sentence(self, pair: int) -> str:
        """Return which numbers the pair is, how fast it turns and how far it has."""
        speed = math.degrees(speeds(len(self._vector))[pair])
        there = degrees(speed * self._position)
        return f"numbers {2 * pair}, {2 * pair + 1}: {degrees(speed)} a position, {there} at {self._position}"

    def _short(self, pair: int) -> str:
        speed = math.degrees(speeds(len(self._vector))[pair])
        return (
            f"{2 * pair}, {2 * pair + 1}: {degrees(speed)} × {self._position} = {degrees(speed * self._position)}"
        )

    def describe(self) -> str:
        """Return whose pairs these are, how fast the first and the last turn, and the one pointed at."""
        count = len(self.pairs)
        if not count:
            return ""
        first, last = (degrees(math.degrees(speeds(2 * count)[pair])) for pair in (0, count - 1))
        words = (
            f"{counted(count, 'pair')} of {self._name} at position {self._position}: {first} to {last} a position"
        )
        return f"{words}; {self.sentence(self._at)}" if self._at is not None else words

    # ---- where it is

    def shown_pairs(self) -> range:
        """Return the pairs that are shown: each, or every k-th and not beyond the last."""
        px = self._theme.px
        least, gap = px(LEAST_SIDE), px(6)
        across = max(1, (self.width() - 2 * px(4) + gap) // (least + gap))
        down = max(1, floor((self.height() - px(4) + gap) / (least + self._line + gap)))
        count = len(self.pairs)
        return range(0, count, max(1, ceil(count / (across * down))))

    def dial_rect(self, pair: int) -> QRectF:
        """Return the square around a pair's circle; empty if it is not shown."""
        shown = self.shown_pairs()
        if pair not in shown:
            return QRectF()
        columns, side = self._grid(len(shown))
        side = min(side, self._theme.px(LARGEST_SIDE))
        row, column = divmod(shown.index(pair), columns)
        gap = self._theme.px(6)
        left, top = self._theme.px(4) + column * (side + gap), row * (side + self._line + gap)
        return QRectF(left, top + self._theme.px(2), side, side)

    def place_at(self, x: float, y: float) -> int | None:
        """Return the pair at a point; None beside the dials."""
        for pair in self.shown_pairs():
            if self.dial_rect(pair).adjusted(0, 0, 0, self._line).contains(x, y):
                return pair
        return None

    def sizeHint(self) -> QSize:
        """Return room for a few dials."""
        return QSize(self._theme.px(320), self._theme.px(180))

    def minimumSizeHint(self) -> QSize:
        """Return room for a row of three."""
        return QSize(self._theme.px(3 * (LEAST_SIDE + 8)), round(self._theme.px(LEAST_SIDE + 8) + self._line))

    def restyle(self) -> None:
        """Measure the numbers in the new font."""
        self._font = self._theme.font(Role.CAPTION)
        self._line = QFontMetricsF(self._font).height()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Tell of it."""
        super().resizeEvent(event)
        self.resized.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the cursor from dial to dial."""
        super().keyPressEvent(event)
        shown = self.shown_pairs()
        if self._empty or not shown or not self.is_own_key(event):
            return
        event.accept()
        here = -1 if self._at is None or self._at not in shown else shown.index(self._at)
        moves = {Key.Key_Left: here - 1, Key.Key_Right: here + 1, Key.Key_Home: 0, Key.Key_End: len(shown) - 1}
        self._point(shown[min(max(0, moves[Qt.Key(event.key())]), len(shown) - 1)])

    def _tell(self, _place: int | None) -> None:
        """Tell nobody: what is pointed at is named here."""

    def _grid(self, dials: int) -> tuple[int, float]:
        gap = self._theme.px(6)
        room = QRectF(0, 0, self.width() - 2 * self._theme.px(4), self.height() - self._theme.px(4))
        columns, side = columns_of(dials, room, 0, self._line, gap)
        return columns, side

    # ---- painting

    def draw(self, painter: QPainter, exposed: QRect) -> None:  # noqa: ARG002
        """Paint the dials, and name the one that is pointed at."""
        if not len(self._vector):
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        longest = float(np.hypot(*self.pairs.T).max()) or 1.0
        speed = np.degrees(speeds(len(self._vector)))
        for pair in self.shown_pairs():
            rect = self.dial_rect(pair)
            self._draw_dial(painter, rect, pair, longest)
            painter.setFont(self._font)
            painter.setPen(self._theme.colour("ink" if pair == self._at else "muted"))
            below = QRectF(
                rect.left() - self._theme.px(4), rect.bottom(), rect.width() + self._theme.px(8), self._line
            )
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, degrees(float(speed[pair])))
        if self._at is not None and self._at in self.shown_pairs():
            inside = QRectF(self.rect()).adjusted(1, 1, -1, -1)
            draw_tag(painter, self._short(self._at), self.dial_rect(self._at), inside, self._theme)

    def _draw_dial(self, painter: QPainter, rect: QRectF, pair: int, longest: float) -> None:
        px, colour = self._theme.px, self._theme.colour
        painter.setPen(QPen(colour("ink" if pair == self._at else "line"), px(1)))
        painter.setBrush(colour("well"))
        circle = rect.adjusted(px(1), px(1), -px(1), -px(1))
        painter.drawEllipse(circle)
        scale = (circle.width() / 2 - px(2)) / longest
        start, end = self.pairs[pair].tolist(), self.arrow(pair)
        self._draw_turn(painter, circle, start, float(self.turned[pair]))
        self._draw_arrow(painter, circle.center(), start, scale, colour("muted", 0.6))
        self._draw_arrow(painter, circle.center(), end, scale, colour("model"))

    def _draw_turn(self, painter: QPainter, circle: QRectF, start: list[float], turned: float) -> None:
        """Draw an arc from where the arrow was, as far as it has turned since its last full turn."""
        reach = circle.width() * 0.18
        around = QRectF(circle.center().x() - reach, circle.center().y() - reach, 2 * reach, 2 * reach)
        painter.setPen(QPen(self._theme.colour("muted"), self._theme.px(1)))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        begin, span = math.degrees(math.atan2(start[1], start[0])), math.degrees(turned) % 360
        painter.drawArc(around, round(16 * begin), round(16 * span))

    def _draw_arrow(
        self,
        painter: QPainter,
        middle: QPointF,
        end: tuple[float, float] | list[float],
        scale: float,
        colour: QColor,
    ) -> None:
        tip = QPointF(middle.x() + end[0] * scale, middle.y() - end[1] * scale)
        painter.setPen(QPen(colour, self._theme.px(2), c=Qt.PenCapStyle.RoundCap))
        painter.drawLine(middle, tip)
        length = math.hypot(end[0], end[1]) * scale
        if length < self._theme.px(6):
            return
        along, head = math.atan2(middle.y() - tip.y(), tip.x() - middle.x()), self._theme.px(6)
        for side in (2.6, -2.6):  # radians
            wing = QPointF(head * math.cos(along + side), -head * math.sin(along + side))
            painter.drawLine(tip, tip + wing)


def degrees(value: float) -> str:
    """Return "57.3°"; "0°"."""
    return f"{figure(value)}°"
