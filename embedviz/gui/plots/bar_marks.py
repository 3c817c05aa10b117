"""Marks of rows in a bar chart: a frame and a word for one that matters, an outline for one that is out."""

from enum import Enum

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from embedviz.gui.theme import Theme

FRAME = 2  # designed pixels that a frame's line is wide
_CENTRED = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft


class Mark(Enum):
    """What is special about a row, and the word for it."""

    TARGET = "target"  # what the text has there
    DRAWN = "drawn"
    CUT = "cut"  # not to be drawn: its bar is only outlined

    @property
    def colour(self) -> str:
        """The name of its colour in the theme."""
        return {"target": "data", "drawn": "ink", "cut": "muted"}[self.value]


def draw_mark(
    painter: QPainter, theme: Theme, mark: Mark, row: QRectF, track: QRectF, bar: QRectF, free: float
) -> None:
    """Paint a frame on the edge of `row`, where it cuts no letter, and the mark's word, in the painter's font.

    The word is right of `free` on the track. Where no room is left there, it stands in the bar; where none is
    there either, the frame has to do.
    """
    px = theme.px
    colour = theme.colour(mark.colour)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(colour, px(FRAME)))
    painter.drawRoundedRect(row.adjusted(px(1), 0, -px(1), 0), px(6), px(6))
    room = painter.fontMetrics().horizontalAdvance(mark.value)
    left = free + px(6)
    if left + room > track.right():
        left, colour = bar.left() + px(6), theme.colour("on_accent")
        if room + px(12) > bar.width():
            return
    painter.setPen(colour)
    painter.drawText(QRectF(left, track.top(), room + 1, track.height()), _CENTRED, mark.value)


def draw_bar(painter: QPainter, rect: QRectF, radius: float) -> None:
    """Paint a bar in the painter's pen and brush; nothing where it has no length."""
    radius = min(radius, rect.width() / 2)
    if rect.width() > 0:
        painter.drawRoundedRect(rect, radius, radius)
