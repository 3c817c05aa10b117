"""Tells whether something was painted: a widget that shows nothing is all of one colour, or nearly.

A panel with a blank plot has words and buttons all the same, so each plot is looked at by itself.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint
from PySide6.QtGui import QImage, QPixmap, QRegion
from PySide6.QtWidgets import QWidget

from embedviz.errors import EmbedvizError
from embedviz.gui.plots.base import Plot

FEWEST_COLOURS = 12  # words alone, with smooth edges, have some dozens
LARGEST_SHARE = 0.995  # of the most common colour
LEAST_INK = 50  # pixels of a plot: two words of a legend have some hundreds


class BlankError(EmbedvizError):
    """A picture shows nothing."""


@dataclass(frozen=True)
class Paint:
    """What is in a picture: how many different colours, and the most common one."""

    colours: int
    share: float  # of the pixels, that have the most common colour
    lightness: float  # of that colour, 0 for black to 1 for white

    @property
    def is_blank(self) -> bool:
        """True if nobody could see anything in it."""
        return self.colours < FEWEST_COLOURS or self.share > LARGEST_SHARE


def paint_of(image: QImage) -> Paint:
    """Return what is in `image`; an image without pixels has no colours."""
    if image.isNull():
        return Paint(0, 1.0, 0.0)
    colours, counts = np.unique(_pixels(image), return_counts=True)
    most = int(colours[counts.argmax()])
    lightness = sum((most >> shift) & 0xFF for shift in (16, 8, 0)) / (3 * 0xFF)
    return Paint(len(colours), float(counts.max() / counts.sum()), lightness)


def painted(what: str, subject: QWidget) -> Paint:
    """Return what a widget paints. Raises BlankError if that is nothing."""
    return not_blank(what, subject.grab().toImage())


def not_blank(what: str, image: QImage) -> Paint:
    """Return what is in a picture. Raises BlankError if that is nothing."""
    found = paint_of(image)
    if found.is_blank:
        raise BlankError(
            f"{what} is blank: {found.colours:,} colours, and {found.share:.2%} of "
            f"{image.width():,} x {image.height():,} pixels have the same one."
        )
    return found


def change_between(before: QImage, after: QImage) -> float:
    """Return the share of the columns of two pictures in which they differ; 1 for pictures of two sizes."""
    if before.size() != after.size():
        return 1.0
    return float((_pixels(before) != _pixels(after)).any(axis=0).mean())


def see_plots(what: str, root: QWidget) -> dict[str, float]:
    """Return how much ink each plot in `root` has of its own, by class: of what is visible, and not empty.

    Raises BlankError if one of them paints nothing but its ground.
    """
    plots = [root] if isinstance(root, Plot) else root.findChildren(Plot)
    found: dict[str, float] = {}
    for plot in plots:
        if not plot.isVisible() or plot.visibleRegion().isEmpty() or plot.is_empty:
            continue
        kind, ink = type(plot).__name__, ink_of(plot)
        if ink * plot.width() * plot.height() < LEAST_INK:
            raise BlankError(f"{what}: ‘{plot.accessibleName()}’ ({kind}) is blank.")
        found[kind] = min(ink, found.get(kind, 1.0))
    return found


def ink_of(plot: Plot) -> float:
    """Return the share of a plot's pixels that do not have its most common colour; its scroll bar is no ink."""
    picture = QPixmap(plot.size())
    plot.render(picture, QPoint(), QRegion(), QWidget.RenderFlag.DrawWindowBackground)  # without children
    return 1.0 - paint_of(picture.toImage()).share


def _pixels(image: QImage) -> NDArray[np.uint32]:
    """Return the colours of a picture, (H, W)."""
    flat = image.convertToFormat(QImage.Format.Format_RGB32)
    lines = np.frombuffer(flat.constBits(), np.uint32).reshape(flat.height(), flat.bytesPerLine() // 4)
    return lines[:, : flat.width()].copy()  # `flat` goes
