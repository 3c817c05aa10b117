"""The rows of a context, one after the other, as the one long row that the hidden layer sees."""

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QFontMetricsF, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from embedviz.analysis.figures import counted
from embedviz.gui.plots import colormaps
from embedviz.gui.plots.cell_picture import cell_picture
from embedviz.gui.plots.heatmap_view import GridView
from embedviz.gui.plots.outline import draw_outline
from embedviz.gui.plots.pointing import Cell, CellPlot
from embedviz.gui.theme import Role, Theme

LOWEST_BAND, HIGHEST_BAND = 16, 44  # designed pixels
SEAM, NARROWEST_PART = 3, 8  # a line, and the card's colour on both sides of it
MISSING = "–"
_EVERY = [k * 10**power for power in range(5) for k in (1, 2, 5)]
Key = Qt.Key


class ConcatenationBand(CellPlot):
    """T rows of C numbers as one row of T * C cells, a seam between the parts, a token above each.

    Left, Right, Home and End move a cursor by cells, Page Up and Page Down by parts. A part that is not there,
    because the line begins later, is all zeros: it is hatched, and labelled "–". `hovered` tells part and column.
    """

    own_keys: ClassVar[frozenset[Qt.Key]] = frozenset(
        {Key.Key_Left, Key.Key_Right, Key.Key_Home, Key.Key_End, Key.Key_PageUp, Key.Key_PageDown}
    )

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Concatenation", parent)
        self._labels: tuple[str, ...] = ()
        self._present: tuple[bool, ...] = ()
        self._values: NDArray[np.float32] = np.zeros((0, 0), dtype=np.float32)
        self._levels = (0.0, 1.0)
        self._colormap = colormaps.SEQUENTIAL
        self.restyle()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_parts(
        self,
        labels: Sequence[str],
        values: NDArray[np.float32],
        levels: tuple[float, float],
        colormap: str,
        present: Sequence[bool],
    ) -> None:
        """Show `values`, (T, C), as one row, kept and not copied; `present` is False where no token stands."""
        self._labels, self._present = tuple(labels), tuple(present)
        self._values, self._levels, self._colormap = values, levels, colormap
        if values.size:
            self._empty = ""
        self._let_go_beyond(values.shape)
        self.touch()

    def describe(self) -> str:
        """Return how many numbers there are, whose they are, and the cell under the pointer."""
        parts, columns = self._values.shape
        words = f"{counted(parts * columns, 'number')} in {counted(parts, 'part')} of {columns:,}: "
        words += " ".join(self.label(part) for part in range(parts))
        if self._at is not None:
            part, column = self._at
            words += f"; at part {part + 1}, {self.label(part)}, column {column}"
        return words

    def label(self, part: int) -> str:
        """Return what stands above a part."""
        return self._labels[part] if self._present[part] else MISSING

    # ---- where it is

    def part_rect(self, part: int) -> QRectF:
        """Return where a part's cells are; seams are between the parts, if these are not too narrow for any."""
        count = max(1, len(self._values))
        margin = self._theme.px(6)
        room = max(1.0, self.width() - 2.0 * margin)
        seam = self._theme.px(SEAM) if room / count >= self._theme.px(NARROWEST_PART) else 0
        pitch = (room + seam) / count
        left, right = margin + round(part * pitch), margin + round((part + 1) * pitch) - seam
        top = self._glyphs.height() + self._theme.px(4)
        bottom = self.height() - self._digits.height() - self._theme.px(6)
        high = min(self._theme.px(HIGHEST_BAND), max(self._theme.px(4), bottom - top))
        return QRectF(left, round(top), max(1, right - left), round(high))

    def cell_rect(self, part: int, column: int) -> QRectF:
        """Return where a cell is."""
        band = self.part_rect(part)
        width = band.width() / max(1, self._values.shape[1])
        return QRectF(band.left() + column * width, band.top(), width, band.height())

    def place_at(self, x: float, y: float) -> Cell | None:
        """Return part and column at a point; None beside the cells."""
        parts, columns = self._values.shape
        if not parts or not columns:
            return None
        first, last = self.part_rect(0), self.part_rect(parts - 1)
        part = min(parts - 1, max(0, int((x - first.left()) / (last.right() - first.left()) * parts)))
        for near in (part, part - 1, part + 1):
            if 0 <= near < parts and (band := self.part_rect(near)).contains(x, y):
                return near, min(columns - 1, int((x - band.left()) / band.width() * columns))
        return None

    # ---- Qt

    def sizeHint(self) -> QSize:
        """Return room for the tokens, a high band and the numbers of its columns."""
        return QSize(self._theme.px(420), self._around() + self._theme.px(28))

    def minimumSizeHint(self) -> QSize:
        """Return room for the same with a low band."""
        return QSize(self._theme.px(140), self._around() + self._theme.px(LOWEST_BAND))

    def restyle(self) -> None:
        """Measure the labels in the new fonts."""
        self._glyph_font = self._theme.font(Role.TITLE, mono=True)
        self._digit_font = self._theme.font(Role.CAPTION)
        self._glyphs, self._digits = QFontMetricsF(self._glyph_font), QFontMetricsF(self._digit_font)

    def draw(self, painter: QPainter, exposed: QRect) -> None:  # noqa: ARG002
        """Paint the cells, the seams' ticks and the tokens."""
        parts, columns = self._values.shape
        if not parts or not columns:
            return
        table = colormaps.rgb32(self._colormap, colormaps.qrgb(self._theme.colour("line")))
        bands = [self.part_rect(part) for part in range(parts)]
        if parts > 1 and bands[1].left() <= bands[0].right():  # no seams: pooled across the parts, in one picture
            whole = QRectF(bands[0].topLeft(), bands[-1].bottomRight())
            self._draw_cells(painter, whole, self._values.reshape(1, -1), table)
        else:
            for part, band in enumerate(bands):
                if self._present[part]:
                    self._draw_cells(painter, band, self._values[part : part + 1], table)
        self._draw_missing(painter, bands)
        self._draw_labels(painter, bands)
        self._draw_ticks(painter, bands)
        if self._at is not None:
            self._draw_cursor(painter, self.cell_rect(*self._at))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the cursor."""
        super().keyPressEvent(event)
        if not self._values.size or not self.is_own_key(event):
            return
        event.accept()
        columns, last = self._values.shape[1], self._values.size - 1
        if self._at is None:
            self._point((0, 0))
            return
        here = self._at[0] * columns + self._at[1]
        step = {
            Key.Key_Left: -1,
            Key.Key_Right: 1,
            Key.Key_PageUp: -columns,
            Key.Key_PageDown: columns,
            Key.Key_Home: -here,
            Key.Key_End: last - here,
        }[Qt.Key(event.key())]
        if 0 <= here + step <= last:
            self._point(((here + step) // columns, (here + step) % columns))

    def _around(self) -> int:
        return round(self._glyphs.height() + self._digits.height()) + self._theme.px(10)

    def _draw_cells(
        self, painter: QPainter, band: QRectF, values: NDArray[np.float32], table: NDArray[np.uint32]
    ) -> None:
        view = GridView(1, values.shape[1], band, largest=math.inf)
        cell_picture(values, self._levels, table, view, self.devicePixelRatioF(), "mean").draw(painter)

    def _draw_missing(self, painter: QPainter, bands: list[QRectF]) -> None:
        hatch = QBrush(self._theme.colour("muted", 0.7), Qt.BrushStyle.BDiagPattern)
        for part, band in enumerate(bands):
            if not self._present[part]:
                painter.fillRect(band, self._theme.colour("well"))
                painter.fillRect(band, hatch)

    def _draw_labels(self, painter: QPainter, bands: list[QRectF]) -> None:
        """Draw the token above each part; of parts too narrow for a letter, none has one."""
        if bands[0].width() < self._glyphs.horizontalAdvance("m"):
            return
        painter.setFont(self._glyph_font)
        for part, band in enumerate(bands):
            painter.setPen(self._theme.colour("ink" if self._present[part] else "muted"))
            words = self._glyphs.elidedText(self.label(part), Qt.TextElideMode.ElideMiddle, band.width())
            line = QRectF(band.left(), 0, band.width(), self._glyphs.height())
            painter.drawText(line, Qt.AlignmentFlag.AlignCenter, words)

    def _draw_ticks(self, painter: QPainter, bands: list[QRectF]) -> None:
        """Draw a line through each seam, and under those that have room the number of the column after it."""
        columns = self._values.shape[1]
        half = (bands[1].left() - bands[0].right()) / 2 if len(bands) > 1 else 0.0
        places = [bands[0].left(), *(band.left() - half for band in bands[1:]), bands[-1].right() - 1]
        widest = self._digits.horizontalAdvance(f"{self._values.size:,}") + self._theme.px(10)
        every = next(k for k in _EVERY if k * (places[1] - places[0]) >= widest or k >= len(bands))
        painter.setFont(self._digit_font)
        painter.setPen(QPen(self._theme.colour("muted"), 1))
        bottom, low = bands[0].bottom(), bands[0].bottom() + self._theme.px(4)
        for part, x in enumerate(places):
            numbered = part % every == 0
            if half > 0 or numbered:
                through = half > 0 and 0 < part < len(bands)
                middle = int(x) + 0.5
                painter.drawLine(QLineF(middle, bands[0].top() if through else bottom + 1, middle, low))
            if numbered:
                words = f"{part * columns:,}"
                width = self._digits.horizontalAdvance(words)
                left = min(max(0.0, x - width / 2), self.width() - width)
                painter.drawText(QPointF(left, low + self._digits.ascent()), words)

    def _draw_cursor(self, painter: QPainter, cell: QRectF) -> None:
        grown = max(0.0, self._theme.px(5) - cell.width()) / 2
        draw_outline(painter, cell.adjusted(-grown, 0, grown, 0), self._theme.px(1), self._theme, tight=True)
