"""Where the rows of a chart of layers are, and what is in them: names, ridges, the axis that all share."""

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QFontMetricsF, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QWidget

from embedviz.analysis.figures import figure
from embedviz.analysis.layers import BINS, LayerSummary
from embedviz.gui.plots.base import ScrollingPlot
from embedviz.gui.plots.plane_range import round_step
from embedviz.gui.theme import Role, Theme

LOWEST_ROW, USUAL_ROW, HIGHEST_ROW = 12, 16, 30  # designed pixels; the usual one where it scrolls anyway
TOP = 3
WIDEST_NAME = 0.4  # of the width
AXIS = "value"  # its name stands where those of rows do, as far from the axis as half a number on it
AXIS_GAP = 28
_EDGES = np.linspace(-1.0, 1.0, BINS + 1)
_MIDDLES = (_EDGES[1:] + _EDGES[:-1]) / 2  # (BINS,)


class LayerRows(ScrollingPlot):
    """A row a layer: name, ridge, number; under all of them the axis, which stays when they scroll."""

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(theme, name, parent)
        self._names: tuple[str, ...] = ()
        self._summaries: tuple[LayerSummary, ...] = ()
        self._limit = 1.0
        self.restyle()

    @property
    def limit(self) -> float:
        """The value at the right end of the axis; the left end is its negative."""
        return self._limit

    @property
    def page_height(self) -> int:
        """The height that the rows share: the axis is under it."""
        return max(1, self.height() - round(self._words.height()) - self._theme.px(4))

    @property
    def row_height(self) -> int:
        """The height of a row: what divides the room; where that is too low, the rows scroll."""
        px = self._theme.px
        each = (self.page_height - px(TOP)) // max(1, len(self._names))
        return min(px(HIGHEST_ROW), each) if each >= px(LOWEST_ROW) else px(USUAL_ROW)

    def row_rect(self, row: int) -> QRectF:
        """Return where a row is; it may be scrolled away."""
        height = self.row_height
        top = self._theme.px(TOP) + row * height - self.scroll_bar.value()
        return QRectF(0, top, self.page_width, height)

    def track_rect(self, row: int) -> QRectF:
        """Return the part of a row that the axis spans."""
        px, line = self._theme.px, self.row_rect(row)
        left = px(6) + self._name_room() + px(8)
        right = self.page_width - px(6) - self._words.horizontalAdvance("0.0000") - px(8)
        return QRectF(left, line.top(), max(1.0, right - left), line.height())

    def row_at(self, y: float) -> int | None:
        """Return the row at a height, None if none is there."""
        if not 0 <= y < self.page_height:
            return None
        row = int((y - self._theme.px(TOP) + self.scroll_bar.value()) // self.row_height)
        return row if 0 <= row < len(self._names) else None

    def shown_rows(self) -> range:
        """Return the rows of which at least a part is visible."""
        height, top = self.row_height, self.scroll_bar.value() - self._theme.px(TOP)
        return range(max(0, top // height), min(len(self._names), -(-(top + self.page_height) // height)))

    def show_row(self, row: int) -> None:
        """Scroll as little as brings a row into sight."""
        height, top = self.row_height, self._theme.px(TOP)
        below = self.height() - self.page_height
        self.scroll_to(row * height if row else 0, top + (row + 1) * height + below)

    def shown_names(self) -> tuple[str, ...]:
        """Return the names as they are printed: without "block" where that has no room."""
        return self._names if self._name_width <= WIDEST_NAME * self.page_width else self._short_names

    # ---- values

    def x_of(self, value: float) -> float:
        """Return where a value is on the axis."""
        track = self.track_rect(0)
        return track.center().x() + value / self._limit * track.width() / 2

    def ticks(self) -> list[float]:
        """Return the values that have a mark on the axis: 0, and round ones beside it as far as they have room."""
        step, px = round_step(self._limit / 2.5), self._theme.px
        room = self.track_rect(0).width() / 2 / self._limit  # pixels for 1
        while step <= self._limit and self._words.horizontalAdvance(tick_in_words(-step)) + px(8) > step * room:
            step = round_step(1.5 * step)
        if step > self._limit:
            return [-self._limit, 0.0, self._limit]
        count = int(self._limit / step + 1e-6)
        return [step * place for place in range(-count, count + 1)]

    def goes_beyond(self, row: int) -> bool:
        """Tell whether a row's outputs reach beyond the axis: only a part of its ridge can be seen."""
        summary = self._summaries[row]
        return summary.is_finite and summary.reach > self._limit * (1 + 1e-6)

    def ridge(self, row: int) -> QPolygonF:
        """Return the outline of a row's histogram, its peak as high as the row; empty where there is none.

        It may go beyond the axis.
        """
        summary = self._summaries[row]
        there = np.flatnonzero(summary.shares)
        if not summary.is_finite or not len(there):
            return QPolygonF()
        track = self.track_rect(row)
        foot, high = track.bottom() - self._theme.px(2), track.height() - self._theme.px(3)
        heights = high * (summary.shares / summary.shares.max())
        middle, reach = track.center().x(), track.width() / 2 * summary.reach / self._limit
        xs = middle + reach * _MIDDLES
        bins = range(int(there[0]), int(there[-1]) + 1)
        inside = [QPointF(float(xs[place]), foot - float(heights[place])) for place in bins]
        return QPolygonF([QPointF(inside[0].x(), foot), *inside, QPointF(inside[-1].x(), foot)])

    # ---- Qt

    def restyle(self) -> None:
        """Measure the names in the new font."""
        self._font = self._theme.font(Role.CAPTION)
        self._words = QFontMetricsF(self._font)
        self._measure()
        self._lay_out()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Divide the new height."""
        super().resizeEvent(event)
        self._lay_out()

    def _measure(self) -> None:
        self._short_names = tuple(name.removeprefix("block ") for name in self._names)
        self._name_width, self._short_width = (
            max(map(self._words.horizontalAdvance, names), default=0.0)
            for names in (self._names, self._short_names)
        )

    def _name_room(self) -> float:
        widest = WIDEST_NAME * self.page_width
        names = self._name_width if self._name_width <= widest else self._short_width
        return min(widest, max(names, self._words.horizontalAdvance(AXIS) + self._theme.px(AXIS_GAP)))

    def _lay_out(self) -> None:
        rows = self._theme.px(TOP) + len(self._names) * self.row_height
        self.set_content_height(rows + self.height() - self.page_height, self.row_height)


def tick_in_words(value: float) -> str:
    """Return a value as it stands on the axis."""
    words = figure(value, signed=True, digits=2)
    return words.removesuffix(".0") if "." in words else words
