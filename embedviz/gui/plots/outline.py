"""A line around something in a picture, which is seen on every colour."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from embedviz.gui.theme import Theme


def draw_outline(painter: QPainter, rect: QRectF, width: int, theme: Theme, *, tight: bool = False) -> None:
    """Draw ink, `width` pixels wide, between two lines in the card's colour, around `rect`.

    The inner of these is just outside `rect`, or where that has neighbours close by (`tight`) half inside.
    """
    edge = theme.px(1)
    reach = (edge / 2 if tight else edge) + width / 2
    around = rect.toAlignedRect().toRectF().adjusted(-reach, -reach, reach, reach)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for name, pen_width in (("card", width + 2 * edge), ("ink", width)):
        painter.setPen(QPen(theme.colour(name), pen_width, j=Qt.PenJoinStyle.MiterJoin))
        painter.drawRect(around)
