"""Cells as a picture of exactly as many pixels as the screen has for them.

Each pixel has the colour of the cell that its middle is in, so that what is drawn, what is pointed at and where a
cell is said to be always agree, however the cells fall between the pixels.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage, QPainter

from embedviz.gui.plots import colormaps
from embedviz.gui.plots.heatmap_view import GridView
from embedviz.gui.plots.pooling import Pooling, pool


@dataclass(frozen=True, eq=False)
class CellPicture:
    """A picture, where it goes, and the pixels it is made of, which Qt does not copy."""

    image: QImage
    at: QPointF
    pixels: NDArray[np.uint32]

    def draw(self, painter: QPainter) -> None:
        """Draw it in its place."""
        painter.drawImage(self.at, self.image)


def cell_picture(
    values: NDArray[np.floating[Any]],
    levels: tuple[float, float],
    table: NDArray[np.uint32],
    view: GridView,
    ratio: float,
    pooling: Pooling,
) -> CellPicture:
    """Return what `view` shows of `values`, (R, C), at `ratio` device pixels to a pixel.

    Cells smaller than a device pixel are pooled. Only what is on screen is converted. The blocks are counted from
    the table's corner, so that they hold still while the view moves.
    """
    down, across = view.block(ratio)
    rows = _cells_of_pixels(view.top_row, view.height, view.cell_height, view.rows, ratio) // down
    columns = _cells_of_pixels(view.left_column, view.width, view.cell_width, view.columns, ratio) // across
    top, left = int(rows[0]), int(columns[0])
    bottom, right = int(rows[-1]) + 1, int(columns[-1]) + 1
    part = values[top * down : bottom * down, left * across : right * across]
    colours = table[colormaps.indices(pool(part, down, across, pooling), levels)]
    pixels = np.take(np.take(colours, columns - left, axis=1), rows - top, axis=0)
    height, width = pixels.shape
    image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    return CellPicture(image, view.rect.topLeft(), pixels)


def _cells_of_pixels(first: float, length: float, cell: float, count: int, ratio: float) -> NDArray[np.int64]:
    """Return the row (or column) in which the middle of each device pixel is."""
    middles = (np.arange(max(1, round(length * ratio))) + 0.5) / ratio
    return np.clip((first + middles / cell).astype(np.int64), 0, count - 1)
