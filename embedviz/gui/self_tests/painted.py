"""Tells whether something was painted: a widget that shows nothing is all of one colour, or nearly."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from embedviz.errors import EmbedvizError

FEWEST_COLOURS = 12  # words alone, with smooth edges, have some dozens
LARGEST_SHARE = 0.995  # of the most common colour


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
    flat = image.convertToFormat(QImage.Format.Format_RGB32)
    if flat.isNull():
        return Paint(0, 1.0, 0.0)
    lines = np.frombuffer(flat.constBits(), np.uint32).reshape(flat.height(), flat.bytesPerLine() // 4)  # (H, W)
    colours, counts = np.unique(lines[:, : flat.width()], return_counts=True)
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
