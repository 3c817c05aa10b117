"""Ten thousand points at sixty frames a second: which labels have room, and dots put into a picture at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter

CELL = 2.0  # pixels: how finely it is noted what is taken
MOST_TRIED = 2000  # labels that are tried, at most; each costs some microseconds


def labelled(
    centres: NDArray[np.float64],
    sizes: tuple[NDArray[np.float64], float],
    area: tuple[float, float],
    order: NDArray[np.int64],
    strong: Sequence[int],
) -> NDArray[np.int64]:
    """Return the ids of the points that get their labels: the strong, then in `order` those that hide no other.

    `centres` (V, 2) are in an area of (width, height) that begins at 0; `sizes` are the widths (V,) and the
    height. Points outside the area get none. Of points in the same few pixels only the first in order is tried.
    """
    width, height = area
    x, y = centres.T
    inside = (x >= 0) & (x <= width) & (y >= 0) & (y <= height)
    half_widths, half_height = sizes[0] / 2, sizes[1] / 2
    tried = order[inside[order]]
    spots = (x[tried] // (4 * CELL)).astype(np.int64) * 100_003 + (y[tried] // half_height).astype(np.int64)
    tried = tried[np.sort(np.unique(spots, return_index=True)[1])][:MOST_TRIED]
    tried = np.concatenate([np.array([i for i in strong if inside[i]], dtype=np.int64), tried])
    columns, rows = int(width // CELL) + 2, int(height // CELL) + 2
    taken = np.zeros((rows, columns), dtype=bool)
    lefts = np.clip((x[tried] - half_widths[tried]) // CELL, 0, columns).astype(np.int64).tolist()
    rights = np.clip(-(-(x[tried] + half_widths[tried]) // CELL), 0, columns).astype(np.int64).tolist()
    tops = np.clip((y[tried] - half_height) // CELL, 0, rows).astype(np.int64).tolist()
    bottoms = np.clip(-(-(y[tried] + half_height) // CELL), 0, rows).astype(np.int64).tolist()
    kept: dict[int, None] = {}
    always = set(strong)
    for token, left, right, top, bottom in zip(tried.tolist(), lefts, rights, tops, bottoms, strict=True):
        room = taken[top:bottom, left:right]
        if token in kept or (token not in always and room.any()):
            continue
        room[:] = True
        kept[token] = None
    return np.array(list(kept), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Stamps:
    """A transparent picture with dots, and the pixels it is made of, which Qt does not copy."""

    image: QImage
    pixels: NDArray[np.uint32]

    def draw(self, painter: QPainter, area: QRectF) -> None:
        """Draw it with its corner at that of `area`."""
        painter.drawImage(area.topLeft(), self.image)


def stamped(
    centres: NDArray[np.float64], area: tuple[float, float], colour: QColor, radius: float, ratio: float
) -> Stamps:
    """Return dots around `centres`, (n, 2), in an area of (width, height), at `ratio` device pixels to a pixel."""
    width, height = max(1, round(area[0] * ratio)), max(1, round(area[1] * ratio))
    reach = radius * ratio
    steps = np.arange(-int(reach), int(reach) + 1)
    disc = [(dx, dy) for dx in steps for dy in steps if dx * dx + dy * dy <= reach * reach]
    pixels = np.zeros((height, width), dtype=np.uint32)
    x, y = (centres * ratio).astype(np.int64).T
    for dx, dy in disc:
        columns, rows = x + dx, y + dy
        seen = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
        pixels[rows[seen], columns[seen]] = colour.rgba()
    image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(ratio)
    return Stamps(image, pixels)
