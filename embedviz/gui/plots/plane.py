"""A table of two columns as a plane: every token where its row says it is."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from embedviz.analysis.figures import counted, figure
from embedviz.gui.plots.name_tag import draw_tag
from embedviz.gui.plots.plane_axes import draw_axes
from embedviz.gui.plots.plane_labels import PADDING, RING, PlaneLabels
from embedviz.gui.plots.plane_nearest import beside, nearest_in
from embedviz.gui.plots.plane_places import CELL, Crowd, labelled, stamped
from embedviz.gui.plots.plane_range import StableRange
from embedviz.gui.plots.pointing import PointingPlot
from embedviz.gui.theme import Role, Theme

REACH = 16  # designed pixels: how far from a token the pointer still means it
FEW = 250  # tokens: with more of them labels may cover dots
DOT, SMALL_DOT, STRONG_DOT = 2.2, 1.6, 3.2  # radius in designed pixels: of few, of many, of what is marked
DOT_OPACITY, SURELY = 0.5, 4  # of many dots; designed pixels from a dot where not even a label comes first
Key = Qt.Key
_STEPS = {
    Key.Key_Left: (-1.0, 0.0),
    Key.Key_Right: (1.0, 0.0),
    Key.Key_Up: (0.0, 1.0),
    Key.Key_Down: (0.0, -1.0),
}


class TokenPlane(PointingPlot[int]):
    """Tokens at (column 0, column 1): a dot for each, and beside it its label where that has room.

    Both axes have the same scale: what is near in the table is near here.

    Arrow keys go to the nearest token on that side, Return selects it.
    """

    hovered = Signal(int)  # token id; -1 when none is
    clicked = Signal(int)

    own_keys: ClassVar[frozenset[Qt.Key]] = frozenset({*_STEPS, Key.Key_Home, Key.Key_Return, Key.Key_Enter})

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Tokens in the plane", parent)
        self._labels: tuple[str, ...] = ()
        self._values: NDArray[np.float32] = np.zeros((0, 2), dtype=np.float32)
        self._order: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._limit = 1.0
        self._ranges = StableRange(), StableRange()
        self._context: tuple[int, ...] = ()
        self._selected = self._marked = -1
        self._words = PlaneLabels(theme)
        self._shown: dict[int, int] | None = None  # on which side whose label stands; None: to be found
        self._sides: dict[int, int] = {}  # the same, when it was last known
        self.restyle()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def set_points(
        self, labels: Sequence[str], values: NDArray[np.float32], limit: float, order: NDArray[np.int64]
    ) -> None:
        """Show `values`, (V, 2), kept and not copied; the axes go around them.

        `limit` never shrinks within a run: a lower one than before means another run. `order`, (V,), holds ids:
        whose label is drawn where several have no room, first to last.
        """
        is_another = limit < self._limit
        if labels is not self._labels and tuple(labels) != self._labels:
            self._labels = tuple(labels)
            self._words.measure(self._labels)
            is_another = True
        self._values, self._limit, self._order = values, limit, order
        for column, axis in enumerate(self._ranges):
            if is_another:
                axis.reset()
                self._sides = {}
            axis.update(values[:, column], limit)
        if len(values):
            self._empty = ""
        if self._at is not None and self._at >= len(values):
            self._point(None)
        self._shown = None
        self.touch()

    def set_marked(self, context: Sequence[int], selected: int, hovered: int) -> None:
        """Outline the tokens of the context, the selected one heavier, and name the one pointed at elsewhere.

        All are ids; -1 for none.
        """
        marks = tuple(context), selected
        if marks != (self._context, self._selected):
            self._context, self._selected = marks
            self._shown = None
        self._marked = hovered
        self.touch()

    def describe(self) -> str:
        """Return how many tokens there are, and where the selected one and the one pointed at are."""
        words = counted(len(self._values), "token")
        for column, axis in enumerate(self._ranges):
            low, high = (figure(end, signed=True) for end in (axis.low, axis.high))
            words += f", column {column} from {low} to {high}"
        if outside := len(self._values) - int(self._inside().sum()):
            words += f", {outside:,} outside the picture"
        if 0 <= self._selected < len(self._values):
            words += f"; selected {self._in_words(self._selected)}"
        if 0 <= self._named < len(self._values):
            words += f"; at {self._in_words(self._named)}"
        return words

    # ---- where it is

    def plot_rect(self) -> QRectF:
        """Return where tokens are; the numbers of the axes stand left of it and below."""
        px = self._theme.px
        left = round(self._small.horizontalAdvance("−0.00")) + px(12)
        width, height = self.width() - left - px(10), self.height() - round(self._small.height()) - 2 * px(8)
        return QRectF(left, px(8), max(1, width), max(1, height))

    @property
    def scale(self) -> float:
        """Pixels to 1 along both axes: at least the range of each is seen."""
        plot, (across, up) = self.plot_rect(), self._ranges
        return min(plot.width() / (across.high - across.low), plot.height() / (up.high - up.low))

    @property
    def middle(self) -> tuple[float, float]:
        """The numbers in the middle of the picture."""
        across, up = self._ranges
        return (across.low + across.high) / 2, (up.low + up.high) / 2

    def positions(self) -> NDArray[np.float64]:
        """Return where the tokens are, x and y in pixels, (V, 2)."""
        centre, scale = self.plot_rect().center(), self.scale
        places = (self._values.astype(np.float64) - self.middle) * (scale, -scale)
        places += (centre.x(), centre.y())
        return places

    def place_at(self, x: float, y: float) -> int | None:
        """Return the token whose dot is at a point, else whose label is, else the nearest one, if one is near."""
        if not len(self._values):
            return None
        squares = ((self.positions() - (x, y)) ** 2).sum(axis=1)  # (V,)
        squares[~np.isfinite(squares)] = np.inf
        token = int(np.argmin(squares))
        if squares[token] > self._theme.px(SURELY) ** 2:
            crowd, origin = self._crowd(), self.plot_rect().topLeft()
            for each, side in self._placed().items():
                if _box(crowd, each, side, origin).contains(x, y):
                    return each
        return token if squares[token] <= self._theme.px(REACH) ** 2 else None

    def label_rect(self, token: int) -> QRectF:
        """Return where a token's label is, or would be."""
        return _box(self._crowd(), token, self._placed().get(token, 0), self.plot_rect().topLeft())

    def labelled_tokens(self) -> NDArray[np.int64]:
        """Return the ids of those that have their label drawn, (n,)."""
        return np.array(list(self._placed()), dtype=np.int64)

    def _placed(self) -> dict[int, int]:
        if self._shown is None:
            count = len(self._values)
            strong = [token for token in (self._selected, *self._context) if 0 <= token < count]
            self._shown = self._sides = labelled(self._crowd(), self._order, strong, self._sides)
        return self._shown

    def _crowd(self) -> Crowd:
        """Return the dots and the sizes of the labels; those that are marked are larger by their outlines."""
        px, plot = self._theme.px, self.plot_rect()
        sizes = np.stack([self._words.widths, np.full(len(self._labels), self._words.line * 0.75)], axis=1)
        for token in {self._selected, *self._context}:
            if 0 <= token < len(sizes):
                ring = px(RING) if token == self._selected else 0
                sizes[token] += 2 * px(PADDING) + 2 * ring, self._words.line * 0.25 + 2 * ring
        reach = self._dot + px(1) if len(sizes) <= FEW else 0.0
        points = self.positions() - (plot.left(), plot.top())
        return Crowd(points, sizes, (plot.width(), plot.height()), reach, self._dot + CELL if not reach else CELL)

    @property
    def _dot(self) -> float:
        return self._theme.px(10) * (DOT if len(self._values) <= FEW else SMALL_DOT) / 10

    # ---- Qt

    def sizeHint(self) -> QSize:
        """Return a square of a good size."""
        return QSize(self._theme.px(420), self._theme.px(420))

    def minimumSizeHint(self) -> QSize:
        """Return a small square."""
        return QSize(self._theme.px(200), self._theme.px(180))

    def restyle(self) -> None:
        """Measure the labels in the new fonts."""
        self._small = QFontMetricsF(self._theme.font(Role.CAPTION))
        self._words.measure(self._labels)
        self._shown, self._sides = None, {}

    def draw(self, painter: QPainter, exposed: QRect) -> None:  # noqa: ARG002
        """Paint the axes, the dots, the labels, and what is marked on top."""
        plot = self.plot_rect()
        draw_axes(painter, plot, self.middle, self.scale, self._theme)
        if not len(self._values):
            return
        places = self.positions()
        painter.setClipRect(plot)
        self._draw_dots(painter, places, plot)
        self._draw_labels(painter, plot)
        painter.setClipping(False)
        if 0 <= self._named < len(places) and np.isfinite(places[self._named]).all():
            self._draw_named(painter, self._named, QPointF(*places[self._named]), plot)

    def _draw_dots(self, painter: QPainter, places: NDArray[np.float64], plot: QRectF) -> None:
        size, corner = (plot.width(), plot.height()), (plot.left(), plot.top())
        inside, colour = places[self._inside()], self._theme.colour("muted")
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        if len(places) <= FEW:
            for x, y in inside.tolist():
                painter.drawEllipse(QPointF(x, y), self._dot, self._dot)
        else:
            painter.setOpacity(DOT_OPACITY)
            stamped(inside - corner, size, colour, self._dot, self.devicePixelRatioF()).draw(painter, plot)
            painter.setOpacity(1.0)
        painter.setBrush(self._theme.colour("ink"))
        for token in {self._selected, *self._context}:
            if 0 <= token < len(places) and np.isfinite(places[token]).all():
                radius = self._theme.px(10) * STRONG_DOT / 10
                painter.drawEllipse(QPointF(*places[token]), radius, radius)

    def _draw_labels(self, painter: QPainter, plot: QRectF) -> None:
        """Draw the labels, and those that are marked on top, outlined."""
        self._words.begin(painter)
        crowd, origin = self._crowd(), plot.topLeft()
        backdrop = self._theme.colour("card", 0.8)
        strong = {self._selected, *self._context}
        boxes = {token: _box(crowd, token, side, origin) for token, side in self._placed().items()}
        for token, box in boxes.items():
            if token not in strong:
                painter.fillRect(box, backdrop)
                self._words.draw(painter, token, box)
        for token in (*self._context, self._selected):
            if token in boxes:
                self._mark(painter, token, boxes[token])

    def _mark(self, painter: QPainter, token: int, box: QRectF) -> None:
        self._words.draw_marked(
            painter, token, box, is_context=token in self._context, is_selected=token == self._selected
        )

    def _draw_named(self, painter: QPainter, token: int, point: QPointF, plot: QRectF) -> None:
        """Draw a ring around a dot, an outline around its label, and its numbers beside it."""
        reach = self._theme.px(6)
        around = QRectF(point.x() - reach, point.y() - reach, 2 * reach, 2 * reach)
        if plot.contains(point):
            painter.setPen(QPen(self._theme.colour("ink"), self._theme.px(2)))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(around)
            if token in self._placed():
                box = self.label_rect(token)
                if token not in {self._selected, *self._context}:
                    box = box.adjusted(-self._theme.px(PADDING), 0, self._theme.px(PADDING), 0)
                    self._mark(painter, token, box)
                around = around.united(box)
        else:  # named at the edge where it went out
            around.moveCenter(nearest_in(plot, point))
        draw_tag(painter, self._in_words(token), around, QRectF(self.rect()), self._theme)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the labels anew."""
        super().resizeEvent(event)
        self._shown, self._sides = None, {}

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Select the token that was clicked."""
        token = self._place_under(event.position())
        if event.button() == Qt.MouseButton.LeftButton and token is not None:
            self.clicked.emit(token)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the cursor, or select what it is on."""
        super().keyPressEvent(event)
        if not len(self._values) or not self.is_own_key(event):
            return
        event.accept()
        if event.key() in (Key.Key_Return, Key.Key_Enter):
            if self._at is not None:
                self.clicked.emit(self._at)
        elif event.key() == Key.Key_Home or self._at is None:
            first = self._selected if 0 <= self._selected < len(self._values) else int(self._order[0])
            self._point(first if event.key() != Key.Key_Home else int(self._order[0]))
        else:
            self._point(beside(self._values, self._at, _STEPS[Qt.Key(event.key())]))

    @property
    def _named(self) -> int:
        return self._marked if self._at is None else self._at

    def _inside(self) -> NDArray[np.bool_]:
        """Return which tokens are in the picture, (V,)."""
        plot, places = self.plot_rect(), self.positions()
        x, y = places.T
        inside: NDArray[np.bool_] = (x >= plot.left()) & (x <= plot.right())
        inside &= (y >= plot.top()) & (y <= plot.bottom())
        return inside

    def _in_words(self, token: int) -> str:
        x, y = (figure(float(value), signed=True) for value in self._values[token])
        return f"{self._labels[token]}  ({x}, {y})"

    def _tell(self, place: int | None) -> None:
        self.hovered.emit(-1 if place is None else place)


def _box(crowd: Crowd, token: int, side: int, origin: QPointF) -> QRectF:
    """Return where a label is whose dot is in an area that begins at `origin`."""
    left, top = crowd.corner(token, side)
    width, height = crowd.sizes[token]
    return QRectF(left + origin.x(), top + origin.y(), width, height)
