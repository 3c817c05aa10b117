"""What is painted around the cards of a row: their frames, arrows between them, and edges that hide more."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF

from embedviz.gui.plots.phase_places import ARROW_GAP
from embedviz.gui.theme import Role, Theme


def draw_frame(painter: QPainter, rect: QRectF, theme: Theme, *, is_current: bool, is_pointed_at: bool) -> None:
    """Paint a card's ground, and its outline if it is the current one or under the pointer."""
    name, width = ("ink", theme.px(2)) if is_current else ("muted", theme.px(1))
    has_line = is_current or is_pointed_at
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(theme.colour("card" if is_current else "well"))
    painter.setPen(QPen(theme.colour(name), width) if has_line else Qt.PenStyle.NoPen)
    inset = width / 2 if has_line else 0.0
    painter.drawRoundedRect(rect.adjusted(inset, inset, -inset, -inset), theme.px(8), theme.px(8))


def draw_arrow(painter: QPainter, rect: QRectF, theme: Theme) -> None:
    """Paint an arrow that leads to the card at `rect`."""
    px = theme.px
    tip = QPointF(rect.left() - px(ARROW_GAP) / 2 + px(2), rect.center().y())
    painter.setPen(QPen(theme.colour("muted"), theme.scale * 1.5))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolyline(QPolygonF([tip + QPointF(-px(4), -px(4)), tip, tip + QPointF(-px(4), px(4))]))


def draw_edge(
    painter: QPainter, rect: QRectF, words: str, theme: Theme, *, has_current: bool, is_pointed_at: bool
) -> None:
    """Paint an edge with how many more cards there are; in ink if the current one is among them."""
    draw_frame(painter, rect, theme, is_current=False, is_pointed_at=is_pointed_at)
    painter.setFont(theme.font(Role.CAPTION, bold=has_current))
    painter.setPen(theme.colour("ink" if has_current or is_pointed_at else "muted"))
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, words)
