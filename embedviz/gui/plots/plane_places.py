"""Ten thousand points at sixty frames a second: which labels have room, and dots put into a picture at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter

CELL = 2.0  # pixels: how finely it is noted what is taken
MOST_TRIED = 2000  # places that are tried, at most; each costs some microseconds
SIDES = (  # of its point that a label may stand on, in the order of trying: across and down
    (1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1),
    (0.5, -1), (-0.5, -1), (0.5, 1), (-0.5, 1), (1, -2), (-1, -2), (1, 2), (-1, 2),
)  # fmt: skip
NEAR = 8  # sides, the first of them: one of the others is left as soon as there is room nearer by


@dataclass(frozen=True)
class Crowd:
    """Points (V, 2) in an area of (width, height) that begins at 0, and their labels' sizes (V, 2).

    `reach` is how far from a point its dot goes; 0: labels may cover dots. `gap` is how far a label is from
    its own dot: from CELL on that dot never takes the label's room.
    """

    points: NDArray[np.float64]
    sizes: NDArray[np.float64]
    area: tuple[float, float]
    reach: float
    gap: float

    def corner(self, token: int, side: int) -> tuple[float, float]:
        """Return where the label of a point begins, left and top, if it stands on a side of SIDES."""
        (x, y), (width, height) = self.points[token].tolist(), self.sizes[token].tolist()
        across, down = SIDES[side]
        away = self.reach + self.gap
        left = x + across * (away + width / 2) - width / 2 if down == 0 else x + across * width / 2 - width / 2
        if down == 0:
            return left, y - height / 2
        return left, y + down * (away + height / 2) - height / 2


def labelled(
    crowd: Crowd, order: NDArray[np.int64], strong: Sequence[int], before: Mapping[int, int]
) -> dict[int, int]:
    """Return on which side whose label stands, by id: the strong, then in `order` those that hide nothing.

    A side that is as good as in `before` is kept: labels do not jump from frame to frame. Points outside the
    area get no label. Of many points in the same few pixels only the first in order is tried.
    """
    width, height = crowd.area
    x, y = crowd.points.T
    inside = (x >= 0) & (x <= width) & (y >= 0) & (y <= height)
    tried = order[inside[order]]
    if len(tried) > MOST_TRIED // len(SIDES):
        half_height = max(1.0, float(crowd.sizes[:, 1].min()) / 2)
        spots = (x[tried] // (4 * CELL)).astype(np.int64) * 100_003 + (y[tried] // half_height).astype(np.int64)
        tried = tried[np.sort(np.unique(spots, return_index=True)[1])][:MOST_TRIED]
    always = dict.fromkeys(token for token in strong if inside[token])
    sides = max(1, min(len(SIDES), MOST_TRIED // max(1, len(tried))))
    taken = _Taken(crowd)
    if crowd.reach:
        taken.dots(crowd.points[inside])
    kept: dict[int, int] = {}
    for token in (*always, *tried.tolist()):
        if token in kept:
            continue
        last = before.get(token, 0)
        last = last if last < NEAR else 0
        ways = (last, *(side for side in range(sides) if side != last))
        best = next((side for side in ways if not taken.at(token, side)), -1)
        if best < 0 and token in always:
            best = min(ways, key=lambda side: taken.at(token, side))
        if best >= 0:
            taken.take(token, best)
            kept[token] = best
    return kept


class _Taken:
    """Which cells of an area are taken; those outside are."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._columns, self._rows = int(crowd.area[0] // CELL) + 1, int(crowd.area[1] // CELL) + 1
        self._cells = np.zeros((self._rows, self._columns), dtype=np.uint8)

    def dots(self, points: NDArray[np.float64]) -> None:
        """Take what the dots cover."""
        reach = self._crowd.reach
        for x, y in points.tolist():
            self._cells[self._slices(x - reach, y - reach, 2 * reach, 2 * reach)] = 1

    def at(self, token: int, side: int) -> float:
        """Return how much of a label would lie on what is taken, or outside; 0: it has room."""
        left, top = self._crowd.corner(token, side)
        width, height = self._crowd.sizes[token].tolist()
        outside = max(0.0, -left, left + width - self._crowd.area[0])
        outside += max(0.0, -top, top + height - self._crowd.area[1])
        room = self._cells[self._slices(left, top, width, height)]
        return float(100 * outside + (np.count_nonzero(room) if room.any() else 0))

    def take(self, token: int, side: int) -> None:
        """Take the place of a label."""
        self._cells[self._slices(*self._crowd.corner(token, side), *self._crowd.sizes[token].tolist())] = 1

    def _slices(self, left: float, top: float, width: float, height: float) -> tuple[slice, slice]:
        return (
            slice(max(0, int(top // CELL)), max(0, int(-(-(top + height) // CELL)))),
            slice(max(0, int(left // CELL)), max(0, int(-(-(left + width) // CELL)))),
        )


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
