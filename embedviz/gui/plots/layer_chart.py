"""What each layer puts out, one under the other on one axis: how the numbers grow and fade on their way."""

from collections.abc import Mapping
from typing import ClassVar

from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPen, QPolygonF, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from embedviz.analysis.figures import counted, figure
from embedviz.analysis.layers import LayerSummary
from embedviz.analysis.levels import StableLimit
from embedviz.gui.plots.layer_rows import AXIS, AXIS_GAP, LayerRows, tick_in_words
from embedviz.gui.plots.name_tag import draw_tag
from embedviz.gui.plots.pointing import PointingPlot
from embedviz.gui.theme import Theme

FADED = 0.45  # how opaque is what is not the stream itself
SOME = 0.005  # of the outputs, and more, at 0 are worth a word
NORM = "norm"  # the layer before the head
NUMBER = "std"
BEYOND = "goes beyond: std {}"  # the axis
Key = Qt.Key


class LayerChart(PointingPlot[int], LayerRows):
    """A row a layer: name, how its outputs are spread, their standard deviation. Arrows go from row to row.

    All rows share the axis of values, which grows at once and shrinks late; each row's peak is as high as the row.
    The residual stream is drawn full, what is computed from it and added to it faded. The last norm's outputs are
    of the same size whatever comes in: the axis is that of the others, and the norm may go beyond it.
    """

    hovered = Signal(int)  # the row that is pointed at; -1 when none is

    own_keys: ClassVar[frozenset[Qt.Key]] = frozenset(
        {Key.Key_Up, Key.Key_Down, Key.Key_Home, Key.Key_End, Key.Key_PageUp, Key.Key_PageDown}
    )

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Layers", parent)
        self._step = 0
        self._stable = StableLimit(shrinks=True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def set_data(self, layers: Mapping[str, LayerSummary], step: int) -> None:
        """Show `layers`, by name and in order, computed from the weights at `step`."""
        names = tuple(layers)
        self._summaries, self._step = tuple(layers.values()), step
        self._limit = self._stable.update(_reach(layers))
        self._empty = ""
        if names != self._names:
            self._names = names
            self._measure()
            self._lay_out()
            if self._at is not None and self._at >= len(names):
                self._point(None)
        self.touch()

    def reset(self) -> None:
        """Let the next data decide anew how wide the axis is: another run."""
        self._stable.reset()

    def describe(self) -> str:
        """Return how the outputs grow or fade from the first layer to the last, and the row pointed at."""
        if not self._names:
            return ""
        ends = [f"{self._names[row]} std {_std(self._summaries[row])}" for row in (0, len(self._names) - 1)]
        words = f"step {self._step:,}: {counted(len(self._names), 'layer')}, from {ends[0]} to {ends[1]}"
        return f"{words}; at {self._names[self._at]}: {self.in_words(self._at)}" if self._at is not None else words

    def in_words(self, row: int) -> str:
        """Return all that is known of a row's outputs."""
        summary = self._summaries[row]
        if not summary.is_finite:
            return "not all of it is a number"
        if summary.reach == 0:
            return "all 0"
        low, high = figure(summary.smallest, signed=True), figure(summary.largest, signed=True)
        words = f"mean {figure(summary.mean, signed=True)}, std {figure(summary.std)}, {low} to {high}"
        words += ", beyond the axis" if self.goes_beyond(row) else ""
        return f"{words}, {figure(100 * summary.zeros, digits=2)} % at 0" if summary.zeros >= SOME else words

    # ---- Qt

    def place_at(self, x: float, y: float) -> int | None:  # noqa: ARG002 (a row is as wide as the chart)
        """Return the row at a point, None if none is there."""
        return self.row_at(y)

    def sizeHint(self) -> QSize:
        """Return room for a model of two blocks."""
        return QSize(self._theme.px(420), self._theme.px(280))

    def minimumSizeHint(self) -> QSize:
        """Return room for a few rows."""
        return QSize(self._theme.px(200), self._theme.px(80))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll."""
        before = self.scroll_bar.value()
        self.scroll_bar.setValue(before - round(event.angleDelta().y() / 120 * 3 * self.row_height))
        event.setAccepted(self.scroll_bar.value() != before)
        self._point_to(event.position())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the cursor."""
        super().keyPressEvent(event)
        if not self._names or not self.is_own_key(event):
            return
        event.accept()
        last, page = len(self._names) - 1, max(1, self.page_height // self.row_height)
        steps = {Key.Key_Up: -1, Key.Key_PageUp: -page, Key.Key_PageDown: page, Key.Key_Home: -last - 1}
        row = -1 if self._at is None else self._at
        row = last if event.key() == Key.Key_End else row + steps.get(Key(event.key()), 1)
        row = min(last, max(0, row))
        self.show_row(row)
        self._point(row)

    def draw(self, painter: QPainter, exposed: QRect) -> None:  # noqa: ARG002
        """Paint the rows in sight, then the axis under them."""
        if not self._names:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._font)
        painter.setClipRect(QRectF(0, 0, self.width(), self.page_height))
        shown = self.shown_rows()
        if self._at is not None and self._at in shown:
            painter.fillRect(self.row_rect(self._at), self._theme.colour("well"))
        self._draw_lines(painter, shown)
        for row in shown:
            self._draw_ridge(painter, row)
            if self.goes_beyond(row):
                self._draw_edges(painter, row)
        for row in shown:
            self._draw_words(painter, row)
        painter.setClipping(False)
        self._draw_axis(painter)
        if self._at is not None and self._at in shown:
            draw_tag(painter, self.in_words(self._at), self.track_rect(self._at), QRectF(self.rect()), self._theme)

    def _draw_lines(self, painter: QPainter, shown: range) -> None:
        """Paint where 0 is, and a line between blocks."""
        painter.setPen(QPen(self._theme.colour("line"), 1))
        middle = round(self.x_of(0)) + 0.5
        painter.drawLine(QLineF(middle, 0, middle, self.row_rect(len(self._names) - 1).bottom()))
        for row in shown:
            if row and _block(self._names[row]) != _block(self._names[row - 1]):
                top = self.row_rect(row).top() + 0.5
                painter.drawLine(QLineF(0, top, self.page_width, top))

    def _draw_ridge(self, painter: QPainter, row: int) -> None:
        painter.setBrush(self._theme.colour("model", 1.0 if is_stream(self._names[row]) else FADED))
        painter.setPen(QPen(self._theme.colour("model"), 1))  # so that a spike is a pixel wide
        painter.save()
        painter.setClipRect(self.track_rect(row).adjusted(-1, 0, 1, 0), Qt.ClipOperation.IntersectClip)
        painter.drawPolygon(self.ridge(row))
        painter.restore()

    def _draw_edges(self, painter: QPainter, row: int) -> None:
        """Paint an arrow at each side of a row that goes on beyond the axis, and say between them how far."""
        track, size = self.track_rect(row), self._theme.px(4)
        words = BEYOND.format(_std(self._summaries[row]))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.colour("ink"))
        middle = track.center().y()
        for x, towards in ((track.left() + size / 2, -1), (track.right() - size / 2, 1)):
            tip, foot = x + towards * size / 2, x - towards * size / 2
            corners = [QPointF(tip, middle), QPointF(foot, middle - size), QPointF(foot, middle + size)]
            painter.drawPolygon(QPolygonF(corners))
        if self._words.horizontalAdvance(words) <= track.width() - 4 * size:
            painter.setPen(self._theme.colour("ink"))
            painter.drawText(track, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip, words)

    def _draw_words(self, painter: QPainter, row: int) -> None:
        px, track, summary = self._theme.px, self.track_rect(row), self._summaries[row]
        name = QRectF(px(6), track.top(), track.left() - px(14), track.height())
        words = self._words.elidedText(self.shown_names()[row], Qt.TextElideMode.ElideMiddle, name.width() + 1)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextDontClip
        painter.setPen(self._theme.colour("ink" if is_stream(self._names[row]) else "muted"))
        painter.drawText(name, right, words)
        number = QRectF(track.right(), track.top(), self.page_width - px(6) - track.right(), track.height())
        painter.setPen(self._theme.colour("ink" if summary.is_finite else "bad"))
        painter.drawText(number, right, _std(summary))

    def _draw_axis(self, painter: QPainter) -> None:
        px, track, line = self._theme.px, self.track_rect(0), self._words.height()
        top = float(self.page_height)
        painter.setPen(QPen(self._theme.colour("muted"), 1))
        painter.drawLine(QLineF(track.left(), top + 0.5, track.right(), top + 0.5))
        for value in self.ticks():
            words, x = tick_in_words(value), self.x_of(value)
            width = self._words.horizontalAdvance(words)
            painter.drawLine(QLineF(x, top, x, top + px(3)))
            painter.drawText(QRectF(x - width, top + px(3), 2 * width, line), Qt.AlignmentFlag.AlignCenter, words)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(px(6), top + px(3), track.left() - px(14 + AXIS_GAP) + 1, line), right, AXIS)
        number = QRectF(track.right(), top + px(3), self.page_width - px(6) - track.right(), line)
        painter.drawText(number, right, NUMBER)

    def _tell(self, place: int | None) -> None:
        self.hovered.emit(-1 if place is None else place)


def is_stream(name: str) -> bool:
    """Tell whether a layer's outputs are the residual stream itself, not what is computed from it."""
    return name in ("rows", "sum") or "stream" in name


def _reach(layers: Mapping[str, LayerSummary]) -> float:
    """Return how far the axis has to go."""
    finite = {name: summary.reach for name, summary in layers.items() if summary.is_finite}
    return max((reach for name, reach in finite.items() if name != NORM), default=0.0) or finite.get(NORM, 0.0)


def _block(name: str) -> str:
    """Return "block 2" of "block 2 stream 1", nothing of "norm"."""
    return " ".join(name.split()[:2]) if name.startswith("block ") else ""


def _std(summary: LayerSummary) -> str:
    return figure(summary.std) if summary.is_finite else "none"
