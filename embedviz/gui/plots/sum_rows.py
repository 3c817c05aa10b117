"""Rows of two tables added up, an equation a line: the token's row + its position's row = the sum."""

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from embedviz.analysis.figures import counted
from embedviz.gui.plots import colormaps
from embedviz.gui.plots.cell_picture import cell_picture
from embedviz.gui.plots.heatmap_marks import MarkPainter
from embedviz.gui.plots.heatmap_view import GridView
from embedviz.gui.plots.outline import draw_outline
from embedviz.gui.plots.pointing import CELL_STEPS, Cell, CellPlot
from embedviz.gui.plots.sum_words import SumLine, equation, fitted
from embedviz.gui.theme import Role, Theme

LOWEST_ROW, HIGHEST_ROW, GAP = 15, 34, 3  # designed pixels
WIDEST_LABEL, NARROWEST_BLOCK = 72, 24
BLOCKS = 3  # token, position, sum
TOKEN, POSITION, SUM = range(BLOCKS)
_MIDDLE = Qt.AlignmentFlag.AlignVCenter


class SumRows(CellPlot):
    """Lines of three blocks of C cells each, "+" and "=" between them; arrows point at cells.

    A cell is a line and a column in all 3 C of it. Where not all lines have room, the last ones are shown, and it
    is said.
    """

    cell_clicked = Signal(int, int)
    menu_wanted = Signal(int, int, QPoint)  # line, column, where on the screen
    room_changed = Signal()  # more lines are shown, or fewer

    own_keys: ClassVar[frozenset[Qt.Key]] = frozenset(CELL_STEPS)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Token rows plus position rows", parent)
        self._lines: tuple[SumLine, ...] = ()
        self._heads = ("token", "position", "sum")
        self._blocks: tuple[NDArray[np.float32], ...] = (np.zeros((0, 0), np.float32),) * BLOCKS
        self._levels = (0.0, 1.0)
        self._colormap = colormaps.DIVERGING
        self._selected: int | None = None
        self.marks: tuple[frozenset[Cell], frozenset[Cell]] = (frozenset(), frozenset())
        self._mark_painter = MarkPainter(theme)
        self.restyle()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def set_sums(
        self,
        lines: Sequence[SumLine],
        blocks: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]],
        levels: tuple[float, float],
        colormap: str,
        selected: int | None,
        first_head: str = "token",
    ) -> None:
        """Show tokens, positions and sums, `blocks` of (T, C) each, kept and not copied; `selected` is a line."""
        self._lines, self._blocks, self._selected = tuple(lines), blocks, selected
        self._levels, self._colormap = levels, colormap
        self._heads = (first_head, *self._heads[1:])
        if blocks[SUM].size:
            self._empty = ""
        self._let_go_beyond((len(lines), BLOCKS * blocks[SUM].shape[1]))
        self._measure()
        self.touch()

    def set_marks(self, changed: frozenset[Cell], frozen: frozenset[Cell]) -> None:
        """Mark cells, by line and column, that hands changed, and rows, by line and block, that are frozen."""
        if (changed, frozen) != self.marks:
            self.marks = changed, frozen
            self.touch()

    @property
    def at(self) -> Cell | None:
        """The line and column that is pointed at."""
        return self._at

    @property
    def limit(self) -> float:
        """The number at the end of the colours."""
        return self._levels[1]

    @property
    def columns(self) -> int:
        """C."""
        return int(self._blocks[SUM].shape[1])

    @property
    def note(self) -> str:
        """How many lines are shown, if not all: "the last 5 of 8 rows"."""
        shown = self.shown_rows()
        return f"the last {len(shown)} of {counted(len(self._lines), 'row')}" if shown.start else ""

    def equation(self, line: int, column: int) -> str:
        """Return the sum in a cell as an equation."""
        numbers = (float(block[line, column % self.columns]) for block in self._blocks)
        return equation(self._lines[line], column % self.columns, *numbers)

    def describe(self) -> str:
        """Return what is added up, and the equation under the pointer."""
        words = " ".join(line.label for line in self._lines)
        parts = [f"{counted(len(self._lines), 'row')}, {' + '.join(self._heads[:2])} = {self._heads[2]}: {words}"]
        if self._at is not None:
            parts.append(self.equation(*self._at))
        return "; ".join([*parts, *([self.note] if self.note else [])])

    # ---- where it is

    def shown_rows(self) -> range:
        """Return the lines that have room."""
        count = len(self._lines)
        fitting = int((self.height() - self._top) // self._theme.px(LOWEST_ROW))
        return range(max(0, count - max(1, fitting)), count)

    def block_rect(self, block: int) -> QRectF:
        """Return where a block is, over all lines that are shown."""
        px = self._theme.px
        shown = len(self.shown_rows())
        room = self.width() - self._label_width - self._position_width - 2 * self._sign_width - px(12)
        width = max(1.0, room / BLOCKS)
        left = px(2) + self._label_width + block * (width + self._sign_width) + px(8)
        if block >= POSITION:
            left += self._position_width
        each = min(px(HIGHEST_ROW), (self.height() - self._top) / max(1, shown))
        return QRectF(round(left), self._top, round(width), max(1.0, math.floor(each) * shown))

    def cell_rect(self, row: int, column: int) -> QRectF:
        """Return where a cell is; empty if its line is not shown."""
        columns = max(1, self.columns)
        line = self.row_rect(row, column // columns)
        width = line.width() / columns
        return QRectF(line.left() + column % columns * width, line.top(), width, line.height())

    def row_rect(self, row: int, block: int) -> QRectF:
        """Return where a block of a line is; empty if that is not shown."""
        return self._in_line(self.block_rect(block), row, self.shown_rows())

    def _in_line(self, block: QRectF, row: int, shown: range) -> QRectF:
        if row not in shown:
            return QRectF()
        high = block.height() / len(shown)
        return QRectF(block.left(), block.top() + (row - shown.start) * high, block.width(), high - self._gap)

    def place_at(self, x: float, y: float) -> Cell | None:
        """Return line and column at a point; None beside the cells."""
        shown, columns = self.shown_rows(), self.columns
        for block in range(BLOCKS if columns and shown else 0):
            rect = self.block_rect(block)
            if rect.contains(x, y):
                row = min(len(shown) - 1, int((y - rect.top()) / rect.height() * len(shown)))
                column = min(columns - 1, int((x - rect.left()) / rect.width() * columns))
                return shown.start + row, block * columns + column
        return None

    # ---- Qt

    def sizeHint(self) -> QSize:
        """Return room for eight lines."""
        return QSize(self._theme.px(320), round(self._top) + 8 * self._theme.px(22))

    def minimumSizeHint(self) -> QSize:
        """Return room for two lines."""
        return QSize(self._theme.px(200), round(self._top) + 2 * self._theme.px(LOWEST_ROW))

    def restyle(self) -> None:
        """Measure the labels."""
        self._font = self._theme.font(Role.CAPTION)
        self._label_font = self._theme.font(Role.BODY, mono=True)
        self._metrics, self._label_metrics = QFontMetricsF(self._font), QFontMetricsF(self._label_font)
        self._top = round(self._metrics.height()) + self._theme.px(4)
        self._sign_width = self._theme.px(20)
        self._gap = self._theme.px(GAP)
        self._measure()

    def _measure(self) -> None:
        labels = {line.label for line in self._lines}
        widest = max((self._label_metrics.horizontalAdvance(label) for label in labels), default=0.0)
        self._label_width = min(self._theme.px(WIDEST_LABEL), round(widest) + self._theme.px(4))
        last = max((line.position for line in self._lines), default=0)
        self._position_width = round(self._metrics.horizontalAdvance(str(last))) + self._theme.px(8)

    def draw(self, painter: QPainter, exposed: QRect) -> None:  # noqa: ARG002
        """Paint heads, labels, blocks and signs."""
        shown = self.shown_rows()
        if not shown:
            return
        table = colormaps.rgb32(self._colormap, colormaps.qrgb(self._theme.colour("line")))
        part = slice(shown.start, shown.stop)
        blocks, ratio = [self.block_rect(block) for block in range(BLOCKS)], self.devicePixelRatioF()
        for rect, values in zip(blocks, self._blocks, strict=True):
            view = GridView(len(shown), self.columns, rect, largest=math.inf)
            cell_picture(values[part], self._levels, table, view, ratio, "mean").draw(painter)
            self._draw_gaps(painter, rect, len(shown))
        self._draw_heads(painter)
        for row in shown:
            self._draw_words(painter, row, [self._in_line(block, row, shown) for block in blocks])
        changed, frozen = self.marks
        for row, column in changed:
            if row in shown:
                self._mark_painter.draw_corner(painter, self.cell_rect(row, column))
        for row, block in frozen:
            if row in shown:
                self._mark_painter.draw_hatched(painter, self.row_rect(row, block))
        if self._selected is not None and self._selected in shown:
            for block in range(BLOCKS):
                draw_outline(painter, self.row_rect(self._selected, block), self._theme.px(1), self._theme)
        if self._at is not None and self._at[0] in shown:
            for block in range(BLOCKS):  # what is added up stands in the same column of each
                cell = self.cell_rect(self._at[0], block * self.columns + self._at[1] % self.columns)
                draw_outline(painter, cell, self._theme.px(1), self._theme, tight=True)

    def _draw_gaps(self, painter: QPainter, rect: QRectF, rows: int) -> None:
        high = rect.height() / max(1, rows)
        for row in range(rows):
            gap = QRectF(rect.left(), rect.top() + (row + 1) * high - self._gap, rect.width(), self._gap)
            painter.fillRect(gap, self._theme.colour("card"))

    @property
    def shape_note(self) -> str:
        """The shape of each block, where the heads have no room for it: "each (8, 32)"; else ""."""
        return "" if self._placed_heads()[0][1].endswith(")") else f"each ({len(self._lines)}, {self.columns})"

    def _placed_heads(self) -> list[tuple[float, str]]:
        """Return where each head begins, and its words: with the shape if all have room for that."""
        lefts = [self.block_rect(block).left() for block in range(BLOCKS)]
        lefts[POSITION] -= self._position_width
        ends = [*(left - self._theme.px(4) for left in lefts[1:]), float(self.width())]
        rooms = [end - left for end, left in zip(ends, lefts, strict=True)]
        shape = f"({len(self._lines)}, {self.columns})"
        return list(zip(lefts, fitted(self._heads, shape, rooms, self._metrics), strict=True))

    def _draw_heads(self, painter: QPainter) -> None:
        painter.setFont(self._font)
        painter.setPen(self._theme.colour("muted"))
        for left, words in self._placed_heads():
            painter.drawText(QPointF(left, self._metrics.ascent()), words)

    def _draw_words(self, painter: QPainter, row: int, rects: Sequence[QRectF]) -> None:
        """Draw the token before the first block, the position before the second, and the signs between."""
        label, position = self._lines[row]
        token, added, total = rects
        painter.setPen(self._theme.colour("ink"))
        painter.setFont(self._label_font)
        words = self._label_metrics.elidedText(label, Qt.TextElideMode.ElideMiddle, self._label_width)
        place = QRectF(self._theme.px(2), token.top(), self._label_width, token.height())
        painter.drawText(place, Qt.AlignmentFlag.AlignRight | _MIDDLE, words)
        plus = QRectF(token.right(), token.top(), self._sign_width, token.height())
        equals = QRectF(added.right(), added.top(), total.left() - added.right(), added.height())
        painter.drawText(plus, Qt.AlignmentFlag.AlignCenter, "+")
        painter.drawText(equals, Qt.AlignmentFlag.AlignCenter, "=")
        painter.setFont(self._font)
        painter.setPen(self._theme.colour("muted"))
        number = QRectF(plus.right(), added.top(), added.left() - plus.right() - self._theme.px(7), added.height())
        painter.drawText(number, Qt.AlignmentFlag.AlignRight | _MIDDLE, str(position))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Tell that another number of lines may have room."""
        super().resizeEvent(event)
        self.room_changed.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Wait for the release: a click."""
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Say which cell was clicked."""
        if event.button() == Qt.MouseButton.LeftButton and (cell := self._place_under(event.position())):
            self.cell_clicked.emit(*cell)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the menu of the row under the pointer, or under the cursor."""
        by_keys = event.reason() == QContextMenuEvent.Reason.Keyboard
        place = self._at if by_keys else self._place_under(QPointF(event.pos()))
        event.setAccepted(place is not None)
        if place is not None:
            where = self.mapToGlobal(self.cell_rect(*place).center().toPoint()) if by_keys else event.globalPos()
            self.menu_wanted.emit(*place, where)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the cell cursor."""
        super().keyPressEvent(event)
        if not self._lines or not self.columns or not self.is_own_key(event):
            return
        event.accept()
        shown = self.shown_rows()
        if self._at is None:
            self._point((shown[-1], 0))
            return
        down, right = CELL_STEPS[Qt.Key(event.key())]
        row = min(shown.stop - 1, max(shown.start, self._at[0] + down))
        self._point((row, min(BLOCKS * self.columns - 1, max(0, self._at[1] + right))))
