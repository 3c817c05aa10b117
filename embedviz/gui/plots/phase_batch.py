"""The batch of a step as a small picture: ids in a grid, the example that is followed, and its target."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter

from embedviz.gui.plots.colormaps import qrgb
from embedviz.gui.plots.outline import draw_outline
from embedviz.gui.plots.phase_card import PhaseCard
from embedviz.gui.theme import Role, Theme

NARROWEST_LABEL, WIDEST_LABEL = 12, 44  # designed pixels
WIDEST_CELL = 28  # unless its label is wider
WIDEST_TINT, HIGHEST_TINT, LOWEST_TINT = 12, 12, 3
SEAM = 4  # between what is read and the targets
TWO_ROWS = 30  # designed pixels: a window so high has its targets in a row of their own
_GOLDEN = 0.6180339887  # ids that are neighbours get tints far apart
Ids = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class BatchGrid:
    """Ids and, after a seam, targets, in one grid."""

    ids: Ids  # (B, N); -1 where there is none
    seam: int  # the first column of targets; N if there are none
    example: tuple[int, int] | None  # the cell that is followed
    target: tuple[int, int] | None  # the cell of what should follow it
    below: bool = False  # targets are the second row, under the ids that they follow


def batch_grid(card: PhaseCard, *, below: bool = False) -> BatchGrid:
    """Return a batch and its targets side by side.

    Targets that are the ids moved by one, as in running text, add their last column only: the target of each
    cell is then its right neighbour. A single row of ids may have its targets `below` it.
    """
    ids = np.atleast_2d(np.asarray(card.picture, dtype=np.int64))  # (B, T)
    rows, width = ids.shape
    example = card.example
    if example is not None and not (0 <= example[0] < rows and 0 <= example[1] < width):
        example = None
    if card.also is None or card.also.size % max(1, rows) or not card.also.size:
        return BatchGrid(ids, width, example, None)
    targets = np.asarray(card.also, dtype=np.int64).reshape(rows, -1)  # (B, T) or (B, 1)
    if below and rows == 1 and targets.shape == ids.shape:
        target = example and (1, example[1])
        return BatchGrid(np.vstack([ids, targets]), width, example, target, below=True)
    known = targets[:, :-1] >= 0
    if targets.shape[1] == 1 or (
        targets.shape == ids.shape and np.array_equal(targets[:, :-1][known], ids[:, 1:][known])
    ):
        target = example and (example[0], width if targets.shape[1] == 1 else example[1] + 1)
        return BatchGrid(np.hstack([ids, targets[:, -1:]]), width, example, target)
    target = example and (example[0], width + min(example[1], targets.shape[1] - 1))
    return BatchGrid(np.hstack([ids, targets]), width, example, target)


class BatchPicture:
    """A grid in a rectangle: labelled where letters have room, else cells whose tints tell ids apart.

    Where not all have room for letters, it shows the part around the example, cut at the edges as a page that
    scrolls is.
    """

    def __init__(self, card: PhaseCard, rect: QRectF, theme: Theme) -> None:
        self.grid = batch_grid(card, below=rect.height() >= theme.px(TWO_ROWS))
        self._card, self._rect, self._theme = card, rect, theme
        self._font = theme.font(Role.CAPTION, mono=True)
        self._metrics = QFontMetricsF(self._font)
        self.labelled, self.cell_width, self.cell_height = self._sizes()
        rows, columns = self.grid.ids.shape
        self._seam = theme.px(SEAM) if self.labelled and self.grid.seam < columns else 0
        row, column = self.grid.example or (0, 0)
        middle = column + (0.5 if self.grid.below else 1)  # the target is in the next column, or in this one
        self._left = self._scrolled(middle, self.cell_width, columns, rect.width() - self._seam)
        self._top = self._scrolled(row + (1 if self.grid.below else 0.5), self.cell_height, rows, rect.height())
        self._top -= max(0.0, rect.height() - rows * self.cell_height) // 2  # few rows: in the middle

    def cell_rect(self, row: int, column: int) -> QRectF:
        """Return where a cell is; beyond the picture's rectangle if it is not shown."""
        seam = self._seam if column >= self.grid.seam else 0
        return QRectF(
            self._rect.left() + column * self.cell_width - self._left + seam,
            self._rect.top() + row * self.cell_height - self._top,
            self.cell_width,
            self.cell_height,
        )

    def shown_rows(self) -> range:
        """Return the rows of which at least half is drawn."""
        return self._shown(self._top, self._rect.height(), self.cell_height, len(self.grid.ids))

    def shown_columns(self) -> range:
        """Return the columns of which at least half is drawn."""
        return self._shown(self._left, self._rect.width() - self._seam, self.cell_width, self.grid.ids.shape[1])

    def part(self) -> str:
        """Return the sentence that owns up to what is not drawn; "" if all is."""
        said = []
        for name, shown, count in zip(
            ("row", "column"), (self.shown_rows(), self.shown_columns()), self.grid.ids.shape, strict=True
        ):
            if len(shown) < count:
                several = f"{name}s {shown.start + 1:,} to {shown.stop:,}"
                said.append(f"{several if len(shown) > 1 else f'{name} {shown.stop:,}'} of {count:,}")
        return f"Drawn: {', '.join(said)}." if said else ""

    def draw(self, painter: QPainter, ratio: float) -> None:
        """Paint the cells, then frame what is read, and its target in orange."""
        painter.save()
        painter.setClipRect(self._rect)
        if self.labelled:
            self._draw_labels(painter)
        else:
            self._draw_tints(painter, ratio)
        self._draw_example(painter)
        painter.restore()

    def _sizes(self) -> tuple[bool, float, float]:
        """Return whether cells have labels, and how large they are."""
        px, rows, columns = self._theme.px, *map(float, self.grid.ids.shape)
        wide, high = self._rect.width() / max(1, columns), self._rect.height() / max(1, rows)
        lowest = max(px(NARROWEST_LABEL), math.ceil(self._metrics.capHeight() + self._metrics.descent()) + px(2))
        room = (self._rect.width() - px(SEAM)) / max(1, columns)
        need = min(px(WIDEST_LABEL), max(px(NARROWEST_LABEL), self._label_width() + px(4)))
        if self._rect.height() >= lowest and self._rect.width() >= 2 * need + px(SEAM):
            return True, max(need, min(room, px(WIDEST_CELL))), max(lowest, min(high, px(WIDEST_CELL) * 0.75))
        lowest_tint = float(px(LOWEST_TINT))
        return False, min(wide, px(WIDEST_TINT)), max(lowest_tint, min(high, px(HIGHEST_TINT)))

    def _label_width(self) -> float:
        """Return the width of the example's widest label: others are cut to it."""
        row = self.grid.ids[self.grid.example[0] if self.grid.example else 0] if self.grid.ids.size else []
        labels = {self._label(int(token)) for token in row[:64]}
        return max(map(self._metrics.horizontalAdvance, labels), default=0.0)

    def _label(self, token: int) -> str:
        return self._card.labels(token) if token >= 0 else "–"

    @staticmethod
    def _scrolled(middle: float, cell: float, count: int, room: float) -> float:
        """Return how far a side of `count` cells is moved, so that the cell at `middle` is in the middle."""
        return max(0.0, min(count * cell - room, middle * cell - room / 2))

    @staticmethod
    def _shown(first: float, room: float, cell: float, count: int) -> range:
        begin, end = round(first / cell), round((first + room) / cell)
        return range(max(0, begin), max(0, begin, min(count, end)))

    def _touched(self) -> tuple[range, range]:
        """Return the rows and columns of which anything is drawn."""
        rows, columns = self.shown_rows(), self.shown_columns()
        return (
            range(max(0, rows.start - 1), min(len(self.grid.ids), rows.stop + 1)),
            range(max(0, columns.start - 1), min(self.grid.ids.shape[1], columns.stop + 1)),
        )

    def _draw_labels(self, painter: QPainter) -> None:
        theme, gap = self._theme, self._theme.px(1)
        painter.setFont(self._font)
        row_read, first, last = self._read()
        rows, columns = self._touched()
        for row in rows:
            for column in columns:
                cell = self.cell_rect(row, column)
                is_target = (row, column) == self.grid.target
                followed = row == row_read and first <= column <= last
                painter.fillRect(cell.adjusted(0, 0, -gap, -gap), theme.colour("data" if is_target else "line"))
                painter.setPen(theme.colour("card" if is_target else "ink" if followed else "muted"))
                label = self._label(int(self.grid.ids[row, column]))
                if self._metrics.horizontalAdvance(label) > cell.width() - gap:
                    label = self._metrics.elidedText(label, Qt.TextElideMode.ElideRight, cell.width() - gap)
                painter.drawText(cell.adjusted(0, 0, -gap, -gap), Qt.AlignmentFlag.AlignCenter, label)

    def _draw_tints(self, painter: QPainter, ratio: float) -> None:
        (rows, columns), rect = self.grid.ids.shape, self._rect
        high, wide = rows * self.cell_height, columns * self.cell_width
        top = max(0.0, self._top)
        down = _cells(top, min(rect.height(), high), self.cell_height, rows, ratio)
        across = _cells(self._left, min(rect.width(), wide), self.cell_width, columns, ratio)
        shown = self.grid.ids[np.ix_(down, across)]
        pixels = _tints(shown, self._theme.colour("line"), self._theme.colour("muted"))
        if self.cell_width >= self._theme.px(4):
            pixels[:, np.flatnonzero(np.diff(across))] = 0  # clear: a gap after each cell
        if self.cell_height >= self._theme.px(4):
            pixels[np.flatnonzero(np.diff(down))] = 0
        height, width = pixels.shape
        image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied)
        image.setDevicePixelRatio(ratio)
        painter.drawImage(QPointF(rect.left(), rect.top() + top - self._top), image)

    def _read(self) -> tuple[int, int, int]:
        """Return the example's row, and the first and last column that the model reads for it."""
        if self.grid.example is None:
            return -1, 0, -1
        row, column = self.grid.example
        return row, max(0, column + 1 - self._card.reads) if self._card.reads > 0 else 0, column

    def _draw_example(self, painter: QPainter) -> None:
        row, first, last = self._read()
        if row < 0:
            return
        theme, least = self._theme, float(self._theme.px(4))
        if self.grid.target is not None and not self.labelled:
            cell = self.cell_rect(*self.grid.target)
            wide, high = max(0.0, least - cell.width()) / 2, max(0.0, least - cell.height()) / 2
            painter.fillRect(cell.adjusted(-wide, -high, wide, high), theme.colour("data"))
        framed = self.cell_rect(row, first).united(self.cell_rect(row, last))
        inset = theme.px(1)
        is_cut = framed.left() < self._rect.left() - 1  # then the frame is open there
        inside = self._rect.adjusted(-self._rect.width() if is_cut else inset, inset, -inset, -inset)
        framed = framed.adjusted(0, 0, -inset, -inset).intersected(inside)
        draw_outline(painter, framed, theme.px(1), theme, tight=True)


def _cells(first: float, length: float, cell: float, count: int, ratio: float) -> NDArray[np.int64]:
    """Return the cell in which the middle of each device pixel is."""
    middles = (np.arange(max(1, round(length * ratio))) + 0.5) / ratio
    return np.clip(((first + middles) / cell).astype(np.int64), 0, count - 1)


def _tints(ids: Ids, light: QColor, strong: QColor) -> NDArray[np.uint32]:
    """Return an opaque colour for each id, the same for the same one; clear where there is none."""
    share = 0.7 * ((ids * _GOLDEN) % 1.0)[..., None]
    ends = np.array([[c.red(), c.green(), c.blue()] for c in (light, strong)])
    red, green, blue = np.moveaxis(np.rint(ends[0] + share * (ends[1] - ends[0])).astype(np.uint32), -1, 0)
    opaque = np.uint32(qrgb(QColor(0, 0, 0)))
    packed: NDArray[np.uint32] = opaque | (red << 16) | (green << 8) | blue
    packed[ids < 0] = 0
    return packed
