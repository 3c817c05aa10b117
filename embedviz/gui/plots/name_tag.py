"""The small box that names what is pointed at, beside it and never over the edge."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen

from embedviz.gui.theme import Role, Theme


def tag_rect(words: str, beside: QRectF, inside: QRectF, theme: Theme) -> QRectF:
    """Return where the tag goes: above `beside` if there is room `inside`, else below it."""
    metrics = QFontMetricsF(theme.font(Role.BODY))
    width = min(metrics.horizontalAdvance(words) + 2 * theme.px(8), inside.width())
    height, gap = metrics.height() + 2 * theme.px(3), theme.px(6)
    left = min(max(beside.center().x() - width / 2, inside.left()), inside.right() - width)
    top = beside.top() - gap - height
    if top < inside.top():
        top = min(beside.bottom() + gap, inside.bottom() - height)
    return QRectF(round(left), round(top), width, height)


def draw_tag(painter: QPainter, words: str, beside: QRectF, inside: QRectF, theme: Theme) -> None:
    """Draw `words` in a box beside the thing at `beside`."""
    font = theme.font(Role.BODY)
    box = tag_rect(words, beside, inside, theme)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(theme.colour("muted"), theme.px(1)))
    painter.setBrush(theme.colour("card"))
    painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), theme.px(4), theme.px(4))
    painter.setFont(font)
    painter.setPen(theme.colour("ink"))
    room = box.adjusted(theme.px(8), 0, -theme.px(8), 0)
    words = QFontMetricsF(font).elidedText(words, Qt.TextElideMode.ElideMiddle, room.width() + 1)
    painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, words)
    painter.restore()
