"""Which cells of a table are on screen, and where: geometry only."""

from math import ceil, floor, isinf

from PySide6.QtCore import QRectF

MAXIMUM_ASPECT = 2.5  # of a cell, where the table is about as high as wide
ABOUT_SQUARE = 2.0


class GridView:
    """A table of `rows` by `columns` cells in `area`, `zoom` times larger than what shows all of it.

    Cells need not be square. Where they are much longer one way (a table of many rows), zooming enlarges the
    short side first, until they are square. Positions are in cells: row 2.5 is the middle of the third row.
    """

    def __init__(
        self,
        rows: int,
        columns: int,
        area: QRectF,
        *,
        zoom: float = 1.0,
        centre: tuple[float, float] | None = None,
        largest: float = 160.0,
    ) -> None:
        """Take `area` in pixels, `centre` as (row, column), `largest`: a cell's longer side when all show.

        An infinite `largest` lets the cells fill the area, whatever their shape.
        """
        self.rows, self.columns, self.area = max(1, rows), max(1, columns), area
        self.fit = self._fitted(largest)
        self.cell_width, self.cell_height = self._zoomed(zoom)
        self.width = min(area.width(), self.cell_width * self.columns)
        self.height = min(area.height(), self.cell_height * self.rows)
        row, column = centre or (self.rows / 2, self.columns / 2)
        self.top_row = _clamp(row - self.height / self.cell_height / 2, self.rows - self.height / self.cell_height)
        self.left_column = _clamp(
            column - self.width / self.cell_width / 2, self.columns - self.width / self.cell_width
        )

    @property
    def rect(self) -> QRectF:
        """The part of `area` that has cells in it."""
        return QRectF(self.area.left(), self.area.top(), self.width, self.height)

    @property
    def centre(self) -> tuple[float, float]:
        """The row and column in the middle of `rect`."""
        return (
            self.top_row + self.height / self.cell_height / 2,
            self.left_column + self.width / self.cell_width / 2,
        )

    @property
    def shown_rows(self) -> range:
        """The rows of which at least a part is on screen."""
        return _touched(self.top_row, self.height / self.cell_height, self.rows)

    @property
    def shown_columns(self) -> range:
        """The columns of which at least a part is on screen."""
        return _touched(self.left_column, self.width / self.cell_width, self.columns)

    def block(self, device_pixel_ratio: float) -> tuple[int, int]:
        """Return how many rows and columns must share a mark so that none is smaller than a pixel."""
        return (
            max(1, ceil(1 / (self.cell_height * device_pixel_ratio) - 1e-6)),
            max(1, ceil(1 / (self.cell_width * device_pixel_ratio) - 1e-6)),
        )

    def cells_rect(self, first_row: float, first_column: float, rows: float, columns: float) -> QRectF:
        """Return where a block of cells is, also where that is outside `rect`."""
        return QRectF(
            self.area.left() + (first_column - self.left_column) * self.cell_width,
            self.area.top() + (first_row - self.top_row) * self.cell_height,
            columns * self.cell_width,
            rows * self.cell_height,
        )

    def position(self, x: float, y: float) -> tuple[float, float]:
        """Return the row and column, with fractions, at a point."""
        return (
            self.top_row + (y - self.area.top()) / self.cell_height,
            self.left_column + (x - self.area.left()) / self.cell_width,
        )

    def cell_at(self, x: float, y: float) -> tuple[int, int] | None:
        """Return the row and column of the cell at a point, None beside the table."""
        if not self.rect.contains(x, y):
            return None
        row, column = self.position(x, y)
        return min(self.rows - 1, max(0, floor(row))), min(self.columns - 1, max(0, floor(column)))

    def zoom_for(self, smaller_side: float) -> float:
        """Return the zoom at which the smaller side of a cell is that many pixels (at least 1)."""
        return max(1.0, smaller_side / min(self.fit))

    def _fitted(self, largest: float) -> tuple[float, float]:
        width, height = self.area.width() / self.columns, self.area.height() / self.rows
        long_table = max(self.rows, self.columns) > ABOUT_SQUARE * min(self.rows, self.columns)
        limit = max(min(width, height) * MAXIMUM_ASPECT, largest if long_table or isinf(largest) else 0.0)
        return min(width, limit), min(height, limit)

    def _zoomed(self, zoom: float) -> tuple[float, float]:
        width, height = self.fit
        if max(width, height) <= MAXIMUM_ASPECT * min(width, height):
            return width * zoom, height * zoom
        side = min(width, height) * zoom
        return max(width, side), max(height, side)


def _clamp(start: float, last: float) -> float:
    return min(max(start, 0.0), max(last, 0.0))


def _touched(start: float, length: float, count: int) -> range:
    return range(floor(start + 1e-6), min(count, ceil(start + length - 1e-6)))
