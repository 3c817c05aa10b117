"""Where the rows of a bar chart are, their labels, bars and numbers; what it shows stands here too."""

from heapq import nlargest
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QFontMetricsF, QResizeEvent
from PySide6.QtWidgets import QWidget

from embedviz.analysis.figures import longest
from embedviz.gui.plots.bar_marks import FRAME, Mark
from embedviz.gui.plots.base import ScrollingPlot
from embedviz.gui.theme import Role, Theme

LOWEST_ROW, HIGHEST_ROW = 26, 34  # designed pixels
WIDEST_LABEL = 120


class BarRows(ScrollingPlot):
    """One row a token: label, bar, number. Label and number columns only ever widen."""

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(theme, name, parent)
        self._labels: tuple[str, ...] = ()
        self._ids: tuple[int, ...] = ()
        self._texts: tuple[str, ...] = ()
        self._model: NDArray[np.floating[Any]] = np.zeros(0)
        self._data: NDArray[np.floating[Any]] | None = None
        self._before: NDArray[np.floating[Any]] | None = None
        self._marks: dict[int, Mark] = {}
        self._maximum = 1.0
        self._caption = ""
        self._label_width = self._text_width = 0.0
        self.restyle()

    def show_row(self, row: int) -> None:
        """Scroll as little as brings a row into sight, with the frame that it may have."""
        height, frame = self.row_height, self._theme.px(FRAME)
        self.scroll_to(row * height - frame, (row + 1) * height + self._top() + frame)

    def show_top(self) -> None:
        """Scroll to the first row."""
        self.scroll_bar.setValue(0)

    # ---- where it is

    @property
    def row_height(self) -> int:
        """The height of a row: what divides the room, between 26 and 34 designed pixels."""
        lowest, highest = self._theme.px(LOWEST_ROW), self._theme.px(HIGHEST_ROW)
        if not self._labels:
            return highest
        return max(lowest, min(highest, (self.height() - self._top()) // len(self._labels)))

    def row_rect(self, row: int) -> QRectF:
        """Return where a row is; it may be scrolled away."""
        height = self.row_height
        return QRectF(0, self._top() + row * height - self.scroll_bar.value(), self.page_width, height)

    def track_rect(self, row: int) -> QRectF:
        """Return the place of a bar that is `maximum` long."""
        px = self._theme.px
        left = px(6) + self._label_room() + px(10)
        right = self.page_width - px(6) - self._text_width - px(12)
        line = self.row_rect(row)
        high = px(16)
        return QRectF(left, line.center().y() - high / 2, max(1.0, right - left), high)

    def bar_rect(self, row: int) -> QRectF:
        """Return where a row's bar is."""
        track = self.track_rect(row)
        return QRectF(track.left(), track.top(), track.width() * self._share(self._model[row]), track.height())

    def before_x(self, row: int) -> float | None:
        """Return where a row's bar ended before the step; None if that is not shown."""
        if self._before is None:
            return None
        track = self.track_rect(row)
        return track.left() + track.width() * self._share(self._before[row])

    def tick_x(self, row: int) -> float | None:
        """Return where the data's tick is on a row; None without data."""
        if self._data is None or not np.isfinite(self._data[row]):
            return None
        track = self.track_rect(row)
        return track.left() + track.width() * self._share(self._data[row])

    def row_at(self, y: float) -> int | None:
        """Return the row at a height, None if none is there."""
        if y < self._top():
            return None
        row = int((y - self._top() + self.scroll_bar.value()) // self.row_height)
        return row if row < len(self._labels) else None

    def shown_rows(self) -> range:
        """Return the rows of which at least a part is visible."""
        height, top = self.row_height, self.scroll_bar.value()
        stop = -(-(top + self.height() - self._top()) // height)
        return range(top // height, max(0, min(len(self._labels), stop)))

    def restyle(self) -> None:
        """Measure labels and numbers in the new fonts."""
        self._glyph_font = self._theme.font(Role.TITLE, mono=True)
        self._text_font = self._theme.font(Role.BODY)
        self._caption_font = self._theme.font(Role.CAPTION)
        self._glyphs, self._figures = QFontMetricsF(self._glyph_font), QFontMetricsF(self._text_font)
        self.forget_widths()
        self._measure()
        self._lay_out()

    def forget_widths(self) -> None:
        """Measure anew with the next rows, where other labels come; else columns only grow, and hold still."""
        self._label_width = self._text_width = 0.0

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Divide the new height."""
        super().resizeEvent(event)
        self._lay_out()

    def _label_room(self) -> float:
        return min(self._label_width, 0.35 * self.page_width)

    def _share(self, value: float) -> float:
        return (
            float(min(1.0, max(0.0, value / self._maximum))) if self._maximum > 0 and np.isfinite(value) else 0.0
        )

    def _top(self) -> int:
        return round(QFontMetricsF(self._caption_font).height() + self._theme.px(4)) if self._caption else 0

    def _measure(self) -> None:
        widest = max(map(self._glyphs.horizontalAdvance, longest(self._labels)), default=0.0)
        self._label_width = max(self._label_width, min(self._theme.px(WIDEST_LABEL), widest), self._theme.px(14))
        figures = max(map(self._figures.horizontalAdvance, nlargest(4, set(self._texts), key=len)), default=0.0)
        self._text_width = max(self._text_width, figures, self._figures.horizontalAdvance("0.000"))

    def _lay_out(self) -> None:
        self.set_content_height(len(self._labels) * self.row_height + self._top(), self.row_height)
