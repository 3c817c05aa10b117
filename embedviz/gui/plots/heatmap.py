"""A table of numbers as a table of colours, with labels, outlined rows, and a lens where cells are small."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QRectF, QSize
from PySide6.QtGui import QPainter, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from embedviz.analysis.figures import figure
from embedviz.gui.plots import pooling
from embedviz.gui.plots.heatmap_axes import AxisPainter
from embedviz.gui.plots.heatmap_cells import CellPainter
from embedviz.gui.plots.heatmap_editing import EditablePlot
from embedviz.gui.plots.heatmap_lens import LensPainter
from embedviz.gui.plots.heatmap_marks import MarkPainter, TableMarks
from embedviz.gui.plots.pointing import Cell
from embedviz.gui.theme import Theme

LENS_BELOW = 12  # designed pixels: the smaller side of a cell


class Heatmap(EditablePlot):
    """A table (R, C), in the order given, as coloured cells.

    GridPlot says how one moves about in it, EditablePlot how one asks for other numbers.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Table as colours", parent)
        self._values: NDArray[np.float32] = np.zeros((0, 0), dtype=np.float32)
        self._given_numbers: NDArray[Any] | None = None
        self._outlined: tuple[int, ...] = ()
        self._selected: int | None = None
        self._lens_on = True
        self._axes = AxisPainter(theme)
        self._cells = CellPainter(theme)
        self._lens = LensPainter(theme)
        self._marks = TableMarks()
        self._mark_painter = MarkPainter(theme)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    # ---- what is shown

    def set_labels(self, rows: Sequence[str], columns: Sequence[str] | None) -> None:
        """Name the rows, and the columns (None: they are numbered), in the order of the data."""
        if self._axes.set_names(rows, columns):
            self._view = None
            self.touch()

    def set_data(
        self,
        values: NDArray[np.float32],
        levels: tuple[float, float],
        colormap: str,
        numbers: NDArray[Any] | None = None,
    ) -> None:
        """Show `values`, (R, C), kept and not copied; the colours' ends stand for `levels`.

        `numbers`, (R, C), are what is printed where that is not what is coloured: counts, whose logarithms
        are coloured. What is not finite is drawn in the colour of lines. Another shape than before shows all.
        """
        same_array = values is self._values and not values.flags.writeable and numbers is self._given_numbers
        if same_array and not self._empty and self._cells.is_scale(levels, colormap):
            return
        other_shape = values.shape != self._values.shape
        self._values, self._given_numbers = values, numbers
        self._empty = "" if values.size else self._empty or "This table has no cells yet."
        self._cells.set_data(values, levels, colormap, self._numbers)
        if other_shape:
            self._axes.set_shape(*values.shape)
            self._marks, self._held = TableMarks(), None  # of another table
            self._forget_view()
            self.view_changed.emit()
        self.touch()

    def set_outlined(self, rows: Sequence[int], selected: int | None) -> None:
        """Draw a line around `rows`, a heavier one around the row `selected`, and always their labels."""
        if (tuple(rows), selected) != (self._outlined, self._selected):
            self._outlined, self._selected = tuple(rows), selected
            self.touch()

    def set_marks(self, marks: TableMarks) -> None:
        """Mark cells and rows, by their places here; frozen rows always have their labels."""
        if marks != self._marks:
            self._marks = marks
            self.touch()

    @property
    def marks(self) -> TableMarks:
        """The cells and rows that are marked."""
        return self._marks

    def set_pooling(self, how: pooling.Pooling) -> None:
        """Choose what a mark shows that stands for many cells: their "mean", or their most "extreme"."""
        if how != self._cells.pooling:
            self._cells.set_pooling(how)
            self.touch()
            self.view_changed.emit()

    def set_lens(self, on: bool) -> None:
        """Show a magnified neighbourhood beside the pointer where cells are small, or do not."""
        if on != self._lens_on:
            self._lens_on = on
            self.update()

    @property
    def pooling_note(self) -> str:
        """What a mark stands for, if not for one cell: "each line shows the mean of 9 rows"; else ""."""
        if self._is_bare():
            return ""
        return pooling.note(*self.view.block(self.devicePixelRatioF()), self._cells.pooling)

    def row_picture(self, row: int | None) -> tuple[QRect, QPixmap] | None:
        """Return where on screen a row is, and how it looks; None if there is nothing of it to see."""
        if row is None or not self.isVisible() or self._is_bare():
            return None
        place = self.row_rect(row).intersected(self.view.rect).toAlignedRect()
        if place.isEmpty():
            return None
        return QRect(self.mapToGlobal(place.topLeft()), place.size()), self.grab(place)

    def value_at(self, row: int, column: int) -> float:
        """Return the number in a cell: what is printed."""
        return float(self._numbers[row, column])

    @property
    def _numbers(self) -> NDArray[Any]:
        return self._values if self._given_numbers is None else self._given_numbers

    def label_rects(self) -> list[QRectF]:
        """Return where the labels are that are drawn now: those of the rows, then those of the columns."""
        placed = self._axes.placed(self.view, self._strong_rows(), self._strong_columns())
        return [rect for rect, _, _ in placed]

    def shown_labels(self) -> list[str]:
        """Return the labels that are drawn now, in the order of `label_rects`."""
        placed = self._axes.placed(self.view, self._strong_rows(), self._strong_columns())
        return [text for _, text, _ in placed]

    def describe(self) -> str:
        """Return the table's size, the selected row, and the cell under the pointer."""
        rows, columns = self._values.shape
        parts = [f"{rows:,} by {columns:,} table"]
        if self._selected is not None:
            parts.append(f"selected row {self._axes.rows.name(self._selected)}")
        if self._at is not None:
            by_hand = ", changed by hand" if self._at in self._marks.changed else ""
            parts.append(f"{self._cell_in_words(*self._at)}{by_hand}{self._marks.row_in_words(self._at[0])}")
        if self.pooling_note:
            parts.append(self.pooling_note)
        return "; ".join(parts)

    # ---- how it is drawn

    def table_shape(self) -> tuple[int, int]:
        """Return rows and columns."""
        rows, columns = self._values.shape
        return rows, columns

    def table_area(self) -> QRectF:
        """Return what the labels leave free."""
        px = self._theme.px
        left, top = px(6) + self._axes.gutter_width, px(4) + self._axes.gutter_height
        return QRectF(left, top, max(1, self.width() - left - px(5)), max(1, self.height() - top - px(5)))

    def sizeHint(self) -> QSize:
        """Return a size at which 65 rows can be read."""
        return QSize(self._theme.px(560), self._theme.px(560))

    def minimumSizeHint(self) -> QSize:
        """Return the size below which nothing can be seen."""
        return QSize(self._theme.px(200), self._theme.px(160))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give long labels their share of the new width."""
        self._axes.set_room(self.width())
        super().resizeEvent(event)

    def restyle(self) -> None:
        """Measure the labels in the new fonts, and take the new colours."""
        self._axes.set_room(self.width())
        self._axes.restyle()
        self._cells.restyle()
        self._look(self._zoom, self._centre)

    def draw(self, painter: QPainter, exposed: QRect) -> None:  # noqa: ARG002 (a table is painted whole)
        """Paint cells, outlines and labels, and the lens over all."""
        if self._is_bare():
            return
        view = self.view
        self._cells.draw(painter, view, self.devicePixelRatioF())
        self._cells.draw_outlines(painter, view, self._outlined, self._selected)
        self._axes.draw(painter, view, self._strong_rows(), self._strong_columns())
        self._mark_painter.draw(painter, view, self._marks)
        for cell in (self._held, self._at):
            self._draw_cell_mark(painter, cell)
        small = min(view.cell_width, view.cell_height) < self._theme.px(LENS_BELOW)
        is_busy = self._dragging or self.is_value_dragged or self._held is not None  # a held cell is worked on
        if self._lens_on and small and self._at is not None and not is_busy:
            colours = self._cells.colours_around(*self._at, LensPainter.REACH)
            middle = self.cell_rect(*self._at).center()
            words = self._cell_in_words(*self._at, cut=True)
            self._lens.draw(painter, QRectF(self.rect()), middle, colours, words)

    def _draw_cell_mark(self, painter: QPainter, cell: Cell | None) -> None:
        """Draw a line around the cell pointed at or held, if it is on screen."""
        if cell is not None and cell[0] in self.view.shown_rows and cell[1] in self.view.shown_columns:
            self._cells.draw_mark(painter, self.cell_rect(*cell))

    def _strong_rows(self) -> list[int]:
        """Return the rows whose labels are shown whatever happens, the most important first."""
        first = [self._selected] if self._selected is not None else []
        if self._at is not None:
            first.insert(0, self._at[0])
        if self._held is not None:
            first.append(self._held[0])
        return [*first, *self._outlined, *sorted(self._marks.frozen)]

    def _strong_columns(self) -> list[int]:
        return [cell[1] for cell in (self._at, self._held) if cell is not None]

    def _cell_in_words(self, row: int, column: int, *, cut: bool = False) -> str:
        names = self._axes.rows.name(row), self._axes.columns.name(column)
        if cut:
            names = self._axes.rows.text(row, False), self._axes.columns.text(column, False)
        value = figure(self.value_at(row, column), signed=self._cells.signed)
        return f"row {names[0]}, column {names[1]}: {value}"

    def _first_cursor(self) -> tuple[int, int]:
        """Return where the cell cursor starts: in the selected row, if that is on screen."""
        row, column = super()._first_cursor()
        if self._selected is not None and self._selected in self.view.shown_rows:
            return self._selected, self.view.shown_columns.start
        return row, column
