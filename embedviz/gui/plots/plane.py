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
    QStaticText,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from embedviz.gui.plots.figures import counted, figure
from embedviz.gui.plots.name_tag import draw_tag
from embedviz.gui.plots.plane_axes import draw_axes
from embedviz.gui.plots.plane_places import labelled, stamped
from embedviz.gui.plots.pointing import PointingPlot
from embedviz.gui.theme import Role, Theme

REACH = 16  # designed pixels: how far from a token the pointer still means it
WIDEST_LABEL = 90
DOT, DOT_OPACITY, FEW = 1.6, 0.5, 1000  # radius in designed pixels; paler where there are more than a few
Key = Qt.Key
_STEPS = {
    Key.Key_Left: (-1.0, 0.0),
    Key.Key_Right: (1.0, 0.0),
    Key.Key_Up: (0.0, 1.0),
    Key.Key_Down: (0.0, -1.0),
}


class TokenPlane(PointingPlot[int]):
    """Tokens at (column 0, column 1), by their labels; a token whose label has no room is a dot.

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
        self._context: tuple[int, ...] = ()
        self._selected = self._marked = -1
        self._texts: dict[int, QStaticText] = {}
        self._widths: NDArray[np.float64] = np.zeros(0)
        self._shown: NDArray[np.int64] | None = None  # the tokens that have their labels; None: to be found
        self.restyle()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def set_points(
        self, labels: Sequence[str], values: NDArray[np.float32], limit: float, order: NDArray[np.int64]
    ) -> None:
        """Show `values`, (V, 2), kept and not copied; what is beyond `limit` from 0 may be outside.

        `order`, (V,), holds ids: whose label is drawn where several have no room, first to last.
        """
        if labels is not self._labels and tuple(labels) != self._labels:
            self._labels = tuple(labels)
            self._measure()
        self._values, self._limit, self._order = values, limit, order
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
        words = f"{counted(len(self._values), 'token')} between −{self._limit:g} and +{self._limit:g}"
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
        """Pixels to 1 along both axes: at least from -limit to limit is seen on each."""
        plot = self.plot_rect()
        return min(plot.width(), plot.height()) / (2 * self._limit * 1.06)

    def positions(self) -> NDArray[np.float64]:
        """Return where the tokens are, x and y in pixels, (V, 2)."""
        centre, scale = self.plot_rect().center(), self.scale
        places = self._values.astype(np.float64) * (scale, -scale)
        places += (centre.x(), centre.y())
        return places

    def place_at(self, x: float, y: float) -> int | None:
        """Return the token nearest to a point, None if none is near."""
        if not len(self._values):
            return None
        squares = ((self.positions() - (x, y)) ** 2).sum(axis=1)  # (V,)
        squares[~np.isfinite(squares)] = np.inf
        token = int(np.argmin(squares))
        return token if squares[token] <= self._theme.px(REACH) ** 2 else None

    def label_rect(self, token: int) -> QRectF:
        """Return where a token's label is, or would be."""
        x, y = self.positions()[token]
        return self._box(token, x, y)

    def labelled_tokens(self) -> NDArray[np.int64]:
        """Return the ids of those that have their label drawn, (n,)."""
        if self._shown is None:
            places = self.positions()
            strong = [token for token in (self._selected, *self._context) if 0 <= token < len(places)]
            plot = self.plot_rect()
            centres = places - (plot.left(), plot.top())
            sizes = self._widths, self._line * 0.75
            self._shown = labelled(centres, sizes, (plot.width(), plot.height()), self._order, strong)
        return self._shown

    # ---- Qt

    def sizeHint(self) -> QSize:
        """Return a square of a good size."""
        return QSize(self._theme.px(420), self._theme.px(420))

    def minimumSizeHint(self) -> QSize:
        """Return a small square."""
        return QSize(self._theme.px(200), self._theme.px(180))

    def restyle(self) -> None:
        """Measure the labels in the new fonts."""
        self._font = self._theme.font(Role.TITLE, mono=True)
        self._small_font = self._theme.font(Role.CAPTION)
        self._glyphs, self._small = QFontMetricsF(self._font), QFontMetricsF(self._small_font)
        self._line = self._glyphs.height()
        self._measure()
        self._shown = None

    def draw(self, painter: QPainter, exposed: QRect) -> None:  # noqa: ARG002
        """Paint the axes, the dots, the labels, and what is marked on top."""
        plot = self.plot_rect()
        draw_axes(painter, plot, self.scale, self._limit, self._theme)
        if not len(self._values):
            return
        places = self.positions()
        painter.setClipRect(plot)
        dotted = self._inside()
        dotted[self.labelled_tokens()] = False
        colour, ratio = self._theme.colour("muted"), self.devicePixelRatioF()
        size = plot.width(), plot.height()
        corner = plot.left(), plot.top()
        painter.setOpacity(DOT_OPACITY if len(places) > FEW else 1.0)
        stamped(places[dotted] - corner, size, colour, self._theme.px(10) * DOT / 10, ratio).draw(painter, plot)
        painter.setOpacity(1.0)
        painter.setFont(self._font)
        painter.setPen(self._theme.colour("ink"))
        backdrop = self._theme.colour("card", 0.8)
        strong = {self._selected, *self._context}
        for token in self.labelled_tokens().tolist():
            if token not in strong:
                x, y = places[token]
                left, width = x - self._widths[token] / 2, self._widths[token]
                painter.fillRect(QRectF(left, y - self._line * 0.35, width, self._line * 0.75), backdrop)
                painter.drawStaticText(QPointF(left, y - self._line / 2), self._text(token))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for token in dict.fromkeys((*self._context, self._selected)):
            if 0 <= token < len(places) and np.isfinite(places[token]).all():
                self._draw_marked(painter, token, self._box(token, *places[token]))
        painter.setClipping(False)
        if 0 <= self._named < len(places) and np.isfinite(places[self._named]).all():
            box = self._box(self._named, *places[self._named])
            if plot.contains(box.center()):
                self._draw_marked(painter, self._named, box)
            else:  # named at the edge where it went out
                box.moveCenter(_nearest(plot, box.center()))
            draw_tag(painter, self._in_words(self._named), box, QRectF(self.rect()), self._theme)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the labels anew."""
        super().resizeEvent(event)
        self._shown = None

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
            self._point(self._beside(self._at, _STEPS[Qt.Key(event.key())]))

    @property
    def _named(self) -> int:
        return self._marked if self._at is None else self._at

    def _beside(self, token: int, way: tuple[float, float]) -> int:
        """Return the nearest token within 45 degrees of `way`, or `token` if none is there."""
        offsets = self._values - self._values[token]  # (V, 2)
        along = offsets @ np.array(way, dtype=np.float32)
        squares = (offsets**2).sum(axis=1)
        squares[~((along > 0) & (2 * along**2 >= squares))] = np.inf
        nearest = int(np.argmin(squares))
        return nearest if np.isfinite(squares[nearest]) else token

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

    def _box(self, token: int, x: float, y: float) -> QRectF:
        width, high = max(float(self._widths[token]), self._line * 0.7), self._line
        return QRectF(x - width / 2, y - high / 2, width, high)

    def _tell(self, place: int | None) -> None:
        self.hovered.emit(-1 if place is None else place)

    def _measure(self) -> None:
        widths = {label: self._glyphs.horizontalAdvance(label) for label in set(self._labels)}
        widest = self._theme.px(WIDEST_LABEL)
        self._widths = np.array([min(widths[label], widest) for label in self._labels], dtype=np.float64)
        self._texts.clear()

    def _text(self, token: int) -> QStaticText:
        if token not in self._texts:
            label = self._labels[token]
            if self._glyphs.horizontalAdvance(label) > self._widths[token]:
                label = self._glyphs.elidedText(label, Qt.TextElideMode.ElideMiddle, self._widths[token])
            text = QStaticText(label)
            text.setTextFormat(Qt.TextFormat.PlainText)
            text.prepare(font=self._font)
            self._texts[token] = text
        return self._texts[token]

    def _draw_marked(self, painter: QPainter, token: int, box: QRectF) -> None:
        """Draw a label on the card's colour in a line: ink inverted and a second line around the selected one."""
        px, chosen = self._theme.px, token == self._selected
        around = box.adjusted(-px(4), 0, px(4), 0)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.colour("ink"), px(1.5 if token in self._context else 1)))
        painter.setBrush(self._theme.colour("ink" if chosen else "card"))
        painter.drawRoundedRect(around, px(4), px(4))
        if chosen:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._theme.colour("card"), px(2)))
            painter.drawRoundedRect(around.adjusted(-px(1), -px(1), px(1), px(1)), px(5), px(5))
            painter.setPen(QPen(self._theme.colour("ink"), px(2)))
            painter.drawRoundedRect(around.adjusted(-px(3), -px(3), px(3), px(3)), px(7), px(7))
        painter.setFont(self._font)
        painter.setPen(self._theme.colour("card" if chosen else "ink"))
        painter.drawStaticText(QPointF(box.center().x() - self._widths[token] / 2, box.top()), self._text(token))


def _nearest(area: QRectF, point: QPointF) -> QPointF:
    """Return the point of `area` that is nearest to `point`."""
    x = min(max(point.x(), area.left()), area.right())
    return QPointF(x, min(max(point.y(), area.top()), area.bottom()))
