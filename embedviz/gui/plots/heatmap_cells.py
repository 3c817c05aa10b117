"""The cells of a table as colours, the numbers in them where there is room, and lines around rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from embedviz.analysis.figures import figure
from embedviz.gui.plots import colormaps
from embedviz.gui.plots.cell_picture import cell_picture
from embedviz.gui.plots.heatmap_view import GridView
from embedviz.gui.plots.outline import draw_outline
from embedviz.gui.plots.pooling import Pooling
from embedviz.gui.theme import Role, Theme

MOST_NUMBERS = 300  # cells with their number in them; each costs some microseconds


class CellPainter:
    """Turns what is on screen of a table into a picture, once, and draws it as often as asked."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self._values: NDArray[np.float32] = np.zeros((0, 0), dtype=np.float32)
        self._numbers: NDArray[Any] = self._values
        self._levels = (0.0, 1.0)
        self._colormap = colormaps.SEQUENTIAL
        self.pooling: Pooling = "mean"
        self._drawn_for: tuple[GridView, float] | None = None
        self.restyle()

    @property
    def signed(self) -> bool:
        """True if the numbers are printed with their sign."""
        return self._levels[0] < 0

    def is_scale(self, levels: tuple[float, float], colormap: str) -> bool:
        """Return True if these are the levels and the colours in use."""
        return levels == self._levels and colormap == self._colormap

    def set_data(
        self,
        values: NDArray[np.float32],
        levels: tuple[float, float],
        colormap: str,
        numbers: NDArray[Any],
    ) -> None:
        """Take what to colour, and what to print; both (R, C)."""
        self._values, self._levels, self._colormap, self._numbers = values, levels, colormap, numbers
        self._table = colormaps.rgb32(colormap, self._missing)
        self._drawn_for = None

    def set_pooling(self, how: Pooling) -> None:
        """Choose what stands for cells that are smaller than a pixel."""
        self.pooling = how
        self._drawn_for = None

    def restyle(self) -> None:
        """Take colours and fonts from the theme."""
        self._missing = colormaps.qrgb(self._theme.colour("line"))
        self._table = colormaps.rgb32(self._colormap, self._missing)
        self._font = self._theme.font(Role.CAPTION)
        metrics = QFontMetricsF(self._font)
        self._number_size = metrics.horizontalAdvance("−0.0000"), metrics.height()
        self._drawn_for = None

    def draw(self, painter: QPainter, view: GridView, ratio: float) -> None:
        """Draw what `view` shows, at `ratio` device pixels to a pixel."""
        if self._drawn_for != (view, ratio):
            self._picture = cell_picture(self._values, self._levels, self._table, view, ratio, self.pooling)
            self._drawn_for = view, ratio
        self._picture.draw(painter)
        self._draw_numbers(painter, view)

    def colours_around(self, row: int, column: int, reach: int) -> list[list[QColor | None]]:
        """Return the colours of the cells up to `reach` away from one; None beyond the table's edges."""
        rows, columns = self._values.shape
        around: list[list[QColor | None]] = []
        for r in range(row - reach, row + reach + 1):
            line: list[QColor | None] = [None] * (2 * reach + 1)
            if 0 <= r < rows:
                first, stop = max(0, column - reach), min(columns, column + reach + 1)
                packed = self._table[colormaps.indices(self._values[r, first:stop], self._levels)]
                line[first - column + reach : stop - column + reach] = [QColor.fromRgb(int(c)) for c in packed]
            around.append(line)
        return around

    def draw_outlines(self, painter: QPainter, view: GridView, rows: Sequence[int], selected: int | None) -> None:
        """Draw lines around rows, the selected one's last and heavier.

        Where rows are so thin that their lines would hide each other, neighbours share one.
        """
        thin = view.cell_height < self._theme.px(8)
        runs: list[range] = []
        for row in sorted({row for row in rows if row != selected}):
            if thin and runs and runs[-1].stop == row:
                runs[-1] = range(runs[-1].start, row + 1)
            else:
                runs.append(range(row, row + 1))
        for run in runs:
            self._draw_outline(painter, view, run, self._theme.px(1))
        if selected is not None:
            self._draw_outline(painter, view, range(selected, selected + 1), self._theme.px(2))

    def draw_mark(self, painter: QPainter, rect: QRectF) -> None:
        """Draw a line around one cell, or around the spot where a tiny one is."""
        draw_outline(painter, _at_least(rect, self._theme.px(5)), self._theme.px(1), self._theme)

    def _draw_numbers(self, painter: QPainter, view: GridView) -> None:
        rows, columns = view.shown_rows, view.shown_columns
        width, height = self._number_size
        if view.cell_width < width or view.cell_height < height or len(rows) * len(columns) > MOST_NUMBERS:
            return
        painter.save()
        painter.setClipRect(view.rect)
        painter.setFont(self._font)
        part = np.s_[rows.start : rows.stop, columns.start : columns.stop]
        packed = self._table[colormaps.indices(self._values[part], self._levels)]
        for row, values, colours in zip(rows, self._numbers[part], packed, strict=True):
            for column, value, colour in zip(columns, values, colours, strict=True):
                if not np.isfinite(value):
                    continue
                painter.setPen(_readable_on(int(colour)))
                text = figure(float(value), signed=self.signed)
                painter.drawText(view.cells_rect(row, column, 1, 1), Qt.AlignmentFlag.AlignCenter, text)
        painter.restore()

    def _draw_outline(self, painter: QPainter, view: GridView, run: range, width: int) -> None:
        shown = view.shown_rows
        if run.stop <= shown.start or run.start >= shown.stop:
            return
        rect = view.cells_rect(run.start, view.left_column, len(run), view.width / view.cell_width)
        draw_outline(painter, _at_least(rect.intersected(view.rect), self._theme.px(3)), width, self._theme)


def _at_least(rect: QRectF, side: float) -> QRectF:
    """Return `rect` grown about its middle until both sides are at least `side`."""
    more_width, more_height = max(0.0, side - rect.width()) / 2, max(0.0, side - rect.height()) / 2
    return rect.adjusted(-more_width, -more_height, more_width, more_height)


def _readable_on(packed: int) -> QColor:
    """Return black or white, whichever contrasts more (WCAG's relative luminance) with a QRgb number."""
    parts = [((packed >> shift) & 0xFF) / 255 for shift in (16, 8, 0)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return QColor("black") if luminance > 0.179 else QColor("white")
